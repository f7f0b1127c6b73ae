"""Where the account stands: what is at risk, how much of each limit is used, what other limits would say."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ZERO, percent_of
from krakked_tui.risk.checks import amount
from krakked_tui.risk.context import Protection, RiskContext
from krakked_tui.risk.room import Room
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.risk.stakes import stakes

_BUDGETS = "risk.max_per_strategy_pct."


class RiskStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The account's risk now. Percentages are of equity, largest first; open buys count as bought.

    ``account_truth`` says in words how sure the account's figures are. ``loss_if_all_stops_hit_usd`` is
    ``open_risk_pct`` in money; of ``without_stop``, pairs held or bought wholly or in part without a stop,
    it is an estimate by volatility.
    """

    kill_switch_active: bool
    kill_switch_reason: str
    kill_switch_since: datetime | None
    daily_drawdown_pct: Decimal
    drift_flag: bool
    account_truth: str
    total_exposure_pct: Decimal
    per_asset_exposure_pct: dict[str, Decimal]
    per_strategy_exposure_pct: dict[str, Decimal]
    open_risk_pct: Decimal
    loss_if_all_stops_hit_usd: Decimal
    without_stop: tuple[str, ...]
    protections: tuple[Protection, ...]


class LimitState(msgspec.Struct, frozen=True):
    """One limit: where the account stands and what it allows.

    ``value`` and ``used_share`` (1 is all of it) are None for a limit of single orders, and ``used_share``
    where nothing is allowed. ``subject`` is whose value it is: a pair, an asset, a strategy; of several the
    one that stands worst. ``key`` is the dotted setting, empty for what cannot be set.
    """

    key: str
    value: Decimal | None
    threshold: Decimal
    unit: str
    subject: str = ""

    @property
    def name(self) -> str:
        """The limit's name in checks."""
        if self.key.startswith(_BUDGETS):
            return self.key.removeprefix("risk.")
        return self.key.rpartition(".")[2] or "cash"

    @property
    def headroom(self) -> Decimal | None:
        """What is left below the threshold; below zero when it is exceeded."""
        return None if self.value is None else self.threshold - self.value

    @property
    def used_share(self) -> float | None:
        """How much of it is used: 0 to 1, and above when it is exceeded."""
        if self.value is None or self.threshold <= ZERO:
            return None
        return float(self.value / self.threshold)


def risk_status(
    context: RiskContext, *, daily_drawdown_pct: Decimal, drift: bool, account_truth: str
) -> RiskStatus:
    """Sum up what is held and being bought."""
    held = tuple(stakes(context))
    by_asset: dict[str, Decimal] = {}
    by_strategy: dict[str, Decimal] = {}
    for stake in held:
        by_asset[stake.asset] = by_asset.get(stake.asset, ZERO) + stake.value_usd
        by_strategy[stake.strategy_id] = by_strategy.get(stake.strategy_id, ZERO) + stake.value_usd
    risk, switch = sum((stake.risk_usd for stake in held), ZERO), context.kill_switch
    return RiskStatus(
        kill_switch_active=switch.active,
        kill_switch_reason=switch.reason,
        kill_switch_since=switch.since,
        daily_drawdown_pct=daily_drawdown_pct,
        drift_flag=drift,
        account_truth=account_truth,
        total_exposure_pct=percent_of(sum((stake.value_usd for stake in held), ZERO), context.equity),
        per_asset_exposure_pct=_in_percent(by_asset, context.equity),
        per_strategy_exposure_pct=_in_percent(by_strategy, context.equity),
        open_risk_pct=percent_of(risk, context.equity),
        loss_if_all_stops_hit_usd=risk,
        without_stop=tuple(sorted({stake.pair for stake in held if not stake.has_stop})),
        protections=context.protections,
    )


def _in_percent(values: dict[str, Decimal], equity: Decimal) -> dict[str, Decimal]:
    largest_first = sorted(values.items(), key=lambda item: (-item[1], item[0]))
    return {name: percent_of(value, equity) for name, value in largest_first}


def limit_states(
    context: RiskContext, settings: RiskSettings, *, daily_drawdown_pct: Decimal = ZERO
) -> tuple[LimitState, ...]:
    """Return every limit with how much of it is used; of several subjects the worst."""
    worst: dict[str, LimitState] = {}
    for state in _standing(context, settings, daily_drawdown_pct):
        before = worst.get(state.key)
        if before is None or (state.value or ZERO) > (before.value or ZERO):
            worst[state.key] = state
    return (*worst.values(), *_of_orders(context, settings))


