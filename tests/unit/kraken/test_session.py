"""The session as transcripts, and under random trouble."""

import random
import zlib
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakked_tui.kraken import session as session_module
from krakked_tui.kraken.frames import BalancesFrame, ExecutionsFrame, StatusFrame, TickerFrame
from krakked_tui.kraken.pending import Answered
from krakked_tui.kraken.session import (
    BookChanged,
    Ended,
    Event,
    Gap,
    Pace,
    Session,
    TradingMaximum,
    Unanswered,
)
from krakked_tui.kraken.subscriptions import BATCH_SIZE, BURST, REFUSALS_MAX, Progress
from krakked_tui.kraken.topics import Plan, Subscription
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


def ack(
    req_id: int, symbol: str | None = None, channel: str = "ticker", method: str = "subscribe", **more: object
) -> bytes:
    result = {"channel": channel, **({"symbol": symbol} if symbol else {}), **more}
    return msgspec.json.encode({"method": method, "req_id": req_id, "result": result, "success": True})


def refusal(req_id: int, error: str, symbol: str | None = None, method: str = "subscribe") -> bytes:
    body = {"method": method, "req_id": req_id, "error": error, "success": False}
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
    assert session.receive(ack(request.req_id, "ETH/USD"), 1) == [Progress(3, 1, ())]
    (frame,) = session.receive(TICKER, 1)
    assert isinstance(frame, TickerFrame)
    assert session.receive(ack(request.req_id, "BTC/USD"), 1) == [Progress(3, 2, ())]
    (request,) = sent(session)
    assert request.params == {"channel": "ohlc", "interval": 5, "symbol": ["BTC/USD"]}
    assert session.receive(ack(request.req_id, "BTC/USD", "ohlc"), 1) == [Progress(3, 3, ())]
    assert session.take_outgoing() == []


def test_that_nothing_is_acked_is_told_once() -> None:
    session = Session(PUBLIC, 0)
    session.receive(STATUS, 0)
    told = []
    for second in range(1, 30):
        session.receive(HEARTBEAT, second)
        told += [(second, event) for event in session.tick(second)]
    assert told == [(10, Unanswered(10))]


@pytest.mark.parametrize("plan", [PUBLIC, Plan(())])
def test_a_session_that_is_served_or_wants_nothing_misses_no_ack(plan: Plan) -> None:
    session = live(plan)
    for second in range(1, 30):
        session.receive(HEARTBEAT, second)
        assert session.tick(second) == []


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


def test_a_gap_is_told_and_the_channel_is_asked_for_anew_without_losing_what_comes() -> None:
    session = live(PRIVATE)
    session.receive(executions(1, "snapshot"), 1)
    gap, progress, frame = session.receive(executions(3), 1)
    assert gap == Gap("executions jumped from message 1 to 3")
    assert progress == Progress(2, 1, ())
    assert isinstance(frame, ExecutionsFrame)
    (leave,) = sent(session)
    assert (leave.method, leave.params) == ("unsubscribe", {"channel": "executions", "token": "t0psecret"})
    (frame,) = session.receive(executions(4), 1)
    assert isinstance(frame, ExecutionsFrame)
    session.receive(ack(leave.req_id, method="unsubscribe"), 1)
    (again,) = sent(session)
    assert (again.method, again.params["channel"]) == ("subscribe", "executions")
    assert session.receive(ack(again.req_id), 1) == [Progress(2, 2, ())]
    assert len(session.receive(executions(1, "snapshot"), 1)) == 1
    assert len(session.receive(executions(2), 1)) == 1


def test_a_second_gap_soon_after_ends_the_session() -> None:
    session = live(PRIVATE)
    session.receive(executions(1, "snapshot"), 1)
    session.receive(executions(3), 1)
    for _ in range(2):
        for request in sent(session):
            session.receive(ack(request.req_id, method=request.method), 2)
    session.receive(executions(1, "snapshot"), 2)
    reason = "executions jumped from message 1 to 9"
    assert session.receive(executions(9), 60) == [Gap(reason), Ended(reason), unfinished(9)]


def test_a_gap_once_the_token_is_old_needs_a_new_connection() -> None:
    session = live(PRIVATE)
    session.receive(executions(1, "snapshot"), 599)
    reason = "executions jumped from message 1 to 3"
    assert session.receive(executions(3), 600)[:2] == [Gap(reason), Ended(reason)]


