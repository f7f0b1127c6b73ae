from datetime import timedelta
from decimal import Decimal
from itertools import permutations

import msgspec
import pytest

from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.portfolio import CostBasis, Rate
from krakked_tui.portfolio.findings import FindingKind
from krakked_tui.portfolio.ledger import Books, LedgerState, RealizedPnL
from tests.unit.portfolio.statements import (
    MINUTE,
    PAIRS,
    START,
    Event,
    apply,
    books_of,
    make_entry,
    make_pair,
    make_trade,
    read,
    trades_of,
)

D = Decimal
XBTUSD = PAIRS["XBTUSD"]
BUY = make_trade("buy 0.02 XBTUSD @ 30010 fee 1.50050 USD", cost=D("600.20004"))
BASE_ROW = make_entry("L1", "XBT", "0.0200000000", refid="T1")
QUOTE_ROW = make_entry("L2", "USD", "-600.2000", "1.5005", refid="T1")


def test_new_books_are_empty() -> None:
    books = Books()
    assert books.state == LedgerState()
    assert (books.balance("XBT"), books.last_trade_time, books.last_entry_time) == (D(0), None, None)
    assert books.realized("T1") is None


def test_a_month_of_an_account() -> None:
    books = books_of(
        """
        deposit     50000 USD
        buy         0.5   XBTUSD @ 20000  fee 40 USD
        buy         2     ETHUSD @ 1500   fee 12 USD
        sell        0.5   XBTUSD @ 22000  fee 44 USD
        staking     0.01  ETH
        withdrawal  1000  USD fee 5
        sell        1     ETHUSD @ 1600   fee 6.4 USD
        """
    )
    state = books.state
    assert state.balances == {"USD": D("48492.6"), "XBT": D(0), "ETH": D("1.01")}
    assert state.cash_flows == {"USD": D(48995), "ETH": D("0.01")}
    share = D("1492.537313432835820895522388")  # of 2.01 ETH that cost 3000, for 1
    assert {p: (x.size, x.cost, x.realized_pnl, x.fees_paid) for p, x in state.positions.items()} == {
        "XBTUSD": (D(0), D(0), D(916), D(84)),
        "ETHUSD": (D("1.01"), 3000 - share, 1600 - share - D("18.4"), D("18.4")),
    }
    assert state.realized_pnl == 916 + 1600 - share - D("18.4")
    assert state.fees_paid == D("102.4")
    assert [finding.kind for finding in state.findings] == [FindingKind.FLOW_UNVALUED]
    made = RealizedPnL("T4", "ETHUSD", START + 6 * MINUTE, 1600 - share - D("6.4"), D("6.4"))
    assert books.realized("T4") == made
    assert [*books.realized_records()][-1] == made
    assert (state.flow_cost, state.flow_value) == (D(48995), D(48995))
    assert books.last_trade_time == START + 6 * MINUTE
    assert books.last_entry_time == START + 5 * MINUTE


def test_what_is_known_changes_nothing() -> None:
    books = books_of("deposit 50000 USD\nbuy 0.5 XBTUSD @ 20000 fee 40 USD")
    before = books.state
    for event in read("deposit 1 USD\nbuy 9 XBTUSD @ 9"):
        assert apply(books, event) is False
    assert books.state == before


def test_a_fill_counts_at_once_and_its_ledger_rows_then_replace_it_exactly() -> None:
    books = Books()
    books.apply_trade(BUY, XBTUSD)
    assert books.state.balances == {"XBT": D("0.02"), "USD": D("-601.70054")}
    assert books.state.positions["XBTUSD"].cost == D("600.20004")

    books.apply_entry(BASE_ROW)
    assert books.balance("USD") == D("-601.70054")
    books.apply_entry(QUOTE_ROW)
    assert books.state.balances == {"XBT": D("0.02"), "USD": D("-601.7005")}
    assert books.state.positions["XBTUSD"].cost == D("600.2000")
    assert books.realized("T1") == RealizedPnL("T1", "XBTUSD", START, D("-1.5005"), D("1.5005"))
    assert books.state.cash_flows == {}


