"""Orders over a scripted WebSocket: what is sent, what the answers mean, what stays in doubt."""

import logging
import random
from collections.abc import Callable, Mapping
from decimal import Decimal

import httpx
import msgspec
import pytest
from msgspec.structs import replace

from krakked_tui.domain.orders import OrderRequest, OrderType, Side
from krakked_tui.kraken import endpoints
from krakked_tui.kraken.errors import (
    AuthError,
    ErrorClass,
    InvalidArgumentsError,
    KrakenError,
    KrakenProtocolError,
    NetworkError,
    OrderRejectedError,
    PermissionDeniedError,
    RateLimitError,
    Sent,
)
from krakked_tui.kraken.frames import Reply
from krakked_tui.kraken.order_entry import NotOverWebSocketError, StreamOrderEntry
from krakked_tui.kraken.order_messages import Amendment
from krakked_tui.kraken.pending import Answered
from krakked_tui.kraken.rate_limits import MESSAGES_BURST, MESSAGES_PER_SECOND
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.tokens import TokenSource
from krakked_tui.kraken.writing import CallWithheldError
from tests.unit.kraken.exchange import Answer as RestAnswer
from tests.unit.kraken.exchange import ScriptedKraken, ok, refused

ORDER = OrderRequest("k1", "XBTUSD", Side.BUY, OrderType.LIMIT, Decimal("0.5"), Decimal(60000))

Answer = list[dict[str, object]] | Exception


class Wire(KrakenStream):
    """Answers requests from a list; what is missing of the answers came too late."""

    def __init__(self, kraken: ScriptedKraken, *answers: Answer) -> None:
        super().__init__("account", "ws://127.0.0.1:1", kraken.clock, random.Random(1))
        self.answers = list(answers)
        self.sent: list[tuple[str, dict[str, object]]] = []
        self.quiet = 0.0

    @property
    def quiet_until(self) -> float:
        return self.quiet

    async def request(
        self, method: str, params: Mapping[str, object], *, answers: int = 1, seconds: float,
        withhold: Callable[[], str],
    ) -> Answered:  # fmt: skip
        if reason := withhold():
            raise CallWithheldError(reason)
        self.sent.append((method, msgspec.json.decode(msgspec.json.encode(params))))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        replies = tuple(msgspec.convert({"method": method, **row}, Reply) for row in answer)
        return Answered(len(self.sent), replies, len(replies) == answers)


def ready(*answers: Answer) -> tuple[StreamOrderEntry, Wire, ScriptedKraken]:
    kraken = ScriptedKraken()
    kraken.on("GetWebSocketsToken", *(ok({"token": f"t0psecret{n}", "expires": 900}) for n in range(5)))
    rest, wire = kraken.rest(), Wire(kraken, *answers)
    tokens = TokenSource(rest, kraken.clock)
    return StreamOrderEntry(wire, kraken.listing(), tokens, rest, kraken.clock), wire, kraken


def go() -> str:
    return ""


def done(**result: object) -> list[dict[str, object]]:
    return [{"success": True, "result": result}]


def reached(count: int) -> list[dict[str, object]]:
    return [{"success": True, "orders_cancelled": count}]


def no(error: str) -> list[dict[str, object]]:
    return [{"success": False, "error": error}]


async def test_an_order_is_placed() -> None:
    entry, wire, _ = ready(done(order_id="OXZ", cl_ord_id="k1"))
    assert await entry.add(ORDER, go) == "OXZ"
    ((method, params),) = wire.sent
    assert method == "add_order"
    assert (params["symbol"], params["token"], params["cl_ord_id"]) == ("BTC/USD", "t0psecret0", "k1")


