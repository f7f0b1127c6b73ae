import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from krakked_tui.sandbox.market_data import INTERVALS
from tests.unit.sandbox.rig import RefusedCall, Rig

RECORDED = Path(__file__).parents[2] / "fixtures" / "kraken" / "rest.ndjson"


def recorded(endpoint: str) -> list[Any]:
    rows = [json.loads(line) for line in RECORDED.read_text().splitlines()]
    found = [
        row["body"]["result"] for row in rows if (row["endpoint"], row["source"]) == (endpoint, "capture")
    ]
    assert found
    return found


def shape(value: Any) -> Any:
    """The kinds of a payload's values, and whether texts are numbers."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shape(inner) for inner in value]
    if isinstance(value, str) and value.replace(".", "", 1).isdigit():
        return "number text"
    return type(value).__name__


def test_time_and_status(rig: Rig) -> None:
    rig.wall.advance(61.5)
    assert rig.public("Time") == {"unixtime": 1767571261, "rfc1123": "Mon, 05 Jan 26 00:01:01 +0000"}
    assert rig.public("SystemStatus") == {"status": "online", "timestamp": "2026-01-05T00:01:01Z"}


def test_assets(rig: Rig) -> None:
    assert rig.public("Assets", asset="XBT,ZUSD") == {
        "XXBT": {
            "aclass": "currency",
            "altname": "XBT",
            "decimals": 10,
            "display_decimals": 5,
            "status": "enabled",
        },
        "ZUSD": {
            "aclass": "currency",
            "altname": "USD",
            "decimals": 4,
            "display_decimals": 2,
            "status": "enabled",
        },
    }
    assert len(rig.public("Assets")) > 600
    with pytest.raises(RefusedCall, match=r"EQuery:Unknown asset$"):
        rig.public("Assets", asset="NOPE")


def test_asset_pairs_have_krakens_keys_and_kinds(rig: Rig) -> None:
    (row,) = rig.public("AssetPairs", pair="BTC/USD").values()
    (real,) = recorded("AssetPairs")[-1].values()
    for key, value in row.items():
        if isinstance(value, list):
            assert isinstance(real[key], list)
        else:
            assert shape(value) == shape(real[key]), key
    assert set(real) - set(row) == {"long_position_limit", "short_position_limit"}
    assert row["fees"][0] == [0, 0.4]
    assert row["fees_maker"][-1] == [10000000, 0.0]


def test_asset_pairs_are_keyed_by_id_whatever_was_asked(rig: Rig) -> None:
    assert list(rig.public("AssetPairs", pair="XBTUSD,ETH/USD")) == ["XXBTZUSD", "XETHZUSD"]
    with pytest.raises(RefusedCall, match="EQuery:Unknown asset pair"):
        rig.public("AssetPairs", pair="XBTUSD,NOPE")
    rows = rig.public("AssetPairs").values()
    assert any("status" not in row for row in rows)
    assert any("wsname" not in row for row in rows)


def test_ticker_has_krakens_shape_and_scales(rig: Rig) -> None:
    rig.wall.advance(3700)
    (row,) = rig.public("Ticker", pair="XBTUSD").values()
    real = recorded("Ticker")[0]["XXBTZUSD"]
    assert shape(row) == shape(real)
    for key in ("a", "b", "c", "l", "h"):
        assert len(row[key][0].partition(".")[2]) == 5
    assert len(row["c"][1].partition(".")[2]) == 8
    assert row["a"][2] == f"{row['a'][1]}.000"


def test_ticker_agrees_with_the_candles(rig: Rig) -> None:
    rig.wall.advance(5 * 3600)
    (row,) = rig.public("Ticker", pair="ETHUSD").values()
    candles = rig.public("OHLC", pair="ETHUSD", interval="1", since="0")["XETHZUSD"]
    today = [candle for candle in candles if candle[0] >= 1767571200]
    assert Decimal(row["o"]) == Decimal(today[0][1])
    assert Decimal(row["h"][0]) == max(Decimal(candle[2]) for candle in today)
    assert Decimal(row["v"][0]) == sum(Decimal(candle[6]) for candle in today)
    assert row["t"][0] == sum(candle[7] for candle in today)
    assert Decimal(row["c"][0]) == Decimal(today[-1][4])
    assert len(rig.public("Ticker")) == len(rig.exchange.catalog.listings)


def test_ohlc_rows_are_recorded_rows_in_kind(rig: Rig) -> None:
    rig.wall.advance(90)
    answer = rig.public("OHLC", pair="XBTUSD")
    real = recorded("OHLC")[0]["XXBTZUSD"]
    assert shape(answer["XXBTZUSD"][5]) == shape(real[0])
    decimals = [len(text.partition(".")[2]) for text in answer["XXBTZUSD"][5][1:7]]
    assert decimals == [1, 1, 1, 1, 1, 8]


def test_ohlc_serves_720_closed_candles_and_the_running_one(rig: Rig) -> None:
    rig.wall.advance(90)
    oldest = 1767571200 - 730 * 86400
    for interval in INTERVALS:
        answer = rig.public("OHLC", pair="SPXUSD", interval=str(interval))
        times = [row[0] for row in answer["SPXUSD"]]
        assert times == list(range(times[0], times[-1] + 1, interval * 60))
        assert answer["last"] == times[-2]
        assert times[-1] == 1767571290 // (interval * 60) * interval * 60
        if 720 * interval * 60 <= 730 * 86400:
            assert len(times) == 721
        else:
            assert oldest <= times[0] < oldest + interval * 60


def test_ohlc_since_is_exclusive_and_never_loses_the_running_candle(rig: Rig) -> None:
    rig.wall.advance(90)
    whole = rig.public("OHLC", pair="XBTUSD")
    last = whole["last"]
    for since, count in ((last, 1), (last - 1, 2), (last - 60, 2), (last - 61, 3), (last + 9999, 1)):
        rows = rig.public("OHLC", pair="XBTUSD", since=str(since))
        assert rows["XXBTZUSD"] == whole["XXBTZUSD"][-count:], since
        assert rows["last"] == last


def test_an_empty_minute_repeats_the_close_and_has_no_vwap(rig: Rig) -> None:
    rows = rig.public("OHLC", pair="SPXUSD")["SPXUSD"]
    index = next(i for i in range(1, 700) if not rows[i][7])
    close = rows[index - 1][4]
    assert rows[index][1:] == [close, close, close, close, "0.0000", "0.00000", 0]


def test_a_closed_candle_never_changes(rig: Rig) -> None:
    rig.wall.advance(90)
    before = rig.public("OHLC", pair="XBTUSD", interval="5")["XXBTZUSD"]
    rig.exchange.clock.jump(rig.exchange.clock.now() + timedelta(hours=3))
    after = {row[0]: row for row in rig.public("OHLC", pair="XBTUSD", interval="5")["XXBTZUSD"]}
    assert all(after[row[0]] == row for row in before[:-1] if row[0] in after)


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({}, "EGeneral:Invalid arguments:pair"),
        ({"pair": "NOPE"}, "EQuery:Unknown asset pair"),
        ({"pair": "XBTUSD", "interval": "2"}, "EGeneral:Invalid arguments:interval"),
        ({"pair": "XBTUSD", "since": "x"}, "EGeneral:Invalid arguments:since"),
    ],
)
def test_ohlc_refusals(rig: Rig, params: dict[str, str], error: str) -> None:
    with pytest.raises(RefusedCall, match=error):
        rig.public("OHLC", **params)