def violations(
    context: RiskContext, settings: RiskSettings, *, daily_drawdown_pct: Decimal = ZERO
) -> tuple[str, ...]:
    """Say which limits the account as it is breaks under ``settings``, whatever it is judged by now.

    Nothing is sold for it; but nothing that adds to it is bought.
    """
    return tuple(
        f"{state.subject or 'the account'} is at {amount(state.value, state.unit)}, above {state.name},"
        f" {amount(state.threshold, state.unit)}"
        for state in _standing(context, settings, daily_drawdown_pct)
        if state.value is not None and state.value > state.threshold
    )


def _standing(
    context: RiskContext, settings: RiskSettings, daily_drawdown_pct: Decimal
) -> Iterator[LimitState]:
    """Yield every limit that the account as a whole has a value for, subject by subject."""
    room, equity = Room.at_start(context, settings), context.equity
    most = settings.max_risk_per_trade_pct
    for pair, risk in _or_nothing(room.pair_risk):
        yield LimitState("risk.max_risk_per_trade_pct", percent_of(risk, equity), most, "%", pair)
    risk_pct = percent_of(room.risk, equity)
    yield LimitState("risk.max_portfolio_risk_pct", risk_pct, settings.max_portfolio_risk_pct, "%")
    places = Decimal(len(room.places))
    yield LimitState("risk.max_open_positions", places, Decimal(settings.max_open_positions), "positions")
    for asset, value in _or_nothing(room.asset_usd):
        exposure = percent_of(value, equity)
        yield LimitState("risk.max_per_asset_pct", exposure, settings.max_per_asset_pct, "%", asset)
    yield from _of_strategies(room, context, settings)
    yield LimitState("risk.max_daily_drawdown_pct", daily_drawdown_pct, settings.max_daily_drawdown_pct, "%")
    if most_entries := settings.protections.max_entries_per_day:
        key, made = "risk.protections.max_entries_per_day", Decimal(context.entries_today)
        yield LimitState(key, made, Decimal(most_entries), "entries")


def _or_nothing(values: dict[str, Decimal]) -> list[tuple[str, Decimal]]:
    """Return values by name; a nameless zero when there are none, so that the limit is shown all the same."""
    return sorted(values.items()) or [("", ZERO)]


def _of_strategies(room: Room, context: RiskContext, settings: RiskSettings) -> Iterator[LimitState]:
    for strategy_id, budget in sorted(settings.max_per_strategy_pct.items()):
        used = percent_of(room.strategy_usd.get(strategy_id, ZERO), context.equity)
        yield LimitState(f"{_BUDGETS}{strategy_id}", used, budget, "%", strategy_id)
    for strategy_id, strategy in sorted(context.strategies.items()):
        held = Decimal(len(room.strategy_pairs.get(strategy_id, ())))
        key = f"strategies.configs.{strategy_id}.max_positions"
        yield LimitState(key, held, Decimal(strategy.max_positions), "positions", strategy_id)


def _of_orders(context: RiskContext, settings: RiskSettings) -> Iterator[LimitState]:
    """Yield the limits of single orders: there is no present value of them."""
    liquidity = settings.min_liquidity_24h_usd
    if liquidity is None:
        liquidity = context.min_liquidity_24h_usd
    yield LimitState("risk.min_liquidity_24h_usd", None, liquidity, "USD")
    yield LimitState("risk.max_spread_bps", None, settings.max_spread_bps, "bps")
    yield LimitState("risk.max_price_deviation_pct", None, settings.max_price_deviation_pct, "%")
    yield LimitState("execution.max_order_notional_usd", None, context.max_order_notional_usd, "USD")
    yield LimitState("execution.min_order_notional_usd", None, context.min_order_notional_usd, "USD")
    for strategy_id, strategy in sorted(context.strategies.items()):
        key = f"strategies.configs.{strategy_id}.min_signal_confidence"
        yield LimitState(key, None, strategy.min_signal_confidence, "confidence", strategy_id)
    yield LimitState("", None, context.cash_available, "USD")
