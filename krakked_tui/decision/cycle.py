"""A strategy cycle: boundary -> signals (off the loop) -> risk -> plan -> orders."""

from datetime import datetime
from decimal import Decimal

from krakked_tui.decision import events as e
from krakked_tui.decision.closing import CloseCause, NotClosed, close_holding
from krakked_tui.decision.effects import ComputeSignals, Level
from krakked_tui.decision.marks import take_marks
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.placing import Wish, place
from krakked_tui.decision.state import State
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.domain.orders import LocalOrder, Purpose, Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import ActionType, DecisionRecord, RiskAdjustedAction
from krakked_tui.domain.records import DecisionSaved
from krakked_tui.execution import lifecycle
from krakked_tui.market.freshness import Freshness
from krakked_tui.risk.context import Holding as RiskHolding
from krakked_tui.risk.context import PairState, PendingBuy, RiskContext, StrategyLimits
from krakked_tui.risk.gate import evaluate


def boundary_closed(state: State, out: Outcome, event: e.BoundaryClosed) -> None:
    """Start a cycle, unless one is running (then this boundary is missed) or none is wanted."""
    state.counts.missed_boundaries += event.missed
    if event.missed:
        out.log(
            Level.ERROR, "boundaries_missed", f"{event.missed} candle boundaries were missed",
            missed=event.missed, boundary=event.boundary.isoformat(),
        )  # fmt: skip
    if state.stopping or state.paused or state.flattening:
        return
    if state.cycle_running:
        state.counts.missed_boundaries += 1
        out.log(Level.WARNING, "cycle_overrun", boundary=event.boundary.isoformat(), cycle=state.cycle)
        return
    state.cycle += 1
    state.cycle_running = True
    out.do(ComputeSignals(state.cycle, event.boundary, event.timeframes, _held(state)))


def _held(state: State) -> dict[str, dict[str, Timeframe]]:
    held: dict[str, dict[str, Timeframe]] = {s.id: {} for s in state.settings.strategies}
    for pair, holding in state.holdings.items():
        if holding.strategy_id in held and holding.timeframe is not None:
            held[holding.strategy_id][pair] = holding.timeframe
    return held


def signals_computed(state: State, out: Outcome, event: e.SignalsComputed) -> None:
    """Turn intents into a plan, store the decision, and make the plan's orders."""
    if event.cycle != state.cycle or not state.cycle_running:
        return
    state.cycle_running = False
    state.counts.cycles += 1
    take_marks(state, event.marks, event.wall)
    _note_failures(state, out, event)
    if state.stopping or state.paused or state.flattening:
        return
    plan_id = state.new_plan_id()
    actions = evaluate(event.intents, _context(state, event.unread), state.settings.risk)
    out.record(DecisionSaved(_record(state, event, plan_id, actions)))
    todo = [a for a in actions if not a.blocked and a.action_type is not ActionType.NONE]
    out.log(
        Level.INFO, "strategy_cycle", cycle=event.cycle, plan_id=plan_id,
        boundary=event.boundary.isoformat(), timeframes=",".join(event.timeframes),
        intents=len(event.intents), actions=len(todo), blocked=sum(a.blocked for a in actions),
        duration_ms=round(event.duration_ms, 1),
    )  # fmt: skip
    state.counts.plans += bool(todo)
    for action in todo:
        _carry_out(state, out, action, plan_id, event.at)


def _carry_out(state: State, out: Outcome, action: RiskAdjustedAction, plan_id: str, at: datetime) -> None:
    if action.action_type in {ActionType.CLOSE, ActionType.REDUCE}:
        cause = CloseCause(
            purpose=Purpose.EXIT,
            plan_id=plan_id,
            signal_time=action.signal_time,
            timeframe=action.timeframe,
            keep=action.target_base_size,
        )
        result = close_holding(state, out, action.pair, cause, at)
        if isinstance(result, NotClosed):
            out.log(
                Level.WARNING, "exit_skipped", f"{action.pair}: {result.reason}", pair=action.pair,
                reason=result.reason,
            )  # fmt: skip
        return
    strategy = state.strategy(action.strategy_id)
    assert strategy is not None, action.strategy_id
    wish = Wish(
        pair=action.pair,
        side=Side.BUY,
        volume=action.target_base_size - action.current_base_size,
        purpose=Purpose.ENTRY,
        mid=state.marks[action.pair].quote.mid,
        plan_id=plan_id,
        strategy_id=strategy.id,
        tag=strategy.tag,
        timeframe=action.timeframe,
        signal_time=action.signal_time,
        stop_price=action.stop_price,
    )
    place(state, out, wish, at)


