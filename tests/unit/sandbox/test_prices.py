from decimal import Decimal

import pytest

from krakked_tui.domain.orders import Side
from krakked_tui.sandbox.catalog import load_catalog
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.prices import Price, parse_price, price_text, resolve

D = Decimal
PAIR = load_catalog("default").listings["XBTUSD"].pair


@pytest.mark.parametrize(
    ("sent", "price", "text"),
    [
        ("27500", Price(D(27500)), "27500.0"),
        ("+5", Price(D(5), "+"), "+5.0"),
        ("-0.25%", Price(D("0.25"), "-", percent=True), "-0.2500%"),
        ("#1%", Price(D(1), "#", percent=True), "#1.0000%"),
    ],
)
def test_prices_are_read_and_printed(sent: str, price: Price, text: str) -> None:
    assert parse_price(sent, "price") == price
    assert price_text(price, 1) == text


@pytest.mark.parametrize("sent", ["", "+", "1e5", "--1", "1 %", "0", "0.0", "NaN", "1,5", "1" * 40])
def test_nonsense_is_no_price(sent: str) -> None:
    with pytest.raises(ApiError, match=r"^EGeneral:Invalid arguments:price2$"):
        parse_price(sent, "price2")


@pytest.mark.parametrize(
    ("price", "side", "above", "money"),
    [
        (Price(D("27500.05")), Side.BUY, True, "27500.05"),
        (Price(D(5), "+"), Side.BUY, False, "1005.0"),
        (Price(D(5), "-"), Side.SELL, True, "995.0"),
        (Price(D(5), "#"), Side.BUY, True, "1005.0"),
        (Price(D(5), "#"), Side.BUY, False, "995.0"),
        # A third of a percent of 1000 is 3.33...: a buyer goes down to the grid, a seller up.
        (Price(D("0.3333"), "+", percent=True), Side.BUY, True, "1003.3"),
        (Price(D("0.3333"), "+", percent=True), Side.SELL, True, "1003.4"),
    ],
)
def test_relative_prices_become_money(price: Price, side: Side, above: bool, money: str) -> None:
    assert resolve(price, D(1000), PAIR, side, above=above) == D(money)


@pytest.mark.parametrize("amount", ["1000", "1001", "999.99"])
def test_nothing_left_is_no_price(amount: str) -> None:
    with pytest.raises(ApiError, match="EOrder:Invalid price:Invalid price argument"):
        resolve(Price(D(amount), "-"), D(1000), PAIR, Side.BUY, above=False)
