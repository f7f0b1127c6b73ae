"""What a connection is for, and how far each part of it is.

Each (channel, symbol, candle interval, book depth) is a topic with a state of its own. Acks may be
lost, repeated or late; a topic that is no longer wanted, or must start over, is left first:

    wanted -> asked -> acked -> to be left -> leaving -> gone, or wanted again
                    -> refused -> wanted again, a few times
"""

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

import msgspec

from krakked_tui.kraken.book import Precision
from krakked_tui.kraken.wire import WebSocketsToken


class Subscription(msgspec.Struct, frozen=True):
    """A channel we want; ``symbols`` are WebSocket v2 names, empty for a channel without.

    ``interval`` (minutes) is for candles, ``depth`` (levels) for books; ``options`` are further
    parameters that only subscribing takes.
    """

    channel: str
    symbols: tuple[str, ...] = ()
    interval: int | None = None
    depth: int | None = None
    options: tuple[tuple[str, bool], ...] = ()


def _unknown(_symbol: str) -> Precision | None:
    return None


class Plan(msgspec.Struct, frozen=True):
    """What a connection is for; ``token`` makes it a private one.

    ``precision`` says the decimals of a pair by its WebSocket v2 name, None where they are not known.
    """

    subscriptions: tuple[Subscription, ...]
    token: WebSocketsToken | None = None
    precision: Callable[[str], Precision | None] = _unknown

    def __post_init__(self) -> None:
        check(self.subscriptions)


class Topic(msgspec.Struct, frozen=True):
    """The smallest thing that is acked on its own."""

    channel: str
    interval: int | None
    symbol: str | None
    depth: int | None = None
    options: tuple[tuple[str, bool], ...] = ()

    def __str__(self) -> str:
        parts = (self.channel, self.interval, self.depth, self.symbol)
        return " ".join(str(part) for part in parts if part is not None)

    @property
    def place(self) -> tuple[str, str | None]:
        """What Kraken serves only once per connection."""
        return self.channel, self.symbol

    def alike(self, other: "Topic") -> bool:
        """Say whether one request can be about both."""
        return (self.channel, self.interval, self.depth, self.options) == (
            other.channel,
            other.interval,
            other.depth,
            other.options,
        )


class TopicState(StrEnum):
    """How far a topic is."""

    WANTED = "wanted"
    ASKED = "asked"
    ACKED = "acked"
    REFUSED = "refused"
    UNWANTED = "unwanted"
    LEAVING = "leaving"


class Signal(StrEnum):
    """What can happen to a topic."""

    SENT = "sent"
    ACK = "ack"
    REFUSAL = "refusal"
    NO_ANSWER = "no_answer"
    RETRY = "retry"
    DROP = "drop"
    LEFT = "left"


NEXT: dict[tuple[TopicState, Signal], TopicState] = {
    (TopicState.WANTED, Signal.SENT): TopicState.ASKED,
    (TopicState.WANTED, Signal.ACK): TopicState.ACKED,
    (TopicState.WANTED, Signal.REFUSAL): TopicState.REFUSED,
    (TopicState.WANTED, Signal.DROP): TopicState.UNWANTED,
    (TopicState.ASKED, Signal.ACK): TopicState.ACKED,
    (TopicState.ASKED, Signal.REFUSAL): TopicState.REFUSED,
    (TopicState.ASKED, Signal.NO_ANSWER): TopicState.WANTED,
    (TopicState.REFUSED, Signal.ACK): TopicState.ACKED,
    (TopicState.REFUSED, Signal.RETRY): TopicState.WANTED,
    (TopicState.ACKED, Signal.DROP): TopicState.UNWANTED,
    (TopicState.UNWANTED, Signal.SENT): TopicState.LEAVING,
    (TopicState.UNWANTED, Signal.LEFT): TopicState.WANTED,
    (TopicState.LEAVING, Signal.LEFT): TopicState.WANTED,
    (TopicState.LEAVING, Signal.NO_ANSWER): TopicState.UNWANTED,
}
"""What is not listed changes nothing: a repeated ack, a late refusal of what works."""


def topics(subscriptions: Iterable[Subscription]) -> Iterator[Topic]:
    """Return the topics of some subscriptions."""
    for wanted in subscriptions:
        for symbol in wanted.symbols or (None,):
            yield Topic(wanted.channel, wanted.interval, symbol, wanted.depth, wanted.options)


def check(subscriptions: Iterable[Subscription]) -> None:
    """Assert that Kraken can serve these together: each symbol once per channel on a connection.

    It refuses a second candle interval of a symbol, and has no use for a second book depth.
    """
    seen: dict[tuple[str, str | None], Topic] = {}
    for topic in topics(subscriptions):
        assert seen.setdefault(topic.place, topic) == topic, topic
