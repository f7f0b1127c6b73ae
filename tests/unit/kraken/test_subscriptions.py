"""What is asked for when a subscription has to start over before it was answered."""

import pytest

from krakked_tui.kraken.frames import Reply, ReplyResult
from krakked_tui.kraken.subscriptions import ACK_SECONDS, RETRY_SECONDS, SUBSCRIBE, UNSUBSCRIBE, Subscriptions
from krakked_tui.kraken.topics import Subscription, Topic, TopicState

BOOK = Topic("book", None, "BTC/USD", depth=10)


def asked() -> Subscriptions:
    """A book that has been asked for as request 1, and has to start over since."""
    subscriptions = Subscriptions((Subscription("book", ("BTC/USD",), depth=10),), 0)
    assert subscriptions.next_batch(1, 0) is not None
    subscriptions.renew(BOOK, 0)
    return subscriptions


def answer(req_id: int, method: str, error: str | None = None) -> Reply:
    result = ReplyResult(channel="book", symbol="BTC/USD", depth=10)
    return Reply(method, success=error is None, req_id=req_id, error=error, result=result)


def test_what_has_to_start_over_is_left_as_soon_as_it_is_acked() -> None:
    subscriptions = asked()
    assert not subscriptions.serving(BOOK)
    assert subscriptions.next_batch(2, 0) is None
    subscriptions.answer(answer(1, SUBSCRIBE), 0.1)
    leave = subscriptions.next_batch(2, 0.1)
    assert leave is not None
    assert leave.method == UNSUBSCRIBE
    subscriptions.answer(answer(2, UNSUBSCRIBE), 0.2)
    again = subscriptions.next_batch(3, 0.2)
    assert again is not None
    assert again.method == SUBSCRIBE
    subscriptions.answer(answer(3, SUBSCRIBE), 0.3)
    assert subscriptions.serving(BOOK)
    assert subscriptions.state(BOOK) is TopicState.ACKED


def test_without_an_answer_it_is_left_before_it_is_asked_for_again() -> None:
    subscriptions = asked()
    subscriptions.pass_time(ACK_SECONDS)
    leave = subscriptions.next_batch(2, ACK_SECONDS)
    assert leave is not None
    assert leave.method == UNSUBSCRIBE


def test_refused_it_has_nothing_to_leave() -> None:
    subscriptions = asked()
    subscriptions.answer(answer(1, SUBSCRIBE, "Currency pair not supported"), 0.1)
    assert subscriptions.state(BOOK) is TopicState.REFUSED
    subscriptions.pass_time(0.1 + RETRY_SECONDS)
    again = subscriptions.next_batch(2, 0.1 + RETRY_SECONDS)
    assert again is not None
    assert again.method == SUBSCRIBE
    subscriptions.answer(answer(2, SUBSCRIBE), 0.2 + RETRY_SECONDS)
    assert subscriptions.serving(BOOK)


@pytest.mark.parametrize("acked", [False, True])
def test_what_starts_over_already_is_not_put_off(acked: bool) -> None:
    subscriptions = asked()
    if acked:
        subscriptions.answer(answer(1, SUBSCRIBE), 0.1)
    subscriptions.renew(BOOK, 300)
    turns = subscriptions.turns
    subscriptions.renew(BOOK, 600)
    assert subscriptions.turns == turns
    subscriptions.answer(answer(1, SUBSCRIBE), 0.1)
    assert subscriptions.next_batch(2, 0.1) is not None
    subscriptions.answer(answer(2, UNSUBSCRIBE), 0.2)
    assert subscriptions.next_batch(3, 0.2) is not None


def test_what_is_not_wanted_any_more_is_left_once() -> None:
    subscriptions = asked()
    subscriptions.want(())
    subscriptions.answer(answer(1, SUBSCRIBE), 0.1)
    leave = subscriptions.next_batch(2, 0.1)
    assert leave is not None
    assert leave.method == UNSUBSCRIBE
    subscriptions.answer(answer(2, UNSUBSCRIBE), 0.2)
    assert subscriptions.state(BOOK) is None
    assert subscriptions.next_batch(3, 1.0) is None
