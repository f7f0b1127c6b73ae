"""What can be made to go wrong, and the rules that say where and when."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec


class Layer(StrEnum):
    """Where a fault strikes."""

    REST = "rest"
    """A REST call."""

    REQUEST = "request"
    """A WebSocket request."""

    MESSAGE = "message"
    """A WebSocket message on its way to a client."""

    CONNECT = "connect"
    """A WebSocket being opened."""

    MARKET = "market"
    """The market itself, on the clock."""


class FaultError(Exception):
    """A rule makes no sense; the message says what is allowed."""


class Place(msgspec.Struct, frozen=True):
    """Somewhere faults can strike: in which layers, and which of what a kind may want is true there."""

    name: str
    layers: frozenset[Layer]
    marks: frozenset[str] = frozenset()


class Kind(msgspec.Struct, frozen=True):
    """One kind of fault: where it can strike, what it must and may be told."""

    name: str
    layers: frozenset[Layer]
    needs: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    """The only places it makes sense at; empty: everywhere in its layers."""

    wants: str = ""
    """What else must be true of the thing: it is ``private``, tells the ``clock``, carries a ``token``."""

    adds: bool = False
    """Whether it leaves room for another fault at the same time."""


_REST = frozenset((Layer.REST,))
_REQUESTS = frozenset((Layer.REST, Layer.REQUEST))
_REQUEST = frozenset((Layer.REQUEST,))
_MESSAGE = frozenset((Layer.MESSAGE,))
_READS = ("OpenOrders", "ClosedOrders", "QueryOrders", "TradesHistory", "QueryTrades")

KINDS: Final = (
    Kind("latency", _REQUESTS, needs=("seconds",), adds=True),
    Kind("timeout", _REQUESTS, takes=("after",)),
    Kind("reset", _REST, takes=("after",)),
    Kind("cut", _REST),
    Kind("http", _REST, needs=("status",), takes=("after",)),
    Kind("html", _REST, takes=("after",)),
    Kind("truncate", _REST),
    Kind("error", _REQUESTS, needs=("text",), takes=("after",)),
    Kind("throttled", _REQUESTS, takes=("seconds",)),
    Kind("nonce", _REST, wants="private"),
    Kind("skew", _REQUESTS, needs=("seconds",), wants="clock", adds=True),
    Kind("read_lag", _REST, needs=("seconds",), places=_READS, adds=True),
    Kind("late_trades", _REST, needs=("seconds",), places=("TradesHistory", "QueryTrades"), adds=True),
    Kind("late_entries", _REST, needs=("seconds",), places=("Ledgers", "QueryLedgers"), adds=True),
    Kind("token", _REQUEST, takes=("text",), wants="token"),
    Kind("reject", _REQUEST, takes=("text",), wants="subscribe"),
    Kind("message_rate", _REQUEST),
    Kind("refuse", frozenset((Layer.CONNECT,)), takes=("status",), places=("connect",)),
    Kind("duplicate", _MESSAGE),
    Kind("reorder", _MESSAGE),
    Kind("drop", _MESSAGE),
    Kind("delay", _MESSAGE, needs=("seconds",)),
    Kind("close", _MESSAGE, takes=("code",)),
    Kind("stall", _MESSAGE, takes=("seconds",)),
    Kind("checksum", _MESSAGE, places=("book",)),
    Kind("garbage", _MESSAGE),
    Kind("proxy", _MESSAGE),
    Kind("sequence", _MESSAGE, places=("executions", "balances")),
    Kind("market", frozenset((Layer.MARKET,)), needs=("events",), takes=("seconds",)),
)

KIND_BY_NAME: Final = {kind.name: kind for kind in KINDS}
_PARAMETERS: Final = ("seconds", "status", "code", "text", "events", "after")
ANYWHERE: Final = "*"

_SECONDS_MAX: Final = 86_400.0
Count = Annotated[int, msgspec.Meta(ge=1, le=10**9)]
Moment = datetime | float


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that goes wrong.

    ``where``: REST methods, WebSocket channels or methods, ``connect``, or ``*`` for everywhere the
    kind makes sense. It strikes with ``probability``, at every ``every``-th chance, at most ``count``
    times, from ``start`` to before ``end`` (exchange instants, or wall seconds after the rule was
    added). ``after``: the request is carried out first, only its answer goes wrong. ``seconds`` is
    wall time, one number or a range; of ``market`` the exchange seconds between two strikes.
    ``events`` are bodies of ``POST /_sandbox/market``, one of them drawn each time.
    """

    kind: str
    where: str | tuple[str, ...] = ANYWHERE
    probability: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    count: Count | None = None
    every: Count = 1
    start: Moment | None = None
    end: Moment | None = None
    after: bool = False
    seconds: float | tuple[float, float] | None = None
    status: Annotated[int, msgspec.Meta(ge=400, le=599)] | None = None
    code: Annotated[int, msgspec.Meta(ge=1000, le=4999)] | None = None
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None
    events: tuple[dict[str, object], ...] | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Where it strikes, as a list."""
        return (self.where,) if isinstance(self.where, str) else self.where


def check_rule(rule: Rule, places: Sequence[Place]) -> Kind:
    """Return a rule's kind, or raise ``FaultError``; ``places`` are all that exist."""
    kind = KIND_BY_NAME.get(rule.kind)
    if kind is None:
        raise FaultError(f"There is no fault {rule.kind!r}; there are {', '.join(KIND_BY_NAME)}.")
    _check_where(rule, kind, places)
    _check_parameters(rule, kind)
    for moment in (rule.start, rule.end):
        if isinstance(moment, datetime) and moment.tzinfo is None:
            raise FaultError("start and end take an instant with its UTC offset, or wall seconds.")
    return kind


def _check_where(rule: Rule, kind: Kind, places: Sequence[Place]) -> None:
    allowed = [ANYWHERE, *(place.name for place in places if _can_strike(kind, place))]
    for name in rule.places:
        if name not in allowed:
            raise FaultError(f"{kind.name} cannot strike at {name!r}; there are {', '.join(allowed)}.")
    if not rule.places:
        raise FaultError(f"{kind.name} needs where: * for everywhere.")


def _can_strike(kind: Kind, place: Place) -> bool:
    if kind.places and place.name not in kind.places:
        return False
    return not kind.layers.isdisjoint(place.layers) and (not kind.wants or kind.wants in place.marks)


def _check_parameters(rule: Rule, kind: Kind) -> None:
    for name in kind.needs:
        if getattr(rule, name) in (None, ()):
            raise FaultError(f"{kind.name} needs {name}.")
    for name in _PARAMETERS:
        if getattr(rule, name) not in (None, False) and name not in (*kind.needs, *kind.takes):
            known = ", ".join((*kind.needs, *kind.takes)) or "no parameters"
            raise FaultError(f"{kind.name} takes no {name}; it takes {known}.")
    if rule.seconds is not None:
        low, high = seconds_range(rule.seconds)
        lowest = {"skew": -_SECONDS_MAX, "market": 1.0}.get(rule.kind, 0.0)
        if not lowest <= low <= high <= _SECONDS_MAX:
            raise FaultError(
                f"seconds of {kind.name} is a number from {lowest:g} to {_SECONDS_MAX:g}, or a range like "
                "[10, 50]."
            )


def seconds_range(seconds: float | tuple[float, float]) -> tuple[float, float]:
    """Return both ends of a span."""
    return seconds if isinstance(seconds, tuple) else (seconds, seconds)
