"""The tables of the portfolio: PnL, trades, cash flows, fees, holdings. One function per table."""

from collections.abc import Container, Sequence
from datetime import tzinfo
from decimal import Decimal

from krakked_tui.control.portfolio_view import (
    FeeLine,
    FlowLine,
    HoldingLine,
    PnLLine,
    PortfolioReport,
    TradeLine,
)
from krakked_tui.domain.money import ZERO, percent_of
from krakked_tui.domain.portfolio import NO_PAIR, HeldAs
from krakked_tui.tui.rows.line import Cell, Column, Look, Row
from krakked_tui.tui.rows.numbers import NOTHING, date_and_minute, fixed, gain_look, percent, signed

ASSET_DECIMALS = 8
CURRENCY_DECIMALS = 2
EXCLUDED_KEY = "/excluded"
"""Key of the line that says what excluded assets made."""
BOOKS_KEY = "/books"
"""Ends the key of the line that says what the books hold of an asset."""
_NEVER = 1000
"""Width of a column that gives way to others."""

PNL_COLUMNS = (
    Column("KEY", 16, most=34),
    Column("TRADES", 8, number=True),
    Column("GROSS", 14, number=True, most=18),
    Column("FEES", 12, number=True, most=16),
    Column("REALIZED", 14, number=True, most=18),
)
TRADE_COLUMNS = (
    Column("TIME", 16),
    Column("PAIR", 8, most=10),
    Column("SIDE", 4),
    Column("VOLUME", 11, number=True, most=15),
    Column("PRICE", 9, number=True, most=12),
    Column("FEE", 6, number=True, most=9),
    Column("P&L", 9, number=True, most=12),
    Column("STRATEGY", 8, most=24, name=True),
)
FLOW_COLUMNS = (
    Column("TIME", 16),
    Column("KIND", 10),
    Column("ASSET", 6, most=9),
    Column("AMOUNT", 17, number=True, most=20),
    Column("VALUE", 12, number=True, most=16),
    Column("NOTE", 10, most=200),
)
FEE_COLUMNS = (
    Column("ASSET", 10),
    Column("AMOUNT", 24, number=True),
    Column("VALUE", 16, number=True),
    Column("SHARE", 8, number=True),
)
_HELD = (HeldAs.STAKED, HeldAs.BONDED, HeldAs.EARNING, HeldAs.HELD, HeldAs.OTHER)
_HELD_WIDTHS = (10, 9, 10, 9, 8)


def _holding_columns(*, wide: bool) -> tuple[Column, ...]:
    """Return a column for each form where there is room, else one for all that cannot be sold as it is."""
    kinds = (
        Column(kind.upper(), width, number=True) if wide else Column("", _NEVER, rank=1)
        for kind, width in zip(_HELD, _HELD_WIDTHS, strict=True)
    )
    return (
        Column("ASSET", 6),
        Column("FREE", 12, number=True, most=16),
        Column("RESERVED", 10, number=True, most=12),
        Column("", _NEVER, rank=1) if wide else Column("ELSEWHERE", 11, number=True, most=12),
        *kinds,
        Column("TOTAL", 12, number=True, most=16),
        Column("VALUE", 10, number=True, most=14),
        Column("EQ %", 5, number=True),
        Column("STATUS", 6),
    )


HOLDING_COLUMNS = _holding_columns(wide=False)
WIDE_HOLDING_COLUMNS = _holding_columns(wide=True)
WIDE_HOLDINGS = 119
"""Cells from which every form has a column of its own."""


def pair_text(pair: str) -> str:
    """Return a pair's name, or words for what was made without one."""
    return "no pair" if pair == NO_PAIR else pair


def pnl_rows(groups: Sequence[PnLLine], by: str, excluded: PnLLine | None = None) -> list[Row]:
    """Return a row for each day (newest first), pair or strategy; last one for what is excluded."""
    if by == "day":
        groups = sorted(groups, key=lambda group: group.key, reverse=True)
    rows = [_pnl_row(group, pair_text(group.key) if by == "pair" else group.key) for group in groups]
    if excluded is not None:
        row = _pnl_row(excluded, "excluded")
        rows.append(Row(EXCLUDED_KEY, tuple(Cell(cell.text, Look.MUTED) for cell in row.cells)))
    return rows


def _pnl_row(group: PnLLine, name: str) -> Row:
    return Row(
        group.key,
        (
            Cell(name or NOTHING, Look.STRONG),
            Cell(f"{group.trades:,}"),
            Cell(signed(group.gross, 2), gain_look(group.gross)),
            Cell(fixed(group.fees, 2), Look.WARN if group.unvalued_fees else Look.PLAIN),
            Cell(signed(group.realized, 2), gain_look(group.realized)),
        ),
    )


def trade_row(trade: TradeLine, zone: tzinfo) -> Row:
    """Return the cells of one trade, or of what was made without one.

    What has no value yet is a dash that warns.
    """
    traded = bool(trade.side)
    return Row(
        trade.trade_id,
        (
            Cell(date_and_minute(trade.time, zone), Look.MUTED),
            Cell(pair_text(trade.pair), Look.STRONG),
            Cell(trade.side or NOTHING),
            Cell(fixed(trade.volume, trade.volume_decimals) if traded else NOTHING),
            Cell(fixed(trade.price, trade.price_decimals) if traded else NOTHING),
            _unknown() if trade.fee is None else Cell(fixed(trade.fee, 2)),
            _unknown() if trade.pnl is None else Cell(signed(trade.pnl, 2), gain_look(trade.pnl)),
            Cell(trade.strategy, Look.MUTED),
        ),
    )


