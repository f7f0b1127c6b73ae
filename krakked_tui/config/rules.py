"""What must hold among several sections, and what is allowed but unwise.

A rule reads the finished configuration. It is left out when one of its keys is already known to be
wrong, since its answer could be a consequence of that.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal

import msgspec

from krakked_tui.config.flat import flatten
from krakked_tui.config.problems import Path, nearest, shown
from krakked_tui.config.reader import Given
from krakked_tui.config.schema import DEFAULT_CONFIGS, AppConfig
from krakked_tui.domain.candles import Timeframe
from krakked_tui.execution.settings import TradingMode
from krakked_tui.strategies.catalogue import Catalogue, build_set
from krakked_tui.strategies.settings import RESERVED_TAGS, StrategySettings

CANDLES_REACHABLE = 720
"""Closed candles that Kraken's REST interface gives of a timeframe, whatever is asked."""
NOT_SERVED = (Timeframe.H12,)
"""Timeframes that Kraken does not serve."""
WITHOUT_EFFECT = (
    "api", "alerts", "backup", "simulation", "logging.max_mb", "logging.keep_days",
)  # fmt: skip
"""Keys, or sections of them, that are read and checked, but steer nothing in this version."""

RISK_PER_TRADE_HIGH = Decimal(5)
DRAWDOWN_HIGH = Decimal(50)
SLIPPAGE_HIGH = Decimal(300)

Told = Iterator[tuple[str, str]]
"""Dotted keys, each with the end of a sentence that begins with it."""


class Rule(msgspec.Struct, frozen=True):
    """A check and the keys (or sections) it reads."""

    keys: tuple[str, ...]
    check: Callable[[AppConfig], Told]


def find(rules: tuple[Rule, ...], config: AppConfig, given: Given) -> Iterator[tuple[Path, str, str]]:
    """Yield key, origin and text of what the rules say; only of keys that are fine by themselves."""
    for rule in rules:
        read = [tuple(key.split(".")) for key in rule.keys]
        if any(given.is_bad(path) for path in read):
            continue
        for key, text in rule.check(config):
            path = tuple(key.split("."))
            if not given.is_bad(path):
                # Where the key itself is at its default, another one contradicts it.
                origins = (given.origin(place) for place in (path, *read))
                yield path, next(filter(None, origins), ""), text


def without_effect(config: AppConfig) -> Told:
    """Name what is set away from its default but steers nothing yet."""
    defaults = dict(flatten(AppConfig()))
    for path, value in flatten(config):
        key = ".".join(path)
        planned = any(f"{key}.".startswith(f"{entry}.") for entry in WITHOUT_EFFECT)
        if planned and value != defaults.get(path):
            yield key, "has no effect in this version"


def _enabled_are_configured(config: AppConfig) -> Told:
    known = config.strategies.configs
    for name in config.strategies.enabled:
        if name not in known:
            close = nearest(name, known)
            hint = f'did you mean "{close}"?' if close else f"configured are {', '.join(sorted(known))}"
            yield "strategies.enabled", f"names {shown(name)}, which is not configured; {hint}"


def _enabled_once(config: AppConfig) -> Told:
    enabled = config.strategies.enabled
    for name in dict.fromkeys(enabled):
        if enabled.count(name) > 1:
            yield "strategies.enabled", f"names {shown(name)} {enabled.count(name)} times: name it once"


def _tags_tell_apart(config: AppConfig) -> Told:
    users: dict[str, str] = {}
    # The default strategies come first, so that the blame falls on what the operator added.
    for name, settings in sorted(
        config.strategies.configs.items(), key=lambda item: item[0] not in DEFAULT_CONFIGS
    ):
        key = f"strategies.configs.{name}.tag"
        if settings.tag in RESERVED_TAGS:
            yield key, f'is "{settings.tag}", which is reserved: use three other letters or digits'
        elif settings.tag in users:
            yield (
                key,
                f'is "{settings.tag}", which {users[settings.tag]} has too: use another',
            )
        users.setdefault(settings.tag, name)


def _timeframes_are_served(config: AppConfig) -> Told:
    for settings in _enabled(config):
        for timeframe in settings.timeframes:
            if timeframe in NOT_SERVED:
                served = ", ".join(frame for frame in Timeframe if frame not in NOT_SERVED)
                yield (
                    f"strategies.configs.{settings.id}.timeframes",
                    f'holds "{timeframe}", which Kraken does not serve: use {served}',
                )


def _valued_in_the_quote(config: AppConfig) -> Told:
    quote = config.region.default_quote
    if config.portfolio.base_currency != quote:
        yield (
            "portfolio.base_currency",
            f"is {shown(config.portfolio.base_currency)}: must be region.default_quote, {shown(quote)}",
        )


