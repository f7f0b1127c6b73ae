"""How long questions about an account of 100,000 trades take, and what taking the facts costs the engine.

The books are those of ``ledger_rebuild``, with an order for every second trade and an equity curve of half a
year. Facts are taken as the engine's loop takes them; the first question works all records out, every later
one is measured by itself, and so is the first one after another trade. Medians, in one process.
"""

import gc
import os
import statistics
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import msgspec

from benchmarks.ledger_rebuild import PAIRS, START, TRADES, rebuild
from krakked_tui.control.portfolio_picture import make_report, no_rows, traded_part
from krakked_tui.control.portfolio_view import PortfolioQuery
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import LocalOrder, OrderRequest, OrderStatus, OrderType, Purpose, Side
from krakked_tui.domain.portfolio import CostBasis
from krakked_tui.domain.records import SnapshotSaved
from krakked_tui.engine.portfolio_service import Orders, PortfolioFacts, PortfolioService
from krakked_tui.portfolio.ledger import Books
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.summary import Bounds, Breakdown, Period
from krakked_tui.portfolio.valuation import PriceMark, value

RUNS = 9
SNAPSHOTS = 10_000
EQUITY = Decimal(10_000_000)
KNOWN = {pair.canonical: pair for pair in PAIRS}
BUDGET_MS = 50


def make_orders() -> tuple[LocalOrder, ...]:
    """An order of one strategy for every second trade."""
    request = OrderRequest("k", "C00USD", Side.BUY, OrderType.MARKET, Decimal(1))
    return tuple(
        LocalOrder(
            f"l{number}", f"k{number}", "p", "trend", Purpose.ENTRY, request, OrderStatus.FILLED, START,
            START, kraken_order_id=f"O{number}",
        )
        for number in range(0, TRADES, 2)
    )  # fmt: skip


def take(books: Books, orders: Orders, snapshots: list[SnapshotSaved]) -> PortfolioFacts:
    """Take the facts, as the engine does after every change."""
    settings = PortfolioSettings()
    prices = {name: PriceMark(Decimal(50), fresh=True) for name in KNOWN}
    return PortfolioFacts(
        at=START + timedelta(days=800), state=books.state, booked=books.booked(), orders=orders,
        settings=settings, valuation=value(books.state, prices, KNOWN, settings), known=KNOWN.copy(),
        snapshots=tuple(snapshots),
    )  # fmt: skip


def questions(service: PortfolioService) -> dict[str, Callable[[], object]]:
    """Everything that can be asked."""
    half = Bounds(START + timedelta(days=180), START + timedelta(days=500))
    since, until = half.since, half.until
    query = PortfolioQuery(by="day")
    part = traded_part(service, query, no_rows)
    return {
        "get_equity": service.get_equity,
        "get_pnl_summary": service.get_pnl_summary,
        **{
            f"get_pnl_summary by {by}": lambda by=by: service.get_pnl_summary(by=by)  # type: ignore[misc]
            for by in Breakdown
        },
        "get_pnl_summary of a period": lambda: service.get_pnl_summary(Period.CUSTOM, custom=half),
        "get_pnl_summary without manual": lambda: service.get_pnl_summary(include_manual=False),
        "get_positions": service.get_positions,
        "get_position": lambda: service.get_position("C07USD"),
        "get_asset_exposure": service.get_asset_exposure,
        "get_strategy_exposure": service.get_strategy_exposure,
        "get_trade_history": service.get_trade_history,
        "get_trade_history of one": lambda: service.get_trade_history("C07USD", "trend", since, until),
        "get_fee_summary": service.get_fee_summary,
        "get_cash_flows": service.get_cash_flows,
        "create_snapshot": service.create_snapshot,
        "get_snapshots": lambda: service.get_snapshots(since, 500),
        "get_equity_curve": lambda: service.get_equity_curve(timedelta(days=1)),
        "performance": service.performance,
        "performance of a period": lambda: service.performance(Period.CUSTOM, half),
        "report: a new price": lambda: make_report(service, query, part, 1),
        "report: a new query": lambda: traded_part(service, PortfolioQuery(by="pair"), no_rows),
    }


def milliseconds(work: Callable[[], object]) -> float:
    """The median of some runs."""
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(statistics.median(times) * 1e3, 3)


async def measure() -> dict[str, object]:
    """Milliseconds of every question, and of taking the facts."""
    books, trades, pairs, _, _ = rebuild(CostBasis.WAC)
    orders = Orders(make_orders())
    snapshots = [
        SnapshotSaved(START + timedelta(hours=number), EQUITY + number % 97, ZERO, ZERO, ZERO)
        for number in range(SNAPSHOTS)
    ]
    gc.collect()
    taking = milliseconds(lambda: take(books, orders, snapshots))
    service = PortfolioService(take(books, orders, snapshots))
    start = time.perf_counter()
    assert len(service.figures.records) == TRADES
    first = time.perf_counter() - start
    asked = {name: milliseconds(work) for name, work in questions(service).items()}
    late = msgspec.structs.replace(
        trades[-1], trade_id="TLAST", side="buy", time=trades[-1].time + timedelta(1)
    )
    books.apply_trade(late, pairs[late.pair])
    later = PortfolioService(take(books, orders, snapshots), service)
    start = time.perf_counter()
    assert len(later.figures.records) == TRADES + 1
    again = time.perf_counter() - start
    traded_part(later, PortfolioQuery(by="day"), no_rows)
    report = time.perf_counter() - start
    return {
        "scale": f"{TRADES} trades on {len(PAIRS)} pairs, {TRADES // 2} orders, {SNAPSHOTS} snapshots",
        "runs": RUNS,
        "taking_the_facts_ms": taking,
        "working_out_all_records_ms": round(first * 1e3, 1),
        "working_out_one_more_trade_ms": round(again * 1e3, 1),
        "working_out_one_more_trade_and_a_report_ms": round(report * 1e3, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "questions_ms": asked,
        "slowest_ms": max(asked.values()),
        "budget": {"questions_ms": BUDGET_MS},
    }