def test_ledger_rows_may_come_before_their_trade() -> None:
    late, early = Books(pairs=PAIRS.values()), Books(pairs=PAIRS.values())
    late.apply_trade(BUY, XBTUSD)
    for row in (BASE_ROW, QUOTE_ROW):
        late.apply_entry(row)
        early.apply_entry(row)
    assert early.state.balances == late.state.balances
    assert early.state.positions["XBTUSD"].cost == D("600.2000"), "a trade is known by its rows alone"
    early.apply_trade(BUY, XBTUSD)
    assert early.state == late.state


def test_a_trade_with_several_ledger_rows_of_an_asset_has_their_sum() -> None:
    books = Books()
    books.apply_trade(BUY, XBTUSD)
    for row in (
        make_entry("L2", "USD", "-600", refid="T1"),
        make_entry("L3", "USD", "-0.2", "1.5005", refid="T1"),
    ):
        books.apply_entry(row)
    assert books.balance("USD") == D("-601.7005")
    assert books.state.positions["XBTUSD"].cost == D("600.2")


def test_a_ledger_row_in_an_asset_the_trade_did_not_name_counts_too() -> None:
    books = Books()
    books.apply_trade(BUY, XBTUSD)
    books.apply_entry(make_entry("L9", "KFEE", "0", "3", refid="T1"))
    assert books.balance("KFEE") == D(-3)
    assert [finding.kind for finding in books.state.findings] == [FindingKind.FEE_UNVALUED]


def test_a_late_trade_is_booked_where_it_belongs() -> None:
    first, second, sale = trades_of(
        """
        buy  1 XBTUSD @ 20000
        buy  1 XBTUSD @ 30000
        sell 1 XBTUSD @ 26000
        """
    )
    books = Books()
    for trade in (first, sale):
        books.apply_trade(trade, XBTUSD)
    assert books.state.realized_pnl == D(6000)
    books.apply_trade(second, XBTUSD)
    assert books.state.realized_pnl == D(1000)
    assert books.realized("T3") == RealizedPnL("T3", "XBTUSD", sale.time, D(1000), D(0))


def test_a_finding_goes_when_what_was_missing_arrives() -> None:
    buy, sale = trades_of("buy 1 XBTUSD @ 20000\nsell 1 XBTUSD @ 22000")
    books = Books()
    books.apply_trade(sale, XBTUSD)
    assert [finding.kind for finding in books.state.findings] == [FindingKind.OVERSOLD]
    assert books.balance("XBT") == D(-1)
    books.apply_trade(buy, XBTUSD)
    assert books.state.findings == ()
    assert books.state.realized_pnl == D(2000)


def test_at_the_same_time_buys_come_before_sells() -> None:
    buy = make_trade("buy 1 XBTUSD @ 20000", "T9")
    sale = make_trade("sell 1 XBTUSD @ 22000", "T1")
    states = []
    for trades in ((buy, sale), (sale, buy)):
        books = Books()
        for trade in trades:
            books.apply_trade(trade, XBTUSD)
        states.append(books.state)
    assert states[0] == states[1]
    assert (states[0].findings, states[0].realized_pnl) == ((), D(2000))


def test_a_state_once_given_out_stays_as_it_is() -> None:
    books = books_of("deposit 100 USD")
    before = books.state
    copy = repr(before)
    books.apply_trade(BUY, XBTUSD)
    assert repr(before) == copy
    assert books.state != before


@pytest.mark.parametrize("method", CostBasis)
def test_late_events_of_a_long_history_are_booked_from_the_checkpoint_before_them(method: CostBasis) -> None:
    lines = [f"{'sell' if n % 3 == 2 else 'buy'} 0.{n % 7 + 1} XBTUSD @ {20000 + n % 97}" for n in range(700)]
    events = [*read("\n".join(lines))]
    late = [690, 127, 128, 129, 3, 511, 512, 640, 0]
    whole, books = Books(method=method), Books(method=method)
    for event in events:
        apply(whole, event)
    for number, event in enumerate(events):
        if number not in late:
            apply(books, event)
            assert number % 50 or books.state is books.state
    for number in late:
        apply(books, events[number])
        assert books.state.positions
    books.apply_entry(make_entry("L1", "XBT", "0.3", refid="T130"))  # no trade row says it so exactly
    whole.apply_entry(make_entry("L1", "XBT", "0.3", refid="T130"))
    assert books.state == whole.state
    assert books.disposals == whole.disposals
    assert [*books.realized_records()] == [*whole.realized_records()]


