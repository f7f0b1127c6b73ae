"""Kraken's recorded payloads, as bytes."""

from pathlib import Path

import msgspec

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.wire import Asset, AssetPair

FOLDER = Path(__file__).parents[2] / "fixtures" / "kraken"


_COMPLETE = (
    ("assets.json", "Assets"),
    ("ticker.json", "Ticker"),
    ("ohlc.json", "OHLC"),
    ("trades.json", "Trades"),
)
"""Complete replies, one to a file."""


class _Line(msgspec.Struct):
    endpoint: str
    source: str
    body: msgspec.Raw


def rest_bodies(endpoint: str) -> list[bytes]:
    """Every recorded reply of an endpoint."""
    lines = [msgspec.json.decode(line, type=_Line) for line in _lines("rest.ndjson")]
    bodies = [bytes(line.body) for line in lines if line.endpoint == endpoint]
    return [*bodies, *((FOLDER / name).read_bytes() for name, of in _COMPLETE if of == endpoint)]


def recorded_endpoints() -> set[str]:
    """Every endpoint there is a recording of."""
    return {msgspec.json.decode(line, type=_Line).endpoint for line in _lines("rest.ndjson")}


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
    return list(endpoints.TICKER.reply.decode(result_of((FOLDER / "ticker.json").read_bytes())))


def _lines(name: str) -> list[bytes]:
    return (FOLDER / name).read_bytes().splitlines()
