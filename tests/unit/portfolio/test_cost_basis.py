from decimal import Decimal

import pytest

from krakked_tui.portfolio.cost_basis import (
    Booking,
    FindingKind,
    Movement,
    Position,
    book,
    expected_movements,
    pass_by,
)
from tests.unit.portfolio.statements import MINUTE, PAIRS, START, make_trade

D = Decimal
XBTUSD = PAIRS["XBTUSD"]


def after(*lines: str) -> list[Booking]:
    """Book trades one after the other, from nothing."""
    position, bookings = Position("XBTUSD", "XBT"), []
    for number, line in enumerate(lines):
        trade = make_trade(line, at=START + number * MINUTE)
        bookings.append(book(position, trade, XBTUSD, expected_movements(trade, XBTUSD)))
        position = bookings[-1].position
    return bookings


def figures(booking: Booking) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    """Size, cost, PnL of the trade, fee of the trade."""
    return booking.position.size, booking.position.cost, booking.pnl, booking.fee


def test_one_buy_one_sell() -> None:
    bought, sold = after(
        "buy  0.5 XBTUSD @ 20000  fee 40 USD",
        "sell 0.5 XBTUSD @ 22000  fee 44 USD",
    )
    assert figures(bought) == (D("0.5"), D(10000), D(-40), D(40))
    assert figures(sold) == (D(0), D(0), D(1000 - 44), D(44))
    assert sold.position.realized_pnl == D(1000 - 44 - 40)
    assert sold.position.fees_paid == D(84)


def test_several_buys_and_partial_sells_use_the_average() -> None:
    bookings = after(
        "buy  1   XBTUSD @ 20000",
        "buy  3   XBTUSD @ 24000",  # 4 at 92000, 23000 each
        "sell 1   XBTUSD @ 25000",  # + 2000
        "sell 2   XBTUSD @ 22000",  # - 2000
        "buy  1   XBTUSD @ 27000",  # 2 at 50000, 25000 each
        "sell 2   XBTUSD @ 30000",  # + 10000
    )
    assert [figures(booking)[:3] for booking in bookings] == [
        (D(1), D(20000), D(0)),
        (D(4), D(92000), D(0)),
        (D(3), D(69000), D(2000)),
        (D(1), D(23000), D(-2000)),
        (D(2), D(50000), D(0)),
        (D(0), D(0), D(10000)),
    ]
    assert bookings[1].position.avg_entry_price == D(23000)
    assert bookings[-1].position.avg_entry_price == D(0)


def test_a_fee_in_the_base_asset_reduces_what_is_held_at_the_trades_price() -> None:
    bought, sold = after(
        "buy  1     XBTUSD @ 20000  fee 0.004 XBT",
        "sell 0.992 XBTUSD @ 21000  fee 0.004 XBT",
    )
    assert figures(bought) == (D("0.996"), D(19920), D(-80), D(80))
    # 20832 came in; 0.996 left, which had cost 19920.
    assert figures(sold) == (D(0), D(0), D(20832 - 19920), D(84))


def test_a_rebate_adds_to_the_pnl() -> None:
    [bought] = after("buy 1 XBTUSD @ 20000 fee -2 USD")
    assert figures(bought) == (D(1), D(20000), D(2), D(-2))


def test_the_only_inexact_step_is_the_share_of_a_partial_sale() -> None:
    *_, sold = after("buy 3 XBTUSD @ 1", "buy 4 XBTUSD @ 2", "sell 1 XBTUSD @ 2")
    share = D("1.571428571428571428571429")  # 11 / 7 to 24 decimals
    assert figures(sold) == (D(6), D(11) - share, D(2) - share, D(0))


def test_selling_more_than_held_is_reported_and_never_goes_short() -> None:
    *_, sold = after("buy 1 XBTUSD @ 20000", "sell 1.5 XBTUSD @ 22000 fee 33 USD")
    assert figures(sold) == (D(0), D(0), D(2000 - 33), D(33))
    [finding] = sold.findings
    assert (finding.kind, finding.amount, finding.value) == (FindingKind.OVERSOLD, D("0.5"), D(11000))
    assert finding.message == "trade T1 sold 0.5 XBT more than the books hold of it in XBTUSD"


def test_selling_what_is_not_held_at_all_costs_only_its_fee() -> None:
    [sold] = after("sell 1 XBTUSD @ 20000 fee 80 USD")
    assert figures(sold) == (D(0), D(0), D(-80), D(80))


def test_a_fee_in_a_third_asset_is_reported_and_left_out_of_the_pnl() -> None:
    [bought] = after("buy 1 XBTUSD @ 20000 fee 5 KFEE")
    assert figures(bought) == (D(1), D(20000), D(0), D(0))
    [finding] = bought.findings
    assert (finding.kind, finding.asset, finding.amount) == (FindingKind.FEE_UNVALUED, "KFEE", D(5))
    assert "5 KFEE" in finding.message


def test_a_quote_the_books_are_not_kept_in_leaves_the_position_alone() -> None:
    position = Position("ETHXBT", "ETH")
    booking = pass_by(position, make_trade("buy 2 ETHXBT @ 0.05"), PAIRS["ETHXBT"])
    assert (booking.position, booking.pnl, booking.fee) == (position, D(0), D(0))
    [finding] = booking.findings
    assert finding.kind is FindingKind.QUOTE_UNSUPPORTED
    assert finding.message == "trade T1 in ETHXBT is paid in XBT: it has no cost basis here"


def test_ledger_amounts_count_instead_of_the_trades_own() -> None:
    trade = make_trade("buy 0.02 XBTUSD @ 30010 fee 1.50050 USD")
    moved = {"XBT": Movement(D("0.0200000000")), "USD": Movement(D("-600.2001"), D("1.5005"))}
    booking = book(Position("XBTUSD", "XBT"), trade, XBTUSD, moved)
    assert figures(booking) == (D("0.02"), D("600.2001"), D("-1.5005"), D("1.5005"))


def test_opened_is_the_time_of_the_buy_that_opened_it() -> None:
    bookings = after(
        "buy  1   XBTUSD @ 20000",
        "buy  1   XBTUSD @ 20000",
        "sell 0.5 XBTUSD @ 20000",
        "sell 1.5 XBTUSD @ 20000",
        "buy  1   XBTUSD @ 20000",
    )
    opened = [booking.position.opened_at for booking in bookings]
    assert opened == [START, START, START, None, START + 4 * MINUTE]


@pytest.mark.parametrize(
    ("line", "moved"),
    [
        ("buy 2 XBTUSD @ 10 fee 1 USD", {"XBT": Movement(D(2)), "USD": Movement(D(-20), D(1))}),
        ("sell 2 XBTUSD @ 10 fee 1 XBT", {"XBT": Movement(D(-2), D(1)), "USD": Movement(D(20))}),
        (
            "buy 2 XBTUSD @ 10 fee 1 USD fee 2 USD fee 3 KFEE",
            {"XBT": Movement(D(2)), "USD": Movement(D(-20), D(3)), "KFEE": Movement(D(0), D(3))},
        ),
    ],
)
def test_what_a_trade_moves(line: str, moved: dict[str, Movement]) -> None:
    assert expected_movements(make_trade(line), XBTUSD) == moved