def unfinished(sequence: int) -> ExecutionsFrame:
    return ExecutionsFrame(type="update", data=[], sequence=sequence)


def test_a_new_snapshot_starts_the_numbers_anew() -> None:
    session = live(PRIVATE)
    for message in (executions(1, "snapshot"), executions(2), executions(1, "snapshot"), executions(2)):
        assert len(session.receive(message, 1)) == 1


def test_a_private_message_that_cannot_be_read_is_a_hole() -> None:
    session = live(PRIVATE)
    broken = b'{"channel":"executions","type":"update","data":[{"order_id":7}],"sequence":1}'
    assert session.receive(broken, 1)[0] == Gap("a message on executions cannot be read")
    (leave,) = sent(session)
    assert leave.method == "unsubscribe"


def test_a_plan_holds_one_candle_interval() -> None:
    with pytest.raises(AssertionError):
        Plan((Subscription("ohlc", ("BTC/USD",), 1), Subscription("ohlc", ("BTC/USD",), 5)))


def test_plans_do_not_show_their_token() -> None:
    assert "t0psecret" not in repr(PRIVATE)
    assert "t0psecret" not in repr(vars(Session(PRIVATE, 0)))


def test_the_trading_maximum_comes_with_the_ack() -> None:
    session = Session(PRIVATE, 0)
    session.receive(STATUS, 0)
    (request,) = sent(session)
    assert session.receive(ack(request.req_id, maxratecount=125), 0) == [
        Progress(2, 1, ()),
        TradingMaximum(125),
    ]


def test_what_is_wanted_changes_while_it_runs() -> None:
    session = live(PUBLIC)
    ohlc = Subscription("ohlc", ("BTC/USD",), 60)
    wanted = (
        Subscription("ticker", ("BTC/USD", "SOL/USD")),
        ohlc,
        Subscription("book", ("BTC/USD",), depth=25),
    )
    assert session.want(wanted, 1) == [Progress(4, 1, ())]
    asked = []
    while requests := sent(session):
        (request,) = requests
        asked.append((request.method, request.params))
        for symbol in request.symbols:
            session.receive(ack(request.req_id, symbol, method=request.method), 1)
    assert asked == [
        ("unsubscribe", {"channel": "ticker", "symbol": ["ETH/USD"]}),
        ("unsubscribe", {"channel": "ohlc", "interval": 5, "symbol": ["BTC/USD"]}),
        ("subscribe", {"channel": "ticker", "symbol": ["SOL/USD"]}),
        ("subscribe", {"channel": "ohlc", "interval": 60, "symbol": ["BTC/USD"]}),
        ("subscribe", {"channel": "book", "depth": 25, "symbol": ["BTC/USD"]}),
    ]
    assert session.want(wanted, 1) == [Progress(4, 4, ())]


def test_it_knows_when_each_channel_and_symbol_was_heard_last() -> None:
    session = live(PUBLIC)
    assert session.heard("ticker") is None
    session.receive(TICKER, 3)
    assert (session.heard("ticker"), session.heard("ticker", "BTC/USD")) == (3, 3)
    assert session.heard("ticker", "ETH/USD") is None
    assert session.heard("ohlc") is None
    session.receive(TICKER.replace(b"BTC/USD", b"XXX/USD"), 4)
    assert session.heard("ticker") == 3
    private = live(PRIVATE)
    private.receive(executions(1, "snapshot"), 7)
    assert (private.heard("executions"), private.heard("balances")) == (7, None)


LEVEL = {"price": 1.5, "qty": 2.0}
BOOK_SUM = zlib.crc32(b"1520")


def book(symbol: str, kind: str, checksum: int = BOOK_SUM) -> bytes:
    row = {"symbol": symbol, "bids": [LEVEL], "asks": [], "checksum": checksum}
    return msgspec.json.encode({"channel": "book", "type": kind, "data": [row]})


