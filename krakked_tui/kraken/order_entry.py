"""Orders over the authenticated WebSocket, with the same meaning as over REST.

A request is written at most once. When the connection is lost after writing, or the answer does not
come in time, nobody can say what became of it: ``NetworkError``, sent "maybe".
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from krakked_tui.domain.orders import OrderRequest
from krakked_tui.kraken import endpoints, error_codes, order_messages, paging
from krakked_tui.kraken.admission import admitted
from krakked_tui.kraken.endpoints import Endpoint
from krakked_tui.kraken.errors import (
    ErrorClass,
    InvalidArgumentsError,
    KrakenError,
    KrakenProtocolError,
    NetworkError,
    OrderRejectedError,
    RateLimitError,
    Sent,
    printable,
)
from krakked_tui.kraken.frames import Reply, ReplyResult
from krakked_tui.kraken.listing import Listing
from krakked_tui.kraken.order_messages import Amendment
from krakked_tui.kraken.pending import Answered
from krakked_tui.kraken.rate_limits import Ticket
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.tokens import TokenSource
from krakked_tui.kraken.wire import WebSocketsToken
from krakked_tui.kraken.writing import CallWithheldError
from krakked_tui.ports import Clock

T = TypeVar("T")

REPLY_SECONDS = 10.0
"""An answer that takes longer is not waited for: the order must be looked up."""
IDS_PER_REQUEST = 50
CANCELS_PER_REQUEST = 5
"""Single cancels asked for together: what even the dearest ones cost is within every account's limit."""
BATCH_ORDERS_MIN, BATCH_ORDERS_MAX = 2, 15
BATCH_CANCEL_MIN = 2
"""Kraken's batch_cancel takes no fewer; over REST a batch may be a single order."""

_NOT_UNDERSTOOD = (
    "Unsupported field",
    "Unsupported event",
    "Malformed request",
    "Token(s) not found",
    "Symbol(s) not found",
    "Currency pair not",
)
"""Refusals of the gateway, which passed nothing on."""
_WRONG_NUMBER = "field must be a number_float"


_ENDPOINTS: Mapping[str, Endpoint[Any]] = {
    "add_order": endpoints.ADD_ORDER,
    "batch_add": endpoints.ADD_ORDER_BATCH,
    "amend_order": endpoints.AMEND_ORDER,
    "edit_order": endpoints.EDIT_ORDER,
    "cancel_order": endpoints.CANCEL_ORDER,
    "batch_cancel": endpoints.CANCEL_ORDER_BATCH,
    "cancel_all": endpoints.CANCEL_ALL,
    "cancel_all_orders_after": endpoints.CANCEL_ALL_ORDERS_AFTER,
}
"""What each method costs: the same as over REST, from the same counters."""


class NotOverWebSocketError(KrakenError):
    """The WebSocket cannot carry this request, or not in time; nothing was sent. Send it over REST."""

    default_class = ErrorClass.NOT_EXECUTED


class _Call(msgspec.Struct, frozen=True):
    """One request. ``about`` is what the limiter must know of it, in REST's words."""

    method: str
    params: Mapping[str, object]
    about: Mapping[str, object] = {}
    answers: int = 1


def _go_ahead() -> str:
    return ""


