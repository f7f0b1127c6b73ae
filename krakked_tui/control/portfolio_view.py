"""The portfolio as the Trades & PnL screen shows it, and what it is asked for.

Money is in base currency unless said otherwise; times are exchange time, UTC. Texts from the exchange are
untrusted.
"""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.portfolio import CostBasis, HeldAs


class PortfolioQuery(msgspec.Struct, frozen=True):
    """What a report is about. Empty texts filter nothing; ``since`` and ``until`` count for ``custom`` only.

    ``period`` is all, day, week, month, ytd or custom (half-open, UTC); ``by`` is day, pair or strategy.
    ``include_manual`` says whether trades that no strategy made count, None: as configured.
    ``trade_id`` asks for one trade closely: its ledger rows and lots.
    """

    period: str = "all"
    since: datetime | None = None
    until: datetime | None = None
    by: str = "day"
    pair: str = ""
    strategy: str = ""
    side: str = ""
    include_manual: bool | None = None
    trade_id: str = ""
    rows: int = 500
    """Trades and cash flows in the report at most, newest first; totals are over all."""


class TradeLine(msgspec.Struct, frozen=True):
    """One trade. ``pnl`` is net of its ``fee``; each is None while nothing says what it is worth.

    Amounts are in the pair's own assets, with its decimals. What was made without a trade has ``NO_PAIR`` for
    a pair, no ``side``, the id of its (first) ledger row for a trade id, and nothing but ``fee`` and ``pnl``.
    """

    trade_id: str
    order_id: str
    time: datetime
    pair: str
    side: str
    volume: Decimal
    price: Decimal
    cost: Decimal
    price_decimals: int
    volume_decimals: int
    fee_text: str
    fee: Decimal | None
    pnl: Decimal | None
    strategy: str
    maker: bool


class PnLLine(msgspec.Struct, frozen=True):
    """What a day, a pair (or ``NO_PAIR``) or a strategy made.

    ``unvalued_fees`` counts fees that nothing says the worth of: they are in none of the sums.
    """

    key: str
    trades: int
    gross: Decimal
    fees: Decimal
    realized: Decimal
    unvalued_fees: int = 0


class FlowLine(msgspec.Struct, frozen=True):
    """One cash flow. ``value`` is None while nothing says what it is worth."""

    id: str
    time: datetime
    kind: str
    asset: str
    amount: Decimal
    value: Decimal | None
    note: str


class EntryLine(msgspec.Struct, frozen=True):
    """One row of the exchange's ledger."""

    entry_id: str
    refid: str
    time: datetime
    type: str
    subtype: str
    asset: str
    amount: Decimal
    fee: Decimal
    balance: Decimal


class LotLine(msgspec.Struct, frozen=True):
    """Part of a lot that a trade sold."""

    acquired_at: datetime
    quantity: Decimal
    cost: Decimal
    proceeds: Decimal
    fee: Decimal
    gain: Decimal


class TradeDetail(msgspec.Struct, frozen=True):
    """One trade closely. ``entries`` is empty while the exchange's ledger rows have not come."""

    trade: TradeLine
    entries: tuple[EntryLine, ...] = ()
    lots: tuple[LotLine, ...] = ()
    findings: tuple[str, ...] = ()


class HoldLine(msgspec.Struct, frozen=True):
    """An open order, and how much of an asset it reserves. ``strategy`` is "" for one that is not ours."""

    order_id: str
    pair: str
    side: str
    amount: Decimal
    strategy: str = ""


class PartLine(msgspec.Struct, frozen=True):
    """The part of a holding that a strategy answers for; "manual" is what nobody does."""

    strategy: str
    amount: Decimal
    value: Decimal


class HoldingLine(msgspec.Struct, frozen=True):
    """All of one asset. ``free``, ``reserved`` and ``elsewhere`` add up to ``total``.

    These are the exchange's balances, as old as ``HealthView.account_age``; ``books`` is what our ledger says
    where that differs. ``value`` and ``percent_of_equity`` are those of the books, as equity is. ``status``
    is valued, stale, unvalued, delisted or excluded. ``holds`` are the open orders that reserve some of it,
    ``parts`` who answers for it.
    """

    asset: str
    total: Decimal
    free: Decimal
    reserved: Decimal
    elsewhere: tuple[tuple[HeldAs, Decimal], ...]
    value: Decimal
    percent_of_equity: Decimal | None
    status: str
    source_pair: str
    books: Decimal | None = None
    holds: tuple[HoldLine, ...] = ()
    parts: tuple[PartLine, ...] = ()


class FeeLine(msgspec.Struct, frozen=True):
    """Fees paid in one asset; ``unvalued`` of them have no worth and are not in ``value``."""

    asset: str
    amount: Decimal
    value: Decimal
    unvalued: int = 0


class PerformanceView(msgspec.Struct, frozen=True):
    """How well it went; None where there is too little to say.

    Return, drawdown, Sharpe and Sortino are from the equity curve of the whole account, net of cash flows,
    whatever else a query chooses; the others from the sales that it is about.
    """

    return_pct: Decimal | None = None
    max_drawdown_pct: Decimal | None = None
    sharpe: Decimal | None = None
    sortino: Decimal | None = None
    win_rate_pct: Decimal | None = None
    profit_factor: Decimal | None = None
    holding_seconds: float | None = None


class HistoryView(msgspec.Struct, frozen=True):
    """How far the first reading of a history is: ``read`` of ``total`` rows (None: not told)."""

    name: str
    read: int
    total: int | None
    done: bool


class PortfolioReport(msgspec.Struct, frozen=True):
    """The answer to ``query``. ``version`` grows with every new report; ``manual`` trades count or do not.

    ``trouble`` says why there is no newer one: everything else is then as of the last report, or means
    nothing when there was none, with version 0.
    """

    version: int
    query: PortfolioQuery
    at: datetime
    cost_basis: CostBasis
    currency: str
    total: PnLLine
    manual: bool = True
    trouble: str = ""
    excluded: PnLLine | None = None
    """What excluded assets made by the same filters; None when nothing is excluded."""
    groups: tuple[PnLLine, ...] = ()
    trades: tuple[TradeLine, ...] = ()
    trades_found: int = 0
    flows: tuple[FlowLine, ...] = ()
    flows_found: int = 0
    fees: tuple[FeeLine, ...] = ()
    fees_percent_of_gross: Decimal | None = None
    holdings: tuple[HoldingLine, ...] = ()
    performance: PerformanceView = PerformanceView()
    detail: TradeDetail | None = None
    history: tuple[HistoryView, ...] = ()
    findings: tuple[str, ...] = ()
    """What the books cannot account for, newest first."""
    drift: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    """Pairs that were ever traded, for the filter."""
    strategies: tuple[str, ...] = ()
