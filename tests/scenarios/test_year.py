"""A year of trades, by four ways to tell which coins were sold. Every figure was worked out by hand."""

from decimal import Decimal

import pytest

from krakked_tui.domain.portfolio import CostBasis, FlowKind
from krakked_tui.portfolio.ledger import Books
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.valuation import PriceMark, value
from tests.unit.portfolio.statements import PAIRS, books_of

D = Decimal
WAC, FIFO, LIFO, HIFO = CostBasis

YEAR = """
    2026-01-05  deposit     20000 USD
    2026-01-10  buy         0.1    XBTUSD @ 30000  fee  7.5 USD
    2026-02-14  buy         0.1    XBTUSD @ 50000  fee 12.5 USD
    2026-03-20  buy         0.2    XBTUSD @ 44000  fee 22   USD
    2026-04-30  sell        0.15   XBTUSD @ 60000  fee 22.5 USD
    2026-06-01  staking     0.01   XBT             at 50000
    2026-07-04  buy         2      ETHXBT @ 0.05   fee 0.0002 XBT  at 55000 XBT
    2026-08-15  withdrawal  0.05   XBT             at 70000
    2026-09-10  move        0.05   XBT to XBT.M
    2026-10-20  convert     1      ETH to 3000 USD
    2026-12-29  move        0.05   XBT.M to XBT
    2026-12-30  sell        0.1098 XBTUSD @ 80000  fee 21.96 USD
"""

#                                                  WAC                               FIFO      LIFO     HIFO
# bought: 0.1 for 3000, 0.1 for 5000, 0.2 for 8800: 0.4 for 16800
# 30 Apr, 0.15 for 9000, had cost                  6300                              5500      6600     7200
# left: 0.25 for                                  10500                             11300     10200     9600
# 1 Jun, 0.01 as a reward worth 500: 0.26 for     11000                             11800     10700    10100
# 4 Jul, 0.1002 had cost                           4239.230769230769230769230769     4708.8    4710     4468.8
# left: 0.1598 for                                 6760.769230769230769230769231     7091.2    5990     5631.2
# 15 Aug, 0.05 withdrawn, had cost                 2115.384615384615384615384615     2200      2500     2200
# left: 0.1098 for                                 4645.384615384615384615384616     4891.2    3490     3431.2

APRIL = {WAC: "2700", FIFO: "3500", LIFO: "2400", HIFO: "1800"}
JULY = {WAC: "1260.769230769230769230769231", FIFO: "791.2", LIFO: "790", HIFO: "1031.2"}
WITHDRAWN = {WAC: "2115.384615384615384615384615", FIFO: "2200", LIFO: "2500", HIFO: "2200"}
DECEMBER = {WAC: "4138.615384615384615384615384", FIFO: "3892.8", LIFO: "5294", HIFO: "5352.8"}
OCTOBER = D(3000 - 2750)
PURCHASE_FEES = D("7.5") + D("12.5") + D(22)


@pytest.fixture(params=CostBasis)
def method(request: pytest.FixtureRequest) -> CostBasis:
    return CostBasis(request.param)


@pytest.fixture
def books(method: CostBasis) -> Books:
    return books_of(YEAR, method)


def gain(books: Books, event_id: str) -> Decimal:
    return sum((each.gain for each in books.disposals if each.event_id == event_id), D(0))


def test_gains_of_every_sale_net_of_its_fee(books: Books, method: CostBasis) -> None:
    assert gain(books, "T4") == D(APRIL[method]) - D("22.5")
    assert gain(books, "T5") == D(JULY[method])  # 5500 of ETH for it; the fee of 11 is part of what it cost
    assert gain(books, "L6") == OCTOBER
    assert gain(books, "T6") == D(DECEMBER[method]) - D("21.96")


def test_gains_of_trades(books: Books, method: CostBasis) -> None:
    made = {trade.trade_id: (trade.pnl, trade.fee) for trade in books.realized_records()}
    assert made.pop("L6") == (OCTOBER, D(0))
    assert made == {
        "T1": (D("-7.5"), D("7.5")),
        "T2": (D("-12.5"), D("12.5")),
        "T3": (D(-22), D(22)),
        "T4": (D(APRIL[method]) - D("22.5"), D("22.5")),
        "T5": (D(JULY[method]), D(11)),
        "T6": (D(DECEMBER[method]) - D("21.96"), D("21.96")),
    }


def test_a_withdrawal_is_no_sale(books: Books, method: CostBasis) -> None:
    deposit, reward, withdrawal = books.flows
    assert (deposit.kind, deposit.value, deposit.cost) == (FlowKind.DEPOSIT, D(20000), D(20000))
    assert (reward.kind, reward.value, reward.cost) == (FlowKind.REWARD, D(500), D(500))
    assert (withdrawal.kind, withdrawal.amount) == (FlowKind.WITHDRAWAL, D("-0.05"))
    assert (withdrawal.value, withdrawal.cost) == (D(-3500), -D(WITHDRAWN[method]))
    assert gain(books, withdrawal.id) == D(0)


def test_the_year_comes_to_the_same_however_sales_are_told_apart(books: Books, method: CostBasis) -> None:
    made = D(APRIL[method]) + D(JULY[method]) + D(DECEMBER[method]) + OCTOBER
    state = books.state
    assert state.realized_pnl == made - D("22.5") - D("21.96") - PURCHASE_FEES
    assert state.fees_paid == PURCHASE_FEES + D("22.5") + 11 + D("21.96")
    assert (state.flow_value, state.flow_cost) == (D(17000), 20500 - D(WITHDRAWN[method]))
    prices = {"ETHUSD": PriceMark(D(4000), fresh=True)}
    valuation = value(state, prices, PAIRS, PortfolioSettings())
    assert valuation.cash == D("23897.54")
    assert valuation.unrealized_pnl == D(4000 - 2750)
    assert valuation.equity == D("27897.54")
    assert valuation.equity == state.realized_pnl + valuation.unrealized_pnl + state.flow_cost
    assert state.findings == ()
    assert books.wanted_rates == ()


@pytest.mark.parametrize(
    ("method", "sold"),
    [
        (WAC, [("0.15", "2026-01-10", "6300")]),
        (FIFO, [("0.1", "2026-01-10", "3000"), ("0.05", "2026-02-14", "2500")]),
        (LIFO, [("0.15", "2026-03-20", "6600")]),
        (HIFO, [("0.1", "2026-02-14", "5000"), ("0.05", "2026-03-20", "2200")]),
    ],
)
def test_what_tax_software_asks_for(method: CostBasis, sold: list[tuple[str, str, str]]) -> None:
    rows = [each for each in books_of(YEAR, method).disposals if each.event_id == "T4"]
    assert [(e.quantity, f"{e.acquired_at:%Y-%m-%d}", e.cost) for e in rows] == [
        (D(quantity), acquired, D(cost)) for quantity, acquired, cost in sold
    ]
    assert {f"{each.sold_at:%Y-%m-%d}" for each in rows} == {"2026-04-30"}
    assert sum(each.proceeds for each in rows) == D(9000)
    assert sum(each.fee for each in rows) == D("22.5")
