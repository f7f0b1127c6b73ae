"""The strategies there are."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from krakked_tui.domain.errors import ConfigError
from krakked_tui.strategies.base import Strategy
from krakked_tui.strategies.breakout import Breakout
from krakked_tui.strategies.dca_rebalance import DcaRebalance
from krakked_tui.strategies.mean_reversion import MeanReversion
from krakked_tui.strategies.momentum_rotation import MomentumRotation
from krakked_tui.strategies.settings import StrategySettings, identity_problems
from krakked_tui.strategies.trend_following import TrendFollowing

STRATEGIES: tuple[type[Strategy[Any]], ...] = (
    TrendFollowing,
    MeanReversion,
    Breakout,
    MomentumRotation,
    DcaRebalance,
)
"""Those that come with Krakked. Adding one adds one line here."""


def build_strategies(settings: Sequence[StrategySettings]) -> tuple[Strategy[Any], ...]:
    """Build the strategies, in the order of their ids. Raises ``ConfigError`` with every problem found."""
    problems = list(identity_problems(settings))
    built: list[Strategy[Any]] = []
    for one in sorted(settings, key=lambda s: s.id):
        try:
            strategy = _strategy_class(one)(one)
        except ConfigError as error:
            problems.extend(error.problems)
        else:
            built.append(strategy)
    if problems:
        raise ConfigError(problems)
    return tuple(built)


def _strategy_class(settings: StrategySettings) -> type[Strategy[Any]]:
    known = {strategy.type_name: strategy for strategy in STRATEGIES}
    if settings.type in known:
        return known[settings.type]
    close = get_close_matches(settings.type, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}."
    raise ConfigError(
        [f"strategies.configs.{settings.id}.type is {settings.type!r}, which does not exist: {hint}"]
    )
