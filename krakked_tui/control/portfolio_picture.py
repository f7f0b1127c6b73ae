"""From the facts of the account to the report that the Trades & PnL screen sees.

A function of a moment, a query and the ledger rows of one trade; see ``portfolio_desk`` for when it is asked.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC
from decimal import Decimal
from functools import partial

import msgspec

from krakked_tui.control import portfolio_view as v
from krakked_tui.control.holdings_picture import holding_lines
from krakked_tui.domain.errors import KrakkedError, UsageError
from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.domain.portfolio import NO_PAIR, CashFlow, Disposal
from krakked_tui.domain.records import HistoryMark
from krakked_tui.engine.portfolio_service import PortfolioFacts, PortfolioService
from krakked_tui.portfolio.figures import whole
from krakked_tui.portfolio.performance import Performance
from krakked_tui.portfolio.sales import SaleFigures
from krakked_tui.portfolio.summary import (
    Bounds,
    Breakdown,
    Chosen,
    Period,
    PnLGroup,
    RealizedRecord,
    Tally,
    sum_up,
    sum_up_fees,
)

FINDINGS_MAX = 200
"""Findings in a report at most, newest first."""
GROUPS_MAX = 5_000
"""Days, pairs or strategies in a report at most; of days the newest."""
ROWS_MAX = 5_000
"""Trades and cash flows in a report at most, whatever the query asks for."""
LOTS_MAX = 500
UNLISTED_DECIMALS = 8

LedgerRows = Callable[[str], Sequence[LedgerEntry]]
"""Returns the ledger rows of a trade, oldest first. Blocks on the disk; raises ``StorageError``."""


def no_rows(_trade_id: str) -> Sequence[LedgerEntry]:
    """Know no ledger rows."""
    return ()


class TradedPart(msgspec.Struct, frozen=True):
    """What of a report changes with the books, the equity curve and the query alone."""

    within: Bounds | None
    performance: v.PerformanceView
    total: v.PnLLine
    excluded: v.PnLLine | None
    groups: tuple[v.PnLLine, ...]
    trades: tuple[v.TradeLine, ...]
    trades_found: int
    flows: tuple[v.FlowLine, ...]
    flows_found: int
    fees: tuple[v.FeeLine, ...]
    fees_percent_of_gross: Decimal | None
    detail: v.TradeDetail | None
    findings: tuple[str, ...]
    pairs: tuple[str, ...]
    strategies: tuple[str, ...]


def within_of(query: v.PortfolioQuery, service: PortfolioService) -> Bounds | None:
    """Return the period that a query is about; None for one that makes no sense: nothing happened in it."""
    try:
        period = Period(query.period)
        custom = Bounds(query.since, query.until) if period is Period.CUSTOM else None
        return service.bounds(period, custom)
    except (ValueError, UsageError):
        return None


def traded_part(service: PortfolioService, query: v.PortfolioQuery, rows_of: LedgerRows) -> TradedPart:
    """Work out what took place in the period. What the query names and nobody knows gives nothing."""
    within = within_of(query, service)
    tallies: list[Tally] = []
    excluded: list[Tally] = []
    made: Sequence[RealizedRecord] = ()
    flows: Sequence[CashFlow] = ()
    rows, manual = min(max(query.rows, 0), ROWS_MAX), _counts_manual(service, query)
    chosen = Chosen(query.pair, query.strategy, query.side, manual)
    if within is not None:
        tallies = service.tallies(within, chosen)
        excluded = service.excluded_tallies(within, chosen)
        made = service.records(within, chosen, limit=rows)
        flows = service.get_cash_flows(within.since, within.until, limit=None)
    by = next((each for each in Breakdown if each.value == query.by), None)
    summary = sum_up(tallies, within or Bounds(), include_manual=manual, by=by)
    fees = sum_up_fees(tallies)
    every = service.figures.tallies(Bounds())
    return TradedPart(
        within=within,
        performance=_performance(service, within, chosen),
        total=_pnl(summary.total),
        excluded=_pnl(sum_up(excluded, Bounds(), include_manual=manual).total) if excluded else None,
        groups=tuple(map(_pnl, summary.groups[-GROUPS_MAX:])),
        trades=tuple(map(partial(_made, service.facts), made)),
        trades_found=summary.total.trades + summary.total.others,
        flows=tuple(map(_flow, flows[:rows])),
        flows_found=len(flows),
        fees=tuple(v.FeeLine(fee.asset, fee.amount, fee.value, fee.unvalued) for fee in fees.by_asset),
        fees_percent_of_gross=fees.percent_of_gross,
        detail=_detail(service, query.trade_id, rows_of) if query.trade_id else None,
        findings=_findings(service.facts),
        pairs=tuple(sorted({one.pair or NO_PAIR for one in every})),
        strategies=tuple(sorted({one.strategy for one in every})),
    )


def _counts_manual(service: PortfolioService, query: v.PortfolioQuery) -> bool:
    configured = service.facts.settings.track_manual_trades
    return configured if query.include_manual is None else query.include_manual


def make_report(
    service: PortfolioService, query: v.PortfolioQuery, part: TradedPart, version: int
) -> v.PortfolioReport:
    """Put a report together: what took place, and what everything is worth now."""
    facts = service.facts
    return v.PortfolioReport(
        version=version,
        query=query,
        at=facts.at,
        cost_basis=facts.settings.cost_basis_method,
        currency=facts.settings.base_currency,
        total=part.total,
        manual=_counts_manual(service, query),
        excluded=part.excluded,
        groups=part.groups,
        trades=part.trades,
        trades_found=part.trades_found,
        flows=part.flows,
        flows_found=part.flows_found,
        fees=part.fees,
        fees_percent_of_gross=part.fees_percent_of_gross,
        holdings=holding_lines(service),
        performance=part.performance,
        detail=part.detail,
        history=tuple(map(_history, facts.history)),
        findings=part.findings,
        drift=tuple(each.message for each in facts.drift),
        pairs=part.pairs,
        strategies=part.strategies,
    )


def _pnl(group: PnLGroup) -> v.PnLLine:
    return v.PnLLine(
        group.key, group.trades, group.gross_pnl, group.fees, group.realized_pnl, group.unvalued_fees
    )


def _made(facts: PortfolioFacts, made: RealizedRecord) -> v.TradeLine:
    trade = facts.booked.trades.get(made.trade_id)
    pnl = made.pnl_base if made.fee_base is not None and not made.unvalued else None
    if trade is None:
        return v.TradeLine(
            trade_id=made.trade_id, order_id="", time=made.time, pair=NO_PAIR, side="", volume=ZERO,
            price=ZERO, cost=ZERO, price_decimals=0, volume_decimals=0, fee_text="", fee=made.fee_base,
            pnl=pnl, strategy=made.strategy_tag, maker=False,
        )  # fmt: skip
    pair = facts.known.get(trade.pair)
    return v.TradeLine(
        trade_id=trade.trade_id,
        order_id=trade.kraken_order_id,
        time=trade.time,
        pair=trade.pair,
        side=trade.side,
        volume=trade.volume,
        price=trade.price,
        cost=trade.cost,
        price_decimals=pair.price_decimals if pair else UNLISTED_DECIMALS,
        volume_decimals=pair.volume_decimals if pair else UNLISTED_DECIMALS,
        fee_text=", ".join(f"{fee.amount:f} {fee.asset}" for fee in trade.fees),
        fee=made.fee_base,
        pnl=pnl,
        strategy=made.strategy_tag,
        maker=trade.maker,
    )


def _flow(flow: CashFlow) -> v.FlowLine:
    return v.FlowLine(flow.id, flow.time, flow.kind.value, flow.asset, flow.amount, flow.value, flow.note)


def _findings(facts: PortfolioFacts) -> tuple[str, ...]:
    newest = reversed(facts.state.findings[-FINDINGS_MAX:])
    return tuple(
        each.message if each.at is None else f"{each.at.astimezone(UTC):%Y-%m-%d %H:%M} {each.message}"
        for each in newest
    )


def _detail(service: PortfolioService, trade_id: str, rows_of: LedgerRows) -> v.TradeDetail | None:
    made = service.figures.records_of(trade_id)
    if not made:
        return None
    booking = service.figures.booking_of(made[0])
    findings = [finding.message for finding in booking.findings] if booking else []
    entries: Sequence[LedgerEntry] = ()
    try:
        entries = rows_of(trade_id)
    except KrakkedError as error:
        findings.append(f"its ledger rows cannot be shown: {error}")
    disposals: Iterable[Disposal] = booking.disposals[:LOTS_MAX] if booking else ()
    return v.TradeDetail(
        trade=_made(service.facts, whole(made)),
        entries=tuple(map(_entry, entries)),
        lots=tuple(map(_lot, disposals)),
        findings=tuple(findings),
    )


def _entry(entry: LedgerEntry) -> v.EntryLine:
    return v.EntryLine(
        entry.entry_id, entry.refid, entry.time, entry.type, entry.subtype, entry.asset, entry.amount,
        entry.fee, entry.balance,
    )  # fmt: skip


def _lot(part: Disposal) -> v.LotLine:
    return v.LotLine(part.acquired_at, part.quantity, part.cost, part.proceeds, part.fee, part.gain)


def _performance(service: PortfolioService, within: Bounds | None, chosen: Chosen) -> v.PerformanceView:
    if within is None:
        return v.PerformanceView()
    if within == Bounds():
        found = service.performance(Period.ALL)
    else:
        found = service.performance(Period.CUSTOM, within)
    return _performance_view(found, service.sales(within, chosen))


def _performance_view(found: Performance, sales: SaleFigures) -> v.PerformanceView:
    fall, holding = found.max_drawdown, sales.average_holding
    return v.PerformanceView(
        return_pct=_percent(found.time_weighted_return),
        max_drawdown_pct=None if fall is None else _percent(fall.depth),
        sharpe=found.sharpe,
        sortino=found.sortino,
        win_rate_pct=_percent(sales.win_rate),
        profit_factor=sales.profit_factor,
        holding_seconds=None if holding is None else holding.total_seconds(),
    )


def _percent(fraction: Decimal | None) -> Decimal | None:
    return None if fraction is None else fraction * HUNDRED


def _history(mark: HistoryMark) -> v.HistoryView:
    return v.HistoryView(mark.kind.value, mark.read, mark.total, mark.done)
