"""What can be set of a strategy."""

import msgspec
import pytest

from krakked_tui.config.changes import read_text
from krakked_tui.config.describe import Described, describe_strategy
from krakked_tui.config.load import Layer, build
from krakked_tui.config.problems import InvalidConfigError
from krakked_tui.config.schema import DEFAULT_CONFIGS
from krakked_tui.strategies.catalogue import BUILT_IN, Catalogue
from tests.unit.config.keys import STRATEGY, keys, nested

TREND = DEFAULT_CONFIGS["trend_following_v1"]


def described(settings: object = TREND) -> dict[str, Described]:
    assert isinstance(settings, type(TREND))
    return {each.key: each for each in describe_strategy(settings, BUILT_IN)}


def test_every_setting_of_a_strategy_is_described() -> None:
    found = described()
    assert sorted(found) == sorted(key for key, _ in keys() if key.startswith(f"{STRATEGY}."))
    assert all(each.description and each.allowed for each in found.values())


def test_a_parameter_says_what_it_is_and_may_be() -> None:
    settings = msgspec.structs.replace(TREND, params={"ma_fast": 5})
    assert described(settings)[f"{STRATEGY}.params.ma_fast"] == Described(
        f"{STRATEGY}.params.ma_fast", "ma_fast", "5", "20", "a whole number from 1 to 250",
        "Bars of the fast average.",
    )  # fmt: skip


def test_what_is_not_set_is_empty_and_what_is_fixed_says_so() -> None:
    found = described()
    assert found[f"{STRATEGY}.trailing_stop_pct"].value == ""
    assert found[f"{STRATEGY}.per_trade_target_r_multiple"].value == "2.0"
    assert found[f"{STRATEGY}.weight"].allowed == "a number (use more than 0 and at most 100)"
    assert {name for name, each in found.items() if not each.changeable} == {
        f"{STRATEGY}.type", f"{STRATEGY}.tag", f"{STRATEGY}.userref",
    }  # fmt: skip


@pytest.mark.parametrize("settings", DEFAULT_CONFIGS.values())
def test_defaults_and_values_are_allowed(settings: object) -> None:
    for each in described(settings).values():
        for text in filter(None, (each.value, each.default)):
            build([Layer("a", nested({each.key: read_text(each.key, text)}))])


def test_a_strategy_whose_type_could_not_be_loaded_has_what_all_have() -> None:
    found = describe_strategy(TREND, Catalogue({}))
    assert not any(".params." in each.key for each in found)
    assert found


def test_a_text_says_what_it_takes_where_it_is_refused_too() -> None:
    key = "strategies.configs.dca_rebalance_v1.params.targets"
    allowed = described(DEFAULT_CONFIGS["dca_rebalance_v1"])[key].allowed
    assert allowed == 'a text such as "XBTUSD: 60, ETHUSD: 40"'
    with pytest.raises(InvalidConfigError, match=f"must be {allowed}"):
        build([Layer("a", nested({key: "XBTUSD"}))])
