from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from krakked_tui.domain.orders import ExchangeStatus
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.wire import rfc3339
from krakked_tui.sandbox.ws_trading import METHODS, NEEDS, answer
from tests.unit.sandbox.rig import Rig
from tests.unit.sandbox.trading import hurry, last

D = Decimal
LIMIT: dict[str, object] = {
    "order_type": "limit",
    "side": "buy",
    "symbol": "BTC/USD",
    "order_qty": D("0.01"),
    "limit_price": D("50000.0"),
}


@pytest.fixture
def rig() -> Iterator[Rig]:
    found = Rig(SandboxSettings(balance={"USD": D(20_000), "XBT": D(1)}))
    yield found
    found.exchange.close()


def ask(rig: Rig, method: str, **params: object) -> Any:
    """The one reply's variable part."""
    (reply,) = answer(rig.exchange, method, params)
    return reply


def add(rig: Rig, **params: object) -> Any:
    reply = ask(rig, "add_order", **(LIMIT | params))
    assert reply["success"], reply
    return reply["result"]


def refused(rig: Rig, method: str, **params: object) -> str:
    reply = ask(rig, method, **params)
    assert set(reply) == {"success", "error"}
    assert reply["success"] is False
    return str(reply["error"])


def test_every_method_says_which_permissions_it_needs() -> None:
    assert set(NEEDS) == METHODS
    assert NEEDS["batch_add"] == ("modify-trades", "close-trades")
    assert NEEDS["cancel_all_orders_after"] == ("close-trades",)


def test_an_order_is_placed_under_the_clients_name(rig: Rig) -> None:
    result = add(rig, cl_ord_id="mine", time_in_force="gtc", post_only=True, fee_preference="base")
    (order,) = rig.exchange.books.open_orders.values()
    assert result == {"order_id": order.order_id, "cl_ord_id": "mine"}
    assert (order.draft.price, order.draft.post_only, order.draft.fee_in_base) == (D(50000), True, True)
    assert add(rig, order_userref=7)["order_userref"] == 7


def test_validate_places_nothing(rig: Rig) -> None:
    assert add(rig, validate=True) == {"order_id": ""}
    assert not rig.exchange.books.orders


def test_all_kinds_of_orders(rig: Rig) -> None:
    base = {"side": "sell", "symbol": "BTC/USD", "order_qty": D("0.01")}
    asked: list[dict[str, object]] = [
        {"order_type": "market"},
        {"order_type": "stop-loss", "triggers": {"price": D("59000.0"), "reference": "last"}},
        {
            "order_type": "stop-loss-limit",
            "limit_price": D("58900.0"),
            "triggers": {"price": D("59000.0"), "price_type": "static"},
        },
        {"order_type": "take-profit", "triggers": {"price": D("2.0"), "price_type": "pct"}},
        {"order_type": "trailing-stop", "triggers": {"price": D("1.5"), "price_type": "pct"}},
        {
            "order_type": "trailing-stop-limit",
            "limit_price": D("-5.0"),
            "limit_price_type": "quote",
            "triggers": {"price": D("300.0"), "price_type": "quote"},
        },
    ]
    price = last(rig)
    for params in asked:
        assert ask(rig, "add_order", **base, **params)["success"], params
    _, stop, stop_limit, profit, trail, trail_limit = rig.exchange.books.orders.values()
    assert (stop.draft.trigger, stop.draft.price) == (D(59000), None)
    assert (stop_limit.draft.trigger, stop_limit.draft.price) == (D(59000), D(58900))
    assert profit.draft.trigger == (price * D("1.02")).quantize(D("0.1"), "ROUND_UP")
    assert trail.draft.trigger == (price * D("0.985")).quantize(D("0.1"), "ROUND_UP")
    assert (trail_limit.draft.trigger, trail_limit.draft.price) == (price - 300, price - 305)


