from decimal import Decimal

import pytest

from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.trading_limits import (
    TIERS,
    TradingLimits,
    amend_cost,
    batch_cost,
    cancel_cost,
    edit_cost,
)
from krakked_tui.sandbox.ws_trading import answer
from tests.unit.sandbox.rig import RefusedCall, Rig, Wall
from tests.unit.sandbox.trading import add, refused

D = Decimal


@pytest.mark.parametrize(
    ("age", "amend", "edit", "cancel"),
    [
        (0, 4, 7, 8),
        (4.9, 4, 7, 8),
        (5, 3, 6, 6),
        (10, 2, 5, 5),
        (15, 1, 3, 4),
        (45, 1, 2, 2),
        (90, 1, 1, 1),
        (299, 1, 1, 1),
        (300, 1, 1, 0),
    ],
)
def test_costs_by_age(age: float, amend: int, edit: int, cancel: int) -> None:
    assert (amend_cost(age), edit_cost(age), cancel_cost(age)) == (D(amend), D(edit), D(cancel))
    assert batch_cost(5) == D("2.5")


def test_the_counter_decays_and_refuses_what_would_pass_its_maximum() -> None:
    wall = Wall()
    limits = TradingLimits("intermediate", wall)
    limits.charge("XBTUSD", D(120))
    assert limits.count("XBTUSD") == 120
    with pytest.raises(ApiError, match="EOrder:Rate limit exceeded"):
        limits.charge("XBTUSD", D(6))
    assert limits.count("XBTUSD") == 120, "what is refused is not counted"
    assert limits.count("ETHUSD") == 0
    wall.advance(10)
    assert limits.count("XBTUSD") == D("96.6")
    limits.charge("XBTUSD", D(100), overshoot=True)
    assert limits.count("XBTUSD") == D("196.6")
    wall.advance(1000)
    assert limits.count("XBTUSD") == 0


def test_an_unlimited_account_counts_nothing() -> None:
    limits = TradingLimits("none", Wall())
    limits.charge("XBTUSD", D(10_000))
    limits.check_open(10_000)
    assert (limits.count("XBTUSD"), limits.maximum) == (D(0), 125)


def test_the_documented_example() -> None:
    # Add, amend 7 s later, cancel 36 s after the amend: 1 + 3 + 4 before decay.
    rig = Rig(SandboxSettings(tier="pro"))
    decay = TIERS["pro"].decay
    order = add(rig, price="50000")
    assert rig.exchange.trading_counter("XBTUSD") == 1
    rig.wall.advance(0.2)
    assert rig.exchange.trading_counter("XBTUSD") == 1 - decay / 5
    rig.wall.advance(6.8)
    rig.private("AmendOrder", txid=order.order_id, limit_price="50001")
    assert rig.exchange.trading_counter("XBTUSD") == 3
    rig.wall.advance(36)
    rig.private("CancelOrder", txid=order.order_id)
    assert rig.exchange.trading_counter("XBTUSD") == 4
    assert (rig.exchange.trading_maximum, rig.exchange.trading_counter("ETHUSD")) == (180, D(0))
    rig.exchange.close()


def test_a_refused_order_costs_as_much_and_a_fast_trader_is_stopped() -> None:
    rig = Rig(SandboxSettings(tier="starter"))
    for _ in range(60):
        assert refused(rig, pair="XBTUSD", type="buy", ordertype="limit", price="9", volume="0.00001") != ""
    assert rig.exchange.trading_counter("XBTUSD") == 60
    with pytest.raises(RefusedCall, match="EOrder:Rate limit exceeded"):
        rig.buy("0.01", "50000")
    rig.buy("0.1", "1000", pair="ETHUSD")
    rig.wall.advance(1)
    (order_id,) = rig.buy("0.01", "50000")["txid"]
    assert refused(rig, "CancelOrder", txid=order_id) == "EOrder:Rate limit exceeded"
    assert rig.private_json("CancelOrderBatch", orders=[order_id]) == {"count": 1}
    assert rig.exchange.trading_counter("XBTUSD") == 68, "a batch may overshoot"
    rig.exchange.close()


def test_the_counter_runs_on_wall_time() -> None:
    rig = Rig(SandboxSettings(tier="starter", speed=60.0, paused=True))
    rig.buy("0.01", "50000")
    rig.wall.advance(0.5)
    assert rig.exchange.trading_counter("XBTUSD") == D("0.5")
    rig.exchange.close()