class StreamOrderEntry:
    """Places, changes and cancels orders over a private stream that somebody runs.

    The stream may be the account's own or a sibling of it. ``withhold`` is asked immediately before
    a request is written; when it gives a reason, nothing is sent and ``CallWithheldError`` raised.
    All methods raise ``KrakenError``; a cancelled call may have been carried out. What fails before
    anything was sent proves it: ``NetworkError`` sent "no", a refusal of the key or for the rate, or
    ``NotOverWebSocketError``.
    """

    def __init__(
        self, stream: KrakenStream, listing: Listing, tokens: TokenSource, rest: KrakenRest, clock: Clock
    ) -> None:
        """Spends from the counters of ``rest``, and reports what is odd where that does."""
        self._stream = stream
        self._listing = listing
        self._tokens = tokens
        self._limiter = rest.limiter
        self._oddities = rest.oddities
        self._clock = clock

    async def keep_ready(self) -> None:
        """Keep a token at hand, so that no order waits for one. Runs until cancelled."""
        await self._tokens.keep_fresh()

    async def add(self, request: OrderRequest, withhold: Callable[[], str]) -> str:
        """Place one order, once; return the exchange's order id."""
        what = f"add_order for {request.pair}"
        symbol = await self._symbol(request.pair, what)
        about = {"pair": request.pair, "cl_ord_id": request.cl_ord_id}
        call = _Call("add_order", order_messages.add_order(request, symbol), about)
        return _named(_single(await self._new_work(call, what, withhold), what).order_id, what)

    async def batch_add(
        self, requests: Sequence[OrderRequest], withhold: Callable[[], str]
    ) -> list[str | KrakenError]:
        """Place 2 to 15 orders of one pair; return an order id or the refusal of each, in order."""
        assert BATCH_ORDERS_MIN <= len(requests) <= BATCH_ORDERS_MAX, len(requests)
        pair = requests[0].pair
        assert all(request.pair == pair for request in requests), requests
        what = f"batch_add for {pair}"
        about = {"pair": pair, "orders": [{"cl_ord_id": request.cl_ord_id} for request in requests]}
        symbol = await self._symbol(pair, what)
        call = _Call("batch_add", order_messages.batch_add(requests, symbol), about)
        reply = await self._new_work(call, what, withhold)
        rows = reply.result if isinstance(reply.result, list) else []
        if len(rows) != len(requests):
            raise KrakenProtocolError(f"The answer to {what} names {len(rows)} of {len(requests)} orders")
        return [
            self._noticed(row.error, what) if row.error is not None else _named(row.order_id, what)
            for row in rows
        ]

    async def amend(self, cl_ord_id: str, amendment: Amendment, withhold: Callable[[], str]) -> str:
        """Change an open order in place; return the exchange's id of the change."""
        params = order_messages.amend_order(cl_ord_id, amendment)
        call = _Call("amend_order", params, {"cl_ord_id": cl_ord_id})
        reply = await self._new_work(call, "amend_order", withhold)
        return _named(_single(reply, "amend_order").amend_id, "amend_order")

    async def edit(self, order_id: str, pair: str, amendment: Amendment, withhold: Callable[[], str]) -> str:
        """Replace an open order by a changed one; return the exchange's id of the new order.

        The older way to change one: it loses its id, its client id and its place in the book. Prefer
        ``amend``.
        """
        what = f"edit_order for {pair}"
        params = order_messages.edit_order(order_id, await self._symbol(pair, what), amendment)
        reply = await self._new_work(
            _Call("edit_order", params, {"pair": pair, "txid": order_id}), what, withhold
        )
        return _named(_single(reply, what).order_id, what)

    async def cancel(self, cl_ord_ids: Sequence[str]) -> None:
        """Ask for these to be canceled; ones already gone are no error. Idempotent.

        Several go in one batch, which the exchange accepts whatever it costs; when it refuses one, or
        does not reach all of them, a few at a time. A single one that would have to wait for the rate
        limit raises ``NotOverWebSocketError``: REST takes it as a batch at once. Raises when some could
        not be asked for or were not answered; the others were.
        """
        failure: KrakenError | None = None
        for chunk in paging.chunks(cl_ord_ids, IDS_PER_REQUEST):
            try:
                await self._cancel_chunk(chunk)
            except KrakenError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    async def batch_cancel(self, cl_ord_ids: Sequence[str]) -> int:
        """Cancel 2 to 50 orders in one go; return how many orders that reached. Idempotent."""
        assert BATCH_CANCEL_MIN <= len(cl_ord_ids) <= IDS_PER_REQUEST, len(cl_ord_ids)
        ids = list(cl_ord_ids)
        reply = await self._idempotent(_Call("batch_cancel", {"cl_ord_id": ids}, {"cl_ord_ids": ids}))
        return _counted(reply.orders_cancelled, "batch_cancel")

    async def cancel_all(self) -> int:
        """Cancel every open order of the account; return how many there were. Idempotent."""
        reply = await self._idempotent(_Call("cancel_all", {}))
        return _counted(_single(reply, "cancel_all").count, "cancel_all")

    async def cancel_all_orders_after(self, seconds: int) -> str:
        """Arm the dead man's switch, or disarm it with 0; return when it fires, as the exchange says it.

        It covers the whole account. Idempotent; each call replaces the deadline.
        """
        assert seconds >= 0, seconds
        reply = await self._idempotent(_Call("cancel_all_orders_after", {"timeout": seconds}))
        return printable(_single(reply, "cancel_all_orders_after").trigger_time or "")

    async def _cancel_chunk(self, cl_ord_ids: Sequence[str]) -> None:
        if len(cl_ord_ids) < BATCH_CANCEL_MIN:
            await self._cancel_few(list(cl_ord_ids), patient=False)
            return
        if await self._canceled_together(cl_ord_ids):
            return
        failure: KrakenError | None = None
        for few in paging.chunks(cl_ord_ids, CANCELS_PER_REQUEST):
            try:
                await self._cancel_few(list(few))
            except KrakenError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    async def _canceled_together(self, cl_ord_ids: Sequence[str]) -> bool:
        """Cancel in one request; return False when they must be asked for one by one.

        A batch does not say which orders it missed, nor whether they were gone.
        """
        try:
            return await self.batch_cancel(cl_ord_ids) >= len(cl_ord_ids)
        except KrakenError as error:
            if error.listed and not isinstance(error, (OrderRejectedError, InvalidArgumentsError)):
                raise
            return False

    async def _cancel_few(self, ids: list[str], *, patient: bool = True) -> None:
        """Cancel some orders; each is answered on its own, under the same request id."""
        call = _Call("cancel_order", {"cl_ord_id": ids}, {"cl_ord_ids": ids}, len(ids))
        answered = await self._send(call, repeat=True, patient=patient)
        failures = [
            self._error(reply.failure, "cancel_order")
            for reply in answered.replies
            if reply.failure is not None
        ]
        failure = next((error for error in failures if error.code not in error_codes.NOTHING_TO_CANCEL), None)
        if failure is not None:
            raise failure
        if not answered.complete:
            raise _late("cancel_order")

    async def _new_work(self, call: _Call, what: str, withhold: Callable[[], str]) -> Reply:
        """Send something that must happen at most once; return the answer that confirms it."""
        wait = self._stream.quiet_until - self._clock.monotonic()
        if wait > 0:
            raise RateLimitError(f"Kraken wants fewer messages; {what} was not sent", retry_after=wait)
        return self._confirmed(await self._send(call, withhold), what)

    async def _idempotent(self, call: _Call) -> Reply:
        return self._confirmed(await self._send(call, repeat=True), call.method)

    async def _send(
        self, call: _Call, withhold: Callable[[], str] = _go_ahead, *, repeat: bool = False,
        patient: bool = True,
    ) -> Answered:  # fmt: skip
        """Send a request; a repeatable one is sent again when only its token was refused.

        One that is not ``patient`` raises ``NotOverWebSocketError`` where it would have to wait.
        """
        urgent = repeat
        while True:
            token = await _prepared(self._tokens.current(), call.method)
            ticket = await self._admitted(call, withhold, patient=patient)
            await self._pace(ticket, urgent=urgent)
            answered = await self._exchange(call, token, ticket, withhold)
            if not any(reply.failure and _stale(reply.failure) for reply in answered.replies):
                return answered
            self._tokens.refused(token)
            if not repeat:
                return answered
            repeat = False

    async def _admitted(self, call: _Call, withhold: Callable[[], str], *, patient: bool) -> Ticket:
        endpoint = _ENDPOINTS[call.method]
        if patient:
            return await admitted(self._limiter, self._clock, endpoint, call.about, withhold)
        now = self._clock.monotonic()
        ticket = self._limiter.join(endpoint, call.about, now)
        if not ticket.admitted:
            self._limiter.leave(ticket, now)
            raise NotOverWebSocketError(f"{call.method} would have to wait for the rate limit")
        return ticket

    async def _pace(self, ticket: Ticket, *, urgent: bool) -> None:
        """Wait for a place among the messages; what is urgent takes one without waiting."""
        wait = self._limiter.message_delay(self._clock.monotonic())
        if urgent or wait <= 0:
            return
        try:
            await self._clock.sleep(wait)
        except BaseException:
            self._limiter.leave(ticket, self._clock.monotonic())
            raise

    async def _exchange(
        self, call: _Call, token: WebSocketsToken, ticket: Ticket, withhold: Callable[[], str]
    ) -> Answered:
        """Send a request that has been admitted, and tell the limiter what became of it."""
        failed: BaseException
        try:
            answered = await self._stream.request(
                call.method, {**call.params, "token": token.token}, answers=call.answers,
                seconds=REPLY_SECONDS, withhold=withhold,
            )  # fmt: skip
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed = _bare(error)
        else:
            self._settle(call, ticket, answered)
            return answered
        now = self._clock.monotonic()
        if isinstance(failed, CallWithheldError) or (
            isinstance(failed, KrakenError) and failed.error_class is not ErrorClass.AMBIGUOUS
        ):
            self._limiter.leave(ticket, now)
        else:
            self._limiter.settle(ticket, now, sure=False)
        raise failed

    def _settle(self, call: _Call, ticket: Ticket, answered: Answered) -> None:
        """Tell the limiter what the answers prove."""
        now = self._clock.monotonic()
        failures = [
            self._noticed(reply.failure, call.method)
            for reply in answered.replies
            if reply.failure is not None
        ]
        failure = failures[0] if failures else None
        if isinstance(failure, RateLimitError):
            self._limiter.refused(ticket, failure, now)
        sure = answered.complete and (failure is None or failure.error_class is not ErrorClass.AMBIGUOUS)
        result = _placed(answered) if answered.complete and failure is None else None
        self._limiter.settle(ticket, now, result, sure=sure)

    def _confirmed(self, answered: Answered, what: str) -> Reply:
        if not answered.replies:
            raise _late(what)
        reply = answered.replies[0]
        if reply.failure is not None:
            raise self._error(reply.failure, what)
        return reply

    def _error(self, text: str, what: str) -> KrakenError:
        if text.startswith(_NOT_UNDERSTOOD) or text.endswith(_WRONG_NUMBER):
            return InvalidArgumentsError(f"Kraken did not understand {what}: {printable(text)}")
        return error_codes.classify([text], what, self._clock.now())

    def _noticed(self, text: str, what: str) -> KrakenError:
        """Return the error for a refusal, and report it if it is odd."""
        error = self._error(text, what)
        self._oddities.report(error)
        return error

    async def _symbol(self, pair: str, what: str) -> str:
        symbol = (await _prepared(self._listing.symbols(), what)).pair(pair).ws
        if not symbol:
            raise NotOverWebSocketError(f"{pair} has no WebSocket name, so {what} was not sent")
        return symbol


