"""What is asked of the books: periods, filters, the way in and back."""

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.control.portfolio_view import PortfolioQuery
from krakked_tui.tui.portfolio_choice import (
    STEPS_MAX,
    Part,
    Period,
    PortfolioChoice,
    bounds,
    counts_manual,
    moment_text,
    parse_range,
)
from tests.fakes.portfolio import FakePortfolio

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)  # a Friday


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_everything_goes_round() -> None:
    choice = PortfolioChoice()
    parts, groups, periods, sides = [], [], [], []
    for _ in range(5):
        choice.next_part()
        choice.next_group()
        choice.next_period()
        choice.next_side()
        parts.append(choice.part)
        groups.append(choice.query.by)
        periods.append(choice.query.period)
        sides.append(choice.query.side)
    assert parts == [Part.TRADES, Part.FLOWS, Part.FEES, Part.HOLDINGS, Part.PNL]
    assert groups == ["pair", "strategy", "day", "pair", "strategy"]
    assert periods == ["day", "week", "month", "ytd", "all"]
    assert sides == ["buy", "sell", "", "buy", "sell"]


def test_a_typed_range_joins_the_periods_once_there_is_one() -> None:
    choice = PortfolioChoice()
    since, until = at("2026-11-01"), at("2026-11-16")
    choice.want_range(since, until)
    assert choice.query == PortfolioQuery(period="custom", since=since, until=until)
    seen = []
    for _ in range(6):
        choice.next_period()
        seen.append((choice.query.period, choice.query.since))
    assert seen == [
        ("all", None),
        ("day", None),
        ("week", None),
        ("month", None),
        ("ytd", None),
        ("custom", since),
    ]
    choice.want_range(None, None)
    assert choice.query == PortfolioQuery()


@pytest.mark.parametrize(
    ("period", "since"),
    [("all", None), ("day", at("2026-11-20")), ("week", at("2026-11-16")), ("month", at("2026-11-01")),
     ("ytd", at("2026-01-01"))],
)  # fmt: skip
def test_a_period_begins_with_its_unit(period: str, since: datetime | None) -> None:
    assert bounds(PortfolioQuery(period=period), NOW) == (since, None)


def test_the_bounds_of_a_typed_period_are_those() -> None:
    query = PortfolioQuery(period="custom", since=at("2026-01-01"))
    assert bounds(query, NOW) == (at("2026-01-01"), None)


@pytest.mark.parametrize(
    ("by", "key", "query"),
    [
        ("day", "2026-11-19", PortfolioQuery(
            period="custom", since=at("2026-11-19"), until=at("2026-11-20"), side="sell")),
        ("pair", "XBTUSD", PortfolioQuery(by="pair", pair="XBTUSD", side="sell")),
        ("strategy", "manual", PortfolioQuery(by="strategy", strategy="manual", side="sell")),
    ],
)  # fmt: skip
def test_behind_a_line_of_pnl_are_its_trades_and_there_is_a_way_back(
    by: str, key: str, query: PortfolioQuery
) -> None:
    choice = PortfolioChoice()
    choice.next_side()
    choice.next_side()
    while choice.query.by != by:
        choice.next_group()
    before = choice.query
    assert choice.drill(key)
    assert (choice.query, choice.part, choice.drilled) == (query, Part.TRADES, True)
    assert choice.back() == key
    assert (choice.query, choice.part, choice.drilled) == (before, Part.PNL, False)


@pytest.mark.parametrize(
    ("since", "until", "drilled"),
    [
        ("2026-11-19 12:00", "2026-11-21 12:00", ("2026-11-19 12:00", "2026-11-20")),
        ("2026-11-17", "2026-11-19 01:30", ("2026-11-19", "2026-11-19 01:30")),
        ("2026-11-19 10:00", "2026-11-19 11:00", ("2026-11-19 10:00", "2026-11-19 11:00")),
        ("", "2026-11-30", ("2026-11-19", "2026-11-20")),
    ],
)
def test_behind_a_day_of_a_typed_period_is_only_what_its_figure_is_about(
    since: str, until: str, drilled: tuple[str, str]
) -> None:
    choice = PortfolioChoice()
    choice.want_range(at(since) if since else None, at(until))
    assert choice.drill("2026-11-19")
    assert (choice.query.since, choice.query.until) == tuple(map(at, drilled))
    choice.back()
    choice.next_period()
    assert choice.drill("2026-11-19")
    assert (choice.query.since, choice.query.until) == (at("2026-11-19"), at("2026-11-20"))


