from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from krakked_tui.sandbox.endpoints_trading import TRADING
from krakked_tui.sandbox.wire import rfc3339
from tests.unit.sandbox.rig import FORM, RefusedCall, Rig
from tests.unit.sandbox.test_endpoints_public import recorded, shape
from tests.unit.sandbox.trading import hurry


def refused(rig: Rig, method: str, **params: str) -> str:
    with pytest.raises(RefusedCall) as refusal:
        rig.private(method, **params)
    return str(refusal.value)


def cancel_together(rig: Rig, **lists: list[Any]) -> int:
    return int(rig.private_json("CancelOrderBatch", **lists)["count"])


def test_add_order_answers_with_description_and_id_only(rig: Rig) -> None:
    answer = rig.buy("0.01", "50000", cl_ord_id="a")
    assert shape(answer) == shape(recorded("AddOrder")[0])
    assert answer["descr"] == {"order": "buy 0.01000000 XBTUSD @ limit 50000.0"}
    assert answer["txid"] == list(rig.exchange.books.orders)


def test_cancel_by_id_client_id_or_userref(rig: Rig) -> None:
    (first,) = rig.buy("0.01", "50000")["txid"]
    rig.buy("0.01", "50000", cl_ord_id="mine")
    for _ in range(2):
        rig.buy("0.01", "50000", userref="-4")
    assert rig.private("CancelOrder", txid=first) == {"count": 1}
    assert rig.private("CancelOrder", cl_ord_id="mine") == {"count": 1}
    assert rig.private("CancelOrder", txid="-4") == {"count": 2}
    assert not rig.exchange.books.open_orders


def test_cancelling_what_is_not_open(rig: Rig) -> None:
    (gone,) = rig.buy("0.01", "50000", cl_ord_id="mine")["txid"]
    rig.private("CancelOrder", txid=gone)
    assert refused(rig, "CancelOrder", txid=gone) == "EOrder:Unknown order"
    assert refused(rig, "CancelOrder", cl_ord_id="mine") == "EOrder:Unknown order"
    assert refused(rig, "CancelOrder", txid="OAAAAA-AAAAA-AAAAAA") == "EOrder:Invalid order"
    assert refused(rig, "CancelOrder") == "EGeneral:Invalid arguments:txid"


def test_cancelling_many_at_once(rig: Rig) -> None:
    ids = [rig.buy("0.001", "50000", cl_ord_id=f"c{i}")["txid"][0] for i in range(5)]
    assert cancel_together(rig, orders=[ids[0], "c1"], cl_ord_ids=["c2", "c2", "never"]) == 3
    assert list(rig.exchange.books.open_orders) == ids[3:]
    assert cancel_together(rig, orders=[ids[0], ids[3]]) == 1, "one that is gone is left out of the count"
    for names, error in (
        ([ids[0]], "EOrder:Unknown order"),
        (["garbage!!", "c0"], "EOrder:Invalid order"),
        (["OAAAAA-BBBBB-CCCCCC", ids[0]], "EOrder:Invalid order"),
    ):
        with pytest.raises(RefusedCall, match=error):
            cancel_together(rig, orders=names)
    for wrong in ({}, {"orders": [ids[0]] * 51}):
        with pytest.raises(RefusedCall, match="EGeneral:Invalid arguments:orders"):
            cancel_together(rig, **wrong)


def shaped(rig: Rig, endpoint: str, answer: Any) -> None:
    """The answer has the kinds of values that were recorded from Kraken."""
    assert shape(answer) == shape(recorded(endpoint)[0])


def test_answers_look_like_those_recorded_from_kraken(rig: Rig) -> None:
    pair = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "50000", "volume": "0.01"}
    batch = {f"orders[{index}][{name}]": value for index in range(2) for name, value in pair.items()}
    batch = {name: value for name, value in batch.items() if "[pair]" not in name}
    answer = rig.private("AddOrderBatch", pair="XBTUSD", **batch)
    shaped(rig, "AddOrderBatch", answer)
    first, second = (row["txid"] for row in answer["orders"])
    shaped(rig, "AmendOrder", rig.private("AmendOrder", txid=first, order_qty="0.02"))
    shaped(rig, "EditOrder", rig.private("EditOrder", txid=second, pair="XBTUSD", price="49000", userref="4"))
    shaped(rig, "CancelAll", rig.private("CancelAll"))
    shaped(rig, "CancelAllOrdersAfter", rig.private("CancelAllOrdersAfter", timeout="60"))


def test_cancelling_everything(rig: Rig) -> None:
    for price in ("50000", "49000"):
        rig.buy("0.001", price)
    rig.buy("0.1", "1000", pair="ETHUSD")
    assert rig.private("CancelAll") == {"count": 3}
    assert rig.private("CancelAll") == {"count": 0}
    assert rig.exchange.account.held("USD") == 0


def test_what_trading_costs_and_needs() -> None:
    assert {endpoint.cost for endpoint in TRADING} == {0}
    assert {endpoint.name: endpoint.needs for endpoint in TRADING} == {
        "AddOrder": ("modify-trades",),
        "AddOrderBatch": ("modify-trades",),
        "AmendOrder": ("modify-trades",),
        "EditOrder": ("modify-trades",),
        "CancelOrder": ("modify-trades", "close-trades"),
        "CancelOrderBatch": ("modify-trades", "close-trades"),
        "CancelAll": ("modify-trades", "close-trades"),
        "CancelAllOrdersAfter": ("modify-trades", "close-trades"),
    }


def test_a_short_deadline_is_refused_over_rest(rig: Rig) -> None:
    (order_id,) = rig.buy("0.01", "50000")["txid"]

    def deadline(seconds: float) -> str:
        return rfc3339(rig.exchange.clock.now() + timedelta(seconds=seconds))

    limit = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "50000", "volume": "0.01"}
    calls = (
        ("AddOrder", limit),
        ("AmendOrder", {"txid": order_id, "order_qty": "0.02"}),
        ("EditOrder", {"txid": order_id, "pair": "XBTUSD", "volume": "0.02"}),
    )
    for method, params in calls:
        short = params | {"deadline": deadline(1.9)}
        assert refused(rig, method, **short) == "EGeneral:Invalid arguments:deadline"
        late = params | {"deadline": deadline(-1)}
        assert refused(rig, method, **late) == "EService:Deadline elapsed"
        rig.private(method, **params, deadline=deadline(2))


@pytest.mark.parametrize(
    ("method", "change"),
    [
        ("AmendOrder", {"order_qty": "0.02"}),
        ("EditOrder", {"pair": "XBTUSD", "volume": "0.02"}),
        ("EditOrder", {"pair": "XBTUSD", "volume": "0.02", "validate": "true"}),
        ("CancelOrder", {}),
    ],
)
def test_an_order_that_ends_while_it_is_looked_up_is_unknown(method: str, change: dict[str, str]) -> None:
    for seconds in (2.1, 3.1, 4.1, 5.1, 6.1, 7.1, 8.1, 9.1):
        rig = Rig()
        (order_id,) = rig.buy("0.01", "50000", expiretm="+10")["txid"]
        hurry(rig, seconds)
        errors: list[str] = []
        while not errors:  # some of these look when it is still there and act when it is not
            body = urlencode({"nonce": rig.next_nonce(), "txid": order_id, **change}).encode()
            errors = msgspec.json.decode(rig.post(method, body, FORM))["error"]
            order_id = next(iter(rig.exchange.books.open_orders), order_id)
        assert errors == ["EOrder:Unknown order"]
        rig.exchange.close()
