"""Every recorded REST payload decodes, and its numbers keep their digits."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from krakked_tui.kraken import endpoints, wire
from krakked_tui.kraken.endpoints import ENDPOINTS, Endpoint
from tests.unit.kraken.recorded import FOLDER, all_assets, rest_bodies, result_of

BODIES = [(endpoint, body) for endpoint in ENDPOINTS for body in rest_bodies(endpoint.name)]


def digits(original: Any, decoded: Any) -> None:
    """Compare a decoded value with the original JSON (numbers as their literal text)."""
    if isinstance(decoded, msgspec.Struct):
        names = decoded.__struct_fields__
        values = dict(zip(names, original, strict=False)) if isinstance(original, list) else original
        for name in names:
            if name in values and values[name] is not None:
                digits(values[name], getattr(decoded, name))
    elif isinstance(decoded, dict):
        assert decoded.keys() == original.keys()
        for key, value in decoded.items():
            digits(original[key], value)
    elif isinstance(decoded, list):
        for each, value in zip(original, decoded, strict=True):
            digits(each, value)
    elif isinstance(decoded, bool):
        assert decoded is original
    elif isinstance(decoded, Decimal):
        assert str(decoded) == str(Decimal(original))
    else:
        assert str(decoded) == str(original)


@pytest.mark.parametrize(
    ("endpoint", "body"), BODIES, ids=[f"{endpoint.name}-{n}" for n, (endpoint, _) in enumerate(BODIES)]
)
def test_recorded_payloads(endpoint: Endpoint[Any], body: bytes) -> None:
    result = result_of(body)
    digits(json.loads(result, parse_float=str, parse_int=str), endpoint.reply.decode(result))


def test_every_endpoint_has_a_recording() -> None:
    assert {endpoint.name for endpoint, _ in BODIES} == {endpoint.name for endpoint in ENDPOINTS}


def test_the_complete_assets_reply() -> None:
    assets = all_assets()
    digits(json.loads((FOLDER / "assets.json").read_bytes(), parse_float=str)["result"], assets)
    assert assets["XXBT"].decimals == 10


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_numbers_that_are_none_are_refused_by_name(number: str) -> None:
    body = f'{{"ZUSD":{{"balance":"{number}","hold_trade":"0"}}}}'.encode()
    with pytest.raises(msgspec.ValidationError, match="balance"):
        endpoints.BALANCE_EX.reply.decode(body)


def test_scales_are_bounded() -> None:
    with pytest.raises(msgspec.ValidationError, match="decimals"):
        endpoints.ASSETS.reply.decode(
            b'{"X":{"aclass":"currency","altname":"X","decimals":999999999,"display_decimals":2}}'
        )


def test_a_token_does_not_show() -> None:
    token = wire.WebSocketsToken(token="t0psecret", expires=900)
    assert "t0psecret" not in repr(token) + repr([token]) + repr(token.__rich_repr__())
