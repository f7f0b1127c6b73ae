from decimal import Decimal

import pytest

from krakked_tui.portfolio.movements import Movement, expected_movements, true_movements
from tests.unit.portfolio.statements import PAIRS, make_trade

D = Decimal
XBTUSD = PAIRS["XBTUSD"]


@pytest.mark.parametrize(
    ("line", "moved"),
    [
        ("buy 2 XBTUSD @ 10 fee 1 USD", {"XBT": Movement(D(2)), "USD": Movement(D(-20), D(1))}),
        ("sell 2 XBTUSD @ 10 fee 1 XBT", {"XBT": Movement(D(-2), D(1)), "USD": Movement(D(20))}),
        (
            "buy 2 XBTUSD @ 10 fee 1 USD fee 2 USD fee 3 KFEE",
            {"XBT": Movement(D(2)), "USD": Movement(D(-20), D(3)), "KFEE": Movement(D(0), D(3))},
        ),
    ],
)
def test_what_a_trade_says_it_moved(line: str, moved: dict[str, Movement]) -> None:
    assert expected_movements(make_trade(line), XBTUSD) == moved


def test_ledger_rows_replace_it_asset_by_asset() -> None:
    trade = make_trade("buy 2 XBTUSD @ 10 fee 1 USD")
    rows = {"USD": Movement(D("-19.99"), D("0.99")), "KFEE": Movement(fee=D(1)), "DOT": Movement(fee=D(1))}
    moved = true_movements(trade, XBTUSD, rows)
    assert moved == expected_movements(trade, XBTUSD) | rows
    assert list(moved) == ["XBT", "USD", "DOT", "KFEE"], "in an order of their own, not of arrival"
    assert true_movements(trade, XBTUSD, None) == expected_movements(trade, XBTUSD)


def test_two_rows_say_it_all_unless_a_fee_was_taken_elsewhere() -> None:
    rows = {"XBT": Movement(D(2)), "USD": Movement(D("-19.99"), D("0.99"))}
    assert true_movements(make_trade("buy 2 XBTUSD @ 10 fee 1 USD"), XBTUSD, rows) is rows
    moved = true_movements(make_trade("buy 2 XBTUSD @ 10 fee 1 KFEE"), XBTUSD, rows)
    assert moved == rows | {"KFEE": Movement(fee=D(1))}
