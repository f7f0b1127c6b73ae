"""Every recorded REST payload decodes, and its numbers keep their digits."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from krakked_tui.domain.precision import truncate
from krakked_tui.kraken import endpoints, wire
from krakked_tui.kraken.endpoints import ENDPOINTS, Endpoint
from tests.unit.kraken.recorded import all_assets, recorded_endpoints, rest_bodies, result_of

BODIES = [(endpoint, body) for endpoint in ENDPOINTS for body in rest_bodies(endpoint.name)]


def written(value: Any) -> Any:
    """Write a decoded value as JSON has it, each number as text with all of its digits."""
    if isinstance(value, msgspec.Struct):
        fields = msgspec.structs.fields(value)
        rows = [(field.encode_name, getattr(value, field.name)) for field in fields]
        if type(value).__struct_config__.array_like:
            return [written(each) for _, each in rows]
        return {name: written(each) for name, each in rows}
    if isinstance(value, dict):
        return {key: written(each) for key, each in value.items()}
    if isinstance(value, list):
        return [written(each) for each in value]
    if isinstance(value, bool) or value is None:
        return value
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def same(original: Any, rewritten: Any, where: str = "") -> int:
    """Compare what was written with the original, fields we do not keep left out; count the numbers.

    ``original`` has its bare numbers as text. A field that Kraken left out or sent as null stands at
    its default.
    """
    if isinstance(rewritten, dict):
        assert isinstance(original, dict), where
        return sum(
            same(original[key], value, f"{where}.{key}")
            for key, value in rewritten.items()
            if original.get(key) is not None
        )
    if isinstance(rewritten, list):
        assert len(original) == len(rewritten), where
        return sum(same(a, b, f"{where}[]") for a, b in zip(original, rewritten, strict=True))
    # A profit is sent with a plus sign, which a number does not keep.
    assert original in (rewritten, f"+{rewritten}"), where
    return 1


@pytest.mark.parametrize(
    ("endpoint", "body"), BODIES, ids=[f"{endpoint.name}-{n}" for n, (endpoint, _) in enumerate(BODIES)]
)
def test_recorded_payloads(endpoint: Endpoint[Any], body: bytes) -> None:
    result = result_of(body)
    rewritten = written(endpoint.reply.decode(result))
    original = json.loads(result, parse_float=str, parse_int=str)
    assert same(original, rewritten) > 0


def test_every_endpoint_has_a_recording_and_every_recording_an_endpoint() -> None:
    assert recorded_endpoints() == {endpoint.name for endpoint in ENDPOINTS}


def test_nothing_of_the_complete_replies_is_lost() -> None:
    assets, ticker = all_assets(), endpoints.TICKER.reply.decode(result_of(rest_bodies("Ticker")[-1]))
    assert (len(assets), assets["XXBT"].decimals) == (732, 10)
    assert len(ticker) == 1670
    candles = endpoints.OHLC.reply.decode(result_of(rest_bodies("OHLC")[-1]))
    assert (len(candles["XBTUSDT"]), candles["last"]) == (721, candles["XBTUSDT"][-2].time)  # type: ignore[arg-type, index]
    trades = endpoints.TRADES.reply.decode(result_of(rest_bodies("Trades")[-1]))
    rows = trades["XBTUSDT"]
    assert isinstance(rows, list)
    assert [row.trade_id for row in rows] == list(range(rows[0].trade_id, rows[0].trade_id + 1000))
    assert trades["last"] == "1762820035982277754"


def test_the_recorded_trades_make_the_recorded_candles() -> None:
    """Open is the first trade, volume and count are sums, vwap is cut off and not rounded."""
    candles = endpoints.OHLC.reply.decode(result_of(rest_bodies("OHLC")[-1]))["XBTUSDT"]
    trades = endpoints.TRADES.reply.decode(result_of(rest_bodies("Trades")[-1]))["XBTUSDT"]
    assert isinstance(candles, list)
    assert isinstance(trades, list)
    minutes: dict[int, list[wire.PublicTrade]] = {}
    for trade in trades:
        minutes.setdefault(int(trade.time) // 60 * 60, []).append(trade)
    # The recording may begin in the middle of its first minute.
    del minutes[min(minutes)]
    by_time = {candle.time: candle for candle in candles}
    rebuilt = 0
    for minute, made in minutes.items():
        volume = sum((trade.volume for trade in made), Decimal(0))
        turnover = sum((trade.price * trade.volume for trade in made), Decimal(0))
        prices = [truncate(trade.price, 1) for trade in made]
        assert by_time[minute] == wire.OhlcRow(
            time=minute,
            open=prices[0],
            high=max(prices),
            low=min(prices),
            close=prices[-1],
            vwap=truncate(turnover / volume, 1),
            volume=volume,
            count=len(made),
        )
        rebuilt += 1
    assert rebuilt == 273


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