def test_cash_buys_and_good_till_dates_and_closes(rig: Rig) -> None:
    params = {"order_type": "market", "side": "buy", "symbol": "BTC/USD", "cash_order_qty": D("100.0")}
    assert ask(rig, "add_order", **params)["success"]
    (order,) = rig.exchange.books.orders.values()
    assert (order.status, order.draft.in_quote) == (ExchangeStatus.CLOSED, True)
    till = rig.exchange.clock.now() + timedelta(minutes=5)
    conditional = {"order_type": "stop-loss", "trigger_price": D("40000.0")}
    add(rig, time_in_force="gtd", expire_time=rfc3339(till), conditional=conditional, stp_type="cancel_both")
    (order,) = rig.exchange.books.open_orders.values()
    assert (order.draft.expires_at, order.draft.self_trade) == (till, "cancel-both")
    assert order.draft.close is not None
    assert order.draft.close.price is not None
    assert order.draft.close.price.amount == 40000


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"limit_price": 50000}, "Limit_price field must be a number_float"),
        ({"limit_price": "50000.0"}, "Limit_price field must be a number_float"),
        ({"order_qty": 1}, "Order_qty field must be a number_float"),
        ({"cash_order_qty": 5}, "Cash_order_qty field must be a number_float"),
        ({"post_only": "true"}, "Post_only field must be a boolean"),
        ({"order_userref": D("1.0")}, "Order_userref field must be a number_integer"),
        ({"order_userref": True}, "Order_userref field must be a number_integer"),
        ({"triggers": []}, "Triggers field must be an object"),
        ({"triggers": {"price": 5}}, "Price field must be a number_float"),
        ({"triggers": {"cost": 5}}, "Unsupported field: 'cost' for the given msg type: add_order"),
        ({"volume": D("0.01")}, "Unsupported field: 'volume' for the given msg type: add_order"),
        ({"symbol": "XBT/USD"}, "Currency pair not supported XBT/USD"),
        ({"order_qty": D("0.00001")}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"order_qty": D("1E+40")}, "EGeneral:Invalid arguments:volume"),
        ({"order_qty": D("-1.0")}, "EGeneral:Invalid arguments:volume"),
        ({"order_qty": D("1.0"), "cash_order_qty": D("1.0")}, "EGeneral:Invalid arguments:volume"),
        ({"limit_price": D("0.0")}, "EGeneral:Invalid arguments:price"),
        ({"limit_price_type": "odd"}, "EGeneral:Invalid arguments:limit_price_type"),
        ({"fee_preference": "both"}, "EGeneral:Invalid arguments:fee_preference"),
        ({"order_type": "iceberg"}, "EGeneral:Invalid arguments:ordertype"),
        ({"time_in_force": "gtd"}, "EGeneral:Invalid arguments:expiretm"),
        ({"expire_time": "soon"}, "EGeneral:Invalid arguments:expire_time"),
        ({"effective_time": "2026-01-06T00:00:00Z"}, "EOrder:Scheduled orders limit exceeded"),
        ({"margin": True}, "EGeneral:Invalid arguments:leverage"),
        ({"reduce_only": True}, "EOrder:Reduce only:No position exists"),
        ({"display_qty": D("0.005")}, "EGeneral:Invalid arguments:displayvol"),
        ({"cl_ord_id": "a", "order_userref": 1}, "EGeneral:Invalid arguments:userref"),
        (
            {"no_mpp": True},
            "EGeneral:Invalid arguments:no_mpp order option is only available when ordertype = market",
        ),
        ({"limit_price": D("99000.0"), "order_qty": D("5.0")}, "EOrder:Insufficient funds"),
        (
            {"order_type": "stop-loss", "triggers": {"price": D("9.0"), "reference": "index"}},
            "EGeneral:Invalid arguments:Index unavailable",
        ),
    ],
)
def test_an_order_is_read_strictly(rig: Rig, params: dict[str, object], error: str) -> None:
    assert refused(rig, "add_order", **(LIMIT | params)) == error
    assert not rig.exchange.books.orders


def test_the_symbol_must_be_there(rig: Rig) -> None:
    params = {name: value for name, value in LIMIT.items() if name != "symbol"}
    assert refused(rig, "add_order", **params) == "Symbol(s) not found"


