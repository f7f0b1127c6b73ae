from decimal import Decimal
from uuid import UUID

import pytest

from krakked_tui.domain.orders import OrderType, Side, TimeInForce
from krakked_tui.sandbox.add_order import describe, parse_draft
from krakked_tui.sandbox.catalog import load_catalog
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.orders import Draft
from krakked_tui.sandbox.params import Params

CATALOG = load_catalog("default")
LIMIT = {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "27500", "volume": "1.25"}
UUID_TEXT = str(UUID(int=0x6D1B345E282140E2AD834ECB18A06876))


def parse(**changes: str | None) -> Draft:
    values = {name: value for name, value in (LIMIT | changes).items() if value is not None}
    return parse_draft(Params(values), CATALOG)


def refused(**changes: str | None) -> str:
    with pytest.raises(ApiError) as refusal:
        parse(**changes)
    return refusal.value.text


def test_a_plain_limit_order() -> None:
    draft = parse(pair="XXBTZUSD")
    assert (draft.pair, draft.side, draft.order_type) == ("XBTUSD", Side.BUY, OrderType.LIMIT)
    assert (str(draft.volume), draft.price, draft.time_in_force) == (
        "1.25000000",
        Decimal(27500),
        TimeInForce.GTC,
    )
    assert describe(draft, CATALOG.listings["XBTUSD"]) == "buy 1.25000000 XBTUSD @ limit 27500.0"


def test_a_market_order_needs_no_price_and_heeds_none() -> None:
    draft = parse(ordertype="market", type="sell", oflags="nompp", price="1")
    assert draft.price is None
    assert describe(draft, CATALOG.listings["XBTUSD"]) == "sell 1.25000000 XBTUSD @ market"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"ordertype": "iceberg"}, "ordertype"),
        ({"ordertype": None}, "ordertype"),
        ({"type": "hold"}, "type"),
        ({"volume": None}, "volume"),
        ({"volume": "0"}, "volume"),
        ({"volume": "-1"}, "volume"),
        ({"volume": "0.123456789"}, "volume"),
        ({"price": None}, "price"),
        ({"price": "0"}, "price"),
        ({"price": "+1%"}, "price"),
        ({"oflags": "post,viqc"}, "oflags"),
        ({"ordertype": "market", "oflags": "post"}, "oflags"),
        ({"timeinforce": "GTD"}, "timeinforce"),
        ({"leverage": "5"}, "leverage"),
        ({"deadline": "soon"}, "deadline"),
        ({"pair": None}, "pair"),
        ({"userref": "2147483648"}, "userref"),
        ({"userref": "1", "cl_ord_id": "a"}, "userref"),
    ],
)
def test_the_bad_field_is_named(changes: dict[str, str | None], field: str) -> None:
    assert refused(**changes) == f"EGeneral:Invalid arguments:{field}"


def test_an_unknown_pair_has_its_own_error() -> None:
    assert refused(pair="NOPEUSD") == "EQuery:Unknown asset pair"


@pytest.mark.parametrize(
    "good", [UUID_TEXT, UUID_TEXT.replace("-", ""), "a", "kcbttfv0hoc6aflr6m", "My-Order_1"]
)
def test_accepted_client_ids(good: str) -> None:
    assert parse(cl_ord_id=good).cl_ord_id == good


@pytest.mark.parametrize("bad", ["x" * 19, "g" * 32, "a b", "é", UUID_TEXT[:-1]])
def test_refused_client_ids(bad: str) -> None:
    assert refused(cl_ord_id=bad) == "EGeneral:Invalid arguments:cl_ord_id"


def test_flags_and_options() -> None:
    draft = parse(oflags="post,fciq", timeinforce="IOC", userref="-7", leverage="none")
    assert draft.post_only
    assert draft.time_in_force is TimeInForce.IOC
    assert draft.userref == -7
    assert parse(deadline="2026-01-05T00:00:05.000Z").deadline is not None