def flow_row(flow: FlowLine, currency: str, zone: tzinfo) -> Row:
    """Return the cells of one cash flow."""
    return Row(
        flow.id,
        (
            Cell(date_and_minute(flow.time, zone), Look.MUTED),
            Cell(flow.kind.replace("_", " ")),
            Cell(flow.asset, Look.STRONG),
            Cell(signed(flow.amount, _decimals(flow.asset, currency))),
            _unknown() if flow.value is None else Cell(signed(flow.value, 2)),
            Cell(flow.note, Look.MUTED),
        ),
    )


def fee_rows(fees: Sequence[FeeLine], currency: str) -> list[Row]:
    """Return a row for each asset fees were paid in."""
    total = sum((fee.value for fee in fees), ZERO)
    return [
        Row(
            fee.asset,
            (
                Cell(fee.asset, Look.STRONG),
                Cell(fixed(fee.amount, _decimals(fee.asset, currency))),
                _fee_worth(fee),
                Cell(percent(percent_of(fee.value, total)) if fee.value or not fee.unvalued else NOTHING),
            ),
        )
        for fee in fees
    ]


def _fee_worth(fee: FeeLine) -> Cell:
    """Return what fees were worth: a dash when nothing says it of any, a warning when not of all."""
    if fee.unvalued and not fee.value:
        return _unknown()
    return Cell(
        f"{'>' if fee.unvalued else ''}{fixed(fee.value, 2)}", Look.WARN if fee.unvalued else Look.PLAIN
    )


def holding_rows(holdings: Sequence[HoldingLine], currency: str, drifting: Container[str] = ()) -> list[Row]:
    """Return a row for each asset, and one below it where the books say something else.

    Only that of a ``drifting`` asset warns: others are within the tolerance, or newer than the balances.
    """
    rows: list[Row] = []
    for holding in holdings:
        rows.append(_holding_row(holding, currency))
        if holding.books is not None:
            rows.append(_books_row(holding, holding.books, currency, drifts=holding.asset in drifting))
    return rows


_STATUS = {
    "valued": Cell("ok", Look.MUTED),
    "stale": Cell("stale", Look.STALE),
    "unvalued": Cell("PRICE?", Look.WARN),
    "delisted": Cell("gone", Look.WARN),
    "excluded": Cell("excl.", Look.MUTED),
}


WITHOUT_VALUE = frozenset({"unvalued", "delisted"})
"""Statuses of what counts as zero because nothing says what it is worth."""


def status_cell(holding: HoldingLine) -> Cell:
    """Return how far the value of a holding can be believed."""
    return _STATUS.get(holding.status) or Cell(holding.status, Look.WARN)


def _holding_row(holding: HoldingLine, currency: str) -> Row:
    decimals = _decimals(holding.asset, currency)
    forms = dict(holding.elsewhere)
    elsewhere = sum(forms.values(), ZERO)
    status = status_cell(holding)
    look = status.look if status.look is not Look.MUTED or holding.status == "excluded" else Look.PLAIN
    known = holding.status not in WITHOUT_VALUE
    share = holding.percent_of_equity if known else None
    return Row(
        holding.asset,
        (
            Cell(holding.asset, Look.STRONG),
            Cell(fixed(holding.free, decimals)),
            _some(holding.reserved, decimals),
            _some(elsewhere, decimals),
            *(_some(forms.get(kind, ZERO), decimals) for kind in _HELD),
            Cell(fixed(holding.total, decimals)),
            Cell(fixed(holding.value, 2), look) if known else _unknown(),
            Cell(NOTHING if share is None else fixed(share, 1), look),
            status,
        ),
    )


def _books_row(holding: HoldingLine, books: Decimal, currency: str, *, drifts: bool) -> Row:
    blank, look = Cell(""), Look.WARN if drifts else Look.MUTED
    return Row(
        f"{holding.asset}{BOOKS_KEY}",
        (
            Cell(" books", look),
            *([blank] * (3 + len(_HELD))),
            Cell(fixed(books, _decimals(holding.asset, currency)), look),
            blank,
            blank,
            Cell("DIFFER" if drifts else "", look),
        ),
    )


def _some(amount: Decimal, decimals: int) -> Cell:
    """Return an amount, nothing where there is none."""
    return Cell(fixed(amount, decimals)) if amount else Cell("")


def _unknown() -> Cell:
    return Cell(NOTHING, Look.WARN)


def _decimals(asset: str, currency: str) -> int:
    return CURRENCY_DECIMALS if asset == currency else ASSET_DECIMALS


READING = "Reading the books …"


def empty_texts(
    report: PortfolioReport | None, *, filtered: bool, waiting: str = READING
) -> tuple[str, str, str, str, str]:
    """Return why each table has no rows: PnL, trades, cash flows, fees, holdings.

    ``waiting`` says why there is no report.
    """
    if report is None:
        return (waiting,) * 5
    if filtered:
        nothing = "Nothing of this kind passes the filters. Esc takes them away."
        return nothing, nothing, nothing, nothing, "Nothing is held."
    return (
        "Nothing was traded yet. What trades make appears here.",
        "No trades yet. Press 1 to see when the next cycle decides.",
        "No deposits, withdrawals or rewards yet.",
        "No fees were paid yet.",
        "Nothing is held.",
    )
