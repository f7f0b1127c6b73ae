"""The books as tables for other programs: which columns there are, and what a cell holds.

A cell is a text, an exact Decimal, an aware time, a truth value, or None where nothing is known; how they are
spelled is up to whoever writes them. Every table with money names the currency in its last column. Rows are
in time order (positions: by pair), from ``since`` on and before ``until``.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol, assert_never

import msgspec

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.portfolio import CashFlow, Disposal
from krakked_tui.domain.precision import at_scale
from krakked_tui.domain.records import SnapshotSaved
from krakked_tui.portfolio.summary import Bounds, RealizedRecord

AVERAGE_DECIMALS = 12
"""Decimals of an average price: the one number in a table that is a quotient, and so is rounded."""

Cell = str | Decimal | datetime | bool | None


class Column(msgspec.Struct, frozen=True):
    """A column's name, and what its cells are unless they are None: str, Decimal, datetime or bool."""

    name: str
    type: type


class Table(msgspec.Struct, frozen=True):
    """Columns, and rows with a cell for each."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Export(StrEnum):
    """The tables there are."""

    TRADES = "trades"
    CASH_FLOWS = "cash-flows"
    POSITIONS = "positions"
    SNAPSHOTS = "snapshots"
    PNL = "pnl"


class HeldPosition(Protocol):
    """What the books say about one pair of an asset with the base currency."""

    @property
    def pair(self) -> str:
        """Canonical name."""

    @property
    def base(self) -> str:
        """The asset."""

    @property
    def size(self) -> Decimal:
        """How much of it is held."""

    @property
    def cost(self) -> Decimal:
        """What that cost, fees aside."""

    @property
    def realized_pnl(self) -> Decimal:
        """What was made so far, net of fees."""

    @property
    def fees_paid(self) -> Decimal:
        """Fees so far."""

    @property
    def opened_at(self) -> datetime | None:
        """Since when it is held without a break; None when nothing is."""


class ExportBooks(msgspec.Struct, frozen=True):
    """Everything there is to export, from books kept by one cost basis.

    ``records`` and ``disposals`` are those of the events in ``trades`` and the ledger; with ``average_cost``
    the dates of the latter are those of first in first out. ``warnings`` are sentences on what these numbers
    do not know (a fee without a worth, drift), safe to show.
    """

    base_currency: str
    trades: Sequence[Trade] = ()
    records: Sequence[RealizedRecord] = ()
    flows: Sequence[CashFlow] = ()
    positions: Sequence[HeldPosition] = ()
    snapshots: Sequence[SnapshotSaved] = ()
    disposals: Sequence[Disposal] = ()
    warnings: Sequence[str] = ()
    average_cost: bool = False


def make_table(which: Export, books: ExportBooks, within: Bounds) -> Table:
    """Return one table. Positions are those of the books as they stand, whatever the bounds."""
    currency = books.base_currency
    match which:
        case Export.TRADES:
            return trades_table(books.trades, books.records, currency, within)
        case Export.CASH_FLOWS:
            return cash_flows_table(books.flows, currency, within)
        case Export.POSITIONS:
            return positions_table(books.positions, currency)
        case Export.SNAPSHOTS:
            return snapshots_table(books.snapshots, currency, within)
        case Export.PNL:
            return realized_gains_table(books.disposals, currency, within)
    assert_never(which)


def notes_on(which: Export, books: ExportBooks, within: Bounds) -> tuple[str, ...]:
    """Return in sentences what whoever uses a table must know of it, besides the books' own warnings."""
    if which is not Export.PNL:
        return ()
    paid = sum((one.fee_base or ZERO for one in books.records if one.time in within), ZERO)
    told = sum((one.fee for one in books.disposals if one.sold_at in within), ZERO)
    found = []
    if paid > told:
        found.append(
            f"fees of {paid - told:f} {books.base_currency} are in none of these gains: they were paid for"
            " purchases, and belong to the cost basis where the law says so"
        )
    if books.average_cost:
        found.append(
            "an average has no dates: date_acquired and term are those of first in, first out, costs are not"
        )
    return tuple(found)


_TRADES = (
    Column("time", datetime),
    Column("trade_id", str),
    Column("order_id", str),
    Column("client_order_id", str),
    Column("pair", str),
    Column("side", str),
    Column("price", Decimal),
    Column("volume", Decimal),
    Column("cost", Decimal),
    Column("fee", Decimal),
    Column("fee_asset", str),
    Column("other_fees", str),
    Column("maker", bool),
    Column("strategy", str),
    Column("realized_pnl", Decimal),
    Column("currency", str),
)


def trades_table(
    trades: Iterable[Trade], records: Iterable[RealizedRecord], currency: str, within: Bounds
) -> Table:
    """Return one row per fill.

    ``price`` and ``cost`` are in the pair's quote asset, ``volume`` in its base asset; ``realized_pnl``, net
    of fees, in ``currency``, None when the books do not know the trade. A fee in a second asset stands in
    ``other_fees`` with its asset.
    """
    made = _made(records)
    rows = []
    for trade in sorted(trades, key=lambda one: (one.time, one.trade_id)):
        if trade.time not in within:
            continue
        fee, *others = trade.fees or (None,)
        pnl, strategy = made.get(trade.trade_id, (None, None))
        rows.append(
            (
                trade.time,
                trade.trade_id,
                trade.kraken_order_id,
                trade.cl_ord_id,
                trade.pair,
                trade.side,
                trade.price,
                trade.volume,
                trade.cost,
                fee.amount if fee is not None else ZERO,
                fee.asset if fee is not None else None,
                "; ".join(f"{one.amount:f} {one.asset}" for one in others if one is not None) or None,
                trade.maker,
                strategy,
                pnl,
                currency,
            )
        )
    return Table(_TRADES, tuple(rows))