def test_amending_by_either_name(rig: Rig) -> None:
    order_id = add(rig, cl_ord_id="mine")["order_id"]
    by_id = ask(rig, "amend_order", order_id=order_id, order_qty=D("0.02"))["result"]
    by_name = ask(rig, "amend_order", cl_ord_id="mine", limit_price=D("50001.5"))["result"]
    assert (by_id["order_id"], by_name["cl_ord_id"]) == (order_id, "mine")
    assert by_id["amend_id"] != by_name["amend_id"]
    order = rig.exchange.books.orders[order_id]
    assert (order.draft.volume, order.draft.price) == (D("0.02"), D("50001.5"))
    for params, error in (
        ({"order_id": order_id, "limit_price": 5}, "Limit_price field must be a number_float"),
        ({"limit_price": D("5.0")}, "EGeneral:Invalid arguments:order_id"),
        ({"cl_ord_id": "gone", "order_qty": D("1.0")}, "EOrder:Unknown order"),
        ({"order_id": order_id, "order_qty": D("0.0")}, "EGeneral:Invalid arguments:order_qty"),
        ({"order_id": order_id, "symbol": "ETH/USD"}, "EGeneral:Invalid arguments:symbol"),
        ({"order_id": order_id, "display_qty": D("1.0")}, "EGeneral:Invalid arguments:display_qty"),
    ):
        assert refused(rig, "amend_order", **params) == error


def test_editing(rig: Rig) -> None:
    order_id = add(rig)["order_id"]
    params = {"order_id": order_id, "symbol": "BTC/USD", "limit_price": D("50002.0")}
    assert ask(rig, "edit_order", **params, validate=True)["result"]["order_id"] == ""
    result = ask(rig, "edit_order", **params)["result"]
    assert result["original_order_id"] == order_id
    assert rig.exchange.books.orders[result["order_id"]].draft.price == 50002
    assert refused(rig, "edit_order", **params) == "EOrder:Unknown order"


def test_a_cancel_answers_for_every_id(rig: Rig) -> None:
    first = add(rig)["order_id"]
    add(rig, cl_ord_id="mine")
    for _ in range(2):
        add(rig, order_userref=5)
    replies = answer(
        rig.exchange,
        "cancel_order",
        {"order_id": [first, "OAAAAA-AAAAA-AAAAAA"], "cl_ord_id": ["mine", "mine"], "order_userref": [5]},
    )
    assert replies == [
        {"success": True, "result": {"order_id": first}},
        {"success": False, "error": "EOrder:Invalid order"},
        {"success": True, "result": {"cl_ord_id": "mine"}},
        {"success": False, "error": "EOrder:Unknown order"},
        {"success": True, "result": {"order_userref": 5}},
    ]
    assert not rig.exchange.books.open_orders
    assert refused(rig, "cancel_order") == "EGeneral:Invalid arguments:order_id"
    assert refused(rig, "cancel_order", order_id="x") == "Order_id field must be an array"
    assert refused(rig, "cancel_order", order_id=[5]) == "EGeneral:Invalid arguments:order_id"


def test_cancelling_all_now_or_later(rig: Rig) -> None:
    add(rig)
    assert ask(rig, "cancel_all") == {"success": True, "result": {"count": 1}}
    result = ask(rig, "cancel_all_orders_after", timeout=60)["result"]
    assert result == {"currentTime": "2026-01-05T00:00:00Z", "triggerTime": "2026-01-05T00:01:00Z"}
    assert ask(rig, "cancel_all_orders_after", timeout=0)["result"]["triggerTime"] == "0"
    wrong = {"timeout": D("60.0")}
    assert refused(rig, "cancel_all_orders_after", **wrong) == "Timeout field must be a number_integer"
    assert refused(rig, "cancel_all_orders_after") == "EGeneral:Invalid arguments:timeout"


