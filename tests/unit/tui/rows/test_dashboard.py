"""The dashboard's panels."""

from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.control.portfolio_view import HistoryView
from krakked_tui.control.views import AllocationView, CountsView, RateLimitView
from krakked_tui.tui.rows.dashboard import (
    account_lines,
    allocation_lines,
    counts_lines,
    eighths,
    event_lines,
)
from krakked_tui.tui.rows.line import Look, text_of, width_of
from tests.fakes.controller import drifting, normal, starting, status


def test_the_account_reads_like_a_statement() -> None:
    assert [text_of(line) for line in account_lines(normal(), 26)] == [
        "ACCOUNT",
        "Equity          $10,412.33",
        "Cash             $5,599.02",
        "Unrealized         +$96.28",
        "Realized           +$23.18",
        "Fees paid           $18.77",
        "Next cycle         in 0:48",
    ]


def test_a_paused_engine_has_no_next_cycle() -> None:
    paused = msgspec.structs.replace(normal(), status=status(paused=True))
    assert text_of(account_lines(paused, 26)[6]) == "Next cycle          paused"
    unknown = msgspec.structs.replace(normal(), status=status(next_cycle_at=None))
    assert text_of(account_lines(unknown, 26)[6]) == "Next cycle               -"


def test_without_balances_it_says_what_it_waits_for() -> None:
    assert [text_of(line) for line in account_lines(starting(), 26)][1:] == ["Waiting for the balances."]


def test_what_the_bars_do_not_say_stands_below_them() -> None:
    view = drifting()
    lines = [text_of(line) for line in allocation_lines(view.allocation, view.portfolio, 32, 12)]
    assert lines[5:] == [
        "no price LUNA2",
        "stale    SOL",
        "reading  trades 2%, ledger",
        "staked   ETH 0.21",
        "earning  XBT 0.01",
        "excluded $812.40 EUR, DOGE",
    ]


def test_where_there_is_no_room_the_worst_of_them_stay_and_the_rest_is_counted() -> None:
    view = drifting()
    lines = [text_of(line) for line in allocation_lines(view.allocation, view.portfolio, 24, 7)]
    assert len(lines) == 7
    assert lines[3:] == ["2 more: 26.97%", "no price LUNA2", "stale    SOL", "4 more: press 5"]


def test_a_history_that_was_read_is_not_mentioned() -> None:
    view = drifting()
    assert view.portfolio is not None
    done = msgspec.structs.replace(view.portfolio, history=(HistoryView("trades", 5, 5, done=True),))
    assert "reading" not in str(allocation_lines((), done, 32, 12))


def test_counters_of_trouble_are_marked() -> None:
    lines = counts_lines(msgspec.structs.replace(normal(), counts=CountsView(errors=2)), 26)
    assert text_of(lines[3]) == "Errors                   2"
    assert lines[3][-1].look is Look.WARN


def test_the_most_used_rate_limit_is_told() -> None:
    def shown(*limits: RateLimitView) -> tuple[str, Look]:
        line = counts_lines(msgspec.structs.replace(normal(), rate_limits=limits), 26)[-1]
        return text_of(line), line[-1].look

    assert shown() == ("API limits               -", Look.PLAIN)
    calm, tight = RateLimitView("a", 1, 10), RateLimitView("b", 17, 20)
    assert shown(calm) == ("API limits        10% used", Look.PLAIN)
    assert shown(calm, tight) == ("API limits        85% used", Look.WARN)
    refused = RateLimitView("c", 0, 10, blocked_seconds=3)
    assert shown(calm, refused) == ("API limits         blocked", Look.ALARM)


def test_allocation_shows_as_many_bars_as_fit_and_counts_the_rest() -> None:
    shares = [AllocationView(f"A{n}", Decimal(n), Decimal(10)) for n in range(10)]
    lines = [text_of(line) for line in allocation_lines(shares, None, 24, 5)]
    assert len(lines) == 5
    assert lines[1].startswith("A0      10.0% █ ")
    assert lines[4] == "7 more: 70.00%"


def test_nothing_held_says_so() -> None:
    assert text_of(allocation_lines((), None, 24, 5)[1]) == "Nothing held yet."


@given(st.decimals(-50, 150, places=3), st.integers(0, 40))
def test_a_bar_is_as_wide_as_its_place(share: Decimal, width: int) -> None:
    assert len(eighths(share, width)) == width


def test_a_bar_is_exact_to_an_eighth() -> None:
    assert eighths(Decimal("37.5"), 4) == "█▌  "
    assert eighths(Decimal(100), 4) == "████"
    assert eighths(Decimal(0), 4) == "    "


def test_events_are_the_newest_in_order() -> None:
    lines = [text_of(line) for line in event_lines(("a", "b", "c", "d" * 50), 20, 3)]
    assert lines == ["EVENTS", "c", "d" * 19 + "…"]
    assert text_of(event_lines((), 30, 3)[1]) == "Nothing has happened yet."
    assert all(width_of(line) <= 20 for line in event_lines(("x" * 90,), 20, 3))