def _synced_in_time(config: AppConfig) -> Told:
    age, between = config.portfolio.max_truth_age_seconds, config.scheduler.portfolio_sync_seconds
    if age < between:
        yield (
            "portfolio.max_truth_age_seconds",
            f"is {age:g}: use at least scheduler.portfolio_sync_seconds, {between:g},"
            " or nothing could be opened between syncs",
        )


def _exits_escalate_in_time(config: AppConfig) -> Told:
    life, wait = config.execution.order_ttl_seconds, config.execution.exit_escalation_seconds
    if life <= wait:
        yield (
            "execution.order_ttl_seconds",
            f"is {life:g}: use more than execution.exit_escalation_seconds, {wait:g},"
            " or limit exits would be canceled instead of becoming market orders",
        )


def _trade_fits_asset(config: AppConfig) -> Told:
    trade, asset = config.risk.max_risk_per_trade_pct, config.risk.max_per_asset_pct
    if trade > asset:
        yield (
            "risk.max_risk_per_trade_pct",
            f"is {trade}: use at most risk.max_per_asset_pct, {asset},"
            " because a position cannot lose more than what is held of it",
        )


def _trade_fits_portfolio(config: AppConfig) -> Told:
    trade, portfolio = config.risk.max_risk_per_trade_pct, config.risk.max_portfolio_risk_pct
    if trade > portfolio:
        yield (
            "risk.max_risk_per_trade_pct",
            f"is {trade}: use at most risk.max_portfolio_risk_pct, {portfolio},"
            " because one position cannot risk more than all together",
        )


def _budgets_are_of_strategies(config: AppConfig) -> Told:
    known = config.strategies.configs
    for name in config.risk.max_per_strategy_pct:
        if name not in known:
            close = nearest(name, known)
            hint = f'did you mean "{close}"?' if close else f"configured are {', '.join(sorted(known))}"
            yield f"risk.max_per_strategy_pct.{name}", f"is for no strategy that is configured; {hint}"


def _userrefs_tell_apart(config: AppConfig) -> Told:
    owners = dict(config.portfolio.strategy_tags)
    for name, settings in config.strategies.configs.items():
        if settings.userref is not None:
            owner = owners.setdefault(str(settings.userref), name)
            if owner != name:
                yield (
                    f"strategies.configs.{name}.userref",
                    f"is {settings.userref}, which stands for {owner} (by its userref or"
                    " portfolio.strategy_tags): use another",
                )


def _stop_guard_can_count(config: AppConfig) -> Told:
    guard = config.risk.protections
    if guard.stop_guard_count and not (guard.stop_guard_window_minutes and guard.stop_guard_pause_minutes):
        yield (
            "risk.protections.stop_guard_count",
            f"is {guard.stop_guard_count}, but stop_guard_window_minutes or stop_guard_pause_minutes is 0:"
            " set both above 0, or stop_guard_count to 0 to switch it off",
        )
    if guard.low_profit_pct and not (guard.low_profit_window_minutes and guard.low_profit_pause_minutes):
        yield (
            "risk.protections.low_profit_pct",
            f"is {guard.low_profit_pct}, but low_profit_window_minutes or low_profit_pause_minutes is 0:"
            " set both above 0, or low_profit_pct to 0 to switch it off",
        )


def _strategies_fit_account(config: AppConfig) -> Told:
    most = config.risk.max_open_positions
    for settings in _enabled(config):
        if settings.max_positions > most:
            yield (
                f"strategies.configs.{settings.id}.max_positions",
                f"is {settings.max_positions}, but risk.max_open_positions allows {most} in all",
            )


def _warm_up_is_reachable(config: AppConfig, catalogue: Catalogue) -> Told:
    # One that cannot be built is told where it is loaded.
    for loaded in build_set(_enabled(config), catalogue).strategies:
        settings = loaded.strategy.settings
        bars = max(loaded.strategy.warmup_bars, settings.universe_filter.min_history_bars)
        if bars > CANDLES_REACHABLE:
            frames = ", ".join(settings.timeframes)
            yield (
                f"strategies.configs.{settings.id}",
                f"needs {bars} candles of {frames} before it acts, but Kraken gives at most"
                f" {CANDLES_REACHABLE}: until the rest has been collected it stays silent",
            )


