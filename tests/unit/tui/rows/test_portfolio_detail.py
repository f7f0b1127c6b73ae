"""Lines of the portfolio in full."""

from datetime import UTC
from decimal import Decimal

import msgspec

from krakked_tui.control.portfolio_view import HoldLine, PartLine, PortfolioQuery, TradeDetail
from krakked_tui.control.views import DriftView
from krakked_tui.tui.rows.line import Line, Look, text_of, width_of
from krakked_tui.tui.rows.portfolio_detail import (
    LINES_MAX,
    drift_lines,
    flow_lines,
    holding_lines,
    trade_lines,
)
from tests.fakes.portfolio import FLOWS, HOLDINGS, FakePortfolio

WIDTH = 71


def detail(number: int) -> TradeDetail:
    books = FakePortfolio(12)
    report = books.ask(PortfolioQuery(trade_id=books.trades[number - 1].trade_id))
    assert report is not None
    assert report.detail is not None
    return report.detail


def shown(lines: list[Line]) -> list[str]:
    assert all(width_of(line) <= WIDTH for line in lines)
    return [text_of(line).rstrip() for line in lines]


def test_a_sale_shows_its_ledger_rows_and_the_lots_it_took_from() -> None:
    sold = msgspec.structs.replace(detail(3), findings=("no price for the fee",))
    lines = shown(trade_lines(sold.trade, sold, "USD", UTC, WIDTH, known=True))
    assert "Trade         sell DOGEUSD as taker" in lines
    assert "! no price for the fee" in lines
    assert any(line.startswith("LSBX0-000003") and line.endswith("-2,167.89473684") for line in lines)
    assert f"Refid         R{sold.trade.trade_id}" in lines
    gains = [line.split()[-1] for line in lines[-2:]]
    assert gains == ["+28.51", "+28.51"]


def test_a_purchase_sold_no_lot() -> None:
    bought = detail(1)
    lines = shown(trade_lines(bought.trade, bought, "USD", UTC, WIDTH, known=True))
    assert lines[-1] == "It sold nothing from a lot."


def test_what_has_not_come_yet_is_told_from_what_nobody_knows() -> None:
    trade = detail(1).trade
    assert "Reading its ledger rows" in shown(trade_lines(trade, None, "USD", UTC, WIDTH, known=False))[-1]
    assert "do not know this trade" in shown(trade_lines(trade, None, "USD", UTC, WIDTH, known=True))[-1]
    bare = msgspec.structs.replace(detail(1), entries=())
    assert "The exchange's ledger rows of this trade have not come yet." in shown(
        trade_lines(trade, bare, "USD", UTC, WIDTH, known=True)
    )


def test_thousands_of_lots_are_cut() -> None:
    sold = detail(3)
    many = msgspec.structs.replace(sold, lots=sold.lots * 1000)
    lines = shown(trade_lines(sold.trade, many, "USD", UTC, WIDTH, known=True))
    assert len(lines) < LINES_MAX + 20
    assert "the rest is in the export" in lines[-1]


def test_a_flow_and_a_holding_say_everything_they_know() -> None:
    assert shown(flow_lines(FLOWS[1], "USD", UTC, WIDTH)) == [
        "Cash flow     withdrawal",
        "Time          2026-11-17 12:00:00 UTC",
        "Amount        -0.01 XBT",
        "Worth then    -641.20 USD",
        "Note          -",
        "Id            LSBX02-WITHD-000002",
    ]
    lines = shown(holding_lines(HOLDINGS[1], "USD", WIDTH))
    assert lines[:6] == [
        "Asset         ETH", "Free          0.512", "Reserved      0 by open orders", "Staked        0.2",
        "Bonded        0.01", "Total         0.722",
    ]  # fmt: skip
    assert "Books say     0: the exchange has +12.5 against that" in shown(
        holding_lines(HOLDINGS[5], "USD", WIDTH)
    )
    assert "Of equity     -" in shown(holding_lines(HOLDINGS[4], "USD", WIDTH))


def test_a_holding_says_who_reserves_it_and_whose_it_is() -> None:
    holds = (
        HoldLine("OAB-1", "ETHUSD", "sell", Decimal("0.5"), "trend"),
        HoldLine("OX", "ETHXBT", "sell", Decimal(1)),
    )
    parts = (
        PartLine("manual", Decimal("0.2"), Decimal(700)),
        PartLine("trend", Decimal("0.5"), Decimal(1700)),
    )
    held = msgspec.structs.replace(HOLDINGS[1], holds=holds, parts=parts)
    lines = shown(holding_lines(held, "USD", WIDTH))
    assert lines[3:5] == [
        " by order     0.5 sell ETHUSD OAB-1, trend", " by order     1 sell ETHXBT OX, not by Krakked",
    ]  # fmt: skip
    assert lines[-2:] == ["Answers       manual: 0.2 (700.00 USD)", "Answers       trend: 0.5 (1,700.00 USD)"]
    gone = shown(holding_lines(msgspec.structs.replace(held, status="delisted"), "USD", WIDTH))
    assert "Value         nothing says it: counts as 0" in gone
    assert gone[-1] == "Answers       trend: 0.5"


def test_what_was_made_without_a_trade_says_so_and_why_nothing_is_known() -> None:
    trade = msgspec.structs.replace(detail(3).trade, side="", pair="other", pnl=None)
    lines = shown(trade_lines(trade, None, "USD", UTC, WIDTH, known=True))
    assert lines[0].startswith("Made by       no trade")
    assert "P&L           not known: nothing says what the assets were worth" in lines
    assert not [line for line in lines if line.startswith(("Volume", "Price"))]


def test_drift_shows_both_numbers_and_what_the_difference_is_worth() -> None:
    drift = (DriftView("XBT", Decimal("1.5"), Decimal("1.25"), Decimal("16000")), DriftView(
        "LUNA2", Decimal(0), Decimal(7), None))  # fmt: skip
    lines = drift_lines(drift, WIDTH)
    assert shown(lines)[1].split() == ["XBT", "1.5", "→", "1.25", "-0.25"]
    assert shown(lines)[2].split() == ["LUNA2", "0", "→", "7", "+7"]
    assert shown(lines)[3] == "Worth of the difference in base currency: XBT about 16,000.00, LUNA2"
    assert lines[1][-1].look is Look.WARN
