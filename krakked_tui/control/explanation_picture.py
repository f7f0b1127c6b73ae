"""From the chain of a decision to the explanation of it that screens and the command line show."""

from collections.abc import Iterable

from krakked_tui.control import risk_view as v
from krakked_tui.control.risk_picture import check_lines
from krakked_tui.control.strategy_view import IntentLine
from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.orders import OrderTransition
from krakked_tui.domain.plans import DecisionRecord, RiskAdjustedAction
from krakked_tui.engine.chains import Chain, Fill, OrderSteps
from krakked_tui.engine.recent_decisions import outcome_of

NAME_MAX = 60


def explanation_of(chain: Chain) -> v.Explanation:
    """Return the whole chain; numbers are as they were recorded."""
    decision = chain.decision
    orders = tuple(map(_order, chain.orders))
    fills = tuple(map(_fill, chain.fills))
    if decision is None:
        made = [each.order.created_at for each in chain.orders] + [each.trade.time for each in chain.fills]
        return v.Explanation(
            plan_id=chain.plan_id, focus=chain.focus, at=min(made, default=None), orders=orders, fills=fills,
            notes=chain.notes,
        )  # fmt: skip
    return v.Explanation(
        plan_id=chain.plan_id,
        focus=chain.focus,
        at=decision.time,
        candle_time=decision.candle_time,
        timeframes=tuple(each.value for each in decision.timeframes),
        metadata=tuple(_metadata(decision)),
        intents=tuple(intent_line(each, outcome_of(each, decision.actions)) for each in decision.intents),
        actions=tuple(map(_action, decision.actions)),
        orders=orders,
        fills=fills,
        notes=chain.notes,
    )


def unknown(name: str) -> v.Explanation:
    """Return what is said of a name that nothing is stored of."""
    shown = "".join(each if each.isprintable() else "?" for each in name[:NAME_MAX])
    return v.Explanation(
        problem=(
            f"nothing is stored of {shown!r}: give the id of a plan, of an order (Krakked's or Kraken's)"
            " or of a trade of this profile"
        )
    )


def intent_line(intent: StrategyIntent, outcome: str) -> IntentLine:
    """Return what a strategy wanted, and what became of it."""
    return IntentLine(
        strategy_id=intent.strategy_id,
        pair=intent.pair,
        intent=intent.intent_type.value,
        timeframe=intent.timeframe.value,
        at=intent.generated_at,
        signal_time=intent.signal_time,
        confidence=intent.confidence,
        close=intent.close,
        stop_price=intent.stop_price,
        take_profit_price=intent.take_profit_price,
        values=(*intent.metadata.items(), *_atr(intent)),
        outcome=outcome,
    )


def _atr(intent: StrategyIntent) -> Iterable[tuple[str, float]]:
    """Return the range that a stop is set by where the strategy gave none."""
    if intent.atr is None or intent.stop_price is not None:
        return ()
    return (("average true range", float(intent.atr)),)


def _metadata(decision: DecisionRecord) -> Iterable[tuple[str, str]]:
    yield from decision.metadata.items()
    yield "inputs", decision.input_fingerprint
    yield "took", f"{decision.duration_ms:.1f} ms"


def _action(action: RiskAdjustedAction) -> v.ActionLine:
    return v.ActionLine(
        pair=action.pair,
        strategy_id=action.strategy_id,
        action=action.action_type.value,
        current=action.current_base_size,
        target=action.target_base_size,
        reason=action.reason,
        blocked=action.blocked,
        shares=tuple((share.strategy_id, share.size) for share in action.shares),
        checks=check_lines(action.checks),
    )


def _order(steps: OrderSteps) -> v.OrderLine:
    order = steps.order
    return v.OrderLine(
        cl_ord_id=order.cl_ord_id,
        pair=order.request.pair,
        side=order.request.side.value,
        order_type=order.request.order_type.value,
        volume=order.request.volume,
        filled=order.filled,
        avg_fill_price=order.avg_fill_price,
        status=order.status.value,
        purpose=order.purpose.value,
        transitions=tuple((step.at, _step(step)) for step in steps.steps),
    )


def _step(step: OrderTransition) -> str:
    told = ", ".join(filter(None, (f"by {step.source}" if step.source else "", step.detail)))
    return f"{step.after.value} ({told})" if told else step.after.value


def _fill(fill: Fill) -> v.FillLine:
    trade = fill.trade
    fees = " + ".join(f"{fee.amount:f} {fee.asset}" for fee in trade.fees)
    return v.FillLine(trade.trade_id, fill.cl_ord_id, trade.time, trade.volume, trade.price, fees, fill.made)
