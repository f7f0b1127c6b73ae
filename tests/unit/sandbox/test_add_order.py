from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from krakked_tui.domain.orders import OrderType, Side, TimeInForce
from krakked_tui.sandbox.add_order import describe, parse_draft
from krakked_tui.sandbox.catalog import load_catalog
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.orders import Draft, RareTimeInForce
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
        ({"price": "1O"}, "price"),
        ({"ordertype": "stop-loss", "price": None}, "price"),
        ({"ordertype": "stop-loss-limit"}, "price2"),
        ({"trigger": "last"}, "trigger"),
        ({"ordertype": "stop-loss", "trigger": "mark"}, "trigger"),
        ({"displayvol": "0.5"}, "displayvol"),
        ({"oflags": "viqc"}, "viqc"),
        ({"ordertype": "market", "type": "sell", "oflags": "viqc"}, "viqc"),
        ({"oflags": "fcib,fciq"}, "oflags"),
        ({"oflags": "fast"}, "oflags"),
        ({"stptype": "none"}, "stptype"),
        ({"timeinforce": "gtc"}, "timeinforce"),
        ({"ordertype": "stop-loss", "timeinforce": "FOK"}, "timeinforce"),
        ({"timeinforce": "IOC", "expiretm": "+60"}, "expiretm"),
        ({"expiretm": "soon"}, "expiretm"),
        ({"expiretm": "999999999999"}, "expiretm"),
        ({"close[price]": "5"}, "close[ordertype]"),
        ({"close[ordertype]": "market"}, "close[ordertype]"),
        ({"close[ordertype]": "stop-loss-limit", "close[price]": "5"}, "close[price2]"),
        ({"oflags": "post,viqc"}, "viqc"),
        ({"ordertype": "market", "oflags": "post"}, "oflags"),
        ({"timeinforce": "GTD"}, "expiretm"),
        ({"oflags": "post", "timeinforce": "IOC"}, "timeinforce"),
        ({"oflags": "post", "timeinforce": "FOK"}, "timeinforce"),
        ({"ordertype": "market", "expiretm": "+60"}, "expiretm"),
        ({"ordertype": "market", "timeinforce": "GTD", "expiretm": "+60"}, "expiretm"),
        ({"ordertype": "trailing-stop", "price": "+0"}, "price"),
        ({"ordertype": "trailing-stop", "price": "+0.00%"}, "price"),
        ({"close[ordertype]": "trailing-stop", "close[price]": "+0"}, "close[price]"),
        ({"close[ordertype]": "limit"}, "close[price]"),
        ({"volume": "99999999999999999999"}, "volume"),
        ({"price": "100000000000000000"}, "price"),
        ({"close[ordertype]": "limit", "close[price]": "100000000000000000"}, "close[price]"),
        ({"leverage": "5"}, "leverage"),
        ({"deadline": "soon"}, "deadline"),
        ({"pair": None}, "pair"),
        ({"userref": "2147483648"}, "userref"),
        ({"userref": "1", "cl_ord_id": "a"}, "userref"),
    ],
)
def test_the_bad_field_is_named(changes: dict[str, str | None], field: str) -> None:
    assert refused(**changes) == f"EGeneral:Invalid arguments:{field}"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"ordertype": "settle-position"}, "EOrder:Unknown position"),
        ({"reduce_only": "true"}, "EOrder:Reduce only:No position exists"),
        ({"starttm": "+60"}, "EOrder:Scheduled orders limit exceeded"),
        (
            {"ordertype": "stop-loss", "trigger": "index"},
            "EGeneral:Invalid arguments:Index unavailable",
        ),
        ({"price": "1%"}, "EOrder:Invalid price:Invalid price argument"),
        ({"price": "+1000000%"}, "EOrder:Invalid price:Invalid price argument"),
        (
            {"ordertype": "trailing-stop", "price": "100"},
            "EOrder:Invalid price:Invalid price argument",
        ),
        (
            {"ordertype": "trailing-stop-limit", "price": "+1%", "price2": "5"},
            "EOrder:Invalid price:Invalid price argument",
        ),
    ],
)
def test_what_is_not_on_offer_is_refused_in_krakens_words(changes: dict[str, str], error: str) -> None:
    assert refused(**changes) == error


def described(**changes: str | None) -> str:
    return describe(parse(**changes), CATALOG.listings["XBTUSD"])


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"ordertype": "stop-loss", "price": "22000"}, "stop loss 22000.0"),
        (
            {"ordertype": "stop-loss-limit", "price": "22000", "price2": "21000"},
            "stop loss 22000.0 -> limit 21000.0",
        ),
        ({"ordertype": "take-profit", "price": "#2.5%"}, "take profit #2.5000%"),
        (
            {"ordertype": "take-profit-limit", "price": "30000", "price2": "-10"},
            "take profit 30000.0 -> limit -10.0",
        ),
        ({"ordertype": "trailing-stop", "price": "+1%"}, "trailing stop +1.0000%"),
        (
            {"ordertype": "trailing-stop-limit", "price": "+150", "price2": "-0.5%"},
            "trailing stop +150.0 -> limit -0.5000%",
        ),
        ({"price": "-100"}, "limit -100.0"),
    ],
)
def test_every_type_has_its_words(changes: dict[str, str], text: str) -> None:
    assert described(type="sell", **changes) == f"sell 1.25000000 XBTUSD @ {text}"


def test_lifetimes() -> None:
    now = datetime(2026, 1, 5, tzinfo=UTC)
    relative = parse_draft(Params(LIMIT | {"timeinforce": "GTD", "expiretm": "+90"}), CATALOG, now)
    assert relative.expires_at == datetime(2026, 1, 5, 0, 1, 30, tzinfo=UTC)
    absolute = parse(expiretm="1767571260")
    assert (absolute.time_in_force, absolute.expires_at) == (
        TimeInForce.GTD,
        datetime(2026, 1, 5, 0, 1, tzinfo=UTC),
    )
    assert parse(expiretm="0", starttm="0").time_in_force is TimeInForce.GTC
    assert parse(timeinforce="FOK").time_in_force is RareTimeInForce.FOK


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
    draft = parse(oflags="post,fciq", timeinforce="GTC", userref="-7", leverage="none")
    assert draft.post_only
    assert parse(timeinforce="IOC").time_in_force is TimeInForce.IOC
    assert draft.userref == -7
    assert parse(deadline="2026-01-05T00:00:05.000Z").deadline is not None
