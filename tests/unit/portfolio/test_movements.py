from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.fills import Fee
from krakked_tui.portfolio.movements import (
    Movement,
    Settled,
    expected_movements,
    settle,
    tell_all,
    true_movements,
)
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
    rows = (
        Settled(D("-19.99"), D("0.99"), "USD"),
        Settled(fee=D(1), name="KFEE"),
        Settled(fee=D(1), name="DOT"),
    )
    moved = true_movements(trade, XBTUSD, rows)
    assert moved == expected_movements(trade, XBTUSD) | {row.name: row for row in rows}
    assert list(moved) == ["XBT", "USD", "DOT", "KFEE"], "in an order of their own, not of arrival"
    assert true_movements(trade, XBTUSD, ()) == expected_movements(trade, XBTUSD)


def test_two_rows_say_it_all_unless_a_fee_was_taken_elsewhere() -> None:
    rows = (Settled(D(2), name="XBT"), Settled(D("-19.99"), D("0.99"), "USD"))
    trade = make_trade("buy 2 XBTUSD @ 10 fee 1 USD")
    assert tell_all(rows, trade, XBTUSD)
    assert true_movements(trade, XBTUSD, rows) == {"XBT": rows[0], "USD": rows[1]}
    trade = make_trade("buy 2 XBTUSD @ 10 fee 1 KFEE")
    assert not tell_all(rows, trade, XBTUSD)
    assert true_movements(trade, XBTUSD, rows)["KFEE"] == Movement(fee=D(1))
    assert not tell_all(rows[:1], trade, XBTUSD)
    assert not tell_all((rows[0], Settled(fee=D(1), name="DOT")), trade, XBTUSD)


def test_several_rows_of_a_name_are_one() -> None:
    settled = settle(settle((), "XBT", D(1), D(0)), "USD", D(-6), D("0.5"))
    assert settle(settled, "XBT", D(2), D("0.1")) == (
        Settled(D(3), D("0.1"), "XBT"),
        Settled(D(-6), D("0.5"), "USD"),
    )


def test_a_fee_without_an_asset_is_in_the_quote() -> None:
    named = make_trade("buy 2 XBTUSD @ 10 fee 1 USD")
    bare = msgspec.structs.replace(named, fees=(Fee("", D(1)),))
    assert expected_movements(bare, XBTUSD) == expected_movements(named, XBTUSD)
    rows = (Settled(D(2), name="XBT"), Settled(D(-20), D(1), "USD"))
    assert true_movements(bare, XBTUSD, rows) == {"XBT": rows[0], "USD": rows[1]}


def test_a_trade_on_margin_moves_what_the_ledger_says_and_nothing_itself() -> None:
    trade = msgspec.structs.replace(make_trade("buy 2 XBTUSD @ 10 fee 1 USD"), margin=True)
    assert expected_movements(trade, XBTUSD) == {}
    assert true_movements(trade, XBTUSD, ()) == {}
    rows = (Settled(fee=D(1), name="USD"),)
    assert true_movements(trade, XBTUSD, rows) == {"USD": rows[0]}
