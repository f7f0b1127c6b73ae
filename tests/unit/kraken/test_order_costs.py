"""Prices of order calls by the age of the order, from the documentation's table."""

import pytest

from krakked_tui.kraken.endpoints import Action
from krakked_tui.kraken.order_costs import ANY_PAIR, OrderAges, Subject, ids_placed, subject_of

AGES = (0, 4.9, 5, 9.9, 10, 14.9, 15, 44.9, 45, 89.9, 90, 299.9, 300, 1e6)
TABLE = [
    (Action.AMEND, 1, (4, 4, 3, 3, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1)),
    (Action.EDIT, 1, (7, 7, 6, 6, 5, 5, 3, 3, 2, 2, 1, 1, 1, 1)),
    (Action.CANCEL, 0, (8, 8, 6, 6, 5, 5, 4, 4, 2, 2, 1, 1, 0, 0)),
]


@pytest.mark.parametrize(("action", "cost", "units"), TABLE)
def test_prices_by_age(action: Action, cost: float, units: tuple[float, ...]) -> None:
    ages = OrderAges()
    ages.placed("XBTUSD", ("kabc", "OABC"), 1000.0)
    for age, expected in zip(AGES, units, strict=True):
        for order_id in ("kabc", "OABC"):
            assert ages.units(action, cost, Subject(order_ids=(order_id,)), 1000.0 + age) == {
                "XBTUSD": expected
            }


def test_the_worked_example_of_the_documentation() -> None:
    """Add, amend 7 s later, cancel 36 s after that: 1 + (1 + 2) + 4 = 8."""
    ages = OrderAges()
    total = sum(ages.units(Action.ADD, 1, Subject("XBTUSD"), 0.0).values())
    ages.placed("XBTUSD", ("a",), 0.0)
    total += sum(ages.units(Action.AMEND, 1, Subject(order_ids=("a",)), 7.0).values())
    ages.changed(("a", "never heard of"), 7.0)
    total += sum(ages.units(Action.CANCEL, 0, Subject(order_ids=("a",)), 43.0).values())
    assert total == 8


def test_what_nobody_knows_is_the_dearest() -> None:
    ages = OrderAges()
    assert ages.units(Action.CANCEL, 0, Subject(order_ids=("x",)), 0.0) == {ANY_PAIR: 8}
    assert ages.units(Action.CANCEL, 0, Subject(), 0.0) == {ANY_PAIR: 8}
    assert ages.units(Action.EDIT, 1, Subject("XBTUSD", ("x",)), 0.0) == {"XBTUSD": 7}
    ages.placed("XBTUSD", ("maybe",), None)
    assert ages.units(Action.CANCEL, 0, Subject(order_ids=("maybe",)), 1e9) == {"XBTUSD": 8}


def test_several_orders_are_charged_to_their_pairs() -> None:
    ages = OrderAges()
    ages.placed("XBTUSD", ("a",), 0.0)
    ages.placed("ETHUSD", ("b",), 0.0)
    ages.placed("ETHUSD", ("c",), -50.0)
    units = ages.units(Action.CANCEL_BATCH, 0, Subject(order_ids=("a", "b", "c", "d")), 1.0)
    assert units == {"XBTUSD": 8, "ETHUSD": 10, ANY_PAIR: 8}
    assert ages.units(Action.ADD_BATCH, 0, Subject("XBTUSD", orders=5), 1.0) == {"XBTUSD": 2.5}


@pytest.mark.parametrize(
    ("params", "subject"),
    [
        ({"cl_ord_id": "a"}, Subject("P", ("a",))),
        ({"txid": "O1,O2"}, Subject("P", ("O1", "O2"))),
        ({"cl_ord_ids": ["a", "b"], "orders": ["O1"]}, Subject("P", ("a", "b", "O1"), 2)),
        ({"orders": [{"volume": "1"}, {"volume": "2"}]}, Subject("P", (), 2)),
        ({"timeout": "60"}, Subject("P")),
    ],
)
def test_what_a_call_is_about(params: dict[str, object], subject: Subject) -> None:
    found = subject_of(params, "P")
    assert (found.pair, sorted(found.order_ids), found.orders) == (
        subject.pair,
        sorted(subject.order_ids),
        subject.orders,
    )


@pytest.mark.parametrize(
    ("params", "result", "ids"),
    [
        ({"cl_ord_id": "a"}, {"txid": ["O1"]}, [["a", "O1"]]),
        ({}, {"txid": "O1"}, [["O1"]]),
        ({"cl_ord_id": "a"}, None, [["a"]]),
        (
            {"orders": [{"cl_ord_id": "a"}, {}]},
            {"orders": [{"txid": "O1"}, {"error": "no"}]},
            [["a", "O1"], []],
        ),
        ({}, {"txid": [1, None]}, [[]]),
    ],
)
def test_the_ids_of_what_was_placed(params: dict[str, object], result: object, ids: list[list[str]]) -> None:
    assert ids_placed(params, result) == ids
