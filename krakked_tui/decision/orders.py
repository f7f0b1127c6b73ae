"""News about orders: answers to submissions, reports, fills, look-ups, cancels."""

from datetime import datetime

import msgspec

from krakked_tui.decision import events as e
from krakked_tui.decision.cancelling import cancel_what_appeared
from krakked_tui.decision.effects import Identify, Level
from krakked_tui.decision.kill_switch import order_failed, order_taken, set_kill_switch
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.placing import deadline, hand_over, search_for
from krakked_tui.decision.state import State, attribute, attribute_all
from krakked_tui.domain.fills import Fee, Trade
from krakked_tui.domain.orders import (
    Accepted,
    LocalOrder,
    NotSent,
    OrderReport,
    OrderRequest,
    OrderStatus,
    OrderTransition,
    OrderType,
    Purpose,
    Refused,
    Side,
    Unknown,
)
from krakked_tui.domain.records import ForeignOrderSaved, OrderSaved, TradeSaved
from krakked_tui.domain.safety import KillCause
from krakked_tui.execution import client_ids, lifecycle, unknown
from krakked_tui.execution.reconcile import is_ours

ABSENCE_PROOF = "absent from orders and trades, after its deadline and a grace, in two look-ups"
IDENTIFY_SECONDS = 3.0
IDENTIFY_BATCH = 50
IDENTIFY_TRIES = 10


def submit_answered(state: State, out: Outcome, event: e.SubmitAnswered) -> None:
    """Note how a submission ended."""
    order = state.orders.get(event.outcome.cl_ord_id)
    assert order is not None, f"answer for an order never made: {event.outcome.cl_ord_id}"
    match event.outcome:
        case Accepted(cl_ord_id, kraken_order_id):
            state.submissions.pop(cl_ord_id, None)
            state.searches.pop(cl_ord_id, None)
            out.save(state.orders.accept(cl_ord_id, kraken_order_id, event.at))
            order_taken(state)
            _attribute_waiting(state, kraken_order_id)
            cancel_what_appeared(state, out, state.orders.get(cl_ord_id) or order)
        case Refused(cl_ord_id, code, reason):
            _end_unsent(state, out, order, OrderStatus.REJECTED, event.at, f"{code}: {reason}")
        case NotSent(cl_ord_id, reason, retry_after):
            _try_again(state, out, order, event.at, reason, retry_after)
        case Unknown(cl_ord_id, reason):
            state.submissions.pop(cl_ord_id, None)
            if order.status is OrderStatus.PENDING:
                out.save(state.orders.move(cl_ord_id, OrderStatus.UNKNOWN, event.at, "submit", reason))
                search_for(state, order, event.at)
                out.log(
                    Level.WARNING, "order_unknown",
                    f"{order.request.pair}: no clear answer for an order; asking the exchange, not resending",
                    cl_ord_id=cl_ord_id, pair=order.request.pair, reason=reason,
                )  # fmt: skip


def submit_withheld(state: State, out: Outcome, event: e.SubmitWithheld) -> LocalOrder | None:
    """End an order of which no byte was sent, and return it."""
    order = state.orders.get(event.cl_ord_id)
    if order is None or order.status is not OrderStatus.PENDING:
        return None
    out.save(state.orders.move(event.cl_ord_id, OrderStatus.CANCELED, event.at, "withheld", event.reason))
    _forget_work(state, event.cl_ord_id)
    out.log(
        Level.WARNING, "order_withheld", f"{order.request.pair}: order not sent: {event.reason}",
        cl_ord_id=event.cl_ord_id, reason=event.reason,
    )  # fmt: skip
    return order


def _end_unsent(
    state: State, out: Outcome, order: LocalOrder, status: OrderStatus, at: datetime, reason: str
) -> None:
    _forget_work(state, order.cl_ord_id)
    if order.status not in lifecycle.UNPROVEN:
        return
    state.counts.errors += 1
    out.save(state.orders.move(order.cl_ord_id, status, at, "submit", reason))
    out.log(
        Level.ERROR, "order_error", f"{order.request.pair}: order {status}: {reason}",
        cl_ord_id=order.cl_ord_id, pair=order.request.pair, reason=reason, status=str(status),
    )  # fmt: skip
    order_failed(state, out, order, at, reason)


def _forget_work(state: State, cl_ord_id: str) -> None:
    """Forget what was still to be done about an order that has ended."""
    state.submissions.pop(cl_ord_id, None)
    state.searches.pop(cl_ord_id, None)
    state.cancelling.pop(cl_ord_id, None)


