"""What a round of reading candles did, as a value and as log lines."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import msgspec

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Timeframe

NAMED_MAX = 10
"""Pairs named in one log line or statistic; the rest is counted."""
REASON_MAX = 200

Fields = dict[str, str | int | float | bool | None]


class BatchDone(msgspec.Struct, frozen=True):
    """One batch of a round: its pairs, the rows that were new or corrected, and how far the round is."""

    pairs: tuple[str, ...]
    rows: int
    done: int
    of: int


class IngestStatistics(msgspec.Struct, frozen=True):
    """One round. ``at`` is exchange time of its end, ``seconds`` wall seconds.

    Of ``pairs``, ``done`` have all the exchange gives, ``failed`` were given up (the first ones by name,
    with their reasons) and ``left`` were not reached in time. ``rows`` were new or corrected in the store.
    ``calls`` were made, and ``calls_saved`` not, because the store had everything. Of ``beyond`` pairs,
    candles are missing that the exchange does not serve any more.
    """

    at: datetime
    pairs: int
    done: int
    failed: int
    rows: int
    seconds: float
    failures: tuple[str, ...] = ()
    left: int = 0
    calls: int = 0
    calls_saved: int = 0
    beyond: int = 0


@dataclass(slots=True)
class Tally:
    """A round while it lasts. ``since`` is its wall second of start, ``calls`` what was asked before it.

    ``only`` are the timeframes that it is about.
    """

    since: float
    calls: int
    pairs: int
    only: frozenset[Timeframe]
    done: int = 0
    rows: int = 0
    calls_saved: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    beyond: set[str] = field(default_factory=set)
    _read: set[str] = field(default_factory=set)

    def finish(self, pairs: Iterable[str]) -> None:
        """Count pairs of which all is there now; one that is read twice counts once."""
        new = set(pairs) - self._read
        self._read |= new
        self.done += len(new)

    def fail(self, pair: str, reason: str) -> None:
        """Count a pair that is given up in this round."""
        self.failures[pair] = reason[:REASON_MAX]
        if pair in self._read:
            self._read.discard(pair)
            self.done -= 1

    def statistics(self, at: datetime, wall: float, calls: int) -> IngestStatistics:
        """Return what came of the round; ``calls`` are all that were ever made."""
        return IngestStatistics(
            at=at,
            pairs=self.pairs,
            done=self.done,
            failed=len(self.failures),
            rows=self.rows,
            seconds=round(wall - self.since, 3),
            failures=tuple(_sentences(self.failures)),
            left=self.pairs - self.done - len(self.failures),
            calls=calls - self.calls,
            calls_saved=self.calls_saved,
            beyond=len(self.beyond),
        )


class IngestReport:
    """Says in the log what rounds do. A failure that goes on is told once, until it changes or ends."""

    def __init__(self, write_log: Callable[[Log], None], failures_max: int) -> None:
        """A round of fewer pairs than ``failures_max`` that all fail is no sign of anything greater."""
        self._write_log = write_log
        self._failures_max = failures_max
        self._told: dict[str, str] = {}
        self._store_trouble = ""

    def not_looked_up(self, reason: str) -> None:
        """Say that the store could not be searched for holes."""
        message = (
            f"the stored candles cannot be searched for holes, which stay until the next start: {reason}"
        )
        self._write_log(Log(Level.ERROR, "candles_not_searched", {"reason": reason}, message))

    def looked_up(self, rows: int, tally: Tally, calls: int) -> None:
        """Say what the store had; ``calls`` are still to be made."""
        fields: Fields = {
            "pairs": tally.pairs, "rows": rows, "calls_saved": tally.calls_saved, "calls": calls,
        }  # fmt: skip
        self._write_log(Log(Level.INFO, "candles_at_hand", fields))

    def batch(self, batch: BatchDone) -> None:
        """Say how far the round is."""
        fields: Fields = {
            "pairs": ",".join(batch.pairs), "rows": batch.rows, "done": batch.done, "of": batch.of,
        }  # fmt: skip
        self._write_log(Log(Level.DEBUG, "candles_batch", fields))

    def not_stored(self, reason: str) -> None:
        """Say that the store refuses candles; empty when it does not any more."""
        if reason and reason != self._store_trouble:
            message = f"candles that were read cannot be stored: {reason}"
            self._write_log(Log(Level.ERROR, "candles_not_stored", {"reason": reason}, message))
        self._store_trouble = reason

    def round(self, tally: Tally, statistics: IngestStatistics, everything: int) -> None:
        """Say how a round went; ``everything`` is how many pairs there are."""
        new = {pair: reason for pair, reason in tally.failures.items() if self._told.get(pair) != reason}
        self._told = dict(tally.failures)
        for pair, reason in islice(new.items(), NAMED_MAX):
            fields: Fields = {"pair": pair, "reason": reason}
            message = f"candles of {pair} could not be read: {reason}"
            self._write_log(Log(Level.WARNING, "candles_skipped", fields, message))
        if tally.beyond:
            self._beyond(tally)
        self._write_log(Log(Level.INFO, "candles_read", _fields(statistics), _sentence(statistics)))
        if statistics.failed and not statistics.done:
            self._nothing(statistics, everything)

    def _beyond(self, tally: Tally) -> None:
        names = ", ".join(_named(sorted(tally.beyond)))
        message = (
            f"candles of {len(tally.beyond)} pairs are missing that are older than the exchange serves, which"
            f" is the latest 720: build them from trades (history backfill). {names}"
        )
        fields: Fields = {"pairs": len(tally.beyond), "named": names}
        self._write_log(Log(Level.WARNING, "candles_out_of_reach", fields, message))

    def _nothing(self, statistics: IngestStatistics, everything: int) -> None:
        if statistics.failed >= min(self._failures_max, everything):
            message = (
                f"no candles could be read: all {statistics.failed} pairs failed"
                f" ({statistics.failures[0]}); trying again"
            )
            self._write_log(Log(Level.CRITICAL, "candles_all_failed", {"pairs": statistics.failed}, message))


def _fields(statistics: IngestStatistics) -> Fields:
    return {
        "pairs": statistics.pairs, "done": statistics.done, "failed": statistics.failed,
        "left": statistics.left, "rows": statistics.rows, "calls": statistics.calls,
        "seconds": statistics.seconds,
    }  # fmt: skip


def _sentence(statistics: IngestStatistics) -> str:
    left = f"{statistics.left} left, " if statistics.left else ""
    return (
        f"{statistics.done} pairs read, {statistics.failed} failed, {left}"
        f"{statistics.rows:,} rows in {statistics.seconds:.1f} s"
    )


def _sentences(failures: Mapping[str, str]) -> Iterator[str]:
    for pair, reason in islice(failures.items(), NAMED_MAX):
        yield f"{pair}: {reason}"
    if len(failures) > NAMED_MAX:
        yield f"and {len(failures) - NAMED_MAX} more"


def _named(names: list[str]) -> Iterator[str]:
    yield from names[:NAMED_MAX]
    if len(names) > NAMED_MAX:
        yield f"and {len(names) - NAMED_MAX} more"