async def _prepared(preparing: Awaitable[T], what: str) -> T:
    """Return what a request needs. A failure proves that nothing was sent, whatever it proves of itself."""
    try:
        return await preparing
    except KrakenError as error:
        if error.error_class in (ErrorClass.AUTH, ErrorClass.RATE):
            raise
        failure = NetworkError(f"{what} was not sent: {error}", Sent.NO)
        failure.retry_after = error.retry_after
    raise failure


def _bare(error: BaseException) -> BaseException:
    """Return an error without the frames and the errors below it: they hold the token."""
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _placed(answered: Answered) -> dict[str, object]:
    """Return the exchange's ids of placed orders as REST states them."""
    result = answered.replies[0].result
    if isinstance(result, list):
        return {"orders": [{"txid": row.order_id or ""} for row in result]}
    return {"txid": [result.order_id]} if result is not None and result.order_id else {}


def _stale(failure: str) -> bool:
    return failure.startswith(("ESession:", "EAPI:Invalid token"))


def _single(reply: Reply, what: str) -> ReplyResult:
    if not isinstance(reply.result, ReplyResult):
        raise KrakenProtocolError(f"The answer to {what} holds no result")
    return reply.result


def _named(name: str | None, what: str) -> str:
    if not name:
        raise KrakenProtocolError(f"The answer to {what} holds no id")
    return name


def _counted(count: int | None, what: str) -> int:
    if count is None:
        raise KrakenProtocolError(f"The answer to {what} holds no count")
    return count


def _late(what: str) -> NetworkError:
    return NetworkError(f"{what} was not answered within {REPLY_SECONDS:.0f} s", Sent.MAYBE)
