"""Which rows and columns the tables have."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.fills import Fee, Trade
from krakked_tui.domain.portfolio import CashFlow, Disposal, FlowKind
from krakked_tui.domain.records import SnapshotSaved
from krakked_tui.portfolio.summary import Bounds, RealizedRecord
from krakked_tui.portfolio.tables import (
    Cell,
    Export,
    ExportBooks,
    Table,
    make_table,
    notes_on,
    positions_table,
    term,
)

D = Decimal
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Held(msgspec.Struct, frozen=True):
    pair: str
    base: str
    size: Decimal
    cost: Decimal
    realized_pnl: Decimal
    fees_paid: Decimal
    opened_at: datetime | None


def make_trade(trade_id: str, at: datetime, *fees: Fee) -> Trade:
    return Trade(
        trade_id=trade_id,
        kraken_order_id="O" + trade_id,
        pair="XBTUSD",
        side="sell",
        price=D("30010.0"),
        volume=D("0.02"),
        cost=D("600.20000"),
        fees=fees,
        time=at,
        maker=True,
        cl_ord_id="kabc",
    )


def make_record(trade_id: str, pnl: str) -> RealizedRecord:
    return RealizedRecord(
        trade_id=trade_id,
        order_id="O" + trade_id,
        pair="XBTUSD",
        time=NOON,
        side="sell",
        base_delta=D("-0.02"),
        quote_delta=D("600.20000"),
        fee_asset="USD",
        fee_amount=D("1.5"),
        pnl_quote=D(pnl),
        pnl_base=D(pnl),
        fee_base=D("1.5"),
        strategy_tag="trend",
    )


def sold(event_id: str, at: datetime, held: timedelta = DAY) -> Disposal:
    return Disposal(event_id, "XBT", D("0.02"), at - held, at, D("600.2"), D("500.1"), D("1.5"))


BOOKS = ExportBooks(
    base_currency="USD",
    trades=(
        make_trade("T2", NOON + HOUR, Fee("XBT", D("1E-8")), Fee("KFEE", D("1.50")), Fee("USD", D("0.1"))),
        make_trade("T1", NOON, Fee("USD", D("1.5"))),
        make_trade("T3", NOON + 2 * HOUR),
    ),
    records=(make_record("T1", "98.6"), make_record("T2", "5"), make_record("T2", "-1")),
    flows=(
        CashFlow("L2", NOON + HOUR, "XBT", D("-0.5"), FlowKind.WITHDRAWAL, None, note="=1+1"),
        CashFlow("L1", NOON, "USD", D("100.00"), FlowKind.FEE_CREDIT, D("100.00")),
    ),
    positions=(
        Held("XBTUSD", "XBT", D(3), D(1000), D("98.6"), D("1.5"), NOON),
        Held("ETHUSD", "ETH", D(0), D(0), D("-1"), D("0.5"), None),
    ),
    snapshots=(
        SnapshotSaved(NOON + HOUR, D(2), D(1), D(0), D(1)),
        SnapshotSaved(NOON, D(1), D(1), D(0), D(0)),
    ),
    disposals=(sold("T2", NOON + HOUR), sold("T1", NOON, 400 * DAY)),
)


def rows(table: Table) -> list[dict[str, Cell]]:
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def export(which: Export, within: Bounds = Bounds()) -> list[dict[str, Cell]]:  # noqa: B008 - frozen
    return rows(make_table(which, BOOKS, within))


def test_a_trade_with_its_fee_its_strategy_and_what_it_made() -> None:
    assert export(Export.TRADES)[0] == {
        "time": NOON,
        "trade_id": "T1",
        "order_id": "OT1",
        "client_order_id": "kabc",
        "pair": "XBTUSD",
        "side": "sell",
        "price": D("30010.0"),
        "volume": D("0.02"),
        "cost": D("600.20000"),
        "fee": D("1.5"),
        "fee_asset": "USD",
        "other_fees": None,
        "maker": True,
        "strategy": "trend",
        "realized_pnl": D("98.6"),
        "currency": "USD",
    }


def test_further_fees_and_records_of_a_trade_are_not_lost() -> None:
    second = export(Export.TRADES)[1]
    assert (second["fee"], second["fee_asset"]) == (D("1E-8"), "XBT")
    assert second["other_fees"] == "1.50 KFEE; 0.1 USD"
    assert second["realized_pnl"] == D(4)


def test_a_trade_that_the_books_do_not_know_has_no_result() -> None:
    third = export(Export.TRADES)[2]
    assert (third["trade_id"], third["realized_pnl"], third["strategy"]) == ("T3", None, None)
    assert (third["fee"], third["fee_asset"]) == (D(0), None)


def test_cash_flows() -> None:
    assert export(Export.CASH_FLOWS) == [
        {
            "time": NOON,
            "id": "L1",
            "type": "fee_credit",
            "asset": "USD",
            "amount": D("100.00"),
            "value": D("100.00"),
            "note": None,
            "currency": "USD",
        },
        {
            "time": NOON + HOUR,
            "id": "L2",
            "type": "withdrawal",
            "asset": "XBT",
            "amount": D("-0.5"),
            "value": None,
            "note": "=1+1",
            "currency": "USD",
        },
    ]


def test_positions_with_an_average_price_that_is_cut() -> None:
    closed, held = rows(positions_table(BOOKS.positions, "USD"))
    assert held == {
        "pair": "XBTUSD",
        "base_asset": "XBT",
        "base_size": D(3),
        "cost_basis": D(1000),
        "avg_entry_price": D("333.333333333333"),
        "realized_pnl": D("98.6"),
        "fees_paid": D("1.5"),
        "opened_at": NOON,
        "currency": "USD",
    }
    assert (closed["pair"], closed["avg_entry_price"], closed["opened_at"]) == ("ETHUSD", None, None)


def test_positions_know_no_bounds() -> None:
    assert len(export(Export.POSITIONS, Bounds(until=NOON - 99 * DAY))) == 2


def test_snapshots() -> None:
    assert export(Export.SNAPSHOTS)[1] == {
        "time": NOON + HOUR,
        "equity": D(2),
        "cash": D(1),
        "realized_pnl": D(0),
        "unrealized_pnl": D(1),
        "currency": "USD",
    }


def test_realized_gains_have_the_columns_of_tax_software_first() -> None:
    table = make_table(Export.PNL, BOOKS, Bounds())
    assert ",".join(column.name for column in table.columns) == (
        "date_acquired,date_sold,asset,quantity,proceeds,cost_basis,fee,gain,term,event_id,currency"
    )
    assert table.rows[0] == (
        NOON - 400 * DAY, NOON, "XBT", D("0.02"), D("600.2"), D("500.1"), D("1.5"), D("98.6"),
        "long", "T1", "USD",
    )  # fmt: skip
    assert table.rows[1][8:10] == ("short", "T2")


@pytest.mark.parametrize(
    ("acquired", "sold_at", "expected"),
    [
        ("2025-03-04T12:00", "2025-03-04T12:00", "short"),
        ("2025-03-04T00:00", "2026-03-04T23:59", "short"),
        ("2025-03-04T23:59", "2026-03-05T00:00", "long"),
        (
            "2024-02-01T12:00",
            "2025-02-01T12:00",
            "short",
        ),  # 366 days: a year
        ("2024-02-01T12:00", "2025-02-02T12:00", "long"),
        ("2024-02-29T12:00", "2025-02-28T12:00", "short"),
        ("2024-02-29T12:00", "2025-03-01T12:00", "long"),
        ("2024-02-28T12:00", "2025-02-28T12:00", "short"),
        ("2024-02-28T12:00", "2025-03-01T12:00", "long"),
        ("2023-02-28T12:00", "2024-02-29T12:00", "short"),
        ("2023-12-31T12:00", "2025-01-01T12:00", "long"),
    ],
)
def test_short_is_up_to_and_including_a_calendar_year(acquired: str, sold_at: str, expected: str) -> None:
    times = [datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (acquired, sold_at)]
    assert term(times[0], times[1]) == expected


def test_the_days_of_a_term_are_those_of_utc() -> None:
    east = timezone(3 * HOUR)
    acquired = datetime(2025, 3, 5, 1, tzinfo=east)  # 2025-03-04 in UTC
    assert term(acquired, datetime(2026, 3, 5, tzinfo=UTC)) == "long"
    assert term(acquired, datetime(2026, 3, 5, 1, tzinfo=east)) == "short"


def test_fees_that_no_gain_contains_are_told_with_their_sum() -> None:
    fee, records = D("1.5"), (make_record("T1", "98.6"),)
    only = ExportBooks("USD", records=records)
    [note] = notes_on(Export.PNL, only, Bounds())
    assert note.startswith(f"fees of {fee:f} USD are in none of these gains")
    assert notes_on(Export.TRADES, only, Bounds()) == ()
    assert notes_on(Export.PNL, only, Bounds(until=NOON)) == ()
    told = msgspec.structs.replace(sold("T1", NOON), fee=fee)
    assert notes_on(Export.PNL, ExportBooks("USD", records=records, disposals=(told,)), Bounds()) == ()
    assert "first in, first out" in notes_on(Export.PNL, ExportBooks("USD", average_cost=True), Bounds())[0]


@pytest.mark.parametrize("which", [Export.TRADES, Export.CASH_FLOWS, Export.SNAPSHOTS, Export.PNL])
def test_rows_are_in_time_order_and_bounds_half_open(which: Export) -> None:
    time = {Export.PNL: "date_sold"}.get(which, "time")
    times = [row[time] for row in export(which)]
    assert times[:2] == [NOON, NOON + HOUR]
    assert [row[time] for row in export(which, Bounds(NOON, NOON + HOUR))] == [NOON]
    assert [row[time] for row in export(which, Bounds(until=NOON))] == []


@pytest.mark.parametrize("which", list(Export))
def test_every_cell_is_what_its_column_says(which: Export) -> None:
    table = make_table(which, BOOKS, Bounds())
    assert table.rows
    for row in table.rows:
        for column, cell in zip(table.columns, row, strict=True):
            assert cell is None or type(cell) is column.type
    assert make_table(which, ExportBooks("USD"), Bounds()) == Table(table.columns, ())
