"""What the exchange said that we do not understand: counted by kind, and logged once each."""

import logging
import threading

from krakked_tui.kraken.errors import KrakenError, KrakenProtocolError, printable

KINDS_MAX = 100
OTHERS = "others"
"""Counts what comes when there are too many kinds already."""

_log = logging.getLogger(__name__)


class Oddities:
    """Counts and reports unknown error strings and answers that are not what Kraken documents."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def report(self, error: KrakenError) -> None:
        """Count an error if it is odd; the first of its kind is logged."""
        if isinstance(error, KrakenProtocolError):
            kind, said = printable(str(error)), "Kraken's answer is not understood"
        elif not error.listed:
            kind, said = printable(error.code), "Kraken sent an error we do not know"
        else:
            return
        with self._lock:
            if kind not in self._counts and len(self._counts) >= KINDS_MAX:
                kind = OTHERS
            self._counts[kind] = self._counts.get(kind, 0) + 1
            first = self._counts[kind] == 1 and kind != OTHERS
        if first:
            _log.warning("%s: %s", said, kind)

    def counts(self) -> dict[str, int]:
        """Return how often each kind came."""
        with self._lock:
            return dict(self._counts)
