"""What market faults can let happen, checked when a rule is added."""

from collections.abc import Mapping
from typing import Final

import msgspec

from krakked_tui.sandbox import funding, happenings
from krakked_tui.sandbox.fault_rules import FaultError

_EVENTS: Final[tuple[type[funding.Request], ...]] = (
    happenings.Shock,
    happenings.PairMode,
    happenings.SystemMode,
    happenings.Delist,
    happenings.Precision,
    *funding.HANDLERS,
    happenings.ExternalTrade,
    happenings.LatePostOnly,
)
_BY_ACTION: Final = {str(event.__struct_config__.tag): event for event in _EVENTS}


def check_event(event: Mapping[str, object]) -> None:
    """Raise ``FaultError`` for an event that can never happen; it may still be refused when it is due."""
    action = event.get("action")
    if not isinstance(action, str) or action not in _BY_ACTION:
        raise FaultError(
            f"market cannot let {action!r} happen; the actions of its events are {', '.join(_BY_ACTION)}."
        )
    kind = _BY_ACTION[action]
    try:
        # The same way it goes when it is due.
        msgspec.json.decode(msgspec.json.encode(event), type=kind)
    except (msgspec.DecodeError, OverflowError, RecursionError) as error:
        known = ", ".join(kind.__struct_fields__)
        raise FaultError(f"market cannot let this {action} happen: {error}. It takes {known}.") from error