def test_a_wrong_book_is_asked_for_anew_and_the_others_keep_flowing() -> None:
    session = live(Plan((Subscription("book", ("BTC/USD", "ETH/USD"), depth=10),)))
    for symbol in ("BTC/USD", "ETH/USD"):
        (changed,) = session.receive(book(symbol, "snapshot"), 1)
        assert isinstance(changed, BookChanged)
    assert session.book("BTC/USD") is not None
    (changed,) = session.receive(book("BTC/USD", "update", 1), 2)
    assert isinstance(changed, BookChanged)
    assert not changed.book.valid
    assert session.book("BTC/USD") is None
    assert session.oddities == {"wrong book": 1}
    assert session.receive(book("BTC/USD", "update"), 2) == []
    assert len(session.receive(book("ETH/USD", "update"), 2)) == 1
    (leave,) = sent(session)
    assert (leave.method, leave.params) == (
        "unsubscribe",
        {"channel": "book", "depth": 10, "symbol": ["BTC/USD"]},
    )
    session.receive(ack(leave.req_id, "BTC/USD", method="unsubscribe"), 2)
    (again,) = sent(session)
    assert (again.method, again.symbols) == ("subscribe", ["BTC/USD"])
    session.receive(book("BTC/USD", "snapshot"), 3)
    session.receive(ack(again.req_id, "BTC/USD"), 3)
    assert session.book("BTC/USD") is not None


def test_a_book_that_is_wrong_again_and_again_is_asked_for_less_and_less_often() -> None:
    session = live(Plan((Subscription("book", ("BTC/USD",), depth=10),)))
    subscribed: list[int] = []
    session.receive(book("BTC/USD", "snapshot", 1), 0)
    for second in range(1, 2_000):
        for request in sent(session):
            session.receive(ack(request.req_id, "BTC/USD", method=request.method), second)
            if request.method == "subscribe":
                subscribed.append(second)
                session.receive(book("BTC/USD", "snapshot", 1), second)
        session.receive(HEARTBEAT, second)
        session.tick(second)
    waits = [after - before for before, after in pairwise(subscribed)]
    assert waits == sorted(waits)
    assert 4 < len(subscribed) < 20
    assert max(waits) >= session_module.RENEW_SECONDS_MAX


def test_books_nobody_asked_for_are_dropped() -> None:
    session = live(PUBLIC)
    assert session.receive(book("BTC/USD", "snapshot"), 1) == []
    assert session.book("BTC/USD") is None


def test_requests_get_all_their_answers() -> None:
    session = live(PRIVATE)
    req_id, message = session.request("cancel_order", {"cl_ord_id": ["a", "b"]}, 1, answers=2, seconds=10)
    assert msgspec.json.decode(message) == {
        "method": "cancel_order", "params": {"cl_ord_id": ["a", "b"]}, "req_id": req_id
    }  # fmt: skip
    reply = b'{"method":"cancel_order","req_id":%d,"result":{"cl_ord_id":"a"},"success":true}' % req_id
    assert session.receive(reply, 2) == []
    (answered,) = session.receive(reply.replace(b'"a"', b'"b"'), 2)
    assert isinstance(answered, Answered)
    assert (answered.req_id, len(answered.replies), answered.complete) == (req_id, 2, True)
    assert session.receive(reply, 2) == []
    assert session.oddities == {"unexpected reply to cancel_order": 1}


def test_an_answer_that_does_not_come_is_not_waited_for() -> None:
    session = live(PRIVATE)
    req_id, _ = session.request("add_order", {}, 1, answers=1, seconds=10)
    session.receive(HEARTBEAT, 10)
    assert session.tick(10) == []
    assert session.tick(11) == [Answered(req_id, (), complete=False)]


Topic = tuple[object, object, object, str]


class Exchange:
    """Answers requests the way a bad day would, and complains about what Kraken would not take."""

    def __init__(self, rejected: set[str], fates: Sequence[str]) -> None:
        self.rejected = rejected
        self.fates = list(fates)
        self.subscribed: set[Topic] = set()
        self.late: list[bytes] = []
        self.outstanding: dict[str, int] = {}

    def answer(self, request: Request) -> list[bytes]:
        if request.method == "ping":
            return [msgspec.json.encode({"method": "pong", "req_id": request.req_id})]
        assert 0 < len(request.symbols) <= BATCH_SIZE
        answers = []
        for symbol in request.symbols:
            params = request.params
            topic = (params["channel"], params.get("interval"), params.get("depth"), symbol)
            reply = self._carry_out(request, topic)
            fate = self.fates.pop() if self.fates else "once"
            answers += {"once": [reply], "twice": [reply, reply], "lost": [], "late": []}[fate]
            if fate == "late":
                self.late.append(reply)
        return answers

    def _carry_out(self, request: Request, topic: Topic) -> bytes:
        symbol = topic[3]
        same_place = {t for t in self.subscribed if (t[0], t[3]) == (topic[0], symbol)}
        if request.method == "unsubscribe":
            if topic not in self.subscribed:
                return refusal(request.req_id, "Subscription Not Found", symbol, "unsubscribe")
            self.subscribed.remove(topic)
            return ack(request.req_id, symbol, method="unsubscribe")
        if symbol in self.rejected:
            return refusal(request.req_id, f"Currency pair not supported {symbol}", symbol)
        if topic in same_place:
            return refusal(request.req_id, "Already subscribed", symbol)
        assert not same_place, (topic, same_place)
        self.subscribed.add(topic)
        return ack(request.req_id, symbol)


