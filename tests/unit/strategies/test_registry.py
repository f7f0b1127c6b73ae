"""Building strategies from settings."""

import msgspec
import pytest

from krakked_tui.domain.errors import ConfigError
from krakked_tui.strategies.parameters import describe
from krakked_tui.strategies.registry import STRATEGIES, build_strategies
from krakked_tui.strategies.trend_following import TrendFollowing
from tests.unit.strategies.builders import make_settings


def test_strategies_are_built_in_the_order_of_their_ids() -> None:
    named = [msgspec.structs.replace(make_settings(), id=name, tag=name) for name in ("zzz", "aaa")]
    built = build_strategies(named)
    assert [strategy.settings.id for strategy in built] == ["aaa", "zzz"]
    assert all(isinstance(strategy, TrendFollowing) for strategy in built)


def test_every_problem_is_told_at_once() -> None:
    settings = [
        msgspec.structs.replace(make_settings("trend_folowing"), id="one", tag="one"),
        msgspec.structs.replace(make_settings(params={"ma_fast": 0}), id="two", tag="two"),
        msgspec.structs.replace(make_settings("qqq"), id="three", tag="man"),
    ]
    with pytest.raises(ConfigError) as raised:
        build_strategies(settings)
    assert raised.value.problems == (
        "strategies.configs.three: tag 'man' is reserved; set another tag.",
        "strategies.configs.one.type is 'trend_folowing', which does not exist:"
        " did you mean trend_following?",
        "strategies.configs.three.type is 'qqq', which does not exist: known are trend_following,"
        " mean_reversion, breakout, momentum_rotation, dca_rebalance.",
        "strategies.configs.two.ma_fast is 0: allowed is a whole number from 1 to 250.",
    )


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_parameter_of_every_strategy_is_described_and_has_a_default(
    strategy: type[TrendFollowing],
) -> None:
    for parameter in describe(strategy.parameters_type):
        assert parameter.description
        assert parameter.default is not msgspec.NODEFAULT