def _limits_are_prudent(config: AppConfig) -> Told:
    for key, value, high in (
        ("risk.max_risk_per_trade_pct", config.risk.max_risk_per_trade_pct, RISK_PER_TRADE_HIGH),
        ("risk.max_daily_drawdown_pct", config.risk.max_daily_drawdown_pct, DRAWDOWN_HIGH),
        ("execution.max_slippage_bps", config.execution.max_slippage_bps, SLIPPAGE_HIGH),
    ):
        if value > high:
            yield key, f"is {value}: more than {high} is unwise"


def _pairs_left_out(config: AppConfig) -> Told:
    for pair in dict.fromkeys(config.universe.include_pairs):
        if pair in config.universe.exclude_pairs:
            yield "universe.include_pairs", f"names {shown(pair)}, which exclude_pairs leaves out"
    if not config.universe.asset_classes and not config.universe.include_pairs:
        yield "universe.asset_classes", "is empty and include_pairs too: there is nothing to trade"


def _paper_can_buy(config: AppConfig) -> Told:
    quote = config.region.default_quote
    if quote not in config.execution.paper.balances:
        yield "execution.paper.starting_balances", f"holds no {quote}: a new paper account can buy nothing"


def _nothing_runs(config: AppConfig) -> Told:
    if not config.strategies.enabled:
        yield "strategies.enabled", "is empty: nothing will be opened"


def _live_is_ready(config: AppConfig) -> Told:
    execution = config.execution
    if execution.mode is not TradingMode.LIVE:
        return
    if not execution.allow_live:
        yield "execution.mode", 'is "live", which start-up refuses while execution.allow_live is false'
    yield (
        "execution.mode",
        'is "live", but this version has neither a dead-man switch nor stops at the exchange:'
        " while Krakked does not run, open orders stay and nothing protects positions",
    )


def _drift_is_latched(config: AppConfig) -> Told:
    if not config.risk.kill_switch_on_drift:
        yield (
            "risk.kill_switch_on_drift",
            "is false: balances that differ from the books only stop entries while they differ",
        )


def _doors_left_open(config: AppConfig) -> Told:
    if config.execution.allow_withdraw_key:
        yield (
            "execution.allow_withdraw_key",
            "is true: whoever gets hold of a key that can withdraw can empty the account",
        )
    if config.connection.allow_other_host:
        yield (
            "connection.allow_other_host",
            "is true: orders and the API key's signatures may go to a host that is not Kraken's",
        )


def _enabled(config: AppConfig) -> Iterator[StrategySettings]:
    configs = config.strategies.configs
    return (configs[name] for name in dict.fromkeys(config.strategies.enabled) if name in configs)


ERRORS: tuple[Rule, ...] = (
    Rule(("strategies.enabled",), _enabled_are_configured),
    Rule(("strategies.enabled",), _enabled_once),
    Rule(("strategies.configs",), _tags_tell_apart),
    Rule(("strategies.enabled",), _timeframes_are_served),
    Rule(("region.default_quote", "portfolio.base_currency"), _valued_in_the_quote),
    Rule(("portfolio.max_truth_age_seconds", "scheduler.portfolio_sync_seconds"), _synced_in_time),
    Rule(("execution.order_ttl_seconds", "execution.exit_escalation_seconds"), _exits_escalate_in_time),
    Rule(("risk.max_risk_per_trade_pct", "risk.max_per_asset_pct"), _trade_fits_asset),
    Rule(("risk.max_risk_per_trade_pct", "risk.max_portfolio_risk_pct"), _trade_fits_portfolio),
    Rule(("risk.max_per_strategy_pct", "strategies.configs"), _budgets_are_of_strategies),
    Rule(("strategies.configs", "portfolio.strategy_tags"), _userrefs_tell_apart),
    Rule(("risk.protections",), _stop_guard_can_count),
)
"""What cannot be meant."""

WARNINGS: tuple[Rule, ...] = (
    Rule(("strategies", "risk.max_open_positions"), _strategies_fit_account),
    Rule(("strategies.enabled",), _nothing_runs),
    Rule(("execution.paper",), _paper_can_buy),
    Rule(("risk", "execution"), _limits_are_prudent),
    Rule(("risk",), _drift_is_latched),
    Rule(("universe",), _pairs_left_out),
    Rule(("execution",), _live_is_ready),
    Rule(("execution", "connection"), _doors_left_open),
    Rule((), without_effect),
)
"""What is allowed, but may not be meant."""


def warnings_with(catalogue: Catalogue) -> tuple[Rule, ...]:
    """Return the warnings, those that ask the strategies themselves included."""

    def warm_up(config: AppConfig) -> Told:
        return _warm_up_is_reachable(config, catalogue)

    return (*WARNINGS, Rule(("strategies",), warm_up))
