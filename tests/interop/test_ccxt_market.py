"""ccxt reads the local Kraken's market over REST."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from tests.interop.ccxt_client import BITCOIN, rest_client
from tests.interop.local_kraken import LocalKraken

TIMEFRAMES = {
    "1m": 1,
    "5m": 5,
    "15m": 15,
    "30m": 30,
    "1h": 60,
    "4h": 240,
    "1d": 1440,
    "1w": 10080,
    "2w": 21600,
}
START = 1767571200
"""2026-01-05T00:00Z in unix seconds: where the exchange's clock starts."""

EVENING = 20 * 3600 + 30 * 60 + 17
"""Seconds after START at which these tests look: in the middle of every candle."""


@pytest.fixture
def exchange(kraken: LocalKraken) -> Iterator[Any]:
    kraken.advance(EVENING)
    client = rest_client(kraken)
    yield client
    client.session.close()


def test_fetch_time(exchange: Any) -> None:
    assert exchange.fetch_time() == (START + EVENING) * 1000


def test_fetch_status(exchange: Any) -> None:
    assert exchange.fetch_status()["status"] == "ok"


def test_load_markets_finds_every_pair(exchange: Any, kraken: LocalKraken) -> None:
    markets = exchange.load_markets()
    pairs = kraken.public("AssetPairs")
    assert len(pairs) > 40
    assert {market["id"] for market in markets.values()} == pairs.keys()
    assert markets[BITCOIN]["id"] == "XXBTZUSD"
    assert markets["DOGE/USD"]["id"] == "XDGUSD"


def test_load_markets_knows_every_precision(exchange: Any, kraken: LocalKraken) -> None:
    pairs = kraken.public("AssetPairs")
    for market in exchange.load_markets().values():
        pair = pairs[market["id"]]
        assert market["precision"]["price"] == pytest.approx(10 ** -pair["pair_decimals"], rel=1e-9)
        assert market["precision"]["amount"] == pytest.approx(10 ** -pair["lot_decimals"], rel=1e-9)


def test_load_markets_knows_every_limit(exchange: Any, kraken: LocalKraken) -> None:
    pairs = kraken.public("AssetPairs")
    for market in exchange.load_markets().values():
        pair = pairs[market["id"]]
        assert market["limits"]["amount"]["min"] == float(pair["ordermin"])
        assert market["limits"]["cost"]["min"] == float(pair["costmin"])
        assert market["limits"]["leverage"]["max"] == (pair["leverage_buy"] or [1])[-1]
        assert market["margin"] is bool(pair["leverage_buy"])


def test_load_markets_knows_every_fee(exchange: Any, kraken: LocalKraken) -> None:
    pairs = kraken.public("AssetPairs")
    for market in exchange.load_markets().values():
        pair = pairs[market["id"]]
        assert market["taker"] == pytest.approx(pair["fees"][0][1] / 100, rel=1e-9)
        assert market["maker"] == pytest.approx(pair["fees_maker"][0][1] / 100, rel=1e-9)
    assert (exchange.market(BITCOIN)["taker"], exchange.market(BITCOIN)["maker"]) == (0.004, 0.0025)


def test_load_markets_knows_what_trades(exchange: Any, kraken: LocalKraken) -> None:
    pairs = kraken.public("AssetPairs")
    for market in exchange.load_markets().values():
        assert market["active"] is (pairs[market["id"]].get("status") == "online")
    assert exchange.market(BITCOIN)["active"]


def test_fetch_currencies(exchange: Any, kraken: LocalKraken) -> None:
    currencies = exchange.fetch_currencies()
    assets = kraken.public("Assets")
    assert {currency["id"] for currency in currencies.values()} == assets.keys()
    assert (currencies["BTC"]["id"], currencies["USD"]["id"]) == ("XXBT", "ZUSD")
    for currency in currencies.values():
        asset = assets[currency["id"]]
        assert currency["precision"] == pytest.approx(10 ** -asset["decimals"], rel=1e-9)
        assert currency["active"] is (asset["status"] == "enabled")