names = st.integers(0, 30).map(lambda n: f"A{n}/USD")
plans = st.builds(
    lambda tickers, candles, interval: tuple(
        subscription
        for subscription in (
            Subscription("ticker", tuple(tickers)),
            Subscription("ohlc", tuple(candles), interval),
        )
        if subscription.symbols
    ),
    st.lists(names, unique=True),
    st.lists(names, unique=True),
    st.sampled_from([1, 5]),
)


def as_topics(plan: Sequence[Subscription]) -> set[Topic]:
    return {(s.channel, s.interval, s.depth, symbol) for s in plan for symbol in s.symbols}


@settings(max_examples=60, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 60), plans), min_size=1, max_size=4),
    rejected=st.sets(names, max_size=5),
    fates=st.lists(st.sampled_from(["once", "twice", "lost", "late"]), max_size=30),
    order=st.randoms(use_true_random=False),
)
def test_whatever_happens_to_acks_it_ends_with_what_was_wanted_last(
    changes: list[tuple[int, tuple[Subscription, ...]]],
    rejected: set[str],
    fates: list[str],
    order: random.Random,
) -> None:
    session = Session(Plan(changes[0][1]), 0)
    exchange = Exchange(rejected, fates)
    events = session.receive(STATUS, 0)
    changed_at = dict(changes[1:])
    last = changed_at[max(changed_at)] if changed_at else changes[0][1]
    times: list[int] = []
    latest: list[Progress] = []
    for second in range(1, 420):
        if second - 1 in changed_at:
            events += session.want(changed_at[second - 1], second)
        answers = []
        for _ in range(30):
            requests = sent(session)
            out = [request for request in requests if request.method != "ping"]
            assert len(out) <= 1
            times += [second] * len(out)
            answers = [answer for request in requests for answer in exchange.answer(request)]
            order.shuffle(answers)
            for message in answers:
                events += session.receive(message, second)
            if not requests:
                break
        if second % 7 == 0 and exchange.late:
            events += session.receive(exchange.late.pop(order.randrange(len(exchange.late))), second)
        session.receive(HEARTBEAT, second)
        events += session.tick(second)
        # What it says is true: as long as no answer was lost it never claims what is not served.
        latest = [event for event in events if isinstance(event, Progress)] or latest
        assert latest[-1].acked <= len(exchange.subscribed)
        assert not [event for event in events if isinstance(event, Ended)]
        events = []
    for second in set(times):
        assert times.count(second) <= BURST
    wanted = as_topics(last)
    assert exchange.subscribed == {topic for topic in wanted if topic[3] not in rejected}
    (progress,) = session.want(last, 420)
    assert isinstance(progress, Progress)
    refused = sum(topic[3] in rejected for topic in wanted)
    assert progress == Progress(len(wanted), len(wanted) - refused, progress.failed)
    assert len(progress.failed) == refused


def test_a_symbol_refused_for_good_is_left_alone() -> None:
    session = Session(Plan((Subscription("ticker", ("OLD/USD",)),)), 0)
    session.receive(STATUS, 0)
    asked = []
    for second in range(1, 30_000):
        for request in sent(session):
            if request.method == "subscribe":
                asked.append(second)
                session.receive(refusal(request.req_id, "Currency pair not supported", "OLD/USD"), second)
        session.receive(HEARTBEAT, second)
        session.tick(second)
    assert len(asked) == REFUSALS_MAX
    session.want((), 30_000)
    session.want((Subscription("ticker", ("OLD/USD",)),), 30_000)
    assert len(sent(session)) == 1


BOOKS = Plan((Subscription("book", ("BTC/USD", "ETH/USD"), depth=10),))


