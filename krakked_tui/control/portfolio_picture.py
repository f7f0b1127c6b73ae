"""From the facts of the account to the report that the Trades & PnL screen sees.

A function of a moment, a query and the ledger rows of one trade; see ``portfolio_desk`` for when it is asked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from decimal import Decimal
from functools import partial

import msgspec

from krakked_tui.control import portfolio_view as v
from krakked_tui.domain.errors import KrakkedError, UsageError
from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.money import HUNDRED, ZERO, percent_of
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import CashFlow, Disposal, Holding
from krakked_tui.domain.records import HistoryMark
from krakked_tui.engine.portfolio_service import PortfolioFacts, PortfolioService
from krakked_tui.portfolio.forms import Forms, holdings
from krakked_tui.portfolio.performance import Performance
from krakked_tui.portfolio.reports import TradeMade
from krakked_tui.portfolio.summary import (
    Bounds,
    Breakdown,
    Period,
    PnLGroup,
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
EXCLUDED = "excluded"

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
    trades: Sequence[TradeMade] = ()
    flows: Sequence[CashFlow] = ()
    rows, manual = min(max(query.rows, 0), ROWS_MAX), _counts_manual(service, query)
    if within is not None:
        tallies = service.tallies(
            within, pair=query.pair, strategy=query.strategy, side=query.side,
            include_manual=manual,
        )  # fmt: skip
        trades = service.trades(
            within, pair=query.pair, strategy=query.strategy, side=query.side,
            include_manual=manual, limit=rows,
        )  # fmt: skip
        flows = service.get_cash_flows(within.since, within.until, limit=None)
    by = next((each for each in Breakdown if each.value == query.by), None)
    summary = sum_up(tallies, within or Bounds(), include_manual=manual, by=by)
    fees = sum_up_fees(tallies)
    every = service.figures.tallies(Bounds())
    return TradedPart(
        within=within,
        performance=_performance(service, within),
        total=_pnl(summary.total),
        groups=tuple(map(_pnl, summary.groups[-GROUPS_MAX:])),
        trades=tuple(map(partial(_trade, service.facts.known), trades)),
        trades_found=summary.total.trades,
        flows=tuple(map(_flow, flows[:rows])),
        flows_found=len(flows),
        fees=tuple(v.FeeLine(fee.asset, fee.amount, fee.value) for fee in fees.by_asset),
        fees_percent_of_gross=fees.percent_of_gross,
        detail=_detail(service, query.trade_id, rows_of) if query.trade_id else None,
        findings=_findings(service.facts),
        pairs=tuple(sorted({one.pair for one in every if one.pair})),
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
        groups=part.groups,
        trades=part.trades,
        trades_found=part.trades_found,
        flows=part.flows,
        flows_found=part.flows_found,
        fees=part.fees,
        fees_percent_of_gross=part.fees_percent_of_gross,
        holdings=_holdings(service),
        performance=part.performance,
        detail=part.detail,
        history=tuple(map(_history, facts.history)),
        findings=part.findings,
        drift=tuple(each.message for each in facts.drift),
        pairs=part.pairs,
        strategies=part.strategies,
    )


def _pnl(group: PnLGroup) -> v.PnLLine:
    return v.PnLLine(group.key, group.trades, group.gross_pnl, group.fees, group.realized_pnl)


def _trade(known: Mapping[str, PairMetadata], each: TradeMade) -> v.TradeLine:
    trade, made = each.trade, each.made
    pair = known.get(trade.pair)
    fee_known = made.fee_base is not None
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
        pnl=made.pnl_base if fee_known and not made.unvalued else None,
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
    each = TradeMade(service.facts.booked.trades[trade_id], made[0])
    booking = service.figures.booking_of(each.trade)
    findings = [finding.message for finding in booking.findings] if booking else []
    entries: Sequence[LedgerEntry] = ()
    try:
        entries = rows_of(trade_id)
    except KrakkedError as error:
        findings.append(f"its ledger rows cannot be shown: {error}")
    disposals: Iterable[Disposal] = booking.disposals[:LOTS_MAX] if booking else ()
    return v.TradeDetail(
        trade=_trade(service.facts.known, each),
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


def _holdings(service: PortfolioService) -> tuple[v.HoldingLine, ...]:
    """Return what is held, the most valuable first; what is excluded last."""
    facts = service.facts
    forms = Forms.of_pairs(facts.known.values())
    held = holdings(facts.balances, forms)
    booked: dict[str, Decimal] = {}
    for name, amount in facts.state.balances.items():
        asset = forms.asset(name)
        booked[asset] = booked.get(asset, ZERO) + amount
    lines = []
    for asset in sorted(held.keys() | booked.keys()):
        holding, ours = held.get(asset) or Holding(asset, ZERO), booked.get(asset, ZERO)
        if holding.total or ours:
            lines.append(_holding(service, holding, ours))
    return tuple(sorted(lines, key=lambda line: (line.status == EXCLUDED, -line.value, line.asset)))


def _holding(service: PortfolioService, holding: Holding, ours: Decimal) -> v.HoldingLine:
    asset, total, valuation = holding.asset, holding.total, service.facts.valuation
    worth = service.value(asset, total)
    included = service.facts.settings.includes(asset)
    percent = None
    if included and valuation is not None and valuation.equity > ZERO:
        percent = percent_of(worth.value, valuation.equity)
    return v.HoldingLine(
        asset=asset,
        total=total,
        free=holding.free,
        reserved=holding.reserved,
        elsewhere=holding.elsewhere,
        value=worth.value,
        percent_of_equity=percent,
        status=worth.status.value if included else EXCLUDED,
        source_pair=worth.source_pair or "",
        books=ours if ours != total else None,
    )


def _performance(service: PortfolioService, within: Bounds | None) -> v.PerformanceView:
    if within is None:
        return v.PerformanceView()
    if within == Bounds():
        found = service.performance(Period.ALL)
    else:
        found = service.performance(Period.CUSTOM, within)
    return _performance_view(found)


def _performance_view(found: Performance) -> v.PerformanceView:
    sales, fall = found.sales, found.max_drawdown
    holding = sales.average_holding
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
