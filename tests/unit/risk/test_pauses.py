"""What has happened: the protections in force, and the entries of the day."""

from datetime import timedelta

import pytest

from krakked_tui.domain.plans import Verdict
from krakked_tui.risk import pauses
from krakked_tui.risk.context import Protection, ProtectionKind
from krakked_tui.risk.limits import Permission
from krakked_tui.risk.settings import ProtectionSettings, RiskSettings
from tests.unit.domain.builders import START
from tests.unit.risk.builders import make_candidate, make_context, money

KINDS = [
    (ProtectionKind.COOLDOWN, pauses.cooldown),
    (ProtectionKind.STOP_GUARD, pauses.stop_guard),
    (ProtectionKind.LOW_PROFIT, pauses.low_profit),
    (ProtectionKind.CONSECUTIVE_LOSSES, pauses.consecutive_losses),
]


@pytest.mark.parametrize(("kind", "limit"), KINDS)
def test_a_protection_stops_an_entry_under_its_own_name(kind: ProtectionKind, limit: Permission) -> None:
    protection = Protection(kind, START + timedelta(hours=2), "it has its reasons", pair="XBTUSD")
    entry = make_candidate(context=make_context(protections=(protection,)))
    check = limit(entry)
    assert (check.limit, check.verdict) == (kind, Verdict.BLOCKED)
    assert check.reason == "no entry until 2026-01-01 02:00 UTC: it has its reasons"
    assert [other(entry).verdict for _, other in KINDS].count(Verdict.BLOCKED) == 1
    assert limit(make_candidate()).verdict is Verdict.OK


@pytest.mark.parametrize(("made", "verdict"), [(18, Verdict.OK), (19, Verdict.OK), (20, Verdict.BLOCKED)])
def test_max_entries_per_day(made: int, verdict: Verdict) -> None:
    check = pauses.max_entries_per_day(make_candidate(context=make_context(entries_today=made)))
    assert (check.current, check.would_be, check.threshold) == money(made, made + 1, 20)
    assert (check.verdict, check.unit) == (verdict, "entries")
    assert check.reason in {"", "this UTC day has used 20 of max_entries_per_day, 20"}


def test_the_entries_of_the_plan_count() -> None:
    entry = make_candidate(context=make_context(entries_today=19))
    entry.room.entries += 1
    assert pauses.max_entries_per_day(entry).verdict is Verdict.BLOCKED


def test_zero_sets_no_limit() -> None:
    settings = RiskSettings(protections=ProtectionSettings(max_entries_per_day=0))
    entry = make_candidate(context=make_context(entries_today=999), settings=settings)
    assert pauses.max_entries_per_day(entry).verdict is Verdict.OK
