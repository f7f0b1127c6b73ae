"""The table of an order's life."""

import pytest

from krakked_tui.domain.errors import IllegalTransitionError
from krakked_tui.domain.orders import OrderStatus as S
from krakked_tui.execution.lifecycle import DENIED, ENDS, TRANSITIONS, UNPROVEN, WORKING, allowed, check


def test_every_status_has_a_row_and_belongs_to_one_group() -> None:
    assert set(TRANSITIONS) == set(S)
    groups = [ENDS, WORKING, UNPROVEN]
    for status in S:
        assert sum(status in group for group in groups) == 1


@pytest.mark.parametrize("before", [s for s in S if s not in ENDS])
@pytest.mark.parametrize("after", [S.FILLED, S.CANCELED, S.EXPIRED])
def test_reports_arrive_in_any_order(before: S, after: S) -> None:
    assert allowed(before, after)


def test_only_what_nobody_confirmed_can_turn_out_never_accepted() -> None:
    assert [s for s in S if allowed(s, S.NEVER_ACCEPTED)] == [S.UNKNOWN]


def test_a_confirmed_order_can_not_be_called_rejected() -> None:
    assert {s for s in S if allowed(s, S.REJECTED)} == {S.PENDING, S.UNKNOWN}


def test_ends_are_final_except_for_an_order_that_appears_after_all() -> None:
    assert {s for s in ENDS if TRANSITIONS[s]} == DENIED == {S.NEVER_ACCEPTED, S.REJECTED, S.ERROR}


def test_an_illegal_move_raises_and_says_which() -> None:
    with pytest.raises(IllegalTransitionError, match="from filled to open"):
        check(S.FILLED, S.OPEN)
