"""What Kraken calls the status of itself and of its pairs, as domain values.

REST and WebSocket v2 use the same words, WebSocket v2 a few more.
"""

from krakked_tui.domain.pairs import PairStatus, SystemStatus

_SYSTEM = {status.value: status for status in SystemStatus}
_PAIR = {status.value: status for status in PairStatus} | {"work_in_progress": PairStatus.MAINTENANCE}


def is_system_status(text: str) -> bool:
    """Say whether this is a status of the exchange that we know."""
    return text in _SYSTEM


def is_pair_status(text: str) -> bool:
    """Say whether this is a status of a pair that we know."""
    return text in _PAIR


def system_status(text: str) -> SystemStatus:
    """Return a status of the exchange; one that we do not know allows nothing."""
    return _SYSTEM.get(text, SystemStatus.MAINTENANCE)


def pair_status(text: str | None) -> PairStatus:
    """Return a status of a pair: some rows omit it, and one we do not know allows nothing."""
    return PairStatus.ONLINE if text is None else _PAIR.get(text, PairStatus.MAINTENANCE)
