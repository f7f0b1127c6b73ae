"""The whole configuration, composed of each package's own settings."""

from decimal import Decimal

import msgspec

from krakked_tui.config.planned_settings import (
    AlertsSettings,
    ApiSettings,
    BackupSettings,
    SimulationSettings,
)
from krakked_tui.config.region_settings import RegionSettings
from krakked_tui.config.ui_settings import UiSettings
from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.settings import LoggingSettings, SchedulerSettings
from krakked_tui.execution.settings import ExecutionSettings
from krakked_tui.kraken.settings import ConnectionSettings
from krakked_tui.market.settings import MarketDataSettings, UniverseSettings
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.strategies.settings import StrategySettings, UniverseFilter

DEFAULT_STRATEGY = "trend_following_v1"
DEFAULT_CONFIGS = {
    settings.id: settings
    for settings in (
        StrategySettings(
            id=DEFAULT_STRATEGY,
            type="trend_following",
            timeframes=(Timeframe.H1, Timeframe.H4),
            per_trade_target_r_multiple=Decimal("2.0"),
        ),
        StrategySettings(
            id="mean_reversion_v1", type="mean_reversion", timeframes=(Timeframe.M15,), tag="mr1"
        ),
        StrategySettings(id="breakout_v1", type="breakout", timeframes=(Timeframe.H4,), tag="br1"),
        StrategySettings(
            id="momentum_rotation_v1",
            type="momentum_rotation",
            timeframes=(Timeframe.D1,),
            tag="mo1",
            max_positions=5,
            universe_filter=UniverseFilter(top_n_by_volume=50),
        ),
        StrategySettings(
            id="dca_rebalance_v1",
            type="dca_rebalance",
            timeframes=(Timeframe.D1,),
            tag="dc1",
            stop_atr_multiple=10.0,
        ),
    )
}
"""Strategies that are configured by themselves, whatever the operator says of them and of others.

Tags with digits: none that is derived from the id of another strategy is likely to be the same.
"""


class StrategiesSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``[strategies]``: which run, and the settings of each below ``[strategies.configs.<id>]``."""

    enabled: tuple[str, ...] = (DEFAULT_STRATEGY,)
    """Ids of the strategies that run."""
    configs: dict[str, StrategySettings] = msgspec.field(default_factory=lambda: dict(DEFAULT_CONFIGS))
    """Settings by id."""

    @property
    def active(self) -> tuple[StrategySettings, ...]:
        """The settings of the strategies that run."""
        return tuple(self.configs[strategy_id] for strategy_id in self.enabled)


class AppConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that can be configured; the defaults are a safe start."""

    region: RegionSettings = RegionSettings()
    universe: UniverseSettings = UniverseSettings()
    market_data: MarketDataSettings = MarketDataSettings()
    portfolio: PortfolioSettings = PortfolioSettings()
    risk: RiskSettings = RiskSettings()
    strategies: StrategiesSettings = StrategiesSettings()
    execution: ExecutionSettings = ExecutionSettings()
    scheduler: SchedulerSettings = SchedulerSettings()
    connection: ConnectionSettings = ConnectionSettings()
    ui: UiSettings = UiSettings()
    api: ApiSettings = ApiSettings()
    alerts: AlertsSettings = AlertsSettings()
    logging: LoggingSettings = LoggingSettings()
    backup: BackupSettings = BackupSettings()
    simulation: SimulationSettings = SimulationSettings()
