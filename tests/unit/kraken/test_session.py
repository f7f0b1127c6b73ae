"""The session as transcripts, and under random trouble."""

from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.kraken import session as session_module
from krakked_tui.kraken.frames import BalancesFrame, ExecutionsFrame, StatusFrame, TickerFrame
from krakked_tui.kraken.session import Ended, Event, Plan, Progress, Session, Subscription
from krakked_tui.kraken.wire import WebSocketsToken

STATUS = b'{"channel":"status","type":"update","data":[{"system":"online","api_version":"v2"}]}'
HEARTBEAT = b'{"channel":"heartbeat"}'
TICKER = (
    b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":1.0,"bid_qty":1.0,'
    b'"ask":2.0,"ask_qty":1.0,"last":1.5}]}'
)
PUBLIC = Plan((Subscription("ticker", ("BTC/USD", "ETH/USD")), Subscription("ohlc", ("BTC/USD",), 5)))
PRIVATE = Plan(
    (Subscription("executions"), Subscription("balances")), WebSocketsToken(token="t0psecret", expires=900)
)


class Request(msgspec.Struct):
    method: str
    req_id: int
    params: dict[str, object] = {}

    @property
    def symbols(self) -> list[str]:
        symbols = self.params.get("symbol", [])
        assert isinstance(symbols, list)
        return symbols


def sent(session: Session) -> list[Request]:
    return [msgspec.json.decode(message, type=Request) for message in session.take_outgoing()]


def ack(req_id: int, symbol: str | None = None, channel: str = "ticker") -> bytes:
    result = {"channel": channel, **({"symbol": symbol} if symbol else {})}
    return msgspec.json.encode({"method": "subscribe", "req_id": req_id, "result": result, "success": True})


def refusal(req_id: int, error: str, symbol: str | None = None) -> bytes:
    body = {"method": "subscribe", "req_id": req_id, "error": error, "success": False}
    return msgspec.json.encode(body | ({"symbol": symbol} if symbol else {}))


def executions(sequence: int, kind: str = "update") -> bytes:
    return msgspec.json.encode({"channel": "executions", "type": kind, "data": [], "sequence": sequence})


def live(plan: Plan) -> Session:
    """A session with everything acked at second 0."""
    session = Session(plan, 0)
    session.receive(STATUS, 0)
    for _ in range(10):
        for request in sent(session):
            for symbol in request.symbols or [""]:
                session.receive(ack(request.req_id, symbol or None), 0)
    return session


def test_from_connecting_to_live() -> None:
    session = Session(PUBLIC, 0)
    assert session.take_outgoing() == []
    status, progress = session.receive(STATUS, 0)
    assert isinstance(status, StatusFrame)
    assert progress == Progress(wanted=3, acked=0, failed=())
    (request,) = sent(session)
    assert request.method == "subscribe"
    assert request.params == {"channel": "ticker", "symbol": ["BTC/USD", "ETH/USD"]}
    assert session.receive(ack(request.req_id, "ETH/USD"), 1) == []
    (frame,) = session.receive(TICKER, 1)
    assert isinstance(frame, TickerFrame)
    assert session.receive(ack(request.req_id, "BTC/USD"), 1) == [Progress(3, 2, ())]
    (request,) = sent(session)
    assert request.params == {"channel": "ohlc", "interval": 5, "symbol": ["BTC/USD"]}
    assert session.receive(ack(request.req_id, "BTC/USD", "ohlc"), 1) == [Progress(3, 3, ())]
    assert session.take_outgoing() == []


def test_private_requests_carry_the_token() -> None:
    session = Session(PRIVATE, 0)
    session.receive(STATUS, 0)
    (request,) = sent(session)
    assert request.params == {"channel": "executions", "token": "t0psecret"}
    session.receive(ack(request.req_id), 0)
    (request,) = sent(session)
    assert request.params == {"channel": "balances", "token": "t0psecret"}
    assert session.receive(ack(request.req_id), 0) == [Progress(2, 2, ())]


def test_many_symbols_go_in_batches_one_after_the_other() -> None:
    symbols = tuple(f"A{n}/USD" for n in range(250))
    session = Session(Plan((Subscription("ticker", symbols),)), 0)
    session.receive(STATUS, 0)
    sizes = []
    while requests := sent(session):
        (request,) = requests
        sizes.append(len(request.symbols))
        for symbol in request.symbols:
            session.receive(ack(request.req_id, symbol), 0)
    assert sizes == [100, 100, 50]


def test_a_refused_symbol_is_reported_and_retried_slowly_without_failing_others() -> None:
    session = Session(PUBLIC, 0)
    session.receive(STATUS, 0)
    (request,) = sent(session)
    session.receive(refusal(request.req_id, "Currency pair not supported ETH/USD", "ETH/USD"), 0)
    failed = ("ticker ETH/USD: Currency pair not supported ETH/USD",)
    assert session.receive(ack(request.req_id, "BTC/USD"), 0) == [Progress(3, 1, failed)]
    (request,) = sent(session)
    assert session.receive(ack(request.req_id, "BTC/USD", "ohlc"), 0) == [Progress(3, 2, failed)]
    for second in range(1, 300):
        session.receive(HEARTBEAT, second)
        assert session.tick(second) == []
        assert session.take_outgoing() == []
    session.receive(HEARTBEAT, 300)
    session.tick(300)
    (request,) = sent(session)
    assert request.symbols == ["ETH/USD"]
    assert session.receive(ack(request.req_id, "ETH/USD"), 300) == [Progress(3, 3, ())]


