"""Whose trade it was."""

from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.orders import LocalOrder, OrderRequest, OrderStatus, OrderType, Purpose, Side
from krakked_tui.domain.plans import ActionShare
from krakked_tui.engine.attribution import Attribution
from krakked_tui.execution import client_ids
from krakked_tui.portfolio.figures import Figures
from krakked_tui.portfolio.summary import Bounds
from tests.unit.portfolio.statements import books_of

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


def test_a_trade_of_several_strategies_is_each_ones_in_part() -> None:
    shares = (ActionShare("breakout", D("0.25")), ActionShare("trend", D("0.75")))
    net = msgspec.structs.replace(order("k1", "O1"), strategy_id="net", shares=shares)
    assert Attribution([net])(trade("O1")) == ((("breakout", D("0.25")), ("trend", D("0.75"))), None)
    alone = msgspec.structs.replace(net, strategy_id="trend", shares=shares[1:])
    assert Attribution([alone])(trade("O1")) == ("trend", None)


def test_the_records_of_a_shared_trade_add_up_to_it_exactly() -> None:
    booked = books_of(
        "deposit 500 USD\nbuy 1 XBTUSD @ 100 fee 3 USD fee 0.01 XBT\nsell 0.7 XBTUSD @ 110"
    ).booked()
    thirds = (("breakout", D(1)), ("mean", D(1)), ("trend", D(1)))
    whole = Figures(booked, lambda _: ("trend", None))
    split = Figures(booked, lambda _: (thirds, None))
    for trade_id in booked.trades:
        before, made = whole.records_of(trade_id), split.records_of(trade_id)
        assert len(made) == 3 * len(before)
        for name in ("base_delta", "quote_delta", "fee_amount", "fee_base", "pnl_base", "pnl_quote"):
            assert sum(getattr(one, name) for one in made) == sum(getattr(one, name) for one in before), name
    assert [one.strategy_tag for one in split.records_of("T1")[::2]] == ["breakout", "mean", "trend"]
    found = Figures(booked, lambda trade: (thirds if trade.trade_id == "T1" else "trend", None), whole)
    anew = Figures(booked, lambda trade: (thirds if trade.trade_id == "T1" else "trend", None))
    assert found.records == anew.records
    assert found.tallies(Bounds()) == anew.tallies(Bounds())
