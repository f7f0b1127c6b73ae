"""What the log says of rounds: bounded, and a failure that goes on only once."""

from datetime import UTC, datetime

import pytest

from krakked_tui.decision.effects import Level, Log
from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.ingest_report import NAMED_MAX, REASON_MAX, IngestReport, Tally

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def _tally(failed: int, done: int = 1, reason: str = "EService:Busy") -> Tally:
    tally = Tally(10.0, 100, failed + done, frozenset({Timeframe.M1}), done=done)
    for number in range(failed):
        tally.fail(f"PAIR{number}", reason)
    return tally


def _told(lines: list[Log], level: Level) -> list[str]:
    return [line.event for line in lines if line.level is level]


def test_failures_are_named_up_to_a_bound_and_counted_beyond() -> None:
    lines = list[Log]()
    tally = _tally(NAMED_MAX + 30, reason="x" * 5000)
    statistics = tally.statistics(NOW, 12.5, 140)
    IngestReport(lines.append, 5).round(tally, statistics, 41)
    assert (statistics.failed, statistics.done, statistics.left) == (40, 1, 0)
    assert (statistics.seconds, statistics.calls) == (2.5, 40)
    assert len(statistics.failures) == NAMED_MAX + 1
    assert statistics.failures[-1] == "and 30 more"
    assert len(statistics.failures[0]) < REASON_MAX + 20
    assert _told(lines, Level.WARNING) == ["candles_skipped"] * NAMED_MAX
    assert _told(lines, Level.INFO) == ["candles_read"]


def test_the_same_failure_is_told_again_only_when_it_changes_or_came_back() -> None:
    lines = list[Log]()
    report = IngestReport(lines.append, 5)
    for reason in ("busy", "busy", "", "busy", "down"):
        tally = _tally(1 if reason else 0, reason=reason)
        report.round(tally, tally.statistics(NOW, 11.0, 100), 2)
    assert [line.fields["reason"] for line in lines if line.level is Level.WARNING] == [
        "busy",
        "busy",
        "down",
    ]


@pytest.mark.parametrize(
    ("failed", "done", "everything", "critical"),
    [(5, 0, 600, True), (4, 0, 600, False), (2, 0, 2, True), (600, 1, 601, False), (0, 0, 0, False)],
)
def test_only_a_round_that_brought_nothing_at_all_is_critical(
    failed: int, done: int, everything: int, *, critical: bool
) -> None:
    lines = list[Log]()
    tally = _tally(failed, done)
    IngestReport(lines.append, 5).round(tally, tally.statistics(NOW, 11.0, 100), everything)
    assert _told(lines, Level.CRITICAL) == (["candles_all_failed"] if critical else [])


def test_a_round_is_told_in_one_sentence() -> None:
    lines = list[Log]()
    for failed, left in ((0, 0), (2, 3)):
        tally = _tally(failed, done=43)
        tally.rows, tally.pairs = 10_320, tally.pairs + left
        IngestReport(lines.append, 5).round(tally, tally.statistics(NOW, 11.0, 100), 600)
    assert [line.message for line in lines if line.event == "candles_read"] == [
        "43 pairs read, 0 failed, 10,320 rows in 1.0 s",
        "43 pairs read, 2 failed, 3 left, 10,320 rows in 1.0 s",
    ]
