import pytest

from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.permissions import (
    ADD_FUNDS,
    CLOSE,
    MODIFY,
    PERMISSIONS,
    QUERY_CLOSED,
    QUERY_OPEN,
    TRADING_PERMISSIONS,
    WITHDRAW_FUNDS,
    check_permissions,
    require_all,
    require_any,
)


def test_a_traders_key_moves_no_money_in_or_out() -> None:
    assert set(PERMISSIONS) - set(TRADING_PERMISSIONS) == {ADD_FUNDS, WITHDRAW_FUNDS}


def test_names_are_checked_and_ordered() -> None:
    assert check_permissions(["close-trades", "query-funds", "close-trades"]) == (
        "query-funds",
        "close-trades",
    )
    assert check_permissions([]) == ()
    with pytest.raises(ValueError, match="no permission trade; there are query-funds, "):
        check_permissions(["query-funds", "trade"])


def test_one_of_several_or_all_of_several() -> None:
    held = (QUERY_OPEN, MODIFY)
    require_any(held, (QUERY_OPEN, QUERY_CLOSED))
    require_any((), ())
    require_all(held, (MODIFY, QUERY_OPEN))
    with pytest.raises(ApiError, match="EGeneral:Permission denied"):
        require_any(held, (QUERY_CLOSED, CLOSE))
    with pytest.raises(ApiError, match="EGeneral:Permission denied"):
        require_all(held, (MODIFY, CLOSE))
