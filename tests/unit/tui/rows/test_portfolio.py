"""The tables of the portfolio: what each cell says, and what is missing."""

from datetime import UTC
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.portfolio_view import FeeLine, PnLLine, PortfolioQuery
from krakked_tui.domain.portfolio import NO_PAIR
from krakked_tui.tui.rows.line import Look, Row, place, row_line, text_of
from krakked_tui.tui.rows.portfolio import (
    EXCLUDED_KEY,
    FLOW_COLUMNS,
    HOLDING_COLUMNS,
    PNL_COLUMNS,
    TRADE_COLUMNS,
    WIDE_HOLDING_COLUMNS,
    WIDE_HOLDINGS,
    empty_texts,
    fee_rows,
    flow_row,
    holding_rows,
    pnl_rows,
    trade_row,
)
from tests.fakes.portfolio import FLOWS, HOLDINGS, FakePortfolio, trade


def texts(row: Row) -> list[str]:
    return [cell.text for cell in row.cells]


def line(key: str, realized: str) -> PnLLine:
    made = Decimal(realized)
    return PnLLine(key, 1200, made + 2, Decimal(2), made)


def test_gains_and_losses_carry_their_sign_and_their_look() -> None:
    gain, loss = pnl_rows([line("XBTUSD", "1234.567"), line("ETHUSD", "-5")], "pair")
    assert texts(gain) == ["XBTUSD", "1,200", "+1,236.57", "2.00", "+1,234.57"]
    assert (gain.cells[-1].look, loss.cells[-1].look) == (Look.GAIN, Look.LOSS)
    assert texts(loss)[-1] == "-5.00"


def test_days_are_newest_first_and_names_as_they_come() -> None:
    days = [line(key, "1") for key in ("2026-11-01", "2026-11-03", "2026-11-02")]
    assert [row.key for row in pnl_rows(days, "day")] == ["2026-11-03", "2026-11-02", "2026-11-01"]
    assert [row.key for row in pnl_rows(days, "pair")] == [each.key for each in days]


@pytest.mark.parametrize(("by", "shown"), [("pair", "no pair"), ("strategy", "other")])
def test_what_has_no_pair_is_called_so(by: str, shown: str) -> None:
    assert texts(pnl_rows([line(NO_PAIR, "1")], by)[0])[0] == shown


def test_what_is_excluded_has_a_line_of_its_own_and_stands_apart() -> None:
    rows = pnl_rows([line("2026-11-01", "1")], "day", line("total", "-7"))
    assert (rows[-1].key, texts(rows[-1])) == (EXCLUDED_KEY, ["excluded", "1,200", "-5.00", "2.00", "-7.00"])
    assert {cell.look for cell in rows[-1].cells} == {Look.MUTED}


def test_what_was_made_without_a_trade_has_no_volume_and_no_price() -> None:
    row = trade_row(trade(3, pair=NO_PAIR, side="", volume=Decimal(0), price=Decimal(0)), UTC)
    assert texts(row)[1:5] == ["no pair", "-", "-", "-"]


def test_a_trade_has_the_decimals_of_its_pair() -> None:
    row = trade_row(trade(3, volume=Decimal("2410"), price=Decimal("0.38"), pnl=Decimal("57.0181")), UTC)
    assert texts(row)[:5] == ["2026-11-19 20:53", "DOGEUSD", "sell", "2,410.00000000", "0.3800000"]
    assert texts(row)[5:] == ["2.14", "+57.02", "trend_following"]


def test_a_fee_or_gain_without_a_value_is_a_dash_that_warns() -> None:
    row = trade_row(trade(3, fee=None, pnl=None), UTC)
    assert [(cell.text, cell.look) for cell in row.cells[5:7]] == [("-", Look.WARN)] * 2


def test_a_flow_is_signed_in_the_decimals_of_its_asset() -> None:
    deposit, withdrawal, _, unknown = (flow_row(each, "USD", UTC) for each in FLOWS)
    assert texts(deposit)[1:5] == ["deposit", "USD", "+10,000.00", "+10,000.00"]
    assert texts(withdrawal)[1:5] == ["withdrawal", "XBT", "-0.01000000", "-641.20"]
    assert unknown.cells[4] == ("-", Look.WARN)


def test_fees_have_their_share() -> None:
    rows = fee_rows(
        [FeeLine("USD", Decimal(3), Decimal(3)), FeeLine("XBT", Decimal("0.1"), Decimal(1))], "USD"
    )
    assert [texts(row) for row in rows] == [
        ["USD", "3.00", "3.00", "75.00%"], ["XBT", "0.10000000", "1.00", "25.00%"],
    ]  # fmt: skip
    assert texts(fee_rows([FeeLine("USD", Decimal(0), Decimal(0))], "USD")[0])[-1] == "0.00%"


