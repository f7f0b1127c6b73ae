"""From the engine's state to the immutable view that screens and scripts see.

Runs on the engine's loop, a few times a second; everything in the result is a copy or frozen.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

from krakked_tui.control import views as v
from krakked_tui.control.curve_picture import PastCurve
from krakked_tui.control.portfolio_view import HistoryView
from krakked_tui.decision.account import drawdown_pct
from krakked_tui.decision.state import State
from krakked_tui.domain.fills import Fee, Trade
from krakked_tui.domain.money import HUNDRED, ONE, ZERO, percent_of
from krakked_tui.domain.orders import LocalOrder
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import NET
from krakked_tui.domain.records import SnapshotSaved
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.engine.attribution import Attribution, answerable
from krakked_tui.engine.moment import Moment
from krakked_tui.execution.holdings import MANUAL, Holding, shares_of
from krakked_tui.market.freshness import GOOD_FOR_ENTRIES, Freshness
from krakked_tui.portfolio.forms import holdings
from krakked_tui.portfolio.ledger import Position
from krakked_tui.portfolio.valuation import Valuation, ValuationStatus

RECENT_ORDERS = 100
RECENT_TRADES = 100
L = TypeVar("L", Decimal, datetime)
UNLISTED_DECIMALS = 8
"""Shown of an order on a pair that the exchange does not list any more."""


def engine_view(
    moment: Moment, *, version: int, mode: str, profile: str, other_host: str, messages: tuple[str, ...],
    past: PastCurve | None = None,
) -> v.EngineView:  # fmt: skip
    """Return the picture of this moment; ``past`` spares working out the same curve again."""
    state = moment.state
    steps = tuple(v.StartStep(s.name, s.state, s.seconds, s.detail) for s in moment.steps)
    if state is None:
        status = _status(moment, None, mode=mode, profile=profile, other_host=other_host)
        return v.EngineView(version=version, status=status, start_steps=steps, messages=messages)
    live = state.orders.live()
    curve, growth = (past or PastCurve()).show(state.snapshots, _now(state, moment))
    return v.EngineView(
        version=version,
        status=_status(moment, state, mode=mode, profile=profile, other_host=other_host),
        start_steps=steps,
        portfolio=_portfolio(state, growth),
        positions=_positions(state),
        open_orders=tuple(_order(state, order) for order in live),
        recent_orders=tuple(_order(state, order) for order in state.orders.newest(RECENT_ORDERS)),
        recent_trades=_trades(state),
        equity_curve=curve,
        allocation=_allocation(state.valuation),
        flatten=state.flatten,
        counts=_counts(moment, state),
        rate_limits=_rate_limits(moment),
        health=_health(moment, state),
        messages=messages,
    )


def _status(moment: Moment, state: State | None, *, mode: str, profile: str, other_host: str) -> v.StatusView:
    equity = state.valuation.equity if state and state.valuation else ZERO
    data, data_detail = _data(moment)
    connection, connection_detail = _connection(moment)
    return v.StatusView(
        phase=moment.phase,
        mode=mode,
        profile=profile,
        at=moment.at,
        speed=moment.speed,
        equity=equity,
        day_pnl=_day_pnl(state),
        drawdown_pct=drawdown_pct(state) if state else ZERO,
        drawdown_limit_pct=state.settings.risk.max_daily_drawdown_pct if state else ZERO,
        kill_switch=state.kill_switch if state else KillSwitch(),
        paused=state.paused if state else False,
        drift=bool(state and state.account.drift),
        data=data,
        data_detail=data_detail,
        connection=connection,
        connection_detail=connection_detail,
        other_host=other_host,
        next_cycle_at=moment.next_cycle_at,
        no_new_risk=state.new_risk_refusal() if state else moment.failure or "the engine is starting",
    )


def _data(moment: Moment) -> tuple[str, str]:
    state, market = moment.state, moment.market
    if state is None or market is None:
        return "starting", ""
    counts = market.freshness_counts()
    detail = f"{counts[Freshness.FRESH]} of {len(state.tradable)} pairs fresh"
    return market.state, detail if state.market_usable else state.market_detail


def _connection(moment: Moment) -> tuple[str, str]:
    market = moment.market.stream if moment.market else None
    up = [stream for stream in (market, moment.account_stream) if stream is not None and stream.connected]
    down = [s for s in (market, moment.account_stream) if s is not None and not s.connected]
    blocked = [each for each in moment.headroom if each.blocked_seconds > 0]
    parts = [f"{stream.name}: {stream.detail}" for stream in down]
    parts += [f"{each.name} blocked for {each.blocked_seconds:.0f} s" for each in blocked]
    detail = "; ".join(parts)
    if moment.state and moment.state.account.failure:
        return "partial" if up else "down", detail or moment.state.account.failure
    if not down and not blocked:
        return "up", ""
    return ("partial" if up else "down"), detail


def _day_pnl(state: State | None) -> Decimal:
    if state is None or state.valuation is None or state.day_start is None:
        return ZERO
    return state.valuation.equity - state.day_start.equity - state.day_cash_flows()


def _portfolio(state: State, growth: Decimal | None) -> v.PortfolioView | None:
    valuation = state.valuation
    if valuation is None:
        return None
    return v.PortfolioView(
        equity=valuation.equity,
        cash=valuation.cash,
        realized_pnl=valuation.realized_pnl,
        unrealized_pnl=valuation.unrealized_pnl,
        fees=valuation.fees_paid,
        drift=tuple(v.DriftView(d.asset, d.expected, d.actual, d.value) for d in state.account.drift),
        unvalued=valuation.unvalued,
        stale=tuple(a.asset for a in valuation.assets if a.status is ValuationStatus.STALE),
        elsewhere=_elsewhere(state),
        excluded=valuation.excluded.assets,
        excluded_value=valuation.excluded.value,
        history=tuple(HistoryView(m.kind.value, m.read, m.total, m.done) for m in state.history.values()),
        compared=state.account.compared == state.activity,
        manual_apart=not state.settings.portfolio.track_manual_trades,
        growth_pct=None if growth is None else (growth - ONE) * HUNDRED,
    )


def _elsewhere(state: State) -> tuple[v.ElsewhereView, ...]:
    held = holdings(state.account.balances, state.books.forms)
    return tuple(
        v.ElsewhereView(asset, held_as, amount)
        for asset, holding in held.items()
        for held_as, amount in holding.elsewhere
    )


def _positions(state: State) -> tuple[v.PositionView, ...]:
    included = state.settings.portfolio.includes
    held = (p for p in state.books.state.positions.values() if p.size > ZERO and included(p.base))
    views = [_position(state, position, state.holdings.get(position.pair)) for position in held]
    return tuple(sorted(views, key=lambda view: view.pair))


def _position(state: State, position: Position, holding: Holding | None) -> v.PositionView:
    pair = state.known[position.pair]
    mark = state.marks.get(position.pair)
    price = _price(state.valuation, position)
    value = ZERO if price is None else position.size * price
    unrealized = ZERO if price is None else value - position.cost
    return v.PositionView(
        pair=pair.canonical,
        base=pair.base,
        size=position.size,
        volume_decimals=pair.volume_decimals,
        price_decimals=pair.price_decimals,
        avg_entry_price=position.avg_entry_price,
        price=price,
        price_age=mark.age if mark else None,
        stale=price is None or mark is None or mark.freshness not in GOOD_FOR_ENTRIES,
        value=value,
        unrealized_pnl=unrealized,
        unrealized_pct=percent_of(unrealized, position.cost),
        stop_price=holding.stop_price if holding else None,
        strategy_id=holding.strategy_id if holding else MANUAL,
        opened_at=holding.opened_at if holding else position.opened_at,
        take_profit_price=_first(share.take_profit_price for share in holding.shares) if holding else None,
        sold_by=_first(share.sell_by for share in holding.shares) if holding else None,
        shares=_shares(position.size, holding),
    )


def _price(valuation: Valuation | None, position: Position) -> Decimal | None:
    """Return what one unit of a position counts as; None while nothing says it, or not any more."""
    if valuation is None or position.base in valuation.delisted:
        return None
    worth = valuation.positions.get(position.pair)
    return worth.price if worth else None


def _shares(size: Decimal, holding: Holding | None) -> tuple[v.ShareView, ...]:
    """Split a position by whose it is; what strategies think they hold is never more than it."""
    shares: list[v.ShareView] = []
    for share in holding.shares if holding else ():
        own = min(share.size, size)
        size -= own
        shares.append(
            v.ShareView(
                share.strategy_id, own, share.exit_below, share.take_profit_price, share.trailing_stop_pct,
                share.sell_by,
            )
        )  # fmt: skip
    return (*shares, v.ShareView(MANUAL, size)) if size > ZERO else tuple(shares)


def _first(levels: Iterable[L | None]) -> L | None:
    """Return the lowest that there is."""
    return min((level for level in levels if level is not None), default=None)


def _order(state: State, order: LocalOrder) -> v.OrderView:
    request, pair = order.request, state.known.get(order.request.pair)
    return v.OrderView(
        cl_ord_id=order.cl_ord_id,
        kraken_order_id=order.kraken_order_id or "",
        plan_id=order.plan_id,
        pair=request.pair,
        side=request.side,
        order_type=request.order_type,
        purpose=order.purpose,
        strategy_id=order.strategy_id,
        status=order.status,
        volume=request.volume,
        filled=order.filled,
        price=request.price,
        avg_fill_price=order.avg_fill_price,
        volume_decimals=pair.volume_decimals if pair else UNLISTED_DECIMALS,
        price_decimals=pair.price_decimals if pair else UNLISTED_DECIMALS,
        created_at=order.created_at,
        updated_at=order.updated_at,
        last_error=order.last_error or "",
        cancelling=order.cl_ord_id in state.cancelling,
        shares=tuple((share.strategy_id, share.size) for share in shares_of(order)),
    )


def _trades(state: State) -> tuple[v.TradeView, ...]:
    """Return the newest trades, each under the strategy that reports name."""
    others = Attribution(
        (),
        instance=state.instance,
        tags={each.tag: each.id for each in state.settings.strategies},
        userrefs=state.foreign,
        strategy_tags=state.settings.portfolio.strategy_tags,
    )
    return tuple(_trade(state, trade, others) for trade in _last(state.recent_trades, RECENT_TRADES))


def _trade(state: State, trade: Trade, others: Attribution) -> v.TradeView:
    pair: PairMetadata = state.known[trade.pair]
    order = state.orders.get(trade.cl_ord_id) or state.orders.by_kraken_id(trade.kraken_order_id)
    whose = others(trade)[0] if order is None else answerable(order)
    realized = state.books.realized(trade.trade_id)
    base_currency = state.settings.portfolio.base_currency
    known = realized is not None and not realized.unvalued
    fee = Fee(base_currency, realized.fee) if realized and known else trade.fees[0] if trade.fees else None
    return v.TradeView(
        trade_id=trade.trade_id,
        pair=trade.pair,
        side=trade.side,
        price=trade.price,
        volume=trade.volume,
        price_decimals=pair.price_decimals,
        volume_decimals=pair.volume_decimals,
        cost=trade.cost if pair.quote == base_currency else None,
        fee=fee.amount if fee else ZERO,
        fee_asset=fee.asset if fee else "",
        time=trade.time,
        strategy_id=whose if isinstance(whose, str) else NET,
        realized_pnl=realized.pnl if realized and known else None,
    )


def _last(trades: Iterable[Trade], limit: int) -> list[Trade]:
    """Return the newest trades, newest first."""
    return list(reversed(list(trades)))[:limit]


def _now(state: State, moment: Moment) -> SnapshotSaved | None:
    """Return the point of the equity curve that would be stored now."""
    worth = state.valuation
    if worth is None:
        return None
    return SnapshotSaved(
        moment.at, worth.equity, worth.cash, worth.realized_pnl, worth.unrealized_pnl, state.cash_flows()
    )


def _allocation(valuation: Valuation | None) -> tuple[v.AllocationView, ...]:
    if valuation is None:
        return ()
    shares = [
        v.AllocationView(asset.asset, asset.value, percent_of(asset.value, valuation.equity))
        for asset in valuation.assets
        if asset.value
    ]
    return tuple(sorted(shares, key=lambda share: (-share.value, share.asset)))


def _counts(moment: Moment, state: State) -> v.CountsView:
    counts = state.counts
    return v.CountsView(
        cycles=counts.cycles,
        plans=counts.plans,
        missed_boundaries=counts.missed_boundaries,
        fills=counts.fills,
        errors=counts.errors,
        orders=state.orders_made(),
        uptime_seconds=moment.uptime,
    )


def _rate_limits(moment: Moment) -> tuple[v.RateLimitView, ...]:
    return tuple(
        v.RateLimitView(each.name, each.used, each.limit, each.spenders, each.blocked_seconds)
        for each in moment.headroom
    )


def _health(moment: Moment, state: State) -> v.HealthView:
    synced = state.account.synced_wall
    return v.HealthView(
        journal_trouble=state.storage_trouble,
        account_age=None if synced is None else max(moment.wall - synced, 0.0),
        account_trouble=state.account.failure,
        strategy_errors=tuple(sorted(state.strategy_errors.items())),
    )
