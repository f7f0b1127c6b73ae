"""What faults make of the messages on their way to one WebSocket client."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from krakked_tui.sandbox.fault_plan import Faults, Now, Strike
from krakked_tui.sandbox.fault_rules import Layer
from krakked_tui.sandbox.fault_wire import PROXY_TEXT

_GARBAGE: Final = '{"channel":"ticker","type":"upda\u0000\ufffd'
_CHECKSUM: Final = re.compile(r'"checksum":(\d+)')
_SEQUENCE: Final = re.compile(r'"sequence":(\d+)')
_GOING_AWAY: Final = 1012
_CRC_MAX: Final = 2**32


class Pause(msgspec.Struct, frozen=True):
    """Nothing goes out for so many wall seconds."""

    seconds: float


class Close(msgspec.Struct, frozen=True):
    """The connection ends; 1006 stands for a break without a closing frame."""

    code: int


Item = str | Pause | Close


class Head(msgspec.Struct):
    """What a message is about: a channel's has ``channel``, a reply has ``method``."""

    channel: str | None = None
    type: str | None = None
    method: str | None = None
    error: str | None = None


class Tap:
    """One connection's messages. ``note`` is told every fault that strikes, with its channel."""

    def __init__(self, faults: Faults, note: Callable[[Strike, str], None]) -> None:
        self._faults = faults
        self._note = note
        self._held: list[str] = []
        self._stalled_until: float | None = None
        self._shifts: dict[str, int] = {}
        self._epoch = faults.epoch
        self._decode = msgspec.json.Decoder(Head).decode

    @property
    def open(self) -> bool:
        """Whether messages pass untouched, so that nobody needs to look at them."""
        clean = not (self._held or self._shifts) and self._stalled_until is None
        return clean and not self._faults.watches(Layer.MESSAGE)

    def pass_on(self, text: str, now: Now) -> list[Item]:
        """Return what goes out for a message: it, something else, more, or nothing."""
        if self._epoch != self._faults.epoch:
            self._epoch, self._stalled_until = self._faults.epoch, None
        if self._stalled(now):
            return []
        head = self._decode(text)
        if head.channel is None:
            return [*self._release(), text]
        text = self._shifted(head, text)
        strikes = self._faults.draw(Layer.MESSAGE, (head.channel,), now)
        if not strikes:
            return [text, *self._release()]
        self._note(strikes[0], head.channel)
        return self._struck(strikes[0], head.channel, text, now)

    def _struck(self, strike: Strike, channel: str, text: str, now: Now) -> list[Item]:
        match strike.kind:
            case "reorder":
                if self._held:
                    return [text, *self._release()]
                self._held.append(text)
                return []
            case "stall":
                forever = float("inf")
                self._stalled_until = forever if strike.seconds is None else now.wall + strike.seconds
                return []
            case "close":
                return [Close(strike.code or _GOING_AWAY)]
            case "drop":
                return list(self._release())
            case "sequence":
                self._shifts[channel] = self._shifts.get(channel, 0) + 1
                text = _SEQUENCE.sub(lambda found: f'"sequence":{int(found[1]) + 1}', text)
        changed: dict[str, list[Item]] = {
            "duplicate": [text, text],
            "delay": [Pause(strike.seconds or 0.0), text],
            "checksum": [_CHECKSUM.sub(lambda found: f'"checksum":{(int(found[1]) + 1) % _CRC_MAX}', text)],
            "garbage": [_GARBAGE, text],
            "proxy": [PROXY_TEXT, text],
            "sequence": [text],
        }
        return [*changed[strike.kind], *self._release()]

    def _shifted(self, head: Head, text: str) -> str:
        """Number a message on from a gap made earlier; a new snapshot starts counting anew."""
        if not self._shifts or head.channel is None:
            return text
        if head.type == "snapshot":
            self._shifts.pop(head.channel, None)
        shift = self._shifts.get(head.channel, 0)
        return _SEQUENCE.sub(lambda found: f'"sequence":{int(found[1]) + shift}', text) if shift else text

    def _release(self) -> list[Item]:
        """Let go of what was to come after its successor."""
        held: list[Item] = [*self._held]
        self._held.clear()
        return held

    def _stalled(self, now: Now) -> bool:
        if self._stalled_until is None:
            return False
        if now.wall < self._stalled_until:
            return True
        self._stalled_until = None
        return False