@pytest.mark.parametrize(
    ("error", "kind", "proves"),
    [
        ("EOrder:Insufficient funds", OrderRejectedError, ErrorClass.PERMANENT),
        ("EGeneral:Invalid arguments:volume minimum not met", OrderRejectedError, ErrorClass.PERMANENT),
        ("Limit_price field must be a number_float", InvalidArgumentsError, ErrorClass.PERMANENT),
        (
            "Unsupported field: 'x' for the given msg type: add_order",
            InvalidArgumentsError,
            ErrorClass.PERMANENT,
        ),
        ("EOrder:Rate limit exceeded", RateLimitError, ErrorClass.RATE),
        ("EService:Unavailable", KrakenError, ErrorClass.AMBIGUOUS),
        ("ESession:Invalid session", AuthError, ErrorClass.NOT_EXECUTED),
        ("Something new", KrakenError, ErrorClass.AMBIGUOUS),
    ],
)
async def test_a_refusal_is_what_it_is_over_rest(
    error: str, kind: type[KrakenError], proves: ErrorClass
) -> None:
    entry, wire, _ = ready(no(error))
    with pytest.raises(kind) as caught:
        await entry.add(ORDER, go)
    assert caught.value.error_class is proves
    assert len(wire.sent) == 1


async def test_without_an_answer_nobody_can_say() -> None:
    entry, _, _ = ready([], NetworkError("lost", Sent.MAYBE), done())
    for kind in (NetworkError, NetworkError, KrakenProtocolError):
        with pytest.raises(kind) as caught:
            await entry.add(ORDER, go)
        assert caught.value.error_class is ErrorClass.AMBIGUOUS
        assert "t0psecret" not in str(caught.value)


async def test_a_withheld_order_is_not_sent() -> None:
    entry, wire, _ = ready()
    with pytest.raises(CallWithheldError, match="killed"):
        await entry.add(ORDER, lambda: "killed")
    assert wire.sent == []


async def test_a_pair_without_a_websocket_name_is_not_sent() -> None:
    entry, wire, _ = ready()
    with pytest.raises(NotOverWebSocketError) as caught:
        await entry.add(replace(ORDER, pair="OLDUSD"), go)
    assert caught.value.error_class is ErrorClass.NOT_EXECUTED
    assert wire.sent == []


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("GetWebSocketsToken", httpx.ReadTimeout("slow")),
        ("GetWebSocketsToken", refused("EAPI:Invalid nonce")),
        ("GetWebSocketsToken", refused("EService:Busy")),
        ("Assets", httpx.ReadTimeout("slow")),
        ("AssetPairs", refused("EGeneral:Internal error")),
    ],
)
async def test_what_fails_while_a_request_is_prepared_proves_that_it_was_not_sent(
    method: str, answer: RestAnswer
) -> None:
    entry, wire, kraken = ready()
    kraken.on(method, answer)
    with pytest.raises(NetworkError) as caught:
        await entry.add(ORDER, go)
    assert (caught.value.sent, caught.value.error_class) == (Sent.NO, ErrorClass.NOT_EXECUTED)
    assert caught.value.code == ""
    assert wire.sent == []


@pytest.mark.parametrize(
    ("error", "kind"),
    [("EAPI:Invalid key", AuthError), ("EGeneral:Permission denied", PermissionDeniedError)],
)
async def test_a_key_that_gets_no_token_is_named_as_the_reason(error: str, kind: type[KrakenError]) -> None:
    entry, wire, kraken = ready()
    kraken.on("GetWebSocketsToken", refused(error))
    with pytest.raises(kind):
        await entry.add(ORDER, go)
    assert wire.sent == []


async def test_while_the_exchange_wants_fewer_messages_orders_wait_and_cancels_do_not() -> None:
    entry, wire, kraken = ready(done(cl_ord_id="k1"))
    wire.quiet = kraken.clock.monotonic() + 5
    with pytest.raises(RateLimitError) as caught:
        await entry.add(ORDER, go)
    assert 0 < caught.value.retry_after <= 5
    await entry.cancel(["k1"])
    assert [method for method, _ in wire.sent] == ["cancel_order"]


async def test_several_cancels_go_in_one_batch() -> None:
    entry, wire, _ = ready(reached(50), reached(10))
    await entry.cancel([f"k{n}" for n in range(60)])
    assert [method for method, _ in wire.sent] == ["batch_cancel", "batch_cancel"]
    assert [len(params["cl_ord_id"]) for _, params in wire.sent] == [50, 10]  # type: ignore[arg-type]
    assert all("orders" not in params for _, params in wire.sent)


