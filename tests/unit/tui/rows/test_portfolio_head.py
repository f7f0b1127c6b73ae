"""The lines around the tables: totals, filters, notes, the export."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.portfolio_view import HistoryView, PerformanceView, PortfolioQuery, PortfolioReport
from krakked_tui.control.views import HealthView
from krakked_tui.domain.portfolio import CostBasis
from krakked_tui.tui.portfolio_choice import Part
from krakked_tui.tui.rows.line import Look, text_of, width_of
from krakked_tui.tui.rows.portfolio_head import (
    export_command,
    export_line,
    filter_line,
    fitting,
    note_line,
    note_lines,
    notes,
    parts_line,
    performance_line,
    period_text,
    span_of,
    totals_line,
)
from tests.fakes.controller import drifting, normal, status
from tests.fakes.portfolio import HOLDINGS, PERFORMANCE, FakePortfolio


def report(**changes: object) -> PortfolioReport:
    found = FakePortfolio().ask(PortfolioQuery())
    assert found is not None
    return msgspec.structs.replace(found, **changes)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def custom(since: str, until: str, **changes: object) -> PortfolioQuery:
    base = PortfolioQuery(
        period="custom", since=at(since) if since else None, until=at(until) if until else None
    )
    return msgspec.structs.replace(base, **changes)


def test_totals_keep_their_places_when_they_grow() -> None:
    small = report()
    total = msgspec.structs.replace(small.total, realized=Decimal("-12345.6"), gross=Decimal("-99999"))
    large = msgspec.structs.replace(small, total=total)
    for width in (80, 120):
        one, other = text_of(totals_line(small, width)), text_of(totals_line(large, width))
        assert one.index("gross") == other.index("gross")
        assert one.index("fees") == other.index("fees")
    assert "average cost (wac)" in text_of(totals_line(small, 120))


def test_without_a_gain_fees_have_no_share_of_it() -> None:
    assert "(" not in text_of(totals_line(report(fees_percent_of_gross=None), 80))
    assert text_of(totals_line(None, 80)) == "Reading the books …"


def test_performance_fits_and_a_dash_stands_for_too_little_to_say() -> None:
    assert text_of(performance_line(PERFORMANCE, 80)) == (
        "Return +4.1%   DD 1.1%  Sharpe 1.23  Sortino 1.91  win 54%  PF 1.80  held 3h12m"
    )
    assert text_of(performance_line(PerformanceView(), 80)).count(" -") == 7
    assert "profit factor 1.80" in text_of(performance_line(PERFORMANCE, 120))


def test_an_absurd_holding_time_is_no_accident() -> None:
    assert span_of(float("inf")) == span_of(1e10)
    assert span_of(-1.0) == "0m"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        (PortfolioQuery(), "all time"),
        (PortfolioQuery(period="ytd"), "this year"),
        (custom("2026-11-19", "2026-11-20"), "2026-11-19"),
        (custom("2026-11-01", "2026-11-20"), "2026-11-01 until 2026-11-20"),
        (custom("2026-11-19T06:00", "2026-11-20T06:00"), "2026-11-19 06:00 until 2026-11-20 06:00"),
        (custom("2026-11-01", ""), "from 2026-11-01"),
        (custom("", "2026-11-01"), "until 2026-11-01"),
        (custom("", ""), "all time"),
    ],
)
def test_a_period_in_words(query: PortfolioQuery, text: str) -> None:
    assert period_text(query) == text


def test_every_filter_is_shown_behind_its_key_and_stands_out_when_it_narrows() -> None:
    query = custom(
        "2026-11-01",
        "2026-11-20",
        pair="DOGEUSD",
        strategy="trend_following",
        side="sell",
        include_manual=False,
    )
    line = filter_line(query, 120, drilled=False, manual=False)
    assert text_of(line) == (
        "t 2026-11-01 until 2026-11-20  / DOGEUSD  s trend_following  d sells  m manual out  esc all"
    )
    assert [span.look for span in line[1::3]] == [Look.STRONG] * 5 + [Look.MUTED]
    assert [span.look for span in filter_line(PortfolioQuery(), 120, drilled=False, manual=True)[1::3]] == [
        Look.MUTED
    ] * 5
    assert text_of(filter_line(PortfolioQuery(), 120, drilled=True, manual=True)).endswith("esc back")


def test_a_long_strategy_gives_way_before_the_other_filters_do() -> None:
    query = custom("2026-11-01", "2026-11-20", pair="DOGEUSD", strategy="s" * 40, side="sell")
    text = text_of(filter_line(query, 80, drilled=False, manual=True))
    assert "…" in text
    assert "m manual in" in text
    assert len(text) <= 80


def test_notes_come_worst_first_and_are_silent_when_all_is_well() -> None:
    history = (HistoryView("trades", 1200, 50_000, done=False),)
    troubled = report(history=history, findings=("a", "b"))
    assert [note.head for note in notes(troubled, drifting())] == [
        "DRIFT", "READING HISTORY", "2 FINDINGS", "NO PRICE",
    ]  # fmt: skip
    assert notes(report(holdings=HOLDINGS[:3]), normal()) == []
    calm = note_line(report(holdings=HOLDINGS[:3]), normal(), 80)
    assert text_of(calm).startswith("Books and exchange agree")


def test_before_a_report_the_engine_says_how_far_the_history_is() -> None:
    (drift, reading) = notes(None, drifting())
    assert drift.detail.startswith(
        "e accepts the exchange's: XBT: books 0.03127711, exchange 0.04127711; USD"
    )
    assert reading.detail == "trades 1,200 of 50,000, ledger 0 of ?; figures change until all is read"
    assert text_of(note_line(None, normal(), 80)) == ""


def test_the_note_line_names_the_key_for_all_of_them() -> None:
    line = note_line(report(findings=("x" * 200,)), normal(), 80)
    assert width_of(line) == 80
    assert text_of(line).endswith("  n all")


def test_all_notes_in_full() -> None:
    lines = [text_of(line) for line in note_lines(report(findings=("one", "two")), drifting(), 70)]
    for title in ("DRIFT", "HISTORY", "FINDINGS", "WITHOUT A PRICE, COUNTING AS ZERO", "AT AN OLD PRICE"):
        assert title in lines
    assert "trades 312 of 312 read, complete" in lines
    calm = report(holdings=HOLDINGS[:2], history=())
    assert "agree within the tolerance" in text_of(note_lines(calm, normal(), 90)[0])


def test_books_and_exchange_are_not_said_to_agree_before_they_were_compared() -> None:
    view = normal()
    assert view.portfolio is not None
    newer = msgspec.structs.replace(view.portfolio, compared=False)
    stale = msgspec.structs.replace(view, portfolio=newer, health=HealthView(account_age=63.0))
    text = text_of(note_line(report(holdings=HOLDINGS[:2]), stale, 80))
    assert text == "Books and exchange have not been compared since the last fill (read 1m03s ago)."
    assert text_of(parts_line(report(), PortfolioQuery(), Part.HOLDINGS, "read 1m03s ago")).endswith(
        "[holdings 6] read 1m03s ago"
    )


def test_what_has_no_worth_is_noted() -> None:
    gone = msgspec.structs.replace(HOLDINGS[0], status="delisted")
    one = report(holdings=(gone,))
    total = msgspec.structs.replace(one.total, unvalued_fees=2)
    found = notes(msgspec.structs.replace(one, total=total), normal())
    assert [(each.head, each.detail) for each in found] == [
        ("DELISTED", "counted as zero: XBT"), ("FEES", "2 fees of which nothing says the worth: in no sum"),
    ]  # fmt: skip
    line = totals_line(msgspec.structs.replace(one, total=total), 80)
    assert any(span.text.startswith(">") and span.look is Look.WARN for span in line)


def test_figures_of_the_account_are_called_so_when_only_some_trades_are_looked_at() -> None:
    for width in (80, 120):
        plain, chosen = (performance_line(PERFORMANCE, width, chosen=each) for each in (False, True))
        assert text_of(plain).startswith("Return +4.1%")
        assert text_of(chosen).startswith("Account ")
        assert width_of(chosen) <= width


@pytest.mark.parametrize("pair", ["", "XBTUSD", "other"])
def test_a_range_to_the_minute_hides_no_filter(pair: str) -> None:
    query = custom(
        "2026-11-19T06:01", "2026-11-20T06:02", pair=pair, side="sell", strategy="trend_following_v1"
    )
    line = filter_line(query, 80, drilled=True, manual=False)
    assert width_of(line) <= 80
    text = text_of(line)
    assert "t 2026-11-19 06:01→2026-11-20 06:02" in text
    assert f"/ {'no pair' if pair == 'other' else pair or 'all'}" in text
    assert text.endswith("d sells  m manual out")


def test_parts_are_counted_and_the_shown_one_stands_between_brackets() -> None:
    many = report(trades_found=12_345)
    assert text_of(parts_line(many, PortfolioQuery(), Part.TRADES)).rstrip() == (
        " P&L by day 14  [trades 60 of 12,345]  cash flows 4   fees 2   holdings 6"
    )
    assert "…" in text_of(parts_line(None, PortfolioQuery(), Part.PNL))


@pytest.mark.parametrize(
    ("query", "part", "profile", "command"),
    [
        (PortfolioQuery(), Part.PNL, "paper", "pnl"),
        (PortfolioQuery(), Part.TRADES, "live", "trades --profile live"),
        (PortfolioQuery(), Part.FEES, "paper", "trades"),
        (PortfolioQuery(period="week"), Part.FLOWS, "paper", "cash-flows --since 2026-11-16"),
        (PortfolioQuery(period="week"), Part.HOLDINGS, "paper", "positions"),
        (custom("2026-11-01", "2026-11-20T12:00"), Part.PNL, "paper",
         "pnl --since 2026-11-01 --until 2026-11-20T12:00"),
        (custom("2026-11-01", "2026-11-20"), Part.HOLDINGS, "paper", "positions --until 2026-11-20"),
    ],
)  # fmt: skip
def test_the_command_that_exports_what_is_shown(
    query: PortfolioQuery, part: Part, profile: str, command: str
) -> None:
    view = msgspec.structs.replace(normal(), status=status(profile=profile))
    assert export_command(query, None, part, view) == f"krakked-tui export {command}"


def test_an_export_matches_sales_as_what_is_shown_does() -> None:
    fifo = report(cost_basis=CostBasis.FIFO)
    command = export_command(PortfolioQuery(), fifo, Part.PNL, normal())
    assert command == "krakked-tui export pnl --profile demo --cost-basis fifo"
    assert "cost-basis" not in export_command(PortfolioQuery(), fifo, Part.FLOWS, normal())


def test_a_command_that_does_not_fit_is_not_shown_in_part() -> None:
    line = export_line(PortfolioQuery(period="ytd"), report(), Part.PNL, normal())
    assert fitting(line, 120) == line
    assert text_of(fitting(line, 40)) == "n the command that exports this"


def test_filters_that_an_export_does_not_have_are_named() -> None:
    query = PortfolioQuery(pair="XBTUSD", strategy="s", side="buy", include_manual=False)
    assert text_of(export_line(query, None, Part.PNL, normal())).endswith(
        " (all pairs, all strategies, all sides, manual in)"
    )
    assert "(" not in text_of(export_line(query, None, Part.HOLDINGS, normal()))
