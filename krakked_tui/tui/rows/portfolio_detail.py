"""One line of the portfolio in full: a trade with its ledger rows and lots, a cash flow, a holding; drift."""

from collections.abc import Iterable, Sequence
from datetime import tzinfo

from krakked_tui.control.portfolio_view import (
    EntryLine,
    FlowLine,
    HoldingLine,
    HoldLine,
    LotLine,
    PartLine,
    TradeDetail,
    TradeLine,
)
from krakked_tui.control.views import DriftView
from krakked_tui.tui.rows.dialogs import fact_lines
from krakked_tui.tui.rows.line import (
    EMPTY,
    Cell,
    Column,
    Line,
    Look,
    Row,
    Span,
    header_line,
    place,
    row_line,
    wrap,
)
from krakked_tui.tui.rows.numbers import (
    NOTHING,
    date_and_minute,
    date_and_time,
    fixed,
    gain_look,
    quantity,
    signed,
)
from krakked_tui.tui.rows.portfolio import WITHOUT_VALUE, status_cell

_ENTRY_COLUMNS = (
    Column("LEDGER ROWS", 21, most=40),
    Column("TYPE", 10),
    Column("ASSET", 6, most=8),
    Column("AMOUNT", 18, number=True),
    Column("FEE", 12, number=True),
)
_LOT_COLUMNS = (
    Column("LOTS", 16),
    Column("QUANTITY", 13, number=True),
    Column("COST", 11, number=True),
    Column("PROCEEDS", 11, number=True),
    Column("FEE", 7, number=True),
    Column("GAIN", 8, number=True),
)
_DRIFT_COLUMNS = (
    Column("ASSET", 7),
    Column("BOOKS", 19, number=True),
    Column("", 1),
    Column("EXCHANGE", 19, number=True),
    Column("DIFFERENCE", 19, number=True),
)
LINES_MAX = 400


def trade_lines(
    trade: TradeLine, detail: TradeDetail | None, currency: str, zone: tzinfo, width: int, *, known: bool
) -> list[Line]:
    """Return everything known about a trade; ``known`` says whether its details have been read."""
    pnl, fee = trade.pnl, trade.fee
    worth = "not known: nothing says what the fee was worth" if fee is None else f"{fixed(fee, 2)} {currency}"
    facts = [
        *_what(trade, zone),
        ("Fee's worth", worth, _look(fee is None)),
        ("P&L", _made(trade, currency), Look.WARN if pnl is None else gain_look(pnl)),
        ("Strategy", trade.strategy or NOTHING, Look.PLAIN),
        ("Trade id" if trade.side else "Ledger row", trade.trade_id, Look.PLAIN),
        ("Order id", trade.order_id or NOTHING, Look.PLAIN),
    ]
    return [*fact_lines(facts, width), EMPTY, *_detail_lines(detail, zone, width, known=known)]


def _what(trade: TradeLine, zone: tzinfo) -> list[tuple[str, str, Look]]:
    at = ("Time", date_and_time(trade.time, zone), Look.PLAIN)
    if not trade.side:
        return [("Made by", "no trade on a pair: its ledger rows below say what it was", Look.STRONG), at]
    return [
        ("Trade", f"{trade.side} {trade.pair} {'as maker' if trade.maker else 'as taker'}", Look.STRONG),
        at,
        ("Volume", fixed(trade.volume, trade.volume_decimals), Look.PLAIN),
        ("Price", fixed(trade.price, trade.price_decimals), Look.PLAIN),
        ("Cost", quantity(trade.cost), Look.PLAIN),
        ("Fee", trade.fee_text or "none", Look.PLAIN),
    ]


def _made(trade: TradeLine, currency: str) -> str:
    if trade.pnl is not None:
        return f"{signed(trade.pnl, 2)} {currency}"
    missing = "the fee was" if trade.fee is None else "the assets were"
    return f"not known: nothing says what {missing} worth"


def _look(unknown: bool) -> Look:  # noqa: FBT001 - the one thing it is about
    return Look.WARN if unknown else Look.PLAIN


def _detail_lines(detail: TradeDetail | None, zone: tzinfo, width: int, *, known: bool) -> list[Line]:
    if detail is None:
        text = "The books do not know this trade any more." if known else "Reading its ledger rows and lots …"
        return wrap(text, width, Look.WARN)
    lines: list[Line] = []
    for finding in detail.findings:
        lines += wrap(f"! {finding}", width, Look.WARN)
    if detail.entries:
        lines += _table("LEDGER ROWS", _ENTRY_COLUMNS, map(_entry_row, detail.entries), width)
        refids = ", ".join(dict.fromkeys(entry.refid for entry in detail.entries if entry.refid))
        lines += [*fact_lines([("Refid", refids or NOTHING, Look.PLAIN)], width), EMPTY]
    else:
        lines += [
            *wrap("The exchange's ledger rows of this trade have not come yet.", width, Look.MUTED),
            EMPTY,
        ]
    if detail.lots:
        rows = (_lot_row(number, lot, zone) for number, lot in enumerate(detail.lots))
        lines += _table("LOT ACQUIRED", _LOT_COLUMNS, rows, width)
    else:
        lines.append((Span("It sold nothing from a lot.", Look.MUTED),))
    if len(lines) > LINES_MAX:
        return [*lines[:LINES_MAX], (Span("… the rest is in the export.", Look.MUTED),)]
    return lines