def _context(state: State, unread: frozenset[str]) -> RiskContext:
    """Freeze what risk needs to know."""
    execution = state.settings.execution
    pending = _pending_buys(state)
    return RiskContext(
        equity=state.valuation.equity if state.valuation else ZERO,
        cash_available=_cash_available(state, pending),
        pairs={pair: _pair_state(state, pair) for pair in state.tradable | state.holdings.keys()},
        strategies={
            s.id: StrategyLimits(s.max_positions, s.min_signal_confidence) for s in state.settings.strategies
        },
        holdings=_holdings(state),
        pending_buys=pending,
        kill_switch=state.kill_switch,
        blocked_reason=state.new_risk_refusal(),
        blocked_pairs=_blocked_pairs(state, unread),
        min_order_notional_usd=execution.min_order_notional_usd,
        max_order_notional_usd=execution.max_order_notional_usd,
        max_slippage_bps=execution.max_slippage_bps,
    )


def _pair_state(state: State, pair: str) -> PairState:
    metadata, mark = state.known[pair], state.marks.get(pair)
    return PairState(
        metadata=metadata,
        quote=mark.quote if mark else None,
        freshness=mark.freshness if mark else Freshness.NEVER,
        taker_fee_pct=taker_fee_pct(state, metadata),
        price_age=mark.age if mark else 0.0,
    )


def taker_fee_pct(state: State, pair: PairMetadata) -> Decimal:
    """Return the account's own taker fee, else that of the lowest volume tier, which is never too little."""
    own = state.taker_fees.get(pair.canonical)
    if own is not None:
        return own
    return pair.fees_taker[0].percent if pair.fees_taker else ZERO


def _pending_buys(state: State) -> dict[str, PendingBuy]:
    pending: dict[str, PendingBuy] = {}
    for order in state.orders.live():
        request = order.request
        if request.side is Side.BUY:
            before = pending[request.pair].notional_usd if request.pair in pending else ZERO
            price = request.price or state.mid(request.pair) or ZERO
            pending[request.pair] = PendingBuy(order.strategy_id, before + order.remaining * price)
    return pending


def _blocked_pairs(state: State, unread: frozenset[str]) -> dict[str, str]:
    """Say why single pairs must not be entered: what we know of them is not settled."""
    portfolio, known = state.settings.portfolio, state.known
    excluded = {
        pair: f"{known[pair].base} is excluded from the portfolio"
        for pair in state.tradable
        if not portfolio.includes(known[pair].base)
    }
    late = (state.orders.get(cl_ord_id) for cl_ord_id in state.awaiting_fills)
    blocked = dict.fromkeys(unread, "its candles are being read")
    blocked |= {
        order.request.pair: f"fills of order {order.cl_ord_id} are missing" for order in late if order
    }
    blocked |= dict.fromkeys(state.urgent, "it is being closed at market")
    return excluded | blocked | {order.request.pair: _why_blocked(order) for order in state.orders.live()}


def _why_blocked(order: LocalOrder) -> str:
    if order.status in lifecycle.UNPROVEN:
        return f"the fate of order {order.cl_ord_id} is not known yet"
    return f"order {order.cl_ord_id} is at work"


def _cash_available(state: State, pending: dict[str, PendingBuy]) -> Decimal:
    """Return what is free after open buys and their fees."""
    reserved = sum(
        (
            buy.notional_usd * (HUNDRED + taker_fee_pct(state, state.known[pair])) / HUNDRED
            for pair, buy in pending.items()
        ),
        ZERO,
    )
    return max(state.books.balance(state.settings.portfolio.base_currency) - reserved, ZERO)


def _holdings(state: State) -> dict[str, RiskHolding]:
    """Return strategy holdings, and whatever else is held of a known pair's asset as ``manual``.

    What is below the pair's minimum order (a reward, the rest of a sale) is in nobody's way.
    """
    found: dict[str, RiskHolding] = {}
    for pair, position in state.books.state.positions.items():
        least = state.known[pair].order_min if pair in state.known else ZERO
        if (
            position.size > ZERO
            and position.size >= least
            and state.settings.portfolio.includes(position.base)
        ):
            found[pair] = RiskHolding("manual", position.size, position.size * (state.mid(pair) or ZERO))
    for pair, holding in state.holdings.items():
        value = holding.size * (state.mid(pair) or ZERO)
        found[pair] = RiskHolding(holding.strategy_id, holding.size, value)
    return found


def _note_failures(state: State, out: Outcome, event: e.SignalsComputed) -> None:
    for strategy_id, error in event.failures.items():
        if strategy_id not in state.strategy_errors:
            state.counts.errors += 1
            out.log(
                Level.ERROR, "strategy_failed", f"{strategy_id} is disabled: {error}",
                strategy_id=strategy_id, error=error,
            )  # fmt: skip
        state.strategy_errors[strategy_id] = error


def _record(
    state: State, event: e.SignalsComputed, plan_id: str, actions: tuple[RiskAdjustedAction, ...]
) -> DecisionRecord:
    shortest = min(event.timeframes, key=lambda t: t.minutes)
    return DecisionRecord(
        plan_id=plan_id,
        time=event.at,
        timeframes=event.timeframes,
        candle_time=event.boundary - shortest.length,
        intents=event.intents,
        actions=actions,
        kill_switch=state.kill_switch.active,
        equity_usd=state.valuation.equity if state.valuation else ZERO,
        input_fingerprint=event.fingerprint,
        duration_ms=event.duration_ms,
        notes=event.notes,
    )
