"""One stream of messages of the market, shared by all who subscribed to it."""

from abc import ABC, abstractmethod
from datetime import datetime
from typing import Protocol

from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sim.market import BEAT_MICROS, Market
from krakked_tui.sim.tape import MINUTE_MICROS


class Subscriber(Protocol):
    """Whoever a message is for."""

    def send(self, message: str) -> None:
        """Queue a message; never waits."""
        ...


Option = int | str | None
"""What subscriptions to one channel and pair can differ in: interval, depth or event trigger."""


class Topic(ABC):
    """Spells each message once and sends it to every subscriber.

    With ``full_rate`` every tick sends an update, whether anything changed or not.
    """

    watches_book = False
    """Whether it needs to look at each beat of the book, not only when the pair trades."""

    def __init__(
        self, exchange: Exchange, listing: Listing, option: Option, at: datetime, *, full_rate: bool
    ) -> None:
        self.option = option
        self.exchange = exchange
        self.listing = listing
        self.full_rate = full_rate
        self.subscribers: dict[Subscriber, None] = {}
        self.pulse = Pulse(exchange.market, listing.name, micros_of(at), beats=self.watches_book)

    def admit(self, at: datetime) -> None:  # noqa: B027 - most have nothing to do then
        """Bring the subscribers to where a new one sets in, before it is one of them."""

    @abstractmethod
    def snapshot(self, at: datetime) -> str:
        """Return what a new subscriber is told first; ``admit`` was called for the same instant."""

    @abstractmethod
    def tick(self, at: datetime) -> None:
        """Send what is new."""

    def relist(self, listing: Listing, at: datetime) -> None:  # noqa: ARG002 - for those that need the time
        """Go on with a pair whose status or precision changed."""
        self.listing = listing

    def publish(self, message: str) -> None:
        """Send a message to all subscribers."""
        for subscriber in self.subscribers:
            subscriber.send(message)


class Pulse:
    """Watches one pair: tells cheaply whether it can have moved, and whether it traded.

    With ``beats`` it is still only until the next beat of the book.
    """

    def __init__(self, market: Market, name: str, at: int, *, beats: bool) -> None:
        self._beat = BEAT_MICROS if beats else MINUTE_MICROS
        self._market = market
        self._name = name
        self._looked_at = at
        self._quiet_until = at
        self._revision = market.revision

    def still(self, at: int) -> bool:
        """Say whether nothing about the pair can be different from what it was at the last look."""
        return at < self._quiet_until and self._revision == self._market.revision

    def traded(self, at: int) -> bool:
        """Look again; say whether the pair traded since the last look."""
        if self.still(at):
            return False
        before, now = divmod(self._looked_at, MINUTE_MICROS), divmod(at, MINUTE_MICROS)
        count = self._look(at)
        tape = self._market.tape(self._name, before[0])
        if now[0] == before[0]:
            return count > tape.count(before[1])
        if count or tape.count(before[1]) < len(tape.prints):
            return True
        return next(self._market.traded_minutes(self._name, before[0] + 1, now[0]), None) is not None

    def _look(self, at: int) -> int:
        """Remember the instant up to which nothing can happen; return the minute's trades so far."""
        minute, offset = divmod(at, MINUTE_MICROS)
        tape = self._market.tape(self._name, minute)
        count = tape.count(offset)
        following = tape.prints[count].offset if count < len(tape.prints) else MINUTE_MICROS
        following = min(following, (offset // self._beat + 1) * self._beat)
        self._looked_at, self._quiet_until = at, minute * MINUTE_MICROS + following
        self._revision = self._market.revision
        return count