def test_fetch_ticker(exchange: Any, kraken: LocalKraken) -> None:
    ticker = exchange.fetch_ticker(BITCOIN)
    row = kraken.public("Ticker", pair="XBTUSD")["XXBTZUSD"]
    assert (ticker["bid"], ticker["ask"], ticker["last"]) == (
        float(row["b"][0]),
        float(row["a"][0]),
        float(row["c"][0]),
    )
    assert (ticker["low"], ticker["high"]) == (float(row["l"][1]), float(row["h"][1]))
    assert (ticker["open"], ticker["vwap"]) == (float(row["o"]), float(row["p"][1]))
    assert ticker["baseVolume"] == float(row["v"][1])
    assert 0 < ticker["low"] <= ticker["bid"] < ticker["ask"] <= ticker["high"] * 1.01
    assert ticker["low"] <= ticker["vwap"] <= ticker["high"]


def test_fetch_tickers_of_everything(exchange: Any, kraken: LocalKraken) -> None:
    tickers = exchange.fetch_tickers()
    assert tickers.keys() == exchange.load_markets().keys()
    for ticker in tickers.values():
        assert 0 < ticker["bid"] < ticker["ask"]


def test_fetch_tickers_of_a_few(exchange: Any) -> None:
    tickers = exchange.fetch_tickers([BITCOIN, "ETH/USD", "DOGE/USD"])
    assert tickers.keys() == {BITCOIN, "ETH/USD", "DOGE/USD"}
    assert tickers[BITCOIN]["last"] > tickers["ETH/USD"]["last"] > tickers["DOGE/USD"]["last"]


def truth(kraken: LocalKraken, interval: int, count: int) -> list[list[float]]:
    """Return a pair's last closed candles from the market itself, in ccxt's form."""

    def look(sandbox: Any) -> list[list[float]]:
        market = sandbox.exchange.market
        grid = market.grids["XBTUSD"]
        minute = (START + EVENING) // 60
        until = minute - minute % interval
        return [
            [
                bar.minute * 60_000,
                *(float(grid.price(ticks)) for ticks in (bar.open, bar.high, bar.low, bar.close)),
                float(Decimal(bar.volume).scaleb(-grid.volume_decimals)),
            ]
            for bar in market.bars("XBTUSD", interval, until - count * interval, until)
        ]

    return kraken.inside(look)


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
def test_fetch_ohlcv(exchange: Any, kraken: LocalKraken, timeframe: str) -> None:
    interval = TIMEFRAMES[timeframe]
    candles = exchange.fetch_ohlcv(BITCOIN, timeframe)
    times = [candle[0] for candle in candles]
    step = interval * 60_000
    assert times == list(range(times[0], times[0] + step * len(times), step))
    assert times[-1] <= (START + EVENING) * 1000 < times[-1] + step
    expected = {"1d": 721, "1w": 100, "2w": 48}.get(timeframe, 721)
    assert expected <= len(candles) <= 721
    assert candles[-41:-1] == truth(kraken, interval, 40)


def test_fetch_ohlcv_since(exchange: Any) -> None:
    since = (START + 12 * 3600) * 1000
    candles = exchange.fetch_ohlcv(BITCOIN, "1h", since)
    assert [candle[0] for candle in candles] == [since + hour * 3_600_000 for hour in range(9)]


def test_fetch_ohlcv_with_a_limit(exchange: Any) -> None:
    assert exchange.fetch_ohlcv(BITCOIN, "5m", None, 7) == exchange.fetch_ohlcv(BITCOIN, "5m")[-7:]


