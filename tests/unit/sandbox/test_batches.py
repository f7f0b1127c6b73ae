from typing import Any

import pytest

from tests.unit.sandbox.rig import RefusedCall, Rig


def batch(rig: Rig, *orders: dict[str, str], **more: str) -> Any:
    defaults = {"type": "buy", "ordertype": "limit", "price": "50000", "volume": "0.01"}
    params = {
        f"orders[{index}][{name}]": value
        for index, order in enumerate(orders)
        for name, value in (defaults | order).items()
    }
    return rig.private("AddOrderBatch", pair="XBTUSD", **params, **more)


def test_orders_are_answered_in_their_order_with_a_text_as_txid(rig: Rig) -> None:
    answer = batch(rig, {"cl_ord_id": "a"}, {"volume": "9"}, {"price": "49000", "oflags": "post"})
    first, last = rig.exchange.books.open_orders
    assert answer["orders"] == [
        {"descr": {"order": "buy 0.01000000 XBTUSD @ limit 50000.0"}, "txid": first},
        {"descr": {"order": "buy 9.00000000 XBTUSD @ limit 50000.0"}, "error": "EOrder:Insufficient funds"},
        {"descr": {"order": "buy 0.01000000 XBTUSD @ limit 49000.0"}, "txid": last},
    ]


def test_validate_describes_and_places_nothing(rig: Rig) -> None:
    close = {"close][ordertype": "limit", "close][price": "60000"}
    answer = batch(rig, close, {}, validate="true")
    assert answer["orders"][0] == {
        "descr": {
            "order": "buy 0.01000000 XBTUSD @ limit 50000.0",
            "close": "close position @ limit 60000.0",
        }
    }
    assert not rig.exchange.books.orders


def test_validate_says_what_the_engine_has_against_each_order(rig: Rig) -> None:
    crossing = {"price": str(rig.ask()), "oflags": "post"}
    answer = batch(rig, {}, {"volume": "9"}, crossing, validate="true")
    assert [row.get("error") for row in answer["orders"]] == [
        None,
        "EOrder:Insufficient funds",
        "EOrder:Post only order",
    ]
    assert not rig.exchange.books.orders


@pytest.mark.parametrize(
    ("orders", "error"),
    [
        ([{}], "EGeneral:Invalid arguments:orders"),
        ([{}] * 16, "EGeneral:Invalid arguments:orders"),
        ([{}, {"volume": "0.00001"}], "EGeneral:Invalid arguments:volume minimum not met"),
        ([{}, {"ordertype": "iceberg"}], "EGeneral:Invalid arguments:ordertype"),
        ([{"cl_ord_id": "a"}, {"cl_ord_id": "a"}], "EGeneral:Invalid arguments:cl_ord_id not unique"),
    ],
)
def test_one_bad_order_refuses_them_all(rig: Rig, orders: list[dict[str, str]], error: str) -> None:
    with pytest.raises(RefusedCall) as refusal:
        batch(rig, *orders)
    assert str(refusal.value) == error
    assert not rig.exchange.books.orders