def test_a_refusal_without_symbol_is_about_the_whole_request() -> None:
    session = Session(PUBLIC, 0)
    session.receive(STATUS, 0)
    (request,) = sent(session)
    (progress,) = session.receive(refusal(request.req_id, "Subscription name invalid"), 0)
    assert isinstance(progress, Progress)
    assert [text.partition(":")[0] for text in progress.failed] == ["ticker BTC/USD", "ticker ETH/USD"]
    (request,) = sent(session)
    assert request.params["channel"] == "ohlc"


@pytest.mark.parametrize(
    "already", ["Already subscribed", "Already subscribed to one ohlc interval on this symbol"]
)
def test_a_lost_ack_is_asked_for_again_and_already_subscribed_is_an_ack(already: str) -> None:
    session = Session(Plan((Subscription("ticker", ("BTC/USD",)),)), 0)
    session.receive(STATUS, 0)
    (first,) = sent(session)
    for second in range(1, 11):
        session.receive(TICKER, second)
        session.tick(second)
    (second_request,) = sent(session)
    assert second_request.symbols == ["BTC/USD"]
    assert second_request.req_id != first.req_id
    assert session.receive(refusal(second_request.req_id, already, "BTC/USD"), 11) == [Progress(1, 1, ())]


def test_a_late_ack_counts_and_a_late_refusal_of_what_works_does_not() -> None:
    session = Session(Plan((Subscription("ticker", ("BTC/USD",)),)), 0)
    session.receive(STATUS, 0)
    (first,) = sent(session)
    for second in range(1, 11):
        session.receive(TICKER, second)
        session.tick(second)
    (again,) = sent(session)
    assert session.receive(ack(first.req_id, "BTC/USD"), 11) == [Progress(1, 1, ())]
    assert session.receive(refusal(again.req_id, "Something else", "BTC/USD"), 11) == [Progress(1, 1, ())]


def test_answers_to_nothing_are_counted() -> None:
    session = live(PUBLIC)
    for message in (ack(77, "BTC/USD"), ack(1, "XXX/USD"), b'{"method":"add_order","success":true}'):
        assert session.receive(message, 1) == []
    assert session.oddities.total() == 3


def test_silence_ends_it() -> None:
    session = live(PUBLIC)
    assert [session.tick(second) for second in range(1, 10)] == [[]] * 9
    assert session.tick(10) == [Ended("nothing was heard for 10 s")]
    assert session.tick(11) == []
    assert session.receive(TICKER, 11) == []
    assert session.take_outgoing() == []


def test_it_pings_when_it_is_quiet_and_a_pong_is_life_before_anything_is_acked() -> None:
    session = Session(Plan(()), 0)
    session.receive(STATUS, 0)
    for second in range(1, 60):
        assert session.tick(second) == []
        for request in sent(session):
            assert (request.method, request.params) == ("ping", {})
            session.receive(msgspec.json.encode({"method": "pong", "req_id": request.req_id}), second)


def test_once_acked_pongs_alone_are_no_life() -> None:
    session = live(PUBLIC)
    events: list[Event] = []
    for second in range(1, 11):
        events += session.tick(second)
        for request in sent(session):
            session.receive(msgspec.json.encode({"method": "pong", "req_id": request.req_id}), second)
    assert events == [Ended("only answers to pings were heard for 10 s")]


def test_heartbeats_keep_it_alive() -> None:
    session = live(PUBLIC)
    for second in range(1, 100):
        session.receive(HEARTBEAT, second)
        assert session.tick(second) == []
    assert session.take_outgoing() == []


def test_without_a_status_it_ends() -> None:
    session = Session(PUBLIC, 0)
    for second in range(1, 10):
        session.receive(HEARTBEAT, second)
        assert session.tick(second) == []
    session.receive(HEARTBEAT, 10)
    assert session.tick(10) == [Ended("the exchange sent no status")]


@pytest.mark.parametrize(
    "message",
    [
        b"CloudFlare WebSocket proxy restarting",
        b'{"channel":"ticker","data":[{"symbol":1}]}',
        b'{"channel":"x"}',
    ],
)
def test_odd_messages_are_counted_never_raised(message: bytes) -> None:
    session = live(PUBLIC)
    assert session.receive(message, 1) == []
    assert session.receive(message, 1) == []
    assert list(session.oddities.values()) == [2]


def test_the_number_of_counted_kinds_is_bounded() -> None:
    session = live(PUBLIC)
    for n in range(1000):
        session.receive(f'{{"channel":"x{n}"}}'.encode(), 1)
    assert len(session.oddities) <= session_module.KINDS_MAX + 1
    assert session.oddities.total() == 1000


