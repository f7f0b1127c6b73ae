from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from krakked_tui.domain.pairs import PairStatus
from krakked_tui.sandbox.settings import SandboxSettings
from krakked_tui.sandbox.wire import rfc3339
from tests.unit.sandbox.rig import RefusedCall, Rig


@pytest.fixture
def rich() -> Iterator[Rig]:
    rig = Rig(SandboxSettings(speed=60.0, balance={"USD": Decimal(10**9)}))
    yield rig
    rig.exchange.close()


def refused(rig: Rig, **order: str) -> str:
    defaults = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "1000.0", "volume": "0.01"}
    with pytest.raises(RefusedCall) as refusal:
        rig.private("AddOrder", **(defaults | order))
    return str(refusal.value)


@pytest.mark.parametrize(
    ("order", "error"),
    [
        ({"volume": "0.00004999"}, "EGeneral:Invalid arguments:volume minimum not met"),
        (
            {"price": "1000.01"},
            "EOrder:Invalid price:XBT/USD price can only be specified up to 1 decimals.",
        ),
        ({"price": "1000.01", "volume": "0.00001"}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"pair": "MORPHOUSD", "price": "1.00005", "volume": "10"}, "EOrder:Tick size check failed"),
        ({"price": "10.0", "volume": "0.0499"}, "EOrder:Cost minimum not met"),
        ({"price": "1000000.0"}, "EOrder:Insufficient funds"),
        ({"type": "sell"}, "EOrder:Insufficient funds"),
    ],
)
def test_what_a_pair_does_not_allow(rig: Rig, order: dict[str, str], error: str) -> None:
    assert refused(rig, **order) == error
    assert not rig.exchange.books.orders


def by_status(rig: Rig, status: PairStatus) -> str:
    return next(
        listing.name for listing in rig.exchange.catalog.listings.values() if listing.pair.status is status
    )


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (PairStatus.CANCEL_ONLY, "EService:Market in cancel_only mode"),
        (PairStatus.POST_ONLY, "EService:Market in post_only mode"),
        (PairStatus.REDUCE_ONLY, "EOrder:Reduce only:No position exists"),
    ],
)
def test_modes(rig: Rig, status: PairStatus, error: str) -> None:
    assert refused(rig, pair=by_status(rig, status), price="0.5") == error


def test_a_limit_only_pair_takes_limit_orders_and_a_post_only_one_posts(rig: Rig) -> None:
    name = by_status(rig, PairStatus.LIMIT_ONLY)
    assert refused(rig, pair=name, ordertype="market") == "EService:Market in limit_only mode"
    rig.buy("50", "0.5", pair=name)
    name = by_status(rig, PairStatus.POST_ONLY)
    rig.buy("1000", "0.00100", pair=name, oflags="post")


def test_a_deadline_is_bounded_in_wall_time(rich: Rig) -> None:
    def deadline(wall_seconds: float) -> str:
        return rfc3339(rich.exchange.clock.now() + timedelta(seconds=60 * wall_seconds))

    rich.wall.advance(10)
    for early in (0, -1):
        assert refused(rich, deadline=deadline(early)) == "EService:Deadline elapsed"
    for odd in (0.4, 1.9, 60.1):
        assert refused(rich, deadline=deadline(odd)) == "EGeneral:Invalid arguments:deadline"
    for good in (2, 60):
        rich.buy("0.01", "1000.0", deadline=deadline(good))
    assert len(rich.exchange.books.orders) == 2


def test_a_client_id_is_unique_among_open_orders(rig: Rig) -> None:
    rig.buy("0.01", "1000.0", cl_ord_id="mine")
    assert refused(rig, cl_ord_id="mine") == "EGeneral:Invalid arguments:cl_ord_id not unique"
    assert refused(rig, cl_ord_id="mine", validate="true").endswith("not unique")
    rig.private("CancelOrder", cl_ord_id="mine")
    rig.buy("0.01", "1000.0", cl_ord_id="mine")


def test_an_expiry_is_bounded_in_exchange_time(rich: Rig) -> None:
    for odd in ("+4", "+2678401", "1"):
        assert refused(rich, expiretm=odd) == "EGeneral:Invalid arguments:expiretm"
    for good in ("+5", "+2678400"):
        rich.buy("0.01", "1000.0", expiretm=good)


@pytest.mark.parametrize(
    ("order", "error"),
    [
        ({"ordertype": "stop-loss", "price": "99000.05"}, "EOrder:Invalid price:XBT/USD price can only"),
        ({"ordertype": "stop-loss", "price": "99000", "volume": "1"}, "EOrder:Insufficient funds"),
        (
            {"ordertype": "stop-loss-limit", "price": "99000", "price2": "1.05"},
            "EOrder:Invalid price:XBT/USD price can only",
        ),
        (
            {"ordertype": "stop-loss", "pair": "MORPHOUSD", "price": "9.00005", "volume": "10"},
            "EOrder:Tick size check failed",
        ),
        ({"price": "-99%", "volume": "0.00005"}, "EOrder:Cost minimum not met"),
        ({"price": "-100%"}, "EOrder:Invalid price:Invalid price argument"),
        (
            {"ordertype": "market", "oflags": "viqc", "volume": "0.2"},
            "EGeneral:Invalid arguments:volume minimum not met",
        ),
        ({"ordertype": "market", "oflags": "viqc", "volume": "9999"}, "EOrder:Insufficient funds"),
    ],
)
def test_what_a_pair_does_not_allow_of_rarer_orders(rig: Rig, order: dict[str, str], error: str) -> None:
    assert refused(rig, **order).startswith(error)


def test_a_post_only_order_that_would_take_is_not_placed(rig: Rig) -> None:
    assert refused(rig, price=str(rig.ask()), oflags="post") == "EOrder:Post only order"
    rig.buy("0.01", str(rig.bid()), oflags="post")
