"""How sales turned out, worked out by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.portfolio import Lot
from krakked_tui.portfolio.accounts import Disposed
from krakked_tui.portfolio.sales import Sale, SaleFigures, sale_figures, sale_of, sums_of

D = Decimal
START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def sale(event_id: str, proceeds: str, cost: str, fee: str = "0", held: timedelta = DAY) -> Disposed:
    lots = (Lot(START, D(1), D(cost)),)
    return Disposed(event_id, "XBT", START + held, D(proceeds), D(fee), lots)


def sales_of(disposals: Iterable[Disposed]) -> list[Sale]:
    events: dict[str, list[Disposed]] = {}
    for one in disposals:
        events.setdefault(one.event_id, []).append(one)
    return [sale_of(parts) for parts in events.values()]


def figures_of(disposals: list[Disposed]) -> SaleFigures:
    return sale_figures(sums_of(sales_of(disposals)))


def test_how_sales_turned_out() -> None:
    figures = figures_of(
        [
            # One sale from two lots: 60 - 50 - 1 = 9 and 40 - 45 = -5, together +4.
            sale("T1", "60", "50", "1", held=2 * DAY),
            sale("T1", "40", "45", held=DAY),
            sale("T2", "10", "20", held=8 * DAY),
            sale("T3", "36", "30", held=DAY),
            sale("T4", "5", "5", held=3 * DAY),
        ]
    )
    # Won 4 + 6, lost 10; days by cost: (50*2 + 45*1 + 20*8 + 30*1 + 5*3) / 150 = 350 / 150.
    assert figures == SaleFigures(4, D("0.5"), D(1), 350 * DAY / 150)


def test_the_fills_of_an_order_are_one_sale() -> None:
    fills = [sale("T1", "60", "50"), sale("T2", "40", "45"), sale("T3", "10", "20"), sale("T4", "9", "8")]
    whole = sums_of(sale_of([one], order) for one, order in zip(fills, ("O1", "O1", "O2", ""), strict=True))
    assert sale_figures(whole) == SaleFigures(3, D(2) / 3, D("0.6"), DAY)


def test_without_a_loss_there_is_no_profit_factor_and_without_cost_no_holding_time() -> None:
    assert figures_of([sale("T1", "3", "0")]) == SaleFigures(1, D(1), None, None)
    assert figures_of([sale("T1", "3", "5")]) == SaleFigures(1, D(0), D(0), DAY)


@given(st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 1000), st.integers(0, 100)), max_size=8))
def test_partial_fills_change_nothing_about_how_sales_turned_out(sales: list[tuple[int, int, int]]) -> None:
    whole = [
        sale(f"T{index}", str(2 * proceeds), str(2 * cost), held=days * DAY)
        for index, (proceeds, cost, days) in enumerate(sales)
    ]
    halves = [
        sale(f"T{index}", str(proceeds), str(cost), held=days * DAY)
        for index, (proceeds, cost, days) in enumerate(sales)
        for _ in range(2)
    ]
    assert figures_of(halves) == figures_of(whole)


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(0, 9))), st.integers(0, 9))
def test_sums_of_some_at_a_time_give_the_same_figures(sales: list[tuple[int, int, int]], size: int) -> None:
    sold = sales_of(
        sale(f"T{index}", str(proceeds), str(cost), held=days * DAY)
        for index, (proceeds, cost, days) in enumerate(sales)
    )
    parts = [*sums_of(sold[:size]), *sums_of(sold[size:])]
    assert sale_figures(parts) == sale_figures(sums_of(sold))