async def test_a_batch_that_did_not_reach_all_is_asked_for_once_more_one_by_one() -> None:
    gone = [*done(cl_ord_id="k1"), *no("EOrder:Unknown order"), *no("EOrder:Unknown order")]
    entry, wire, _ = ready(reached(1), gone)
    await entry.cancel(["k1", "k2", "k3"])
    assert [(method, params["cl_ord_id"]) for method, params in wire.sent] == [
        ("batch_cancel", ["k1", "k2", "k3"]),
        ("cancel_order", ["k1", "k2", "k3"]),
    ]
    entry, _, _ = ready(reached(0), no("EService:Busy") * 3)
    with pytest.raises(KrakenError, match="EService:Busy"):
        await entry.cancel(["k1", "k2", "k3"])


async def test_a_single_cancel_that_would_have_to_wait_is_left_to_rest() -> None:
    entry, wire, kraken = ready(done(cl_ord_id="k1"))
    limiter, now = entry._limiter, kraken.clock.monotonic()
    tickets = [limiter.join(endpoints.ADD_ORDER, {"pair": "XBTUSD"}, now) for _ in range(200)]
    # The part that is kept for cancels is used up too.
    tickets += [limiter.join(endpoints.CANCEL_ORDER, {"cl_ord_id": "k0"}, now) for _ in range(2)]
    with pytest.raises(NotOverWebSocketError) as caught:
        await entry.cancel(["k1"])
    assert caught.value.error_class is ErrorClass.NOT_EXECUTED
    assert (wire.sent, kraken.clock.monotonic()) == ([], now)
    for ticket in tickets:
        limiter.leave(ticket, now)
    await entry.cancel(["k1"])
    assert [method for method, _ in wire.sent] == ["cancel_order"]


async def test_orders_keep_to_the_pace_of_messages_and_cancels_do_not_wait() -> None:
    entry, wire, kraken = ready(done(order_id="OXZ"), done(cl_ord_id="k1"))
    asked_at: list[float] = []

    def withhold() -> str:
        asked_at.append(kraken.clock.monotonic())
        return ""

    limiter, start = entry._limiter, kraken.clock.monotonic()
    for _ in range(30):
        limiter.message_delay(start)
    await entry.add(ORDER, withhold)
    waited = kraken.clock.monotonic() - start
    assert waited == pytest.approx((31 - MESSAGES_BURST) / MESSAGES_PER_SECOND)
    assert asked_at[-1] == kraken.clock.monotonic()
    for _ in range(30):
        limiter.message_delay(kraken.clock.monotonic())
    before = kraken.clock.monotonic()
    await entry.cancel(["k1"])
    assert kraken.clock.monotonic() == before
    assert len(wire.sent) == 2


@pytest.mark.parametrize("refusal", ["EOrder:Unknown order", "EGeneral:Invalid arguments", "Something new"])
async def test_a_refused_batch_is_cancelled_a_few_at_a_time_and_what_is_gone_is_no_error(
    refusal: str,
) -> None:
    answers = [*done(cl_ord_id="k"), *no("EOrder:Unknown order"), *done(cl_ord_id="k") * 3]
    entry, wire, _ = ready(no(refusal), answers, done(cl_ord_id="k") * 2)
    await entry.cancel([f"k{n}" for n in range(7)])
    assert [(method, params["cl_ord_id"]) for method, params in wire.sent[1:]] == [
        ("cancel_order", ["k0", "k1", "k2", "k3", "k4"]),
        ("cancel_order", ["k5", "k6"]),
    ]


async def test_a_failure_stops_none_of_the_other_cancels() -> None:
    entry, wire, _ = ready(no("EService:Busy"), reached(10))
    with pytest.raises(KrakenError, match="EService:Busy"):
        await entry.cancel([f"k{n}" for n in range(60)])
    assert len(wire.sent) == 2


async def test_a_cancel_that_was_not_answered_in_full_is_in_doubt() -> None:
    entry, _, _ = ready([], no("EOrder:Unknown order"), done(cl_ord_id="k1"))
    for ids in (["k1"], ["k1", "k2"]):
        with pytest.raises(NetworkError):
            await entry.cancel(ids)


async def test_a_stale_token_is_replaced_and_only_a_cancel_sent_again() -> None:
    entry, wire, _ = ready(
        no("EAPI:Invalid token"), done(cl_ord_id="k1"), no("ESession:Invalid session"), done(order_id="OXZ")
    )
    await entry.cancel(["k1"])
    assert [params["token"] for _, params in wire.sent] == ["t0psecret0", "t0psecret1"]
    with pytest.raises(AuthError):
        await entry.add(ORDER, go)
    assert await entry.add(ORDER, go) == "OXZ"
    assert [params["token"] for _, params in wire.sent[2:]] == ["t0psecret1", "t0psecret2"]