@pytest.mark.parametrize(
    ("by", "key"), [("day", ""), ("day", "2026-13-01"), ("day", "9999-12-31x"), ("pair", "")]
)
def test_what_no_filter_shows_alone_is_not_opened(by: str, key: str) -> None:
    choice = PortfolioChoice()
    while choice.query.by != by:
        choice.next_group()
    before = choice.query
    assert not choice.drill(key)
    assert (choice.query, choice.part, choice.drilled) == (before, Part.PNL, False)


def test_back_without_a_step_takes_all_filters_away_and_keeps_the_grouping() -> None:
    choice = PortfolioChoice()
    choice.next_group()
    choice.next_period()
    choice.want_pair("XBTUSD")
    choice.want_strategy("manual")
    choice.toggle_manual(counted=True)
    assert choice.filtered
    assert choice.back() == ""
    assert choice.query == PortfolioQuery(by="pair")
    assert not choice.filtered


def test_manual_trades_count_as_configured_until_somebody_says_otherwise() -> None:
    books = FakePortfolio().ask(PortfolioQuery())
    assert books is not None
    out = msgspec.structs.replace(books, manual=False)
    assert counts_manual(PortfolioQuery(), None)
    assert counts_manual(PortfolioQuery(), books)
    assert not counts_manual(PortfolioQuery(), out)
    assert counts_manual(PortfolioQuery(include_manual=True), out)
    assert not counts_manual(PortfolioQuery(include_manual=False), books)


def test_looking_at_a_trade_leaves_out_nothing() -> None:
    choice = PortfolioChoice()
    choice.look_at("T1")
    assert choice.query == PortfolioQuery(trade_id="T1")
    assert not choice.filtered


def test_the_way_back_is_bounded() -> None:
    choice = PortfolioChoice()
    for _ in range(STEPS_MAX + 5):
        assert choice.drill("2026-11-19")
    steps = 0
    while choice.drilled:
        choice.back()
        steps += 1
    assert steps == STEPS_MAX


def test_days_and_times_are_taken_for_utc() -> None:
    assert parse_range(" 2026-03-01 ", "2026-03-01 12:00") == (at("2026-03-01"), at("2026-03-01T12:00"))
    assert parse_range("2026-03-01T12:00+02:00", "") == (at("2026-03-01T10:00"), None)
    assert parse_range("", "") == (None, None)


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        ("soon", "", "From is “soon”: type a day such as 2026-03-01, or 2026-03-01 12:00 (UTC)."),
        ("", "2026-02-30", "Until is “2026-02-30”: type a day such as"),
        ("2026-03-02", "2026-03-02", "Until (2026-03-02) is not after From (2026-03-02): Until itself is"),
        ("0001-01-01T00:00+14:00", "", "From is “0001-01-01T00:00+14:00”"),
    ],
)  # fmt: skip
def test_a_bad_range_is_one_sentence(since: str, until: str, said: str) -> None:
    found = parse_range(since, until)
    assert isinstance(found, str)
    assert found.startswith(said)


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_is_typed_is_a_range_or_a_sentence(since: str, until: str) -> None:
    found = parse_range(since, until)
    assert isinstance(found, str) or found is not None


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_bound_is_written_as_it_is_typed(moment: datetime) -> None:
    assert parse_range(moment_text(moment), "") == (moment, None)
    assert " 00:00" not in moment_text(moment.replace(hour=0, minute=0, second=0, microsecond=0))


def test_periods_have_the_names_of_the_query() -> None:
    assert [period.value for period in Period] == ["all", "day", "week", "month", "ytd", "custom"]
