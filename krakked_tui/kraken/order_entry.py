"""Orders over the authenticated WebSocket, with the same meaning as over REST.

A request is written at most once. When the connection is lost after writing, or the answer does not
come in time, nobody can say what became of it: ``NetworkError``, sent "maybe".
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

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
from krakked_tui.kraken.rate_limits import RateLimiter, Ticket
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.tokens import TokenSource
from krakked_tui.kraken.wire import WebSocketsToken
from krakked_tui.kraken.writing import CallWithheldError
from krakked_tui.ports import Clock

REPLY_SECONDS = 10.0
"""An answer that takes longer is not waited for: the order must be looked up."""
IDS_PER_REQUEST = 50
CANCELS_PER_REQUEST = 5
"""Single cancels asked for together: what even the dearest ones cost is within every account's limit."""
BATCH_ORDERS_MIN, BATCH_ORDERS_MAX = 2, 15

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
    "cancel_order": endpoints.CANCEL_ORDER,
    "batch_cancel": endpoints.CANCEL_ORDER_BATCH,
    "cancel_all": endpoints.CANCEL_ALL,
    "cancel_all_orders_after": endpoints.CANCEL_ALL_ORDERS_AFTER,
}
"""What each method costs: the same as over REST, from the same counters."""


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
    All methods raise ``KrakenError``; a cancelled call may have been carried out.
    """

    def __init__(
        self, stream: KrakenStream, listing: Listing, tokens: TokenSource, limiter: RateLimiter, clock: Clock
    ) -> None:
        """``limiter`` is the one REST uses: both spend from the same counters."""
        self._stream = stream
        self._listing = listing
        self._tokens = tokens
        self._limiter = limiter
        self._clock = clock

    async def keep_ready(self) -> None:
        """Keep a token at hand, so that no order waits for one. Runs until cancelled."""
        await self._tokens.keep_fresh()

    async def add(self, request: OrderRequest, withhold: Callable[[], str]) -> str:
        """Place one order, once; return the exchange's order id."""
        symbol = await self._symbol(request.pair)
        what = f"add_order for {request.pair}"
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
        call = _Call("batch_add", order_messages.batch_add(requests, await self._symbol(pair)), about)
        reply = await self._new_work(call, what, withhold)
        rows = reply.result if isinstance(reply.result, list) else []
        if len(rows) != len(requests):
            raise KrakenProtocolError(f"The answer to {what} names {len(rows)} of {len(requests)} orders")
        return [
            self._error(row.error, what) if row.error is not None else _named(row.order_id, what)
            for row in rows
        ]

    async def amend(self, cl_ord_id: str, amendment: Amendment, withhold: Callable[[], str]) -> str:
        """Change an open order in place; return the exchange's id of the change."""
        params = order_messages.amend_order(cl_ord_id, amendment)
        call = _Call("amend_order", params, {"cl_ord_id": cl_ord_id})
        reply = await self._new_work(call, "amend_order", withhold)
        return _named(_single(reply, "amend_order").amend_id, "amend_order")

    async def cancel(self, cl_ord_ids: Sequence[str]) -> None:
        """Ask for these to be canceled; ones already gone are no error. Idempotent.

        Several go in one batch, which the exchange accepts whatever it costs; when it refuses one, a
        few at a time. Raises when some could not be asked for or were not answered; the others were.
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
        assert len(cl_ord_ids) <= IDS_PER_REQUEST, len(cl_ord_ids)
        # Client ids are understood among the orders; Kraken's own command line sends them so.
        ids = list(cl_ord_ids)
        reply = await self._idempotent(_Call("batch_cancel", {"orders": ids}, {"cl_ord_ids": ids}))
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
        if len(cl_ord_ids) > 1:
            try:
                await self.batch_cancel(cl_ord_ids)
            except KrakenError as error:
                if error.listed and not isinstance(error, (OrderRejectedError, InvalidArgumentsError)):
                    raise
            else:
                return
        failure: KrakenError | None = None
        for few in paging.chunks(cl_ord_ids, CANCELS_PER_REQUEST):
            try:
                await self._cancel_few(list(few))
            except KrakenError as error:
                failure = failure or error
        if failure is not None:
            raise failure

    async def _cancel_few(self, ids: list[str]) -> None:
        """Cancel some orders; each is answered on its own, under the same request id."""
        call = _Call("cancel_order", {"cl_ord_id": ids}, {"cl_ord_ids": ids}, len(ids))
        answered = await self._send(call, repeat=True)
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
        self, call: _Call, withhold: Callable[[], str] = _go_ahead, *, repeat: bool = False
    ) -> Answered:
        """Send a request; a repeatable one is sent again when only its token was refused."""
        while True:
            token = await self._tokens.current()
            endpoint = _ENDPOINTS[call.method]
            ticket = await admitted(self._limiter, self._clock, endpoint, call.about, withhold)
            answered = await self._exchange(call, token, ticket, withhold)
            if not any(reply.failure and _stale(reply.failure) for reply in answered.replies):
                return answered
            self._tokens.refused(token)
            if not repeat:
                return answered
            repeat = False

    async def _exchange(
        self, call: _Call, token: WebSocketsToken, ticket: Ticket, withhold: Callable[[], str]
    ) -> Answered:
        """Send a request that has been admitted, and tell the limiter what became of it."""
        params = {**call.params, "token": token.token}
        try:
            answered = await self._stream.request(
                call.method, params, answers=call.answers, seconds=REPLY_SECONDS, withhold=withhold
            )
        except BaseException as error:
            now = self._clock.monotonic()
            if isinstance(error, CallWithheldError) or (
                isinstance(error, KrakenError) and error.error_class is not ErrorClass.AMBIGUOUS
            ):
                self._limiter.leave(ticket, now)
            else:
                self._limiter.settle(ticket, now, sure=False)
            raise
        now = self._clock.monotonic()
        failures = (self._error(r.failure, call.method) for r in answered.replies if r.failure is not None)
        failure = next(failures, None)
        if isinstance(failure, RateLimitError):
            self._limiter.refused(ticket, failure, now)
        sure = answered.complete and (failure is None or failure.error_class is not ErrorClass.AMBIGUOUS)
        result = _placed(answered) if answered.complete and failure is None else None
        self._limiter.settle(ticket, now, result, sure=sure)
        return answered

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

    async def _symbol(self, pair: str) -> str:
        symbol = (await self._listing.symbols()).pair(pair).ws
        if not symbol:
            raise InvalidArgumentsError(f"{pair} has no WebSocket name")
        return symbol


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