async def test_a_batch_answers_for_each_order() -> None:
    rows = [{"order_id": "O1"}, {"error": "EOrder:Insufficient funds"}]
    entry, wire, _ = ready([{"success": True, "result": rows}], [{"success": True, "result": rows[:1]}])
    orders = [ORDER, replace(ORDER, cl_ord_id="k2")]
    first, second = await entry.batch_add(orders, go)
    assert first == "O1"
    assert isinstance(second, OrderRejectedError)
    assert [order["cl_ord_id"] for order in wire.sent[0][1]["orders"]] == ["k1", "k2"]  # type: ignore[attr-defined]
    with pytest.raises(KrakenProtocolError):
        await entry.batch_add(orders, go)


async def test_the_other_requests() -> None:
    entry, wire, _ = ready(
        done(amend_id="TTB", cl_ord_id="k1"),
        done(order_id="OXW", original_order_id="OXZ"),
        [{"success": True, "orders_cancelled": 2}],
        done(count=3),
        [
            {
                "success": True,
                "result": {"currentTime": "2026-01-05T00:00:00Z", "triggerTime": "2026-01-05T00:01:00Z"},
            }
        ],
        done(currentTime="2026-01-05T00:00:00Z"),
        done(),
    )
    assert await entry.amend("k1", Amendment(limit_price=Decimal(60001)), go) == "TTB"
    assert await entry.edit("OXZ", "XBTUSD", Amendment(order_qty=Decimal(2)), go) == "OXW"
    assert await entry.batch_cancel(["k1", "k2"]) == 2
    assert await entry.cancel_all() == 3
    assert await entry.cancel_all_orders_after(60) == "2026-01-05T00:01:00Z"
    assert await entry.cancel_all_orders_after(0) == ""
    with pytest.raises(KrakenProtocolError):
        await entry.cancel_all()
    assert [method for method, _ in wire.sent[:5]] == [
        "amend_order", "edit_order", "batch_cancel", "cancel_all", "cancel_all_orders_after"
    ]  # fmt: skip
    assert wire.sent[1][1] == {
        "order_id": "OXZ", "symbol": "BTC/USD", "order_qty": 2.0, "token": "t0psecret0"
    }  # fmt: skip
    assert wire.sent[4][1]["timeout"] == 60


async def test_it_spends_from_the_counters_that_rest_spends_from() -> None:
    entry, _, kraken = ready(
        done(order_id="OXZ"), no("EOrder:Insufficient funds"), NetworkError("x", Sent.NO)
    )
    limiter = entry._limiter
    await entry.add(ORDER, go)
    for _ in range(2):
        with pytest.raises(KrakenError):
            await entry.add(ORDER, go)
    now = kraken.clock.monotonic()
    used = [room.used for room in limiter.headroom(now) if "XBTUSD" in room.name]
    assert used == [pytest.approx(2.0, abs=0.01)]
    assert endpoints.ADD_ORDER.cost == 1


async def test_errors_nobody_knows_are_counted_and_logged_once_each(caplog: pytest.LogCaptureFixture) -> None:
    new = "EOrder:Brand new refusal"
    row: Answer = [{"success": True, "result": [{"order_id": "O1"}, {"error": new}]}]
    entry, _, _ = ready(no(new), no(new), no("EOrder:Insufficient funds"), row)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(OrderRejectedError):
                await entry.add(ORDER, go)
        await entry.batch_add([ORDER, replace(ORDER, cl_ord_id="k2")], go)
    assert entry._oddities.counts() == {new: 3}
    assert [record.getMessage() for record in caplog.records] == [
        f"Kraken sent an error we do not know: {new}"
    ]


async def test_no_error_shows_a_token() -> None:
    for answer in (no("EOrder:x"), [], NetworkError("lost", Sent.MAYBE), [{"success": True, "result": []}]):
        entry, _, _ = ready(answer)
        with pytest.raises(KrakenError) as caught:
            await entry.add(ORDER, go)
        assert "t0psecret" not in f"{caught.value!r} {caught.value.__context__!r}"