def test_batches(rig: Rig) -> None:
    order = {name: value for name, value in LIMIT.items() if name != "symbol"}
    too_big = order | {"order_qty": D("5.0")}
    orders = [order | {"cl_ord_id": "a"}, too_big, order | {"order_userref": 3}]
    assert ask(rig, "batch_add", symbol="BTC/USD", orders=orders, validate=True)["success"]
    assert not rig.exchange.books.orders
    result = ask(rig, "batch_add", symbol="BTC/USD", orders=orders)["result"]
    first, last_one = rig.exchange.books.open_orders
    assert result == [
        {"order_id": first, "cl_ord_id": "a"},
        {"error": "EOrder:Insufficient funds"},
        {"order_id": last_one, "order_userref": 3},
    ]
    assert refused(rig, "batch_add", symbol="BTC/USD", orders=[order]) == "EGeneral:Invalid arguments:orders"
    reply = ask(rig, "batch_cancel", orders=[first], cl_ord_id=["a", "never"])
    assert reply == {"success": True, "orders_cancelled": 1}
    assert refused(rig, "batch_cancel", orders=[last_one]) == "EGeneral:Invalid arguments:orders"


@pytest.mark.parametrize("userref", [2**31, -(2**31) - 1, 2**63, 10**20])
def test_a_userref_is_checked_wherever_it_is_given(rig: Rig, userref: int) -> None:
    order_id = add(rig)["order_id"]
    change = {"order_id": order_id, "symbol": "BTC/USD", "order_qty": D("0.02"), "order_userref": userref}
    assert refused(rig, "edit_order", **change) == "EGeneral:Invalid arguments:userref"
    assert refused(rig, "add_order", **(LIMIT | {"order_userref": userref})).endswith(":userref")
    assert ask(rig, "edit_order", **(change | {"order_userref": 2**31 - 1}))["success"]


def test_a_batch_says_under_validate_what_the_engine_has_against_each_order(rig: Rig) -> None:
    order = {name: value for name, value in LIMIT.items() if name != "symbol"}
    orders = [order, order | {"order_qty": D(9)}]
    reply = ask(rig, "batch_add", symbol="BTC/USD", orders=orders, validate=True)
    assert reply["result"] == [{"order_id": ""}, {"error": "EOrder:Insufficient funds"}]
    assert not rig.exchange.books.orders


def test_a_delisted_pair_is_no_pair(rig: Rig) -> None:
    apply(rig.exchange, b'{"action": "delist", "pair": "DOTUSD"}')
    order = LIMIT | {"symbol": "DOT/USD", "limit_price": D("1.5"), "order_qty": D(10)}
    assert refused(rig, "add_order", **order) == "Currency pair not supported DOT/USD"


def test_a_batch_of_names_that_stand_for_nothing_is_refused(rig: Rig) -> None:
    gone = add(rig)["order_id"]
    ask(rig, "cancel_order", order_id=[gone])
    assert refused(rig, "batch_cancel", orders=[gone, "garbage"]) == "EOrder:Unknown order"
    assert refused(rig, "batch_cancel", orders=["garbage", "rubbish"]) == "EOrder:Invalid order"
    kept = add(rig)["order_id"]
    assert ask(rig, "batch_cancel", orders=["garbage", kept])["orders_cancelled"] == 1


def test_an_order_that_ends_while_it_is_looked_up_is_unknown() -> None:
    for seconds in (2.1, 3.1, 4.1, 6.1, 8.1):
        found = Rig()
        expiry = rfc3339(found.exchange.clock.now() + timedelta(seconds=10))
        order_id = add(found, time_in_force="gtd", expire_time=expiry)["order_id"]
        hurry(found, seconds)
        while found.exchange.books.open_orders:
            reply = ask(found, "amend_order", order_id=order_id, order_qty=D("0.02"))
            assert reply["success"] or reply["error"] == "EOrder:Unknown order"
        assert refused(found, "cancel_order", order_id=[order_id]) == "EOrder:Unknown order"
        found.exchange.close()


def test_a_cancel_that_comes_too_late_says_so(rig: Rig) -> None:
    expiry = rfc3339(rig.exchange.clock.now() + timedelta(seconds=10))
    order_id = add(rig, time_in_force="gtd", expire_time=expiry)["order_id"]
    hurry(rig, 4)  # three looks: for the request, for the name, for the deed
    assert refused(rig, "cancel_order", order_id=[order_id]) == "EOrder:Unknown order"
    assert rig.exchange.books.orders[order_id].status is ExchangeStatus.EXPIRED