def _table(title: str, columns: Sequence[Column], rows: Iterable[Row], width: int) -> list[Line]:
    placed = place(columns, width)
    return [header_line(placed, title), *(row_line(row, placed) for row in rows)]


def _entry_row(entry: EntryLine) -> Row:
    kind = f"{entry.type} {entry.subtype}".strip()
    return Row(
        entry.entry_id,
        (
            Cell(entry.entry_id),
            Cell(kind),
            Cell(entry.asset, Look.STRONG),
            Cell(("+" if entry.amount > 0 else "") + quantity(entry.amount)),
            Cell(quantity(entry.fee) if entry.fee else ""),
        ),
    )


def _lot_row(number: int, lot: LotLine, zone: tzinfo) -> Row:
    return Row(
        str(number),
        (
            Cell(date_and_minute(lot.acquired_at, zone)),
            Cell(quantity(lot.quantity)),
            Cell(fixed(lot.cost, 2)),
            Cell(fixed(lot.proceeds, 2)),
            Cell(fixed(lot.fee, 2)),
            Cell(signed(lot.gain, 2), gain_look(lot.gain)),
        ),
    )


def flow_lines(flow: FlowLine, currency: str, zone: tzinfo, width: int) -> list[Line]:
    """Return everything known about a cash flow."""
    value = "nothing says what it was worth" if flow.value is None else f"{signed(flow.value, 2)} {currency}"
    facts = [
        ("Cash flow", flow.kind.replace("_", " "), Look.STRONG),
        ("Time", date_and_time(flow.time, zone), Look.PLAIN),
        ("Amount", f"{'+' if flow.amount > 0 else ''}{quantity(flow.amount)} {flow.asset}", Look.PLAIN),
        ("Worth then", value, _look(flow.value is None)),
        ("Note", flow.note or NOTHING, Look.PLAIN),
        ("Id", flow.id, Look.PLAIN),
    ]
    return fact_lines(facts, width)


def holding_lines(holding: HoldingLine, currency: str, width: int) -> list[Line]:
    """Return everything known about a holding, with all digits."""
    known = holding.status not in WITHOUT_VALUE
    share = holding.percent_of_equity if known else None
    status = status_cell(holding)
    facts = [
        ("Asset", holding.asset, Look.STRONG),
        ("Free", quantity(holding.free), Look.PLAIN),
        ("Reserved", f"{quantity(holding.reserved)} by open orders", Look.PLAIN),
        *map(_hold, holding.holds),
        *((held_as.capitalize(), quantity(amount), Look.PLAIN) for held_as, amount in holding.elsewhere),
        ("Total", quantity(holding.total), Look.STRONG),
    ]
    if holding.books is not None:
        text = f"{quantity(holding.books)}: the exchange has {signed_quantity(holding)} against that"
        facts.append(("Books say", text, Look.WARN))
    facts += [
        (
            "Value",
            f"{fixed(holding.value, 2)} {currency} by the books" if known else "nothing says it: counts as 0",
            _look(not known),
        ),
        ("Of equity", NOTHING if share is None else f"{fixed(share, 2)}%", Look.PLAIN),
        (
            "Status",
            _STATUSES.get(holding.status, holding.status),
            Look.PLAIN if status.look is Look.MUTED else status.look,
        ),
        ("Price from", holding.source_pair or NOTHING, Look.PLAIN),
        *(_part(part, currency, known=known) for part in holding.parts),
    ]
    return fact_lines(facts, width)


_STATUSES = {"delisted": "gone: the exchange does not list it any more"}


def _hold(hold: HoldLine) -> tuple[str, str, Look]:
    whose = hold.strategy or "not by Krakked"
    return (
        " by order",
        f"{quantity(hold.amount)} {hold.side} {hold.pair} {hold.order_id}, {whose}",
        Look.PLAIN,
    )


def _part(part: PartLine, currency: str, *, known: bool) -> tuple[str, str, Look]:
    worth = f" ({fixed(part.value, 2)} {currency})" if known else ""
    return ("Answers", f"{part.strategy}: {quantity(part.amount)}{worth}", Look.PLAIN)


def signed_quantity(holding: HoldingLine) -> str:
    """Return how much more the exchange holds than the books say."""
    difference = holding.total - (holding.books or 0)
    return f"{'+' if difference > 0 else ''}{quantity(difference)}"


def drift_lines(drift: Sequence[DriftView], width: int) -> list[Line]:
    """Return books and exchange asset by asset, with what the difference is worth."""
    placed = place(_DRIFT_COLUMNS, width)
    lines = [header_line(placed, "ASSET")]
    for each in drift:
        difference = each.exchange - each.books
        cells = (
            Cell(each.asset, Look.STRONG),
            Cell(quantity(each.books)),
            Cell("→", Look.MUTED),
            Cell(quantity(each.exchange)),
            Cell(("+" if difference > 0 else "") + quantity(difference), Look.WARN),
        )
        lines.append(row_line(Row(each.asset, cells), placed))
    worth = [
        f"{each.asset} about {fixed(each.value, 2)}" if each.value is not None else f"{each.asset} not known"
        for each in drift
    ]
    return [
        *lines,
        *wrap(f"Worth of the difference in base currency: {', '.join(worth)}.", width, Look.MUTED),
    ]
