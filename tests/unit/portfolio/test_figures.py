"""Records of what trades did, from the books."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import msgspec
from hypothesis import assume, given
from hypothesis import strategies as st

from krakked_tui.domain.fills import Trade
from krakked_tui.portfolio.figures import Figures
from krakked_tui.portfolio.sales import sale_figures
from krakked_tui.portfolio.summary import (
    MANUAL,
    Bounds,
    Breakdown,
    RealizedRecord,
    select,
    sum_up,
    sum_up_fees,
    tally,
)
from tests.unit.portfolio.statements import MINUTE, START, apply, books_of, make_entry, read

D = Decimal
STATEMENT = """
    deposit 50000 USD
    buy 0.5 XBTUSD @ 20000 fee 40 USD
    buy 2 ETHXBT @ 0.05 at 60000 XBT
    sell 0.1 XBTUSD @ 21000 fee 5 USD
    convert 1 ETH to 3100 USD
    withdrawal 0.1 XBT at 21000
"""


A_WEEK = "deposit 90000 USD\n" + "\n".join(
    f"2026-03-0{1 + hours // 24}T{hours % 24:02}:00 {side} {pair} @ {100 + hours} fee 1 USD"
    for hours in range(0, 125, 5)
    for side, pair in ((("buy 2", "sell 1")[hours % 2], ("XBTUSD", "ETHUSD")[hours // 10 % 2]),)
)


def nobody(_trade: Trade) -> tuple[str, None]:
    return MANUAL, None


def figures_of(statement: str) -> Figures:
    return Figures(books_of(statement).booked(), nobody)


WEEK = figures_of(A_WEEK)


def test_a_purchase_and_a_sale_by_hand() -> None:
    figures = figures_of("deposit 50000 USD\nbuy 2 XBTUSD @ 100 fee 4 USD\nsell 1 XBTUSD @ 130 fee 5 USD")
    bought, sold = figures.records
    assert bought == RealizedRecord(
        "T1",
        "OT1",
        "XBTUSD",
        START + MINUTE,
        "buy",
        D(2),
        D(-200),
        "USD",
        D(4),
        D(-4),
        D(-4),
        D(4),
        asset="XBT",
    )
    assert sold == RealizedRecord(
        "T2",
        "OT2",
        "XBTUSD",
        START + 2 * MINUTE,
        "sell",
        D(-1),
        D(130),
        "USD",
        D(5),
        D(25),
        D(25),
        D(5),
        asset="XBT",
    )
    assert figures.records_of("T2") == (sold,)
    assert figures.records_of("T9") == ()


def test_another_quote_has_its_own_pnl() -> None:
    # 1 XBT that cost 100 USD is sold for 90 EUR at 1.2: 108 USD, less 0.5 EUR fee.
    figures = figures_of("deposit 1 XBT at 100\nsell 1 XBTEUR @ 90 fee 0.5 EUR at 1.2 EUR")
    [sold] = figures.records
    assert (sold.pnl_base, sold.fee_base) == (D("7.4"), D("0.6"))
    assert abs(sold.pnl_quote * D("1.2") - D("7.4")) < D("1e-20")


def test_without_a_price_nothing_is_made_and_it_says_so() -> None:
    [swapped] = figures_of("deposit 1 XBT at 100\nbuy 2 ETHXBT @ 0.05").records
    assert swapped.unvalued
    assert (swapped.pnl_base, swapped.pnl_quote) == (D(0), D(0))


def test_a_fee_without_a_price_has_no_worth() -> None:
    made = figures_of("deposit 500 USD\ndeposit 10 DOT\nbuy 1 XBTUSD @ 100 fee 2 DOT").records
    assert [(each.fee_asset, each.fee_amount, each.fee_base) for each in made] == [("DOT", D(2), None)]


def test_a_second_fee_is_a_record_of_its_own() -> None:
    made = figures_of(
        "deposit 500 USD\ndeposit 10 DOT at 5\nbuy 1 XBTUSD @ 100 fee 3 USD fee 2 DOT at 6 DOT"
    ).records
    assert [(each.trade_id, each.fee_asset, each.fee_base, each.pnl_base) for each in made] == [
        ("T1", "USD", D(3), D(-15) + 2),
        ("T1", "DOT", D(12), D(0)),
    ]
    assert [each.base_delta for each in made] == [D(1), D(0)]


def test_a_second_fee_in_what_was_traded_is_worth_its_price() -> None:
    made = figures_of("deposit 500 USD\nbuy 1 XBTUSD @ 100 fee 3 USD fee 0.01 XBT").records
    assert [(each.fee_asset, each.fee_base) for each in made] == [("USD", D(3)), ("XBT", D(1))]
    euros = figures_of("deposit 1 XBT at 100\nsell 0.5 XBTEUR @ 90 fee 1 EUR fee 0.01 XBT at 1.2 EUR").records
    assert [(each.fee_asset, each.fee_base) for each in euros] == [("EUR", D("1.2")), ("XBT", D("1.08"))]


def test_fees_and_amounts_are_those_of_the_ledger_rows() -> None:
    books = books_of("deposit 50000 USD\nbuy 2 XBTUSD @ 100 fee 4 USD")
    for number, (asset, amount, fee) in enumerate(
        (("XBT", "1.99999999", "0.001"), ("USD", "-200.00001", "3.9"))
    ):
        books.apply_entry(make_entry(f"R{number}", asset, amount, fee, refid="T1"))
    base, other = Figures(books.booked(), nobody).records
    assert (base.base_delta, base.quote_delta) == (D("1.99999999"), D("-200.00001"))
    assert [(each.fee_asset, each.fee_amount) for each in (base, other)] == [
        ("USD", D("3.9")), ("XBT", D("0.001")),
    ]  # fmt: skip
    assert (base.fee_base or 0) + (other.fee_base or 0) == books.state.fees_paid


def test_a_fee_that_only_the_ledger_tells_of_is_a_record() -> None:
    books = books_of("deposit 50000 USD\ndeposit 9 DOT at 5\nbuy 2 XBTUSD @ 100 fee 4 USD")
    for number, (asset, amount, fee) in enumerate(
        (("XBT", "2", "0"), ("USD", "-200", "0"), ("DOT", "0", "0.5"))
    ):
        books.apply_entry(make_entry(f"R{number}", asset, amount, fee, refid="T1"))
    fees = sum_up_fees(Figures(books.booked(), nobody).tallies(Bounds()))
    assert [(each.asset, each.amount) for each in fees.by_asset] == [("DOT", D("0.5"))]


def test_what_no_trade_made_is_a_record_too() -> None:
    converted = figures_of(STATEMENT).records[-1]
    assert (converted.pair, converted.side, converted.order_id) == ("", "", "")
    assert (converted.trade_id, converted.strategy_tag) == ("L2", MANUAL)


def test_records_add_up_to_what_the_books_have_realized() -> None:
    books = books_of(STATEMENT)
    figures = Figures(books.booked(), nobody)
    assert sum(each.pnl_base for each in figures.records) == books.state.realized_pnl
    assert sum(each.fee_base or 0 for each in figures.records) == books.state.fees_paid
    events = list(dict.fromkeys(each.event_id for each in figures.disposed))
    assert [each.event_id for each in figures.sales] == events
    assert [each.order_id for each in figures.sales] == ["", "OT2", "OT3", ""][-len(events) :]
    assert tuple(figures.flows) == books.flows
    assert figures.booking_of(figures.records_of("T3")[0]) is books.booked().bookings[3]


@given(st.permutations(list(read(STATEMENT))), st.sets(st.integers(0, 9)))
def test_what_is_worked_out_bit_by_bit_is_the_same(events: list[object], looks: set[int]) -> None:
    books, before = books_of(""), None
    for number, event in zip(count(), events, strict=False):
        apply(books, event)  # type: ignore[arg-type]
        if number in looks:
            before = Figures(books.booked(), nobody, before)
    grown, whole = Figures(books.booked(), nobody, before), Figures(books.booked(), nobody)
    assert grown.records == whole.records
    assert grown.sales == whole.sales
    assert (grown.flows, grown.disposals) == (whole.flows, whole.disposals)
    assert grown.tallies(Bounds()) == whole.tallies(Bounds())


def test_chosen_sales_are_those_of_the_records_that_pass() -> None:
    books, before = books_of(""), None
    for event in read(A_WEEK):
        apply(books, event)
        before = Figures(books.booked(), nobody, before)
    assert before is not None
    asked = []

    def passes(record: RealizedRecord) -> bool:
        asked.append(record)
        return record.pair == "ETHUSD"

    chosen = sale_figures(before.chosen_sales(Bounds(), passes))
    made = [each for each in before.records if each.side == "sell" and each.pair == "ETHUSD"]
    assert chosen.sales == len(made) > 1
    assert chosen == sale_figures(WEEK.chosen_sales(Bounds(), lambda record: record.pair == "ETHUSD"))
    assert len(asked) == 2, "once for those that are alike"
    everything = before.chosen_sales(Bounds(), lambda _record: True)
    assert sale_figures(everything) == sale_figures(before.sale_sums(Bounds()))


def test_day_after_day_only_what_is_new_is_worked_out() -> None:
    books, figures = books_of(""), Figures(books_of("").booked(), nobody)
    for event in read(A_WEEK):
        apply(books, event)
        figures = Figures(books.booked(), nobody, figures)
    assert len(WEEK.records) == 25
    assert figures.records == WEEK.records
    assert figures.tallies(Bounds()) == WEEK.tallies(Bounds())
    assert figures.sales == WEEK.sales
    assert len({one.day for one in figures.tallies(Bounds())}) == 6


def test_of_a_week_too_an_order_found_later_gives_trades_to_its_strategy() -> None:
    booked = books_of(A_WEEK).booked()
    found = Figures(
        booked, lambda trade: ("trend" if trade.trade_id == "T1" else MANUAL, None), Figures(booked, nobody)
    )
    assert [one.strategy for one in found.tallies(Bounds())].count("trend") == 1


times = st.none() | st.builds(lambda hours: START + hours * timedelta(hours=5), st.integers(-3, 25))


@given(times, times)
def test_tallies_of_a_period_are_those_of_its_records(since: datetime | None, until: datetime | None) -> None:
    assume(since is None or until is None or since < until)
    within = Bounds(since, until)
    kept, anew = WEEK.tallies(within), tally(select(WEEK.records, within, include_manual=True))
    for by in (None, *Breakdown):
        assert sum_up(kept, within, include_manual=True, by=by) == sum_up(
            anew, within, include_manual=True, by=by
        )
    assert sum_up_fees(kept) == sum_up_fees(anew)


def test_an_order_found_later_gives_old_trades_to_its_strategy() -> None:
    booked = books_of(STATEMENT).booked()
    before = Figures(booked, nobody)
    after = Figures(booked, lambda trade: ("trend" if trade.trade_id == "T1" else MANUAL, 7), before)
    assert [each.strategy_tag for each in after.records] == ["trend", *[MANUAL] * 3]
    assert {one.strategy for one in after.tallies(Bounds())} == {"trend", MANUAL}
    assert [each.raw_userref for each in after.records] == [7, 7, 7, None]
    assert [
        msgspec.structs.replace(each, strategy_tag=MANUAL, raw_userref=None) for each in after.records
    ] == (before.records)
