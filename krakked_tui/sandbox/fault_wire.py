"""What faults make of REST calls and WebSocket requests."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from krakked_tui.sandbox.calls import ALL, View
from krakked_tui.sandbox.clock import SandboxClock
from krakked_tui.sandbox.fault_plan import Strike
from krakked_tui.sandbox.faults import INVALID_NONCE, INVALID_SESSION, THROTTLED
from krakked_tui.sandbox.wire import rfc3339, unix_second

PROXY_TEXT: Final = "CloudFlare WebSocket proxy restarting"
HTML_PAGE: Final = (
    b"<!DOCTYPE html>\n<html><head><title>api.kraken.com | 5xx</title></head>"
    b"<body><h1>Error</h1><p>The web server is not returning a connection.</p></body></html>\n"
)
_THROTTLE_SECONDS: Final = 5.0
_REPLY_TIMES: Final = re.compile(r'"(time_in|time_out)":"([^"]+)"')


class Ending(StrEnum):
    """How a REST call ends for the client."""

    REPLY = "reply"
    PAGE = "page"
    HANG = "hang"
    RESET = "reset"
    CUT = "cut"


class Outcome(msgspec.Struct, frozen=True):
    """What goes back: with ``HANG`` and ``RESET`` nothing does."""

    ending: Ending
    body: bytes = b""
    status: int | None = 200
    errors: tuple[str, ...] = ()


class Effect(msgspec.Struct, frozen=True):
    """What all faults that strike one call or request add up to.

    ``latency`` is wall seconds before it is looked at; ``carried_out`` whether it is carried out at
    all; ``skew`` what its answer's clock is off by; ``ending`` the fault that decides its answer.
    """

    latency: float = 0.0
    skew: timedelta = timedelta()
    read_lag: float = 0.0
    trade_lag: float = 0.0
    entry_lag: float = 0.0
    ending: Strike | None = None
    kinds: tuple[str, ...] = ()

    @property
    def carried_out(self) -> bool:
        """Whether the exchange gets to see it."""
        return self.ending is None or self.ending.after or self.ending.kind in _ALWAYS_AFTER

    def view(self, clock: SandboxClock) -> View:
        """Return what the call may see; lags are wall seconds."""
        if not (self.read_lag or self.trade_lag or self.entry_lag or self.skew):
            return ALL
        now = clock.now()
        return View(
            orders_until=_before(now, self.read_lag, clock),
            trades_until=_before(now, self.trade_lag, clock),
            entries_until=_before(now, self.entry_lag, clock),
            skew=self.skew * clock.factor,
        )


NO_EFFECT: Final = Effect()
_ALWAYS_AFTER: Final = frozenset(("cut", "truncate"))
_ADDING: Final = frozenset(("latency", "skew", "read_lag", "late_trades", "late_entries"))


def effect_of(strikes: Sequence[Strike]) -> Effect:
    """Add up the faults that strike one call or request."""
    if not strikes:
        return NO_EFFECT
    seconds = {strike.kind: strike.seconds or 0.0 for strike in strikes}
    return Effect(
        latency=seconds.get("latency", 0.0),
        skew=timedelta(seconds=seconds.get("skew", 0.0)),
        read_lag=seconds.get("read_lag", 0.0),
        trade_lag=seconds.get("late_trades", 0.0),
        entry_lag=seconds.get("late_entries", 0.0),
        ending=next((strike for strike in strikes if strike.kind not in _ADDING), None),
        kinds=tuple(strike.kind for strike in strikes),
    )


def outcome(strike: Strike | None, answer: bytes, now: datetime, factor: float) -> Outcome:
    """Return what a client gets instead of ``answer``, at exchange time ``now``."""
    if strike is None:
        return Outcome(Ending.REPLY, answer)
    broken = {
        "timeout": Outcome(Ending.HANG, status=None),
        "reset": Outcome(Ending.RESET, status=None),
        "cut": Outcome(Ending.CUT, answer),
        "truncate": Outcome(Ending.REPLY, answer[: max(1, len(answer) * 2 // 3)]),
        "http": Outcome(Ending.PAGE, HTML_PAGE, strike.status),
        "html": Outcome(Ending.PAGE, HTML_PAGE),
    }
    if strike.kind in broken:
        return broken[strike.kind]
    text = error_text(strike, now, factor)
    return Outcome(Ending.REPLY, msgspec.json.encode({"error": [text]}), errors=(text,))


def error_text(strike: Strike, now: datetime, factor: float) -> str:
    """Return the error string a fault answers with. Throttling ends at an exchange instant."""
    match strike.kind:
        case "throttled":
            span = timedelta(seconds=(strike.seconds or _THROTTLE_SECONDS) * factor)
            return f"{THROTTLED}: {unix_second(now + span)}"
        case "nonce":
            return INVALID_NONCE
        case "token":
            return strike.text or INVALID_SESSION
        case _:
            assert strike.text is not None, f"a fault without its text: {strike.kind}"
            return strike.text


def refused_texts(
    strike: Strike, channel: str | None, symbols: Iterable[object]
) -> list[tuple[str, str | None]]:
    """Return what a rejected subscription is told, symbol by symbol."""
    named = [symbol for symbol in symbols if isinstance(symbol, str)]
    if not named:
        return [(strike.text or f"Subscription {channel} not available", None)]
    return [(strike.text or f"Currency pair not supported {symbol}", symbol) for symbol in named]


def skewed(text: str, skew: timedelta) -> str:
    """Return a WebSocket reply whose clock is off."""
    if not skew:
        return text
    return _REPLY_TIMES.sub(lambda found: f'"{found[1]}":"{_moved(found[2], skew)}"', text)


def _moved(time: str, skew: timedelta) -> str:
    return rfc3339(datetime.fromisoformat(time) + skew)


def _before(now: datetime, wall_seconds: float, clock: SandboxClock) -> datetime | None:
    return now - timedelta(seconds=wall_seconds * clock.factor) if wall_seconds else None
