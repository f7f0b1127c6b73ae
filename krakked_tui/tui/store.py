"""The screen's own copy of the engine's picture: cleaned, with a note of what changed.

One way only: a new view goes in, and the topics that differ come out, so that a frame repaints only
what moved. No clock and no widget here.
"""

from enum import StrEnum
from typing import TypeVar, cast

import msgspec

from krakked_tui.control.views import EngineView
from krakked_tui.tui.text import clean


class Topic(StrEnum):
    """A part of the picture that changes by itself; each is a field of ``EngineView``."""

    STATUS = "status"
    START_STEPS = "start_steps"
    PORTFOLIO = "portfolio"
    POSITIONS = "positions"
    OPEN_ORDERS = "open_orders"
    RECENT_ORDERS = "recent_orders"
    RECENT_TRADES = "recent_trades"
    EQUITY_CURVE = "equity_curve"
    ALLOCATION = "allocation"
    FLATTEN = "flatten"
    COUNTS = "counts"
    RATE_LIMITS = "rate_limits"
    HEALTH = "health"
    MESSAGES = "messages"


EVERYTHING = frozenset(Topic)

T = TypeVar("T")


class UiStore:
    """Holds the newest view. ``view`` is clean: every text in it may be shown as it is."""

    def __init__(self, view: EngineView, now: float) -> None:
        self._raw = view
        self._changed_at = now
        self.view: EngineView = cleaned(view)

    def apply(self, view: EngineView, now: float) -> frozenset[Topic]:
        """Take a view in and return what changed; ``now`` is in monotonic seconds."""
        if view.version == self._raw.version:
            return frozenset()
        self._changed_at = now
        dirty = frozenset(topic for topic in Topic if getattr(view, topic) != getattr(self._raw, topic))
        changes = {str(topic): cleaned(getattr(view, topic)) for topic in dirty}
        self.view = msgspec.structs.replace(self.view, version=view.version, **changes)
        self._raw = view
        return dirty

    def silence(self, now: float) -> float:
        """Return how many seconds ago the last new picture came."""
        return now - self._changed_at


def cleaned(value: T) -> T:
    """Return ``value`` with every text in it made harmless; what needs no change is the same object."""
    return cast("T", _cleaned(value))


def _cleaned(value: object) -> object:
    if type(value) is str:  # an enumeration's member is our own word
        shown = clean(value)
        return value if shown == value else shown
    if isinstance(value, tuple):
        items = tuple(_cleaned(item) for item in value)
        return value if _same(items, value) else items
    if isinstance(value, dict):
        entries = {_cleaned(key): _cleaned(item) for key, item in value.items()}
        return value if entries == value else entries
    if isinstance(value, msgspec.Struct):
        fields = value.__struct_fields__
        before = tuple(getattr(value, field) for field in fields)
        after = tuple(_cleaned(item) for item in before)
        if _same(after, before):
            return value
        return msgspec.structs.replace(value, **dict(zip(fields, after, strict=True)))
    return value


def _same(one: tuple[object, ...], other: tuple[object, ...]) -> bool:
    return all(a is b for a, b in zip(one, other, strict=True))