def _try_again(
    state: State, out: Outcome, order: LocalOrder, at: datetime, reason: str, retry_after: float
) -> None:
    """Send an order again that provably was not executed, a bounded number of times."""
    execution = state.settings.execution
    tries = state.submissions.get(order.cl_ord_id, 1)
    unwanted = state.stopping or order.cl_ord_id in state.cancelling
    if order.purpose is Purpose.ENTRY and state.new_risk_refusal():
        unwanted = True
    if order.status is not OrderStatus.PENDING or tries > execution.max_retries or unwanted:
        _end_unsent(state, out, order, OrderStatus.ERROR, at, f"not sent: {reason}")
        return
    delay = max(retry_after, execution.retry_backoff_seconds * execution.retry_backoff_factor ** (tries - 1))
    request = msgspec.structs.replace(order.request, deadline=deadline(state, at))
    order = state.orders.replace_request(order.cl_ord_id, request, at)
    out.record(OrderSaved(order))
    out.log(
        Level.WARNING, "order_retry", cl_ord_id=order.cl_ord_id, reason=reason, delay=delay, attempt=tries
    )
    hand_over(state, out, order, delay)


def order_reported(state: State, out: Outcome, event: e.OrderReported) -> None:
    """Bring an order up to what the exchange says of it."""
    take_report(state, out, event.report, event.at, event.source)


def take_report(state: State, out: Outcome, report: OrderReport, at: datetime, source: str) -> None:
    """Apply a report to our row; adopt an order of ours that has none; leave foreign ones alone."""
    order = state.orders.by_kraken_id(report.kraken_order_id) or state.orders.get(report.cl_ord_id)
    if order is None:
        if not is_ours(report, state.instance):
            _note_foreign(state, out, report)
            return
        order = _adopt(state, out, report, at)
    before = order.status
    change = state.orders.apply_report(order.cl_ord_id, report, at, source)
    state.searches.pop(order.cl_ord_id, None)
    out.save(change)
    _attribute_waiting(state, report.kraken_order_id)
    if change is None:
        return
    state.note_fills(change.order)
    if change.transition is not None:
        _after_move(state, out, change.order, change.transition)
        if before in {OrderStatus.REJECTED, OrderStatus.ERROR}:
            _inconsistent(state, out, change.order, at, f"it was taken for {before}, but it exists")


def _note_foreign(state: State, out: Outcome, report: OrderReport) -> None:
    """Remember an order that is not ours, if it has fills: they need not be asked about again."""
    order_id, userref = report.kraken_order_id, report.userref
    waiting = state.unattributed.pop(order_id, None)
    known = order_id in state.foreign
    if (waiting is None and not known) or (known and userref in (None, state.foreign[order_id])):
        return
    state.foreign[order_id] = userref
    out.record(ForeignOrderSaved(order_id, userref))


def _after_move(state: State, out: Outcome, order: LocalOrder, transition: OrderTransition) -> None:
    if order.status in lifecycle.ENDS:
        _forget_work(state, order.cl_ord_id)
    elif transition.before in lifecycle.UNPROVEN:
        cancel_what_appeared(state, out, order)
    out.log(
        Level.INFO, "order_accepted" if order.status is OrderStatus.SUBMITTED else f"order_{order.status}",
        cl_ord_id=order.cl_ord_id, kraken_order_id=order.kraken_order_id, pair=order.request.pair,
        filled=str(order.filled), avg_fill_price=str(order.avg_fill_price), source=transition.source,
        detail=transition.detail,
    )  # fmt: skip


def _adopt(state: State, out: Outcome, report: OrderReport, at: datetime) -> LocalOrder:
    """Make the row of an order that carries our mark but was lost with a database."""
    parsed = client_ids.parse(report.cl_ord_id)
    assert parsed is not None
    assert report.cl_ord_id is not None
    tagged = next((s.id for s in state.settings.strategies if s.tag == parsed.tag), parsed.tag)
    state.next_number = max(state.next_number, parsed.number + 1)
    order = LocalOrder(
        local_id=client_ids.local_id(report.cl_ord_id),
        cl_ord_id=report.cl_ord_id,
        plan_id="",
        strategy_id=tagged,
        purpose=Purpose.ENTRY if report.side is Side.BUY else Purpose.EXIT,
        request=OrderRequest(
            cl_ord_id=report.cl_ord_id,
            pair=report.pair,
            side=report.side,
            order_type=OrderType(report.order_type),
            volume=report.volume,
            price=report.limit_price,
        ),
        status=OrderStatus.UNKNOWN,
        created_at=report.opened_at,
        updated_at=at,
    )
    out.save(state.orders.add(order, "adopted"))
    out.log(
        Level.WARNING, "order_adopted", f"{report.pair}: an order of ours without a row was taken over",
        cl_ord_id=order.cl_ord_id, kraken_order_id=report.kraken_order_id,
    )  # fmt: skip
    return order


def _inconsistent(state: State, out: Outcome, order: LocalOrder, at: datetime, reason: str) -> None:
    """Stop opening risk: what we were sure of about an order is not so."""
    state.counts.errors += 1
    out.log(
        Level.CRITICAL, "order_inconsistent", f"{order.request.pair}: {reason}", cl_ord_id=order.cl_ord_id,
        reason=reason,
    )  # fmt: skip
    set_kill_switch(state, out, at, KillCause.INCONSISTENCY, f"{order.cl_ord_id}: {reason}", "engine")


def trade_reported(state: State, out: Outcome, event: e.TradeReported) -> None:
    """Book a fill, once."""
    take_trade(state, out, event.trade)