def _made(records: Iterable[RealizedRecord]) -> Mapping[str, tuple[Decimal, str]]:
    """Return what every trade made and whose it was, of several strategies joined by a plus sign."""
    made: dict[str, Decimal] = {}
    whose: dict[str, dict[str, None]] = {}
    for record in records:
        made[record.trade_id] = made.get(record.trade_id, ZERO) + record.pnl_base
        whose.setdefault(record.trade_id, {})[record.strategy_tag] = None
    return {trade_id: (pnl, "+".join(sorted(whose[trade_id]))) for trade_id, pnl in made.items()}


_CASH_FLOWS = (
    Column("time", datetime),
    Column("id", str),
    Column("type", str),
    Column("asset", str),
    Column("amount", Decimal),
    Column("value", Decimal),
    Column("note", str),
    Column("currency", str),
)


def cash_flows_table(flows: Iterable[CashFlow], currency: str, within: Bounds) -> Table:
    """Return one row per movement without a trade; ``value`` in ``currency``, None when not known."""
    ordered = sorted(flows, key=lambda one: (one.time, one.id))
    rows = (
        (
            flow.time,
            flow.id,
            flow.kind.value,
            flow.asset,
            flow.amount,
            flow.value,
            flow.note or None,
            currency,
        )
        for flow in ordered
        if flow.time in within
    )
    return Table(_CASH_FLOWS, tuple(rows))


_POSITIONS = (
    Column("pair", str),
    Column("base_asset", str),
    Column("base_size", Decimal),
    Column("cost_basis", Decimal),
    Column("avg_entry_price", Decimal),
    Column("realized_pnl", Decimal),
    Column("fees_paid", Decimal),
    Column("opened_at", datetime),
    Column("currency", str),
)


def positions_table(positions: Iterable[HeldPosition], currency: str) -> Table:
    """Return one row per position, closed ones included (``base_size`` 0, no average price)."""
    rows = (
        (
            one.pair,
            one.base,
            one.size,
            one.cost,
            at_scale(one.cost / one.size, AVERAGE_DECIMALS) if one.size else None,
            one.realized_pnl,
            one.fees_paid,
            one.opened_at,
            currency,
        )
        for one in sorted(positions, key=lambda one: one.pair)
    )
    return Table(_POSITIONS, tuple(rows))


_SNAPSHOTS = (
    Column("time", datetime),
    Column("equity", Decimal),
    Column("cash", Decimal),
    Column("realized_pnl", Decimal),
    Column("unrealized_pnl", Decimal),
    Column("currency", str),
)


def snapshots_table(snapshots: Iterable[SnapshotSaved], currency: str, within: Bounds) -> Table:
    """Return one row per stored point of the equity curve."""
    rows = (
        (one.at, one.equity, one.cash, one.realized_pnl, one.unrealized_pnl, currency)
        for one in sorted(snapshots, key=lambda one: one.at)
        if one.at in within
    )
    return Table(_SNAPSHOTS, tuple(rows))


_REALIZED_GAINS = (
    Column("date_acquired", datetime),
    Column("date_sold", datetime),
    Column("asset", str),
    Column("quantity", Decimal),
    Column("proceeds", Decimal),
    Column("cost_basis", Decimal),
    Column("fee", Decimal),
    Column("gain", Decimal),
    Column("term", str),
    Column("event_id", str),
    Column("currency", str),
)


def realized_gains_table(disposals: Iterable[Disposal], currency: str, within: Bounds) -> Table:
    """Return one row per part of a lot that was disposed of within the bounds (by the time of its sale).

    The first nine columns are what tax software asks for; gain = proceeds - cost_basis - fee, exactly.
    ``event_id`` is the trade's or ledger row's, so that every row can be traced back.
    """
    ordered = sorted(disposals, key=lambda one: (one.sold_at, one.event_id, one.asset, one.acquired_at))
    rows = (
        (
            one.acquired_at,
            one.sold_at,
            one.asset,
            one.quantity,
            one.proceeds,
            one.cost,
            one.fee,
            one.gain,
            term(one.acquired_at, one.sold_at),
            one.event_id,
            currency,
        )
        for one in ordered
        if one.sold_at in within
    )
    return Table(_REALIZED_GAINS, tuple(rows))


def term(acquired_at: datetime, sold_at: datetime) -> str:
    """Return long for what was held for more than a year, else short.

    Counted in UTC days from the day after the purchase on: long from the same day of the next year on (after
    a 29 February, from 1 March on). Source: 26 U.S.C. 1222, Revenue Rulings 66-7 and 70-598.
    """
    held_from = acquired_at.astimezone(UTC).date() + timedelta(days=1)
    leap_day = (held_from.month, held_from.day) == (2, 29)
    anniversary = date(held_from.year + 1, 3, 1) if leap_day else held_from.replace(year=held_from.year + 1)
    return "short" if sold_at.astimezone(UTC).date() < anniversary else "long"