def with_books() -> tuple[Session, list[BookChanged]]:
    """A session with two books that are right."""
    session = live(BOOKS)
    books = [
        *session.receive(book("BTC/USD", "snapshot"), 1),
        *session.receive(book("ETH/USD", "snapshot"), 1),
    ]
    assert all(isinstance(each, BookChanged) and each.book.valid for each in books)
    return session, books  # type: ignore[return-value]


def test_a_book_that_is_not_wanted_any_more_is_not_valid_and_says_so() -> None:
    session, (bitcoin, ether) = with_books()
    assert session.want((Subscription("book", ("BTC/USD",), depth=10),), 2) == [ether, Progress(1, 1, ())]
    assert (bitcoin.book.valid, ether.book.valid) == (True, False)
    events = session.want((Subscription("book", ("BTC/USD",), depth=25),), 2)
    assert events == [bitcoin, Progress(1, 0, ())]
    assert not bitcoin.book.valid


def test_a_session_that_is_closed_leaves_no_valid_book() -> None:
    session, (bitcoin, ether) = with_books()
    session.receive(book("ETH/USD", "snapshot", 1), 2)
    assert not ether.book.valid
    assert session.close() == [bitcoin]
    assert not bitcoin.book.valid
    assert session.close() == []
    assert session.receive(book("BTC/USD", "snapshot"), 2) == []
    assert session.take_outgoing() == []


def test_a_wrong_book_before_the_ack_is_renewed_at_once_however_much_follows() -> None:
    session = Session(Plan((Subscription("book", ("BTC/USD",), depth=10),)), 0)
    session.receive(STATUS, 0)
    (request,) = sent(session)
    (wrong,) = session.receive(book("BTC/USD", "snapshot", 1), 0)
    assert isinstance(wrong, BookChanged)
    assert not wrong.book.valid
    for _ in range(10):
        assert session.receive(book("BTC/USD", "update"), 0) == []
    session.receive(ack(request.req_id, "BTC/USD", "book"), 0)
    (leave,) = sent(session)
    session.receive(ack(leave.req_id, "BTC/USD", "book", leave.method), 0)
    (again,) = sent(session)
    assert [leave.method, again.method] == ["unsubscribe", "subscribe"]
    session.receive(ack(again.req_id, "BTC/USD", "book"), 0)
    (right,) = session.receive(book("BTC/USD", "snapshot"), 0)
    assert isinstance(right, BookChanged)
    assert right.book.valid
    assert session.oddities == {"wrong book": 1}


class BookPeer:
    """Serves one book badly, step by step."""

    plan = Plan((Subscription("book", ("BTC/USD",), depth=10),))

    def __init__(self) -> None:
        self.now = 0.0
        self.wrongs = 0
        self.connect()

    def connect(self) -> None:
        self.session = Session(self.plan, self.now)
        self.session.receive(STATUS, self.now)
        self.pending: list[Request] = []
        self.flowing = False

    def answer(self, request: Request) -> None:
        self.session.receive(ack(request.req_id, "BTC/USD", "book", request.method), self.now)
        if request.method == "subscribe":
            self.session.receive(book("BTC/USD", "snapshot"), self.now)

    def drop(self) -> None:
        known = self.session.book("BTC/USD")
        self.session.close()
        assert known is None or not known.valid
        self.connect()

    def act(self, step: str) -> None:
        if step in ("ack", "lost") and self.pending:
            request = self.pending.pop(0)
            self.flowing = self.flowing and request.method == "subscribe"
            if step == "ack":
                self.answer(request)
        elif step == "wrong" and self.wrongs < 3:
            self.wrongs, self.flowing = self.wrongs + 1, True
            self.session.receive(book("BTC/USD", "snapshot", 1), self.now)
        elif step == "update" and self.flowing:
            for _ in range(8):
                self.session.receive(book("BTC/USD", "update"), self.now)
        elif step == "drop":
            self.drop()


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.sampled_from(["ack", "lost", "wrong", "update", "update", "drop"]), max_size=25))
def test_a_book_becomes_right_whatever_came_between_its_acks(steps: list[str]) -> None:
    peer = BookPeer()
    for step in steps:
        peer.now += 0.1
        peer.pending += sent(peer.session)
        peer.act(step)
    for _ in range(40):
        peer.now += 1
        peer.session.receive(HEARTBEAT, peer.now)
        assert {type(event) for event in peer.session.tick(peer.now)} <= {Unanswered}
        for request in (*peer.pending, *sent(peer.session)):
            if request.method != "ping":
                peer.answer(request)
        peer.pending = []
    assert peer.session.book("BTC/USD") is not None


