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
