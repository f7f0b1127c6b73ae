"""Kraken's published signature vector, and three more over the same (dead) secret."""

import base64

import pytest

from krakked_tui.kraken import encode
from krakked_tui.kraken.signing import signature

SECRET = base64.b64decode(
    "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
)
NONCE = "1616492376594"
ORDER = {"ordertype": "limit", "pair": "XBTUSD", "price": "37500", "type": "buy", "volume": "1.25"}


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        (
            "/0/private/AddOrder",
            b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
        ),
        (
            "/0/private/Balance",
            b"nonce=1616492376594",
            "1nH4vwR+8FHiYh1QT649xXkGd3JR3x0DWkgv3u9Ed/Qqv6KPtgQpEU4m+Emb/VgpEji3j1XNwI+HCbfXxmrTOg==",
        ),
        (
            "/0/private/AddOrder",
            b'{"nonce":"1616492376594","pair":"XBTUSD","type":"buy","ordertype":"limit",'
            b'"price":"37500","volume":"1.25"}',
            "T0Ia9N2xJitFXinwPv8EJvf3s0m8kmYlA6md5bFLKef5bIno2uvcHCYdAP+hMZw6zjLCejL+nbLzexpwZC5yMg==",
        ),
        (
            "/0/private/AddOrder",
            b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
            b"&close%5Bordertype%5D=stop-loss&close%5Bprice%5D=35000&expiretm=%2B60",
            "EuIGTDyjmXURATbiZiymuQzHs1LOe+KZ+USVhCFsb58iwD09kPN1s0LOx2xJePyMLZH17PdkwJ6jPAeWIh5KsA==",
        ),
    ],
)
def test_vectors(path: str, body: bytes, expected: str) -> None:
    assert signature(SECRET, path, NONCE, body) == expected


def test_bodies_are_encoded_as_in_the_vectors() -> None:
    extra = {**ORDER, "close[ordertype]": "stop-loss", "close[price]": "35000", "expiretm": "+60"}
    assert encode.form_body(NONCE, ORDER).endswith(b"type=buy&volume=1.25")
    assert encode.form_body(NONCE, extra).endswith(
        b"&close%5Bordertype%5D=stop-loss&close%5Bprice%5D=35000&expiretm=%2B60"
    )
    assert encode.form_body(NONCE, {}) == b"nonce=1616492376594"
    json_order = {name: ORDER[name] for name in ("pair", "type", "ordertype", "price", "volume")}
    assert encode.json_body(NONCE, json_order).startswith(b'{"nonce":"1616492376594","pair":"XBTUSD"')
