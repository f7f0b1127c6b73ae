"""Whose trade it was."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.orders import LocalOrder, OrderRequest, OrderStatus, OrderType, Purpose, Side
from krakked_tui.engine.attribution import Attribution
from krakked_tui.execution import client_ids

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
D = Decimal


def order(cl_ord_id: str, kraken_order_id: str | None, purpose: Purpose = Purpose.ENTRY) -> LocalOrder:
    request = OrderRequest(cl_ord_id, "XBTUSD", Side.BUY, OrderType.MARKET, D(1))
    return LocalOrder(
        local_id=cl_ord_id, cl_ord_id=cl_ord_id, plan_id="p", strategy_id="trend", purpose=purpose,
        request=request, status=OrderStatus.FILLED, created_at=NOON, updated_at=NOON,
        kraken_order_id=kraken_order_id,
    )  # fmt: skip


def trade(kraken_order_id: str, cl_ord_id: str | None = None) -> Trade:
    return Trade("T1", kraken_order_id, "XBTUSD", "buy", D(1), D(1), D(1), (), NOON, False, cl_ord_id)


LOST = client_ids.make("abc", "grd", 7)


@pytest.mark.parametrize(
    ("made", "owner"),
    [
        (trade("O9", "k1"), ("trend", None)),
        (trade("O2"), ("trend", None)),
        (trade("O3"), ("manual", None)),
        (trade("O4"), ("old_bot", -5)),
        (trade("O5"), ("manual", 77)),
        (trade("O6"), ("manual", None)),
        (trade("O7"), ("manual", None)),
        (trade("O8", LOST), ("grid", None)),
        (trade("O8", client_ids.make("xyz", "grd", 7)), ("manual", None)),
        (trade("O8", client_ids.make("abc", "zzz", 7)), ("manual", None)),
    ],
)
def test_a_trade_belongs_to_its_order_or_to_whom_its_ids_tell(made: Trade, owner: tuple[str, int]) -> None:
    attribution = Attribution(
        [order("k1", None), order("k2", "O2"), order("k3", "O3", Purpose.MANUAL)],
        instance="abc",
        tags={"grd": "grid"},
        userrefs={"O4": -5, "O5": 77, "O6": None},
        strategy_tags={"-5": "old_bot"},
    )
    assert attribution(made) == owner


def test_nobody_known_makes_everything_manual() -> None:
    assert Attribution([])(msgspec.structs.replace(trade("O1"), cl_ord_id=LOST)) == ("manual", None)
