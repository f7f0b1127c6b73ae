"""Which of the accounts' earlier states are kept."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.portfolio.accounts import Account
from krakked_tui.portfolio.checkpoints import EVERY, RECENT, SPARSE, Checkpoints
from krakked_tui.portfolio.lots import AverageLots


def accounts(number: int) -> dict[str, Account]:
    return {f"before {number}": Account(AverageLots())}


def noted(count: int) -> Checkpoints:
    checkpoints = Checkpoints()
    for number in range(count):
        checkpoints.note(number, accounts(number))
    return checkpoints


@given(st.integers(1, 20_000), st.data())
def test_going_back_is_never_far(count: int, data: st.DataObject) -> None:
    checkpoints = noted(count)
    for _ in range(3):
        number = data.draw(st.integers(0, count - 1))
        start, found = checkpoints.back_to(number)
        assert start <= number
        assert found == accounts(start)
        recent = number > count - EVERY * (RECENT - 1)
        assert number - start < (EVERY if recent else EVERY * SPARSE)
        for again in range(start, count):
            checkpoints.note(again, accounts(again))


def test_few_are_kept() -> None:
    checkpoints = noted(200_000)
    numbers = []
    number = 200_000
    while number:
        number, _ = checkpoints.back_to(number - 1)
        numbers.append(number)
    assert len(numbers) < RECENT + 200_000 / (EVERY * SPARSE) + 2
    assert all(later - earlier in (EVERY, EVERY * SPARSE) for later, earlier in pairwise(numbers[:RECENT]))


def test_what_was_kept_stays_as_it_was() -> None:
    checkpoints, now = Checkpoints(), accounts(0)
    checkpoints.note(0, now)
    now.clear()
    assert checkpoints.back_to(5) == (0, accounts(0))