def test_fees_without_a_worth_are_not_shown_as_zero() -> None:
    rows = fee_rows(
        [
            FeeLine("KFEE", Decimal(3), Decimal(0), unvalued=2),
            FeeLine("XBT", Decimal(1), Decimal(5), unvalued=1),
        ],
        "USD",
    )
    assert [texts(row)[2:] for row in rows] == [["-", "-"], [">5.00", "100.00%"]]
    assert [row.cells[2].look for row in rows] == [Look.WARN] * 2


def test_what_is_not_listed_any_more_is_gone_and_has_no_value() -> None:
    gone = msgspec.structs.replace(HOLDINGS[0], status="delisted")
    assert texts(holding_rows([gone], "USD")[0])[-3:] == ["-", "-", "gone"]


def test_strategies_that_differ_at_their_ends_can_be_told_apart() -> None:
    names = ("trend_following_v1", "trend_following_v2")
    placed = place(TRADE_COLUMNS, 79)
    shown = [text_of(row_line(trade_row(trade(3, strategy=name), UTC), placed)) for name in names]
    assert [line.rstrip()[-8:] for line in shown] == ["tren…_v1", "tren…_v2"]


def test_a_holding_stands_in_columns_that_add_up_to_its_total() -> None:
    for row, holding in zip(holding_rows(HOLDINGS[:4], "USD"), HOLDINGS, strict=False):
        free, reserved, elsewhere, *forms, total = (
            Decimal(text.replace(",", "") or "0") for text in texts(row)[1:10]
        )
        assert free + reserved + elsewhere == free + reserved + sum(forms) == total == holding.total


def test_how_far_a_value_can_be_believed_is_said_in_words() -> None:
    rows = {row.key: row for row in holding_rows(HOLDINGS, "USD", {"LUNA2"})}
    assert {key: row.cells[-1].text for key, row in rows.items()} == {
        "XBT": "ok", "ETH": "ok", "SOL": "stale", "USD": "ok", "DOGE": "excl.", "LUNA2": "PRICE?",
        "LUNA2/books": "DIFFER",
    }  # fmt: skip
    assert rows["SOL"].cells[-3].look is Look.STALE
    assert rows["LUNA2"].cells[-3] == ("-", Look.WARN)
    assert rows["DOGE"].cells[-2].text == "-"
    assert rows["LUNA2/books"].cells[9].text == "0.00000000"


def test_books_that_are_only_newer_or_within_the_tolerance_do_not_warn() -> None:
    row = holding_rows(HOLDINGS, "USD")[-1]
    assert row.key == "LUNA2/books"
    assert {cell.look for cell in row.cells if cell.text} == {Look.MUTED}
    assert row.cells[-1].text == ""


def test_an_unheard_of_status_is_shown_as_it_is() -> None:
    odd = msgspec.structs.replace(HOLDINGS[0], status="odd")
    assert holding_rows([odd], "USD")[0].cells[-1] == ("odd", Look.WARN)


@pytest.mark.parametrize("columns", [PNL_COLUMNS, TRADE_COLUMNS, FLOW_COLUMNS, HOLDING_COLUMNS])
def test_every_column_is_there_at_eighty(columns: tuple[object, ...]) -> None:
    placed = place(columns, 79)  # type: ignore[arg-type]
    shown = [column for column in placed if column.title]
    assert placed[-1].title in {"REALIZED", "STRATEGY", "NOTE", "STATUS"}
    assert sum(column.width + column.gap for column in placed) <= 79
    assert len(shown) == len([each for each in columns if each.title])  # type: ignore[attr-defined]


def test_where_there_is_room_every_form_has_its_column() -> None:
    placed = place(WIDE_HOLDING_COLUMNS, WIDE_HOLDINGS)
    assert [column.title for column in placed][2:9] == [
        "RESERVED", "STAKED", "BONDED", "EARNING", "HELD", "OTHER", "TOTAL",
    ]  # fmt: skip
    assert sum(column.width + column.gap for column in placed) <= WIDE_HOLDINGS


def test_an_empty_table_says_why() -> None:
    assert set(empty_texts(None, filtered=True)) == {"Reading the books …"}
    report = FakePortfolio(0).ask(PortfolioQuery())
    assert "Esc takes them away" in empty_texts(report, filtered=True)[0]
    assert empty_texts(report, filtered=False)[1].startswith("No trades yet")
