"""The strategies of a configuration."""

from collections.abc import Sequence

from krakked_tui.config.schema import AppConfig
from krakked_tui.engine.signals import AnyStrategy
from krakked_tui.strategies.registry import build_strategies


def strategies_that_run(config: AppConfig) -> Sequence[AnyStrategy]:
    """Build all that are configured, so that a mistake in one that does not run is found too."""
    return [
        strategy
        for strategy in build_strategies(tuple(config.strategies.configs.values()))
        if strategy.settings.id in config.strategies.enabled
    ]