def test_requests_are_paced() -> None:
    symbols = tuple(f"A{n}/USD" for n in range(5_000))
    session = Session(Plan((Subscription("ticker", symbols),)), 0)
    session.receive(STATUS, 0)
    sent_in: dict[int, int] = {}
    for second in range(10):
        session.receive(HEARTBEAT, second)
        session.tick(second)
        while requests := sent(session):
            for request in requests:
                sent_in[second] = sent_in.get(second, 0) + 1
                for symbol in request.symbols:
                    session.receive(ack(request.req_id, symbol), second)
    assert sum(sent_in.values()) == 50
    assert max(sent_in.values()) == BURST


def test_the_pace_is_as_told() -> None:
    symbols = tuple(f"A{n}/USD" for n in range(7))
    session = Session(Plan((Subscription("ticker", symbols),)), 0, Pace(batch_size=3, ping_seconds=2.0))
    session.receive(STATUS, 0)
    sizes = []
    for _ in range(3):
        (request,) = [each for each in sent(session) if each.method == "subscribe"]
        sizes.append(len(request.symbols))
        for symbol in request.symbols:
            session.receive(ack(request.req_id, symbol), 0)
    assert sizes == [3, 3, 1]
    pings = []
    for tenth in range(1, 60):
        session.tick(tenth / 10)
        pings += [tenth / 10 for request in sent(session) if request.method == "ping"]
    assert pings == [2.0, 4.0]


def test_a_rare_ping_is_waited_for_while_nothing_is_served() -> None:
    session = Session(Plan(()), 0, Pace(ping_seconds=30.0))
    session.receive(STATUS, 0)
    for second in range(1, 35):
        assert session.tick(second) == []
    assert session.tick(35) == [Ended("nothing was heard for 35 s")]
    served = Session(PUBLIC, 0, Pace(ping_seconds=30.0))
    served.receive(STATUS, 0)
    (request,) = sent(served)
    served.receive(ack(request.req_id, "BTC/USD"), 0)
    assert served.tick(10) == [Ended("nothing was heard for 10 s")]


def test_statuses_nobody_knows_are_counted() -> None:
    session = live(PUBLIC)
    session.receive(STATUS.replace(b"online", b"dreaming"), 1)
    pair = b'{"channel":"instrument","type":"update","data":{"pairs":[{"symbol":"A/B","status":"%b"}]}}'
    for status in (b"asleep", b"online", b"work_in_progress"):
        session.receive(pair % status, 1)
    assert session.oddities == {"unknown system status": 1, "unknown pair status": 1}
    assert session.examples == {"unknown system status": "dreaming", "unknown pair status": "asleep"}


def test_renewing_leaves_first_and_drops_the_book() -> None:
    session, _ = with_books()
    events = session.renew({"BTC/USD"}, 2)
    assert [event.book.symbol for event in events if isinstance(event, BookChanged)] == ["BTC/USD"]
    (request,) = sent(session)
    assert (request.method, request.symbols) == ("unsubscribe", ["BTC/USD"])
    session.receive(ack(request.req_id, "BTC/USD", "book", method="unsubscribe"), 2)
    (request,) = sent(session)
    assert (request.method, request.symbols) == ("subscribe", ["BTC/USD"])
    assert session.book("ETH/USD") is not None


def test_renewing_leaves_a_refusal_as_it_is() -> None:
    session = Session(Plan((Subscription("ticker", ("OLD/USD",)),)), 0)
    session.receive(STATUS, 0)
    (request,) = sent(session)
    session.receive(refusal(request.req_id, "Currency pair not supported", "OLD/USD"), 0)
    (progress,) = session.renew({"OLD/USD"}, 1)
    assert isinstance(progress, Progress)
    assert len(progress.failed) == 1
    assert sent(session) == []
    session.close()
    assert session.renew({"OLD/USD"}, 2) == []


def test_renewing_before_anything_was_asked_for_asks_once() -> None:
    session = Session(BOOKS, 0)
    session.renew({"BTC/USD"}, 0)
    session.receive(STATUS, 0)
    (request,) = sent(session)
    assert (request.method, request.symbols) == ("subscribe", ["BTC/USD", "ETH/USD"])
