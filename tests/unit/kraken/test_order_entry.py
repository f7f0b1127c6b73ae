"""Orders over a scripted WebSocket: what is sent, what the answers mean, what stays in doubt."""

import random
from collections.abc import Callable, Mapping
from decimal import Decimal

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
    RateLimitError,
    Sent,
)
from krakked_tui.kraken.frames import Reply
from krakked_tui.kraken.order_entry import StreamOrderEntry
from krakked_tui.kraken.order_messages import Amendment
from krakked_tui.kraken.pending import Answered
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.tokens import TokenSource
from krakked_tui.kraken.writing import CallWithheldError
from tests.unit.kraken.exchange import ScriptedKraken, ok

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
    return StreamOrderEntry(wire, kraken.listing(), tokens, rest.limiter, kraken.clock), wire, kraken


def go() -> str:
    return ""


def done(**result: object) -> list[dict[str, object]]:
    return [{"success": True, "result": result}]


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
    with pytest.raises(InvalidArgumentsError):
        await entry.add(replace(ORDER, pair="OLDUSD"), go)
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
    reached: Answer = [{"success": True, "orders_cancelled": 49}]
    entry, wire, _ = ready(reached, reached)
    await entry.cancel([f"k{n}" for n in range(60)])
    assert [method for method, _ in wire.sent] == ["batch_cancel", "batch_cancel"]
    assert [len(params["orders"]) for _, params in wire.sent] == [50, 10]  # type: ignore[arg-type]


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
    batch: Answer = [{"success": True, "orders_cancelled": 10}]
    entry, wire, _ = ready(no("EService:Busy"), batch)
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
    assert await entry.batch_cancel(["k1", "k2"]) == 2
    assert await entry.cancel_all() == 3
    assert await entry.cancel_all_orders_after(60) == "2026-01-05T00:01:00Z"
    assert await entry.cancel_all_orders_after(0) == ""
    with pytest.raises(KrakenProtocolError):
        await entry.cancel_all()
    assert [method for method, _ in wire.sent[:4]] == [
        "amend_order", "batch_cancel", "cancel_all", "cancel_all_orders_after"
    ]  # fmt: skip
    assert wire.sent[3][1]["timeout"] == 60


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


async def test_no_error_shows_a_token() -> None:
    for answer in (no("EOrder:x"), [], NetworkError("lost", Sent.MAYBE), [{"success": True, "result": []}]):
        entry, _, _ = ready(answer)
        with pytest.raises(KrakenError) as caught:
            await entry.add(ORDER, go)
        assert "t0psecret" not in f"{caught.value!r} {caught.value.__context__!r}"