def test_open_orders_per_pair_are_limited() -> None:
    rig = Rig(SandboxSettings(tier="starter", balance={"USD": D(10**6)}))
    for _ in range(60):
        rig.buy("0.01", "1000.0")
        rig.wall.advance(1)
    with pytest.raises(RefusedCall, match="EOrder:Orders limit exceeded"):
        rig.buy("0.01", "1000.0")
    rig.buy("1", "100.00", pair="ETHUSD")
    rig.exchange.close()


def test_arguments_that_fail_once_the_pair_is_known_cost_as_much() -> None:
    rig = Rig(SandboxSettings(tier="starter"))
    order = add(rig, price="50000")
    rig.wall.advance(1000)
    limit = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": "0.01"}
    assert refused(rig, **limit, price="abc").endswith(":price")
    assert rig.exchange.trading_counter("XBTUSD") == 1
    assert refused(rig, "AmendOrder", txid=order.order_id, limit_price="abc").endswith(":limit_price")
    assert rig.exchange.trading_counter("XBTUSD") == 2
    edit = {"pair": "XBTUSD", "txid": order.order_id, "price": "abc"}
    assert refused(rig, "EditOrder", **edit).endswith(":price")
    assert rig.exchange.trading_counter("XBTUSD") == 3
    batch = {f"orders[{row}][{name}]": value for row in range(3) for name, value in limit.items()}
    assert refused(rig, "AddOrderBatch", pair="XBTUSD", **batch).endswith(":orders[0][pair]")
    rows = {name: value for name, value in batch.items() if "[pair]" not in name}
    assert refused(rig, "AddOrderBatch", pair="XBTUSD", **rows).endswith(":price")
    assert rig.exchange.trading_counter("XBTUSD") == D("4.5")
    answer(rig.exchange, "add_order", {"symbol": "BTC/USD", "order_type": "limit", "side": "hold"})
    change = {"order_id": order.order_id, "order_qty": D(-1)}
    answer(rig.exchange, "amend_order", change)
    answer(rig.exchange, "edit_order", change | {"symbol": "BTC/USD"})
    assert rig.exchange.trading_counter("XBTUSD") == D("7.5")
    for unknown in ({"pair": "NOPE"}, {"validate": "true"}):
        refused(rig, **(limit | {"price": "abc"} | unknown))
    assert rig.exchange.trading_counter("XBTUSD") == D("7.5")
    rig.exchange.close()


def test_a_refused_change_costs_the_fixed_part_only() -> None:
    rig = Rig(SandboxSettings(tier="starter"))
    order = add(rig, price="50000")
    assert refused(rig, "AmendOrder", txid=order.order_id, order_qty="50") == "EOrder:Insufficient funds"
    assert rig.exchange.trading_counter("XBTUSD") == 2
    edit = {"pair": "XBTUSD", "txid": order.order_id, "volume": "50"}
    assert refused(rig, "EditOrder", **edit) == "EOrder:Insufficient funds"
    assert rig.exchange.trading_counter("XBTUSD") == 3
    rig.exchange.close()


def test_the_counter_refuses_after_the_open_order_limit_and_before_post_only() -> None:
    rig = Rig(SandboxSettings(tier="starter"))
    rig.exchange.limits.charge("XBTUSD", D(60))
    limit = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit"}
    wrong = {"volume": "0.01", "price": "50000.05"}, {"volume": "0.00001", "price": "50000"}
    errors = [refused(rig, **limit, **each) for each in (*wrong, {"volume": "9", "price": "50000"})]
    assert [error.partition(":")[2][:12] for error in errors] == [
        "Invalid pric",
        "Invalid argu",
        "Insufficient",
    ]
    crossing = {"volume": "0.01", "price": str(rig.ask()), "oflags": "post"}
    assert refused(rig, **limit, **crossing) == "EOrder:Rate limit exceeded"
    assert rig.exchange.trading_counter("XBTUSD") == 63, "what the counter refuses is not counted"
    rig.exchange.close()


def test_a_refused_cancel_of_several_orders_charges_for_none() -> None:
    rig = Rig(SandboxSettings(tier="starter"))
    for _ in range(10):
        rig.buy("0.001", "20000", userref="5")
    assert refused(rig, "CancelOrder", txid="5") == "EOrder:Rate limit exceeded"
    assert rig.exchange.trading_counter("XBTUSD") == 10
    assert len(rig.exchange.books.open_orders) == 10
    rig.wall.advance(6)
    assert refused(rig, "CancelOrder", txid="5") == "EOrder:Rate limit exceeded"
    assert rig.exchange.trading_counter("XBTUSD") == 4
    rig.wall.advance(9)
    assert rig.private("CancelOrder", txid="5") == {"count": 10}
    assert rig.exchange.trading_counter("XBTUSD") == 40
    rig.exchange.close()