def test_fetch_trades_latest(exchange: Any, kraken: LocalKraken) -> None:
    trades = exchange.fetch_trades(BITCOIN)
    rows = kraken.public("Trades", pair="XBTUSD")["XXBTZUSD"]
    assert len(trades) == len(rows) == 1000
    for trade, (price, volume, time, side, kind, _, _) in zip(trades, rows, strict=True):
        assert (trade["price"], trade["amount"]) == (float(price), float(volume))
        assert trade["timestamp"] == int(time * 1000)
        assert trade["side"] == {"b": "buy", "s": "sell"}[side]
        assert trade["type"] == {"l": "limit", "m": "market"}[kind]
    assert trades[-1]["price"] == exchange.fetch_ticker(BITCOIN)["last"]


def test_fetch_trades_with_a_limit(exchange: Any) -> None:
    assert [trade["id"] for trade in exchange.fetch_trades(BITCOIN, None, 5)] == [
        trade["id"] for trade in exchange.fetch_trades(BITCOIN)[-5:]
    ]


def test_fetch_trades_page_by_page(exchange: Any) -> None:
    """Fed with each page's own cursor, ccxt sees every trade once."""
    market = exchange.load_markets()[BITCOIN]
    cursor = str((START + EVENING - 1800) * 10**9)
    ids: list[int] = []
    while True:
        result = exchange.publicGetTrades({"pair": market["id"], "since": cursor, "count": 50})["result"]
        page = exchange.parse_trades(result[market["id"]], market)
        if not page:
            break
        ids += [int(trade["id"]) for trade in page]
        assert int(result["last"]) > int(cursor)
        cursor = result["last"]
    assert len(ids) > 100
    assert ids == list(range(ids[0], ids[0] + len(ids)))


def test_fetch_trades_since(exchange: Any) -> None:
    since = (START + EVENING - 600) * 1000
    trades = exchange.fetch_trades(BITCOIN, since)
    assert trades
    assert all(trade["timestamp"] >= since for trade in trades)


def test_fetch_trades_rebuild_a_candle(exchange: Any) -> None:
    start = (START + EVENING - 17 - 300) * 1000
    candle = next(row for row in exchange.fetch_ohlcv(BITCOIN, "1m", start) if row[0] == start)
    trades = [
        t for t in exchange.fetch_trades(BITCOIN, start - 1000) if start <= t["timestamp"] < start + 60_000
    ]
    prices = [trade["price"] for trade in trades]
    assert [prices[0], max(prices), min(prices), prices[-1]] == candle[1:5]
    assert sum(Decimal(str(trade["amount"])) for trade in trades) == Decimal(str(candle[5]))


@pytest.mark.parametrize("count", [1, 10, 100, 500])
def test_fetch_order_book(exchange: Any, kraken: LocalKraken, count: int) -> None:
    book = exchange.fetch_order_book(BITCOIN, count)
    assert len(book["bids"]) == len(book["asks"]) == count
    bids, asks = [level[0] for level in book["bids"]], [level[0] for level in book["asks"]]
    assert bids == sorted(set(bids), reverse=True)
    assert asks == sorted(set(asks))
    ticker = exchange.fetch_ticker(BITCOIN)
    assert (bids[0], asks[0]) == (ticker["bid"], ticker["ask"])
    assert all(level[1] > 0 for level in (*book["bids"], *book["asks"]))


def test_spread(exchange: Any, kraken: LocalKraken) -> None:
    """ccxt has no unified call for it; its implicit one is what its users take."""
    result = exchange.publicGetSpread({"pair": "XBTUSD"})["result"]
    rows = result["XXBTZUSD"]
    assert 0 < len(rows) <= 200
    assert all(float(bid) < float(ask) for _, bid, ask in rows)
    assert [int(row[0]) for row in rows] == sorted(int(row[0]) for row in rows)
    assert int(result["last"]) == int(rows[-1][0])


def test_the_own_rate_limiter_paces_calls(kraken: LocalKraken) -> None:
    """ccxt's own limiter, left on, is fed by the settings it has for Kraken; it lets a first call pass."""
    client = rest_client(kraken, enableRateLimit=True)
    assert client.rateLimit == 1000
    assert client.fetch_time() == START * 1000
    client.session.close()
