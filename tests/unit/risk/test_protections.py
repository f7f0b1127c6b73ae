"""Pauses of entries after what has happened."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from krakked_tui.risk.context import Protection, ProtectionKind
from krakked_tui.risk.protections import ClosedShare, next_utc_day, protections, reach
from krakked_tui.risk.settings import ProtectionSettings

NOON = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)
OFF = {
    "cooldown_minutes": 0,
    "stop_guard_count": 0,
    "max_consecutive_losses": 0,
    "max_entries_per_day": 0,
}


def only(**changes: int | Decimal) -> ProtectionSettings:
    return ProtectionSettings(**{**OFF, **changes})  # type: ignore[arg-type]


def sold(
    minutes_ago: float, pnl: str = "-5", pair: str = "XBTUSD", strategy_id: str = "trend", *,
    stopped: bool = False,
) -> ClosedShare:  # fmt: skip
    at = NOON - timedelta(minutes=minutes_ago)
    return ClosedShare(pair, strategy_id, at, Decimal(pnl), Decimal(100), stopped)


def in_force(
    settings: ProtectionSettings,
    *closed: ClosedShare,
    entries: tuple[datetime, ...] = (),
    now: datetime = NOON,
) -> tuple[Protection, ...]:
    found = protections(closed, entries, settings, now)
    assert protections(closed[::-1], entries[::-1], settings, now) == found
    return found


def ago(minutes: float) -> datetime:
    return NOON - timedelta(minutes=minutes)


def test_nothing_happened_nothing_is_paused() -> None:
    assert in_force(ProtectionSettings()) == ()


@pytest.mark.parametrize(
    ("minutes", "paused"), [(59.9, True), (60, False), (61, False), (0, True), (-1, False)]
)
def test_a_pair_sold_at_a_loss_cools_down(minutes: float, paused: bool) -> None:
    found = in_force(only(cooldown_minutes=60), sold(minutes))
    assert bool(found) is paused
    if paused:
        (protection,) = found
        assert (protection.kind, protection.pair) == (ProtectionKind.COOLDOWN, "XBTUSD")
        assert (protection.until, protection.strategy_id) == (ago(minutes - 60), "")


def test_the_last_loss_of_a_pair_counts_and_a_gain_starts_nothing() -> None:
    found = in_force(
        only(cooldown_minutes=60),
        sold(50),
        sold(20, "-7"),
        sold(10, "3"),
        sold(5, "0"),
        sold(30, pair="ETHUSD"),
    )
    assert [(each.pair, each.until) for each in found] == [("ETHUSD", ago(-30)), ("XBTUSD", ago(-40))]
    assert found[1].reason == (
        "trend sold XBTUSD at a loss of $7.00 at 2026-01-10 11:40 UTC; cooldown_minutes is 60"
    )


GUARD = only(stop_guard_count=3, stop_guard_window_minutes=60, stop_guard_pause_minutes=90)


@pytest.mark.parametrize(
    ("minutes", "until"),
    [
        ((10, 30, 70), ago(10 - 90)),  # exactly the window
        ((10, 30, 70.1), None),
        ((10, 30), None),
        ((0, 5, 10, 15), ago(-90)),
        ((80, 85, 90), ago(-10)),
        ((90, 95, 99), None),  # over
        ((10, 80, 85, 90), ago(-10)),  # the last one belongs to no row, the earlier three do
    ],
)
def test_many_stops_pause_everything(minutes: tuple[float, ...], until: datetime | None) -> None:
    found = in_force(GUARD, *(sold(each, pair=f"P{n}USD", stopped=True) for n, each in enumerate(minutes)))
    assert [(each.kind, each.until, each.pair, each.strategy_id) for each in found] == (
        [(ProtectionKind.STOP_GUARD, until, "", "")] if until else []
    )


def test_only_stops_count_for_the_guard() -> None:
    assert in_force(GUARD, *(sold(each) for each in range(5))) == ()
    (found,) = in_force(GUARD, *(sold(each, "9", stopped=True) for each in range(3)))
    assert found.reason == (
        "3 stops were hit in 60 minutes, the last at 2026-01-10 12:00 UTC; stop_guard_count is 3"
    )


POOR = only(low_profit_pct=Decimal(2), low_profit_window_minutes=60, low_profit_pause_minutes=30)


@pytest.mark.parametrize(
    ("sales", "until"),
    [
        ([sold(10, "1"), sold(20, "2.99")], ago(10 - 30)),  # 3.99 of 200
        ([sold(10, "1"), sold(20, "3")], None),
        ([sold(10, "-9")], None),  # one sale says little
        ([sold(10, "1"), sold(70, "2")], ago(-20)),
        ([sold(10, "1"), sold(70.1, "2")], None),
        ([sold(30, "1"), sold(40, "1")], None),  # over
        ([sold(29, "1"), sold(40, "1")], ago(-1)),
        ([sold(5, "50"), sold(20, "1"), sold(40, "1")], ago(-10)),  # good again, but the pause goes on
        ([sold(10, "1", "ETHUSD"), sold(20, "1")], None),
    ],
)
def test_a_pair_that_earns_too_little_is_paused(sales: list[ClosedShare], until: datetime | None) -> None:
    found = in_force(POOR, *sales)
    assert [(each.kind, each.pair, each.until) for each in found] == (
        [(ProtectionKind.LOW_PROFIT, "XBTUSD", until)] if until else []
    )


def test_what_cost_nothing_earned_no_percentage() -> None:
    free = [ClosedShare("XBTUSD", "trend", ago(n), Decimal(1), Decimal(0)) for n in (1, 2)]
    assert in_force(POOR, *free) == ()


def test_low_profit_says_what_was_made() -> None:
    (found,) = in_force(POOR, sold(10, "1"), sold(20, "1"))
    assert found.reason == (
        "the sales of XBTUSD in 60 minutes up to 2026-01-10 11:50 UTC made 1.00 %; low_profit_pct is 2.00 %"
    )


@pytest.mark.parametrize(
    ("results", "paused"),
    [("---", True), ("----", True), ("--", False), ("--+-", False), ("---+", True), ("--0-", False)],
)
def test_a_strategy_that_loses_in_a_row_is_paused_until_the_next_utc_day(results: str, paused: bool) -> None:
    pnl = {"-": "-1", "+": "1", "0": "0"}
    row = [sold(len(results) - n, pnl[each], pair=f"P{n}USD") for n, each in enumerate(results)]
    found = in_force(only(max_consecutive_losses=3), *row, sold(0.5, strategy_id="other"))
    assert bool(found) is paused
    if paused:
        assert (found[0].kind, found[0].strategy_id, found[0].pair) == ("consecutive_losses", "trend", "")
        assert found[0].until == datetime(2026, 1, 11, tzinfo=UTC)


def test_a_row_ends_with_its_day_and_goes_on_with_the_next_loss() -> None:
    settings, row = only(max_consecutive_losses=3), [sold(60 * 24 + n) for n in (1, 2, 3)]
    assert in_force(settings, *row) == ()
    (found,) = in_force(settings, *row, sold(5))
    assert found.reason == (
        "trend lost 4 times in a row, the last time at 2026-01-10 11:55 UTC; max_consecutive_losses is 3"
    )


def test_losses_of_long_ago_are_no_row() -> None:
    long_ago = [sold(60 * 24 * 31), sold(60 * 24 * 31 + 1)]
    assert in_force(only(max_consecutive_losses=3), *long_ago, sold(5)) == ()


@pytest.mark.parametrize(("made", "paused"), [(2, False), (3, True), (4, True)])
def test_the_entries_of_the_utc_day_are_counted(made: int, paused: bool) -> None:
    midnight = NOON.replace(hour=0)
    entries = (midnight - timedelta(seconds=1), *(midnight + n * timedelta(hours=1) for n in range(made)))
    found = in_force(only(max_entries_per_day=3), entries=entries)
    assert bool(found) is paused
    if paused:
        assert (found[0].kind, found[0].until) == ("entries_per_day", datetime(2026, 1, 11, tzinfo=UTC))
        assert found[0].reason == f"{made} entries were made this UTC day; max_entries_per_day is 3"


def test_all_of_them_stand_in_the_order_of_their_kinds() -> None:
    settings = ProtectionSettings(low_profit_pct=Decimal(1), max_consecutive_losses=3, max_entries_per_day=1)
    found = in_force(settings, *(sold(n, stopped=True) for n in range(3)), entries=(NOON,))
    assert [each.kind for each in found] == list(ProtectionKind)
    assert found == protections([sold(n, stopped=True) for n in range(3)], [NOON], settings, NOON)


def test_what_is_older_than_the_reach_changes_nothing() -> None:
    settings = ProtectionSettings(
        low_profit_pct=Decimal(1), low_profit_window_minutes=50_000, stop_guard_window_minutes=100
    )
    assert reach(settings) == timedelta(minutes=50_720)
    assert reach(ProtectionSettings()) == timedelta(days=30)
    old = sold(50_720.1, stopped=True)
    recent = [sold(n, stopped=True) for n in (1, 200, 45_000)]
    assert in_force(settings, old, *recent) == in_force(settings, *recent)


def test_the_next_day_is_the_utc_one() -> None:
    assert next_utc_day(NOON.replace(hour=0)) == datetime(2026, 1, 11, tzinfo=UTC)
    assert next_utc_day(NOON.replace(hour=23, minute=59, second=59)) == datetime(2026, 1, 11, tzinfo=UTC)