def take_trade(state: State, out: Outcome, trade: Trade) -> bool:
    """Book a fill unless it is known already; returns whether it was new."""
    pair = state.known.get(trade.pair)
    if pair is None:
        _keep_unbooked(state, out, trade)
        return False
    trade = with_named_fees(trade, pair.quote)
    if not state.books.apply_trade(trade, pair):
        return False
    state.activity += 1
    state.counts.fills += 1
    state.recent_trades.append(trade)
    out.record(TradeSaved(trade))
    fee = "".join(f", fee {fee.amount} {fee.asset}" for fee in trade.fees)
    out.log(
        Level.INFO, "fill", f"filled {trade.side} {trade.volume} {trade.pair} @ {trade.price}{fee}",
        trade_id=trade.trade_id, pair=trade.pair, side=trade.side, price=str(trade.price),
        volume=str(trade.volume), cl_ord_id=trade.cl_ord_id, kraken_order_id=trade.kraken_order_id,
    )  # fmt: skip
    if attribute(state, trade) is None and client_ids.parse(trade.cl_ord_id) is None:
        state.external.trades.append(trade)
    return True


def _keep_unbooked(state: State, out: Outcome, trade: Trade) -> None:
    """Store a trade on a pair that is not listed; its ledger rows book it."""
    if trade.trade_id in state.unbooked:
        return
    trade = with_named_fees(trade, "")
    state.unbooked[trade.trade_id] = trade
    state.counts.errors += 1
    out.record(TradeSaved(trade))
    out.log(
        Level.CRITICAL, "trade_unknown_pair", f"a trade on the unknown pair {trade.pair} is not booked",
        trade_id=trade.trade_id, pair=trade.pair,
    )  # fmt: skip


def with_named_fees(trade: Trade, quote: str) -> Trade:
    """Return a trade whose fees all name their asset: one that does not is in the quote, if that is known.

    Otherwise it is left to the trade's ledger rows.
    """
    if all(fee.asset for fee in trade.fees):
        return trade
    fees = (Fee(fee.asset or quote, fee.amount) for fee in trade.fees if fee.asset or quote)
    return msgspec.structs.replace(trade, fees=tuple(fees))


def _attribute_waiting(state: State, kraken_order_id: str) -> None:
    waiting = state.unattributed.pop(kraken_order_id, None)
    for trade in waiting.trades if waiting else ():
        attribute(state, trade)


def looked_up(state: State, out: Outcome, event: e.LookedUp) -> None:
    """Take the answer to a look-up; absence becomes an end only when it is proof."""
    search = state.searches.get(event.cl_ord_id)
    if event.reports is None:
        out.log(Level.WARNING, "lookup_failed", cl_ord_id=event.cl_ord_id, reason=event.error)
        if search is not None:
            state.searches[event.cl_ord_id] = unknown.failed(search)
        return
    for report in event.reports:
        take_report(state, out, report, event.at, "lookup")
    if event.reports or search is None:
        return
    search = unknown.found_nothing(search, event.asked_at, event.wall, state.speed)
    state.searches[event.cl_ord_id] = search
    if unknown.proven(search, state.account.synced_wall):
        _never_accepted(state, out, event)


def _never_accepted(state: State, out: Outcome, event: e.LookedUp) -> None:
    order = state.orders.get(event.cl_ord_id)
    assert order is not None
    if order.status is not OrderStatus.UNKNOWN:
        out.save(state.orders.move(event.cl_ord_id, OrderStatus.UNKNOWN, event.at, "lookup", "no answer"))
    ended = OrderStatus.NEVER_ACCEPTED
    out.save(state.orders.move(event.cl_ord_id, ended, event.at, "lookup", ABSENCE_PROOF))
    _forget_work(state, event.cl_ord_id)
    if order.status in lifecycle.WORKING:
        reason = "the exchange confirmed it once and does not know it any more"
        _inconsistent(state, out, order, event.at, reason)
        return
    out.log(
        Level.WARNING, "order_never_accepted", f"{order.request.pair}: an order never reached the exchange",
        cl_ord_id=event.cl_ord_id, proof=ABSENCE_PROOF,
    )  # fmt: skip


def identify_fills(state: State, out: Outcome) -> None:
    """Ask about orders that fills belong to and that are not known, one batch at a time.

    An order the exchange keeps silent about is given up after a while: its fills stay booked, as
    somebody else's.
    """
    if not state.unattributed:
        if state.reattribute:
            state.reattribute = False
            attribute_all(state)
        return
    if state.wall < state.next_identify_wall:
        return
    state.next_identify_wall = state.wall + IDENTIFY_SECONDS
    batch = tuple(state.unattributed)[:IDENTIFY_BATCH]
    for kraken_order_id in batch:
        waiting = state.unattributed[kraken_order_id]
        waiting.asked += 1
        if waiting.asked > IDENTIFY_TRIES:
            del state.unattributed[kraken_order_id]
            state.foreign[kraken_order_id] = None
            out.log(Level.WARNING, "fills_not_identified", kraken_order_id=kraken_order_id)
    out.do(Identify(batch))