def test_a_rate_counts_by_where_it_is_from_whenever_it_came() -> None:
    rates = [Rate("L1", "XBT", D(price), source) for price, source in
             (("1", "candle XBTUSD"), ("2", "latest"), ("3", "trade"), ("4", "somewhere"))]  # fmt: skip
    deposit = make_entry("L1", "XBT", "1", kind="deposit")
    events: list[Event] = [deposit, *rates]
    for order in permutations(events):
        books = Books()
        for event in order:
            apply(books, event)
        assert books.state.flow_cost == D(1)
    assert books.apply_rate(rates[0]) is False
    assert books.apply_rate(rates[1]) is False


def test_the_pair_named_after_an_asset_stands_for_it() -> None:
    dark = msgspec.structs.replace(PAIRS["XBTUSD"], canonical="AXBTUSD")
    trade = msgspec.structs.replace(BUY, pair="AXBTUSD")
    for pairs in ([dark, PAIRS["XBTUSD"]], [PAIRS["XBTUSD"], dark]):
        books = Books(pairs=pairs)
        books.apply_trade(trade, dark)
        assert set(books.state.positions) == {"XBTUSD"}
    books = Books()
    books.apply_trade(trade, dark)
    assert set(books.state.positions) == {"AXBTUSD"}


def test_lots_and_balances_by_name() -> None:
    books = books_of("buy 1 XBTUSD @ 20000\nbuy 1 XBTUSD @ 30000\nmove 1.5 XBT to XBT.M", CostBasis.FIFO)
    assert (books.balance("XBT"), books.balance("XBT.M")) == (D("0.5"), D("1.5"))
    assert [(lot.size, lot.cost) for lot in books.lots("XBT")] == [(D(1), D(20000)), (D(1), D(30000))]
    assert books.lots("DOT") == ()


def test_pairs_learnt_later_count_as_if_they_had_been_known_from_the_start() -> None:
    rows = [
        LedgerEntry("L1", "R1", START, "deposit", "", "SOL", D(3), D(0), D(3)),
        LedgerEntry("L2", "R2", START, "deposit", "", "SOL03.S", D(2), D(0), D(2)),
        LedgerEntry("L3", "R2", START, "deposit", "", "SOL03.S", D(1), D(0), D(3)),
    ]
    late, early = Books(pairs=PAIRS.values()), Books(pairs=[*PAIRS.values(), make_pair("SOL")])
    for row in rows:
        late.apply_entry(row)
        early.apply_entry(row)
    assert "SOLUSD" not in late.state.positions
    late.know([make_pair("SOL")])
    assert late.state == early.state
    assert late.state.positions["SOLUSD"].size == D(3)
    assert late.forms.asset("SOL03.S") == "SOL"
    state = late.state
    late.know([make_pair("SOL")])
    assert late.state is state, "nothing is booked again for nothing"


def test_a_pair_that_only_gives_a_position_its_name_is_enough_to_show_it() -> None:
    books = Books(pairs=[make_pair("SOL", "EUR")])
    books.apply_entry(LedgerEntry("L1", "R1", START, "deposit", "", "SOL", D(3), D(0), D(3)))
    assert books.state.positions == {}
    books.know([make_pair("SOL")])
    assert books.state.positions["SOLUSD"].size == D(3)


def test_trades_come_in_the_order_of_booking() -> None:
    other = msgspec.structs.replace(BUY, trade_id="T0", side="sell")
    late = msgspec.structs.replace(BUY, trade_id="T2", time=BUY.time + timedelta(seconds=1))
    books = Books()
    for trade in (late, other, BUY):
        books.apply_trade(trade, PAIRS["XBTUSD"])
    assert books.trades() == [BUY, other, late]
