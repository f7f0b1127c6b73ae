"""A strategy cycle: boundary -> signals (off the loop) -> risk -> plan -> orders."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.decision import events as e
from krakked_tui.decision.closing import CloseCause, NotClosed, close_holding
from krakked_tui.decision.deciding import decision_record
from krakked_tui.decision.effects import ComputeSignals, Level
from krakked_tui.decision.marks import take_marks
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.placing import Wish, place, tag_of
from krakked_tui.decision.risk_context import risk_context
from krakked_tui.decision.state import State
from krakked_tui.decision.stops import close_urgently, follow_prices
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.orders import Purpose, Side
from krakked_tui.domain.plans import ActionShare, ActionType, RiskAdjustedAction
from krakked_tui.domain.precision import volume_down
from krakked_tui.domain.records import DecisionSaved
from krakked_tui.execution.holdings import shares_of
from krakked_tui.risk.gate import evaluate
from krakked_tui.risk.replay import encode


def boundary_closed(state: State, out: Outcome, event: e.BoundaryClosed) -> None:
    """Start a cycle, unless one is running (then this boundary is missed) or none is wanted."""
    state.counts.missed_boundaries += event.missed
    if event.missed:
        out.log(
            Level.ERROR, "boundaries_missed", f"{event.missed} candle boundaries were missed",
            missed=event.missed, boundary=event.boundary.isoformat(),
        )  # fmt: skip
    if _refusal(state):
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
        for share in holding.worthwhile(state.known[pair]):
            if share.strategy_id in held and share.timeframe is not None:
                held[share.strategy_id][pair] = share.timeframe
    return held


def signals_computed(state: State, out: Outcome, event: e.SignalsComputed) -> None:
    """Turn intents into a plan, store the decision, and make the plan's orders."""
    if event.cycle != state.cycle or not state.cycle_running:
        return
    state.cycle_running = False
    state.counts.cycles += 1
    take_marks(state, event.marks, event.wall)
    follow_prices(state, out)
    _take_atr(state, event.atr)
    _note_failures(state, out, event)
    plan_id = state.new_plan_id()
    if refusal := _refusal(state):
        note = f"{refusal} when it was computed: nothing is decided"
        unheeded = msgspec.structs.replace(event, intents=(), notes=(*event.notes, note))
        out.record(DecisionSaved(decision_record(state, unheeded, plan_id, (), b"")))
        return
    context = risk_context(state, event.at, {intent.pair for intent in event.intents}, event.unread)
    risk = state.settings.risk
    actions = evaluate(event.intents, context, risk)
    inputs = encode(context, risk, event.intents) if event.intents else b""
    out.record(DecisionSaved(decision_record(state, event, plan_id, actions, inputs)))
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


def _refusal(state: State) -> str:
    """Say why no cycle is wanted now; empty when one is."""
    if state.stopping:
        return "the engine was stopping"
    if state.paused:
        return "cycles were paused"
    return "a flatten was under way" if state.flattening else ""


def _take_atr(state: State, atr: dict[str, Decimal]) -> None:
    """Keep the volatility of what is held."""
    needed = state.needed_pairs()
    state.atr = {pair: value for pair, value in (state.atr | atr).items() if pair in needed}


def _carry_out(state: State, out: Outcome, action: RiskAdjustedAction, plan_id: str, at: datetime) -> None:
    if action.action_type in {ActionType.CLOSE, ActionType.REDUCE}:
        _sell(state, out, action, plan_id, at)
        return
    wish = Wish(
        pair=action.pair,
        side=Side.BUY,
        shares=action.shares,
        purpose=Purpose.ENTRY,
        mid=state.marks[action.pair].quote.mid,
        plan_id=plan_id,
        tag=tag_of(state, action.shares),
        timeframe=action.timeframe,
        signal_time=action.signal_time,
    )
    place(state, out, wish, at)


def _sell(state: State, out: Outcome, action: RiskAdjustedAction, plan_id: str, at: datetime) -> None:
    """Sell what an action wants sold of each share; what cannot be made now and must be is urgent then."""
    cause = CloseCause(
        purpose=Purpose.EXIT,
        plan_id=plan_id,
        signal_time=action.signal_time,
        timeframe=action.timeframe,
        parts={share.strategy_id: _part(state, action.pair, share) for share in action.shares},
    )
    result = close_holding(state, out, action.pair, cause, at)
    if not isinstance(result, NotClosed):
        return
    leaving = _not_sold_yet(state, action.pair, cause) if result.for_now and not result.by_exchange else {}
    if leaving:
        close_urgently(state, action.pair, leaving)
    prospect = f"; {', '.join(leaving)} gets out as soon as that is possible" if leaving else ""
    out.log(
        Level.WARNING, "exit_skipped", f"{action.pair}: {result.reason}{prospect}", pair=action.pair,
        reason=result.reason,
    )  # fmt: skip


def _part(state: State, pair: str, wanted: ActionShare) -> Decimal | None:
    """Return how much of a share is to be sold; None when nothing of it is to be kept."""
    holding = state.holdings.get(pair)
    share = holding.of(wanted.strategy_id) if holding else None
    whole = share is None or wanted.size >= volume_down(share.size, state.known[pair])
    return None if whole else wanted.size


def _not_sold_yet(state: State, pair: str, cause: CloseCause) -> dict[str, None]:
    """Return the strategies that want to get out of a pair and for which no sale is at work."""
    sales = [order for order in state.live_orders(pair) if order.request.side is Side.SELL]
    selling = {share.strategy_id for order in sales for share in shares_of(order)}
    holding = state.holdings.get(pair)
    return {
        strategy_id: None
        for strategy_id, part in cause.parts.items()
        if part is None and strategy_id not in selling and holding and holding.of(strategy_id)
    }


def _note_failures(state: State, out: Outcome, event: e.SignalsComputed) -> None:
    """Note which strategies have failed, but for those that are not as they were when they did."""
    restarted, state.restarted = state.restarted, set()
    for strategy_id, error in event.failures.items():
        if strategy_id in restarted or state.strategy(strategy_id) is None:
            continue
        if strategy_id not in state.strategy_errors:
            state.counts.errors += 1
            out.log(
                Level.ERROR, "strategy_failed", f"{strategy_id} is disabled: {error}",
                strategy_id=strategy_id, error=error,
            )  # fmt: skip
        state.strategy_errors[strategy_id] = error
