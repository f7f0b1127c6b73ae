from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.portfolio import CostBasis, Lot
from krakked_tui.portfolio.lots import NO_LOTS, Lots
from tests.unit.portfolio.statements import START

D = Decimal
DAY = timedelta(days=1)


def lot(day: int, size: str | Decimal, cost: str | Decimal) -> Lot:
    return Lot(START + day * DAY, D(size), D(cost))


THREE = (lot(0, "1", "100"), lot(1, "2", "600"), lot(2, "3", "450"))


def bought(method: CostBasis, lots: Iterable[Lot] = THREE) -> Lots:
    held = NO_LOTS[method]
    for each in lots:
        held = held.acquire(each)
    return held


@pytest.mark.parametrize(
    ("method", "gone"),
    [
        (CostBasis.WAC, [lot(0, "2.5", D(1150) * D("2.5") / 6)]),
        (CostBasis.FIFO, [lot(0, "1", "100"), lot(1, "1.5", "450")]),
        (CostBasis.LIFO, [lot(2, "2.5", "375")]),
        (CostBasis.HIFO, [lot(1, "2", "600"), lot(2, "0.5", "75")]),
    ],
)
def test_which_lots_go(method: CostBasis, gone: list[Lot]) -> None:
    held = bought(method)
    left, taken = held.dispose(D("2.5"))
    assert [(each.acquired_at, each.size) for each in taken] == [(e.acquired_at, e.size) for e in gone]
    assert [round(each.cost, 12) for each in taken] == [round(each.cost, 12) for each in gone]
    assert (held.size, held.cost) == (D(6), D(1150)), "what was there stays as it was"
    assert left.size == D("3.5")
    assert left.cost == D(1150) - sum(each.cost for each in taken)


def test_equally_expensive_lots_go_the_oldest_first() -> None:
    held = bought(CostBasis.HIFO, (lot(1, "1", "50"), lot(0, "2", "100"), lot(2, "1", "50")))
    assert [each.acquired_at for each in held.dispose(D("2.5"))[1]] == [START, START + DAY]


def test_of_lots_that_are_alike_in_price_and_time_the_first_ones_go() -> None:
    held, _ = bought(CostBasis.HIFO, (lot(0, "1", "50"), lot(0, "2", "100"))).dispose(D("0.5"))
    assert [each.size for each in held.acquire(lot(0, "4", "200")).dispose(D(1))[1]] == [D("0.5"), D("0.5")]


def test_the_only_inexact_step_is_cut_at_once() -> None:
    left, [gone] = bought(CostBasis.WAC, (lot(0, "3", "3"), lot(1, "4", "8"))).dispose(D(1))
    assert gone.cost == D("1.571428571428571428571429")  # 11 / 7 to 24 decimals
    assert left.cost == D(11) - gone.cost


@pytest.mark.parametrize("method", CostBasis)
def test_nothing_is_left_of_what_goes_whole(method: CostBasis) -> None:
    left, gone = bought(method).dispose(D(6))
    assert (left, left.size, left.cost, left.opened_at) == (NO_LOTS[method], ZERO, ZERO, None)
    assert sum(each.cost for each in gone) == D(1150)
    assert left.dispose(ZERO) == (left, ())


def test_a_position_is_as_old_as_its_oldest_lot() -> None:
    for method in CostBasis:
        assert bought(method).opened_at == START
    assert bought(CostBasis.FIFO).dispose(D(1))[0].opened_at == START + DAY
    assert bought(CostBasis.WAC).dispose(D(1))[0].opened_at == START


def test_lots_are_equal_when_they_hold_the_same_however_they_came_about() -> None:
    one = bought(CostBasis.FIFO, (lot(0, "1", "1"), *THREE)).dispose(D(1))[0]
    assert one == bought(CostBasis.FIFO)
    assert one != bought(CostBasis.LIFO)
    assert one != bought(CostBasis.FIFO, THREE[:2])
    assert "Decimal('600')" in repr(one)


class PlainLots:
    """A list, and the rule in a line: what the real ones must agree with."""

    def __init__(self, method: CostBasis) -> None:
        self.lots: list[list[Decimal]] = []
        self.method = method

    def buy(self, number: int, size: Decimal, cost: Decimal) -> None:
        self.lots.append([D(number), size, cost, cost / size])

    def sell(self, quantity: Decimal) -> None:
        order = {
            CostBasis.FIFO: lambda each: each[0],
            CostBasis.LIFO: lambda each: -each[0],
            CostBasis.HIFO: lambda each: (-each[3], each[0]),
        }[self.method]
        for each in sorted(self.lots, key=order):
            part = min(quantity, each[1])
            quantity -= part
            each[1] -= part
        self.lots = [each for each in self.lots if each[1]]


SIZES = st.decimals("0.00000001", "9", places=8)
STEPS = st.lists(st.tuples(SIZES, st.decimals("0", "90000", places=5), st.booleans()), max_size=60)


@pytest.mark.parametrize("method", [CostBasis.FIFO, CostBasis.LIFO, CostBasis.HIFO])
@given(steps=STEPS)
def test_separate_lots_agree_with_a_plain_list(
    method: CostBasis, steps: list[tuple[Decimal, Decimal, bool]]
) -> None:
    held, plain = NO_LOTS[method], PlainLots(method)
    for number, (amount, cost, sell) in enumerate(steps):
        size = min(amount, held.size) if sell else amount
        if sell:
            before = tuple(held)
            left, gone = held.dispose(size)
            assert tuple(held) == before
            assert sum((each.size for each in gone), ZERO) == size
            assert left.cost + sum((each.cost for each in gone), ZERO) == held.cost
            held = left
            plain.sell(size)
        else:
            held = held.acquire(lot(number, size, cost))
            plain.buy(number, size, cost)
        assert [each.size for each in held] == [each[1] for each in plain.lots]
        assert held.size == sum((each.size for each in held), ZERO)
        assert held.cost == sum((each.cost for each in held), ZERO)


@pytest.mark.parametrize("method", [CostBasis.FIFO, CostBasis.LIFO, CostBasis.HIFO])
def test_tens_of_thousands_of_lots_are_no_burden(method: CostBasis) -> None:
    held = bought(method, (lot(number, "1", str(number % 977)) for number in range(20_000)))
    states = []
    for _ in range(10_000):
        held, [_gone] = held.dispose(D("0.5"))
        states.append(held)
    assert held.size == D(15_000)
    assert len({id(each) for each in states}) == 10_000
    del states, held
