"""Kraken's recorded payloads, as bytes."""

from pathlib import Path

import msgspec

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.wire import Asset, AssetPair

FOLDER = Path(__file__).parents[2] / "fixtures" / "kraken"


class _Line(msgspec.Struct):
    endpoint: str
    source: str
    body: msgspec.Raw


def rest_bodies(endpoint: str) -> list[bytes]:
    """Every recorded reply of an endpoint."""
    lines = [msgspec.json.decode(line, type=_Line) for line in _lines("rest.ndjson")]
    return [bytes(line.body) for line in lines if line.endpoint == endpoint]


def ws_messages() -> list[bytes]:
    """Every recorded WebSocket message; one of them is not JSON."""
    return _lines("ws.ndjson")


def result_of(body: bytes) -> bytes:
    """The part of a reply below ``result``."""
    return bytes(msgspec.json.decode(body, type=dict[str, msgspec.Raw])["result"])


def all_assets() -> dict[str, Asset]:
    """The complete Assets reply of February 2026."""
    return endpoints.ASSETS.reply.decode(result_of((FOLDER / "assets.json").read_bytes()))


def some_pairs() -> dict[str, AssetPair]:
    """Every recorded AssetPairs row."""
    pairs: dict[str, AssetPair] = {}
    for body in rest_bodies("AssetPairs"):
        pairs |= endpoints.ASSET_PAIRS.reply.decode(result_of(body))
    return pairs


def ticker_keys() -> list[str]:
    """The internal ids of all 1,670 pairs of February 2026."""
    return msgspec.json.decode((FOLDER / "ticker_keys.json").read_bytes(), type=list[str])


def _lines(name: str) -> list[bytes]:
    return (FOLDER / name).read_bytes().splitlines()
