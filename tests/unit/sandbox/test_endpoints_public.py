import json
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from krakked_tui.sandbox.happenings import apply
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
            "collateral_value": 0.99,
            "status": "enabled",
            "margin_rate": "0.01",
        },
        "ZUSD": {
            "aclass": "currency",
            "altname": "USD",
            "decimals": 4,
            "display_decimals": 2,
            "collateral_value": 1,
            "status": "enabled",
            "margin_rate": "0.025",
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
    assert list(row) == list(real)
    assert (row["long_position_limit"], row["short_position_limit"]) == (277, 221)
    assert row["fees"][0] == [0, 0.4]
    assert row["fees_maker"][-1] == [10000000, 0.0]


def test_pairs_are_keyed_by_id_but_a_name_with_a_slash_comes_back(rig: Rig) -> None:
    for method in ("AssetPairs", "Ticker"):
        assert list(rig.public(method, pair="XBTUSD,XETHZUSD")) == ["XXBTZUSD", "XETHZUSD"]
        assert list(rig.public(method, pair="XBT/USD,ETH/USD")) == ["XBT/USD", "ETH/USD"]
    for method in ("OHLC", "Trades", "Depth", "Spread"):
        assert "XXBTZUSD" in rig.public(method, pair="XBTUSD")
        assert "BTC/USD" in rig.public(method, pair="BTC/USD")
    with pytest.raises(RefusedCall, match="EQuery:Unknown asset pair"):
        rig.public("AssetPairs", pair="XBTUSD,NOPE")
    rows = rig.public("AssetPairs").values()
    assert any("status" not in row for row in rows)
    assert any("wsname" not in row for row in rows)


def test_assets_are_what_kraken_recorded(rig: Rig) -> None:
    real = json.loads((RECORDED.parent / "assets.json").read_text())["result"]
    served = rig.public("Assets")
    assert all(served[name] == real[name] and list(served[name]) == list(real[name]) for name in served)


def test_display_names_on_request(rig: Rig) -> None:
    assert list(rig.public("Assets", asset="XBT,XDG", assetVersion="1")) == ["BTC", "DOGE"]
    (row,) = rig.public("AssetPairs", pair="XBTUSD", assetVersion="1").values()
    assert (row["altname"], row["wsname"], row["base"], row["quote"]) == ("XBTUSD", "XBT/USD", "BTC", "USD")
    for method in ("AssetPairs", "Ticker", "OHLC", "Depth", "Trades", "Spread"):
        assert "BTC/USD" in rig.public(method, pair="XBTUSD", assetVersion="1"), method
    assert "XXBTZUSD" in rig.public("Ticker", pair="XBTUSD", assetVersion="0")


def test_parts_of_asset_pairs(rig: Rig) -> None:
    def keys(info: str) -> list[str]:
        (row,) = rig.public("AssetPairs", pair="XBTUSD", info=info).values()
        return list(row)

    assert keys("leverage") == ["leverage_buy", "leverage_sell"]
    assert keys("fees") == ["fees", "fees_maker", "fee_volume_currency"]
    assert keys("margin") == ["margin_call", "margin_stop"]
    assert keys("info")[0] == "altname"


def test_classes_and_venues(rig: Rig) -> None:
    assert rig.public("Assets", aclass="tokenized_asset") == {}
    assert len(rig.public("Assets", aclass="currency")) == len(rig.public("Assets"))
    accepted = rig.public(
        "AssetPairs", aclass_base="currency", country_code="US:TX", execution_venue="international"
    )
    assert len(accepted) == len(rig.exchange.catalog.listed)
    assert rig.public("AssetPairs", execution_venue="bitnomial_exchange") == {}


@pytest.mark.parametrize(
    ("method", "params", "field"),
    [
        ("Assets", {"aclass": "x"}, "aclass"),
        ("AssetPairs", {"info": "x"}, "info"),
        ("AssetPairs", {"execution_venue": "x"}, "execution_venue"),
        ("Ticker", {"assetVersion": "2"}, "assetVersion"),
        ("Depth", {"pair": "XBTUSD", "count": "0"}, "count"),
        ("Depth", {"pair": "XBTUSD", "count": "501"}, "count"),
        ("Trades", {"pair": "XBTUSD", "count": "1001"}, "count"),
        ("Trades", {"pair": "XBTUSD", "since": "-1"}, "since"),
        ("Trades", {"pair": "XBTUSD", "depth": "1"}, "depth"),
        ("Spread", {}, "pair"),
    ],
)
def test_refused_parameters(rig: Rig, method: str, params: dict[str, str], field: str) -> None:
    with pytest.raises(RefusedCall, match=f"^EGeneral:Invalid arguments:{field}$"):
        rig.public(method, **params)


def test_delisted_and_halted_pairs_show(rig: Rig) -> None:
    before = len(rig.public("AssetPairs"))
    apply(rig.exchange, b'{"action":"delist","pair":"ETHUSD"}')
    apply(rig.exchange, b'{"action":"pair_status","pair":"XBTUSD","status":"cancel_only"}')
    apply(rig.exchange, b'{"action":"system_status","status":"post_only"}')
    assert rig.public("AssetPairs", pair="XBTUSD")["XXBTZUSD"]["status"] == "cancel_only"
    assert len(rig.public("AssetPairs")) == len(rig.public("Ticker")) == before - 1
    assert rig.public("SystemStatus")["status"] == "post_only"
    for method in ("AssetPairs", "Ticker", "OHLC", "Depth", "Trades", "Spread"):
        with pytest.raises(RefusedCall, match="EQuery:Unknown asset pair"):
            rig.public(method, pair="ETHUSD")


def test_depth_is_the_book_to_three_decimals(rig: Rig) -> None:
    rig.wall.advance(90)
    (row,) = rig.public("Depth", pair="XBTUSD", count="25").values()
    book = rig.exchange.book("XBTUSD", rig.exchange.clock.now(), depth=25)
    for side, levels in (("asks", book.asks), ("bids", book.bids)):
        assert [Decimal(price) for price, _, _ in row[side]] == [level.price for level in levels]
        for (price, volume, second), level in zip(row[side], levels, strict=True):
            assert len(price.partition(".")[2]) == 5
            assert volume == format(round(level.volume, 3), "f")
            assert 1767571290 - 8 * 60 <= second <= 1767571290
    assert row["asks"][0][2] == 1767571290
    assert list(row) == ["asks", "bids"]
    (whole,) = rig.public("Depth", pair="XBTUSD").values()
    assert (len(whole["asks"]), len(whole["bids"])) == (100, 100)
    (deepest,) = rig.public("Depth", pair="XBTUSD", count="500").values()
    assert deepest["asks"][:25] == row["asks"]
    assert len(deepest["bids"]) == 500


def test_spread_rows_are_the_latest_changes_of_the_quote(rig: Rig) -> None:
    rig.wall.advance(3600)
    answer = rig.public("Spread", pair="XBTUSD")
    rows = answer["XXBTZUSD"]
    assert len(rows) == 200
    assert shape(rows[0]) == ["int", "number text", "number text"]
    assert all(Decimal(bid) < Decimal(ask) for _, bid, ask in rows)
    assert all(one[1:] != two[1:] and one[0] <= two[0] for one, two in pairwise(rows))
    assert [Decimal(text) for text in rows[-1][1:]] == [rig.bid(), rig.ask()]
    assert answer["last"] == rows[-1][0]
    since = rows[150][0]
    later = rig.public("Spread", pair="XBTUSD", since=str(since))["XXBTZUSD"]
    assert later == [row for row in rows if row[0] >= since]
    assert 1 <= len(rig.public("Spread", pair="SPXUSD")["SPXUSD"]) <= 200


def test_a_spread_row_was_the_quote_at_its_second(rig: Rig) -> None:
    rig.wall.advance(600)
    rows = rig.public("Spread", pair="XBTUSD")["XXBTZUSD"]
    grid = rig.exchange.market.grids["XBTUSD"]
    for second, bid, ask in rows[::10]:
        shown = {
            (grid.price(quote.bid), grid.price(quote.ask))
            for step in range(0, 1_000_001, 2000)
            for quote in [rig.exchange.market.quote("XBTUSD", second * 1_000_000 + step)]
        }
        assert (Decimal(bid), Decimal(ask)) in shown


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