def test_a_complaint_about_the_rate_pauses_requests() -> None:
    session = Session(PUBLIC, 0)
    session.receive(b'{"Error":"Exceeded msg rate"}', 0)
    session.receive(STATUS, 0)
    assert session.take_outgoing() == []
    session.tick(4)
    assert session.take_outgoing() == []
    session.tick(5)
    assert {request.method for request in sent(session)} == {"subscribe", "ping"}


def test_a_refused_private_channel_ends_the_session() -> None:
    session = Session(PRIVATE, 0)
    session.receive(STATUS, 0)
    (request,) = sent(session)
    (ended,) = session.receive(refusal(request.req_id, "ESession:Invalid session"), 0)
    assert ended == Ended("executions was refused: ESession:Invalid session")


def test_private_messages_are_numbered() -> None:
    session = live(PRIVATE)
    balances = executions(1, "snapshot").replace(b"executions", b"balances")
    for message in (executions(1, "snapshot"), executions(2), balances):
        (frame,) = session.receive(message, 1)
        assert isinstance(frame, ExecutionsFrame | BalancesFrame)
    assert session.receive(executions(2), 1) == []
    assert session.receive(executions(1), 1) == []
    assert len(session.receive(executions(3), 1)) == 1
    assert session.receive(executions(5), 1) == [Ended("executions jumped from message 3 to 5")]


def test_a_new_snapshot_starts_the_numbers_anew() -> None:
    session = live(PRIVATE)
    for message in (executions(1, "snapshot"), executions(2), executions(1, "snapshot"), executions(2)):
        assert len(session.receive(message, 1)) == 1


def test_a_private_message_that_cannot_be_read_is_a_hole() -> None:
    session = live(PRIVATE)
    broken = b'{"channel":"executions","type":"update","data":[{"order_id":7}],"sequence":1}'
    assert session.receive(broken, 1) == [Ended("a message on executions cannot be read")]


def test_a_plan_holds_one_candle_interval() -> None:
    with pytest.raises(AssertionError):
        Plan((Subscription("ohlc", ("BTC/USD",), 1), Subscription("ohlc", ("BTC/USD",), 5)))


def test_plans_do_not_show_their_token() -> None:
    assert "t0psecret" not in repr(PRIVATE)
    assert "t0psecret" not in repr(vars(Session(PRIVATE, 0)))


class Exchange:
    """Answers subscriptions the way a bad day would."""

    def __init__(self, rejected: set[str], fates: Sequence[str]) -> None:
        self.rejected = rejected
        self.fates = list(fates)
        self.subscribed: set[tuple[object, object, str]] = set()
        self.late: list[bytes] = []

    def answer(self, request: Request) -> list[bytes]:
        if request.method == "ping":
            return [msgspec.json.encode({"method": "pong", "req_id": request.req_id})]
        answers = []
        for symbol in request.symbols:
            topic = (request.params["channel"], request.params.get("interval"), symbol)
            if symbol in self.rejected:
                reply = refusal(request.req_id, f"Currency pair not supported {symbol}", symbol)
            elif topic in self.subscribed:
                reply = refusal(request.req_id, "Already subscribed", symbol)
            else:
                self.subscribed.add(topic)
                reply = ack(request.req_id, symbol)
            fate = self.fates.pop() if self.fates else "once"
            answers += {"once": [reply], "twice": [reply, reply], "lost": [], "late": []}[fate]
            if fate == "late":
                self.late.append(reply)
        return answers


@given(
    symbols=st.lists(st.integers(0, 30).map(lambda n: f"A{n}/USD"), unique=True, min_size=1),
    rejected=st.sets(st.integers(0, 30).map(lambda n: f"A{n}/USD")),
    candles=st.booleans(),
    fates=st.lists(st.sampled_from(["once", "twice", "lost", "late"]), max_size=60),
)
def test_whatever_happens_to_acks_every_topic_ends_acked_or_reported(
    symbols: list[str], rejected: set[str], candles: bool, fates: list[str]
) -> None:
    channels = [Subscription("ticker", tuple(symbols))]
    channels += [Subscription("ohlc", tuple(symbols), 5)] if candles else []
    session = Session(Plan(tuple(channels)), 0)
    exchange = Exchange(rejected, fates)
    events = session.receive(STATUS, 0)
    for second in range(1, 700):
        requests = sent(session)
        assert sum(request.method == "subscribe" for request in requests) <= 1
        for request in requests:
            for message in exchange.answer(request):
                events += session.receive(message, second)
        if second % 7 == 0 and exchange.late:
            events += session.receive(exchange.late.pop(), second)
        session.receive(HEARTBEAT, second)
        events += session.tick(second)
    assert not [event for event in events if isinstance(event, Ended)]
    last = [event for event in events if isinstance(event, Progress)][-1]
    refused = rejected & set(symbols)
    assert last.wanted == len(symbols) * len(channels)
    assert len(last.failed) == len(refused) * len(channels)
    assert last.acked == last.wanted - len(last.failed)
