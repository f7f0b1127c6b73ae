"""What risk is told: the account and the market as they are now, of the pairs that a decision is about."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from krakked_tui.decision.state import State
from krakked_tui.domain.fills import apportion
from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.domain.orders import LocalOrder, Purpose, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import indicator
from krakked_tui.execution import lifecycle
from krakked_tui.execution.holdings import MANUAL, shares_of
from krakked_tui.market.freshness import Freshness
from krakked_tui.market.universe import traded_value
from krakked_tui.risk.context import (
    HeldShare,
    Holding,
    PairState,
    PendingBuy,
    Protection,
    RiskContext,
    StrategyLimits,
)
from krakked_tui.risk.protections import ClosedShare, protections, reach
from krakked_tui.strategies.settings import StrategySettings


def risk_context(
    state: State, at: datetime, pairs: Iterable[str], unread: frozenset[str] = frozenset()
) -> RiskContext:
    """Freeze what risk needs to know to decide on ``pairs``; what is held and bought is always among it.

    ``unread`` are pairs of which candles are missing.
    """
    execution = state.settings.execution
    pending, held = _pending_buys(state), _holdings(state)
    named = {pair for pair in pairs if pair in state.tradable} | held.keys() | pending.keys()
    return RiskContext(
        now=at,
        equity=state.valuation.equity if state.valuation else ZERO,
        cash_available=_cash_available(state, pending),
        pairs={pair: _pair_state(state, pair) for pair in sorted(named) if pair in state.known},
        strategies={strategy.id: _limits(strategy) for strategy in state.settings.strategies},
        holdings=held,
        pending_buys=pending,
        kill_switch=state.kill_switch,
        blocked_reason=state.new_risk_refusal() or _bought_and_not_booked(state),
        blocked_pairs=_blocked_pairs(state, named, unread),
        protections=protections_in_force(state, at),
        entries_today=len(_entries_since(state, day_begin(at))),
        min_liquidity_24h_usd=state.settings.min_liquidity_24h_usd,
        min_order_notional_usd=execution.min_order_notional_usd,
        max_order_notional_usd=execution.max_order_notional_usd,
        max_slippage_bps=execution.max_slippage_bps,
    )


def protections_in_force(state: State, at: datetime) -> tuple[Protection, ...]:
    """Return the pauses of entries in force, from what was sold and bought as far back as matters."""
    settings = state.settings.risk.protections
    since = at - reach(settings)
    closed = [
        ClosedShare(each.pair, each.strategy_id, each.at, each.pnl, each.cost, each.stopped)
        for each in state.held.closings(since)
        if each.strategy_id != MANUAL
    ]
    return protections(closed, _entries_since(state, day_begin(at)), settings, at)


def day_begin(at: datetime) -> datetime:
    """Return the beginning of the UTC day."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def taker_fee_pct(state: State, pair: PairMetadata) -> Decimal:
    """Return the account's own taker fee, else that of the lowest volume tier, which is never too little."""
    own = state.taker_fees.get(pair.canonical)
    if own is not None:
        return own
    return pair.fees_taker[0].percent if pair.fees_taker else ZERO


def _entries_since(state: State, since: datetime) -> list[datetime]:
    """Return when buys were made for strategies: those that have bought something, or still may."""
    return [
        order.created_at
        for order in state.orders.made_since(since)
        if order.purpose is Purpose.ENTRY and (order.filled > ZERO or order.status not in lifecycle.ENDS)
    ]


def _limits(strategy: StrategySettings) -> StrategyLimits:
    return StrategyLimits(
        max_positions=strategy.max_positions,
        min_signal_confidence=strategy.min_signal_confidence,
        weight=strategy.weight,
        stop_atr_multiple=indicator(strategy.stop_atr_multiple),
        per_trade_target_r_multiple=strategy.per_trade_target_r_multiple,
        trailing_stop_pct=strategy.trailing_stop_pct,
        max_holding_minutes=strategy.max_holding_minutes,
    )


def _pair_state(state: State, pair: str) -> PairState:
    metadata, mark = state.known[pair], state.marks.get(pair)
    return PairState(
        metadata=metadata,
        quote=mark.quote if mark else None,
        freshness=mark.freshness if mark else Freshness.NEVER,
        taker_fee_pct=taker_fee_pct(state, metadata),
        price_age=mark.age if mark else 0.0,
        liquidity_24h_usd=(traded_value(mark.quote) or None) if mark else None,
        atr=state.atr.get(pair),
    )


