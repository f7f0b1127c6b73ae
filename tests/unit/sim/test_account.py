from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from krakked_tui.domain.orders import Side
from krakked_tui.sim.account import Account, Hold, Movement
from krakked_tui.sim.fees import cost_of, fee_of
from tests.unit.sim.markets import pair

D = Decimal
SCALES = {"XBT": 10, "USD": 4}
PAIR = pair()


def funded(usd: str = "10000", xbt: str = "0") -> Account:
    account = Account(SCALES)
    account.deposit("USD", D(usd))
    account.deposit("XBT", D(xbt))
    return account


def test_a_buy_reads_like_a_statement() -> None:
    account = funded()
    quote, base = account.settle(PAIR, Side.BUY, D("0.05"), D("3949.30000"), D("15.79720"))
    assert quote == Movement("USD", D("-3949.3000"), D("15.7972"), D("6034.9028"))
    assert base == Movement("XBT", D("0.0500000000"), D(0), D("0.0500000000"))


def test_a_sell_pays_its_fee_out_of_the_proceeds() -> None:
    account = funded(usd="0", xbt="0.05")
    quote, base = account.settle(PAIR, Side.SELL, D("0.05"), D("4000.00000"), D("16.00000"))
    assert quote == Movement("USD", D("4000.0000"), D("16.0000"), D("3984.0000"))
    assert base.balance == 0


def test_a_buy_holds_the_most_it_can_cost_and_a_sell_its_base() -> None:
    account = funded(xbt="1")
    buy = account.needed(PAIR, Side.BUY, D("0.1"), D("6836.51"), D("0.40"))
    assert (buy.asset, buy.amount) == ("USD", D("6863.8561"))
    sell = account.needed(PAIR, Side.SELL, D("0.1"), D("6836.51"), D("0.40"))
    assert (sell.asset, sell.amount) == ("XBT", D("0.1"))
    account.hold("a", buy)
    assert account.available("USD") == D("3136.1439")
    assert account.balance("USD") == 10000
    assert not account.affords(buy)
    account.release("a")
    assert account.affords(buy)


def test_what_rounding_would_overdraw_is_waived() -> None:
    account = funded(usd="1.0000")
    quote, _ = account.settle(PAIR, Side.BUY, D("0.00001"), D("1.00004"), D("0.00400"))
    assert quote.balance == 0
    assert quote.fee == 0


def test_a_hold_never_exceeds_what_is_there() -> None:
    account = funded(usd="1.0000")
    account.hold("a", Hold("USD", D("0.6000")))
    account.hold("b", Hold("USD", D("0.5000")))
    assert account.held("USD") == 1
    assert account.available("USD") == 0


def test_a_balance_below_zero_is_a_bug() -> None:
    account = funded(xbt="0")
    with pytest.raises(AssertionError, match="XBT would fall"):
        account.settle(PAIR, Side.SELL, D(1), D(1), D(0))


def test_a_fee_in_base_is_taken_from_the_base() -> None:
    account = funded(xbt="1")
    quote, base = account.settle(PAIR, Side.BUY, D("0.05"), D("4000"), D("0.0002"), in_base=True)
    assert quote == Movement("USD", D("-4000.0000"), D(0), D("6000.0000"))
    assert base == Movement("XBT", D("0.05"), D("0.0002"), D("1.0498"))
    _, base = account.settle(PAIR, Side.SELL, D("0.05"), D("4000"), D("0.0002"), in_base=True)
    assert base == Movement("XBT", D("-0.05"), D("0.0002"), D("0.9996"))


def test_money_moves_only_as_far_as_it_is_available() -> None:
    account = funded(usd="100")
    account.hold("a", Hold("USD", D(40)))
    assert account.move("USD", D("-59.0000"), D("1.0000")).balance == D(40)
    with pytest.raises(AssertionError, match="not available"):
        account.move("USD", D("-0.0001"), D(0))


lots = st.integers(1, 50_000_000).map(lambda lots: D(lots).scaleb(-8))
prices = st.integers(500_000, 900_000).map(lambda ticks: D(ticks).scaleb(-1))


class AccountMachine(RuleBasedStateMachine):
    """Orders are held, fill in parts at their price or better, and end, in any order."""

    @initialize(usd=st.integers(0, 20_000), xbt=st.integers(0, 2))
    def fund(self, usd: int, xbt: int) -> None:
        self.account = Account(SCALES)
        self.movements: list[Movement] = []
        self.open: dict[str, tuple[Side, Decimal, Decimal]] = {}
        self.orders = 0
        for asset, amount in (("USD", usd), ("XBT", xbt)):
            self.movements.append(self.account.deposit(asset, D(amount)))

    @rule(side=st.sampled_from(Side), price=prices, volume=lots)
    def place(self, side: Side, price: Decimal, volume: Decimal) -> None:
        hold = self.account.needed(PAIR, side, volume, price * volume, D("0.40"))
        if self.account.affords(hold):
            self.orders += 1
            self.open[str(self.orders)] = (side, price, volume)
            self.account.hold(str(self.orders), hold)

    @rule(data=st.data(), percent=st.sampled_from([D("0.40"), D("0.25"), D(0)]))
    def fill(self, data: st.DataObject, percent: Decimal) -> None:
        if not self.open:
            return
        order_id = data.draw(st.sampled_from(sorted(self.open)))
        side, price, left = self.open[order_id]
        volume = min(left, data.draw(lots))
        better = data.draw(st.integers(0, 1000)) * D("0.1") * (-1 if side is Side.BUY else 1)
        cost = cost_of(PAIR, price + better, volume)
        self.account.release(order_id)
        self.movements += self.account.settle(PAIR, side, volume, cost, fee_of(PAIR, cost, percent))
        self.end(order_id)
        if volume < left:
            self.open[order_id] = (side, price, left - volume)
            rest = self.account.needed(PAIR, side, left - volume, price * (left - volume), D("0.40"))
            self.account.hold(order_id, rest)

    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        if self.open:
            self.end(data.draw(st.sampled_from(sorted(self.open))))

    def end(self, order_id: str) -> None:
        self.account.release(order_id)
        del self.open[order_id]

    @invariant()
    def nothing_is_negative_and_movements_add_up(self) -> None:
        for asset, balance in getattr(self, "account", Account(SCALES)).balances.items():
            held = self.account.held(asset)
            assert 0 <= held <= balance
            moved = [row for row in self.movements if row.asset == asset]
            assert balance == sum(row.amount - row.fee for row in moved)
            assert balance == moved[-1].balance
            assert all(row.fee >= 0 for row in moved)


AccountMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=30)
TestAccountMachine = AccountMachine.TestCase