def _pending_buys(state: State) -> dict[str, PendingBuy]:
    """Return what open buys may still buy, at the highest of their prices."""
    sizes: dict[str, list[HeldShare]] = {}
    prices: dict[str, Decimal] = {}
    for order in state.orders.live():
        request = order.request
        if request.side is Side.BUY and order.remaining > ZERO:
            price = request.price or state.mid(request.pair) or ZERO
            prices[request.pair] = max(price, prices.get(request.pair, ZERO))
            sizes.setdefault(request.pair, []).extend(_still_bought(order))
    return {
        pair: PendingBuy(tuple(sorted(shares, key=lambda share: share.strategy_id)), prices[pair])
        for pair, shares in sizes.items()
    }


def _still_bought(order: LocalOrder) -> list[HeldShare]:
    shares = shares_of(order)
    parts = apportion(order.remaining, [share.size for share in shares], 0)
    return [
        HeldShare(share.strategy_id, part, share.stop_price)
        for share, part in zip(shares, parts, strict=True)
        if part > ZERO
    ]


def _holdings(state: State) -> dict[str, Holding]:
    """Return what strategies hold, and whatever else is held of a known pair's asset as ``MANUAL``.

    What is below the pair's minimum order (a reward, the rest of a sale) is in nobody's way.
    """
    found: dict[str, list[HeldShare]] = {}
    for pair, holding in state.holdings.items():
        shares = holding.worthwhile(state.known[pair])
        if shares:
            found[pair] = [HeldShare(each.strategy_id, each.size, each.exit_below) for each in shares]
    for pair, position in state.books.state.positions.items():
        ours = state.holdings.get(pair)
        size = position.size - (ours.size if ours else ZERO)
        least = state.known[pair].order_min if pair in state.known else ZERO
        if size > ZERO and size >= least and state.settings.portfolio.includes(position.base):
            found.setdefault(pair, []).append(HeldShare(MANUAL, size))
    return {
        pair: Holding(tuple(sorted(shares, key=lambda each: each.strategy_id)), state.mid(pair) or ZERO)
        for pair, shares in found.items()
    }


def _blocked_pairs(state: State, named: Iterable[str], unread: frozenset[str]) -> dict[str, str]:
    """Say why single pairs must not be entered: what we know of them is not settled."""
    portfolio, known = state.settings.portfolio, state.known
    excluded = {
        pair: f"{known[pair].base} is excluded from the portfolio"
        for pair in named
        if pair in known and not portfolio.includes(known[pair].base)
    }
    late = (state.orders.get(cl_ord_id) for cl_ord_id in state.awaiting_fills)
    blocked = {pair: "its candles are being read" for pair in named if pair in unread}
    blocked |= {
        order.request.pair: f"fills of order {order.cl_ord_id} are missing" for order in late if order
    }
    blocked |= dict.fromkeys(state.urgent, "it is being closed at market")
    return excluded | blocked | {order.request.pair: _why_blocked(order) for order in state.orders.live()}


def _bought_and_not_booked(state: State) -> str:
    """Say that something has been bought of which no limit knows yet: it is neither pending nor held."""
    orders = (state.orders.get(cl_ord_id) for cl_ord_id in sorted(state.awaiting_fills))
    for order in orders:
        if order is not None and order.request.side is Side.BUY:
            return f"fills of order {order.cl_ord_id} on {order.request.pair} are not booked yet"
    return ""


def _why_blocked(order: LocalOrder) -> str:
    if order.status in lifecycle.UNPROVEN:
        return f"the fate of order {order.cl_ord_id} is not known yet"
    return f"order {order.cl_ord_id} is at work"


def _cash_available(state: State, pending: Mapping[str, PendingBuy]) -> Decimal:
    """Return what is free after open buys and their fees."""
    reserved = sum(
        (
            buy.notional_usd * (HUNDRED + taker_fee_pct(state, state.known[pair])) / HUNDRED
            for pair, buy in pending.items()
        ),
        ZERO,
    )
    return max(state.books.balance(state.settings.portfolio.base_currency) - reserved, ZERO)
