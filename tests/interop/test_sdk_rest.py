"""python-kraken-sdk's Market, User and Trade clients on the local Kraken."""

from base64 import b64encode
from decimal import Decimal
from typing import Any

import pytest

from krakked_tui.sandbox.settings import SandboxSettings
from tests.interop.local_kraken import LocalKraken
from tests.interop.sdk_client import base, errors, market, spot, trade, user

PAIR = "XXBTZUSD"
START = 1767571200
UUID = "6d1b345e-2821-40e2-ad83-4ecb18a06876"
FAR = "20000.0"
"""Dollars for a bitcoin: a bid that rests."""


@pytest.fixture
def settings() -> SandboxSettings:
    return SandboxSettings(balance={"USD": Decimal(100_000), "XBT": Decimal(2)})


@pytest.fixture
def reading(kraken: LocalKraken) -> Any:
    return market(kraken)


@pytest.fixture
def account(kraken: LocalKraken) -> Any:
    return user(kraken)


@pytest.fixture
def trading(kraken: LocalKraken) -> Any:
    return trade(kraken)


def bid(trading: Any, volume: str = "0.01", **fields: object) -> str:
    """Place a bid that rests; return its id."""
    (txid,) = trading.create_order("limit", "buy", "XBTUSD", volume, FAR, **fields)["txid"]
    return str(txid)


def bought(trading: Any, volume: str = "0.01") -> str:
    (txid,) = trading.create_order("market", "buy", "XBTUSD", volume)["txid"]
    return str(txid)


class TestMarket:
    def test_get_system_status(self, reading: Any) -> None:
        assert reading.get_system_status() == {"status": "online", "timestamp": "2026-01-05T00:00:00Z"}

    def test_get_assets(self, reading: Any, kraken: LocalKraken) -> None:
        assert reading.get_assets() == kraken.public("Assets")

    def test_get_assets_by_name(self, reading: Any) -> None:
        found = reading.get_assets(assets=["XBT", "USD"])
        assert (found["XXBT"]["decimals"], found["ZUSD"]["decimals"]) == (10, 4)
        assert len(found) == 2

    def test_get_asset_pairs(self, reading: Any) -> None:
        found = reading.get_asset_pairs(pair="XBTUSD")
        assert (found[PAIR]["base"], found[PAIR]["quote"]) == ("XXBT", "ZUSD")
        assert (found[PAIR]["pair_decimals"], found[PAIR]["lot_decimals"]) == (1, 8)

    @pytest.mark.parametrize("info", ["info", "leverage", "fees", "margin"])
    def test_get_asset_pairs_in_part(self, reading: Any, info: str) -> None:
        (row,) = reading.get_asset_pairs(pair="XBTUSD", info=info).values()
        wanted = {"info": "altname", "leverage": "leverage_buy", "fees": "fees", "margin": "margin_call"}
        assert wanted[info] in row

    def test_get_ticker(self, reading: Any, kraken: LocalKraken) -> None:
        assert reading.get_ticker(pair="XBTUSD") == kraken.public("Ticker", pair="XBTUSD")

    @pytest.mark.parametrize("interval", ["1", "5", "15", "30", "60", "240", "1440", "10080", "21600"])
    def test_get_ohlc(self, reading: Any, interval: str) -> None:
        found = reading.get_ohlc(pair="XBTUSD", interval=interval)
        times = [row[0] for row in found[PAIR]]
        step = int(interval) * 60
        assert times == list(range(times[0], times[0] + step * len(times), step))
        assert times[-1] <= START < times[-1] + step
        assert found["last"] == times[-2]

    def test_get_ohlc_since(self, reading: Any, kraken: LocalKraken) -> None:
        kraken.advance(3600)
        found = reading.get_ohlc(pair="XBTUSD", interval="5", since=START)
        assert [row[0] for row in found[PAIR]] == [START + 300 * n for n in range(1, 13)]

    def test_get_order_book(self, reading: Any, kraken: LocalKraken) -> None:
        found = reading.get_order_book(pair="XBTUSD", count=25)[PAIR]
        assert (len(found["bids"]), len(found["asks"])) == (25, 25)
        row = kraken.public("Ticker", pair="XBTUSD")[PAIR]
        assert (found["bids"][0][0], found["asks"][0][0]) == (row["b"][0], row["a"][0])

    def test_get_recent_trades(self, reading: Any, kraken: LocalKraken) -> None:
        found = reading.get_recent_trades(pair="XBTUSD", count=50)
        numbers = [row[6] for row in found[PAIR]]
        assert numbers == list(range(numbers[0], numbers[0] + 50))
        assert abs(int(found["last"]) / 1e9 - found[PAIR][-1][2]) < 1e-5
        assert reading.get_recent_trades(pair="XBTUSD", since=found["last"])[PAIR] == []

    def test_get_recent_spreads(self, reading: Any) -> None:
        found = reading.get_recent_spreads(pair="XBTUSD")
        assert all(Decimal(bid) < Decimal(ask) for _, bid, ask in found[PAIR])
        assert found["last"] == found[PAIR][-1][0]

    def test_an_unknown_pair(self, reading: Any) -> None:
        with pytest.raises(errors.KrakenUnknownAssetError, match="Unknown asset pair"):
            reading.get_ticker(pair="NOPEUSD")


class TestUser:
    def test_get_account_balance(self, account: Any) -> None:
        assert account.get_account_balance() == {"ZUSD": "100000.0000", "XXBT": "2.0000000000"}

    def test_get_balances(self, account: Any, trading: Any) -> None:
        bid(trading)
        found = account.get_balances()["ZUSD"]
        assert found["balance"] == "100000.0000"
        assert Decimal(200) <= Decimal(found["hold_trade"]) <= Decimal(201)

    def test_get_balance(self, account: Any, trading: Any) -> None:
        trading.create_order("limit", "sell", "XBTUSD", "0.5", "400000.0")
        assert account.get_balance("XBT") == {
            "currency": "XXBT",
            "balance": 2.0,
            "available_balance": 1.5,
        }

    def test_get_trade_balance(self, account: Any, kraken: LocalKraken) -> None:
        found = account.get_trade_balance()
        price = Decimal(kraken.public("Ticker", pair="XBTUSD")[PAIR]["c"][0])
        assert Decimal(found["eb"]) == pytest.approx(100_000 + 2 * price, rel=Decimal("0.01"))
        assert Decimal(found["mf"]) == Decimal(found["e"]) - Decimal(found["m"])

    def test_get_open_orders(self, account: Any, trading: Any) -> None:
        txid = bid(trading, userref=7)
        (order,) = account.get_open_orders(trades=True)["open"].values()
        assert (order["userref"], order["status"], order["vol"]) == (7, "open", "0.01000000")
        assert account.get_open_orders(userref=8)["open"] == {}
        assert account.get_open_orders(userref=7)["open"].keys() == {txid}

    def test_get_open_orders_by_client_id(self, account: Any, trading: Any) -> None:
        bid(trading)
        txid = bid(trading, cl_ord_id=UUID)
        assert account.get_open_orders(cl_ord_id=UUID)["open"].keys() == {txid}

    def test_get_closed_orders(self, account: Any, trading: Any) -> None:
        filled, canceled = bought(trading), bid(trading)
        trading.cancel_order(txid=canceled)
        found = account.get_closed_orders(trades=True, ofs=0, closetime="both")
        assert found["count"] == 2
        assert found["closed"][filled]["status"] == "closed"
        assert found["closed"][canceled]["reason"] == "User requested"
        assert found["closed"][filled]["trades"]

    def test_get_orders_info(self, account: Any, trading: Any) -> None:
        txids = [bid(trading), bought(trading)]
        found = account.get_orders_info(txid=txids, trades=True, consolidate_taker=True)
        assert {name: order["status"] for name, order in found.items()} == {
            txids[0]: "open",
            txids[1]: "closed",
        }

    def test_get_trades_history(self, account: Any, trading: Any, kraken: LocalKraken) -> None:
        txid = bought(trading)
        found = account.get_trades_history(type_="all", trades=True, consolidate_taker=False)
        truth = {row["txid"]: row for row in kraken.state()["trades"]}
        assert found["count"] == len(truth)
        for name, row in found["trades"].items():
            assert (row["ordertxid"], row["pair"], row["type"]) == (txid, PAIR, "buy")
            assert (row["vol"], row["cost"]) == (truth[name]["volume"], truth[name]["cost"])

    def test_get_trades_info(self, account: Any, trading: Any, kraken: LocalKraken) -> None:
        bought(trading)
        names = [row["txid"] for row in kraken.state()["trades"]]
        assert account.get_trades_info(txid=names).keys() == set(names)

    def test_get_open_positions(self, account: Any) -> None:
        assert account.get_open_positions() == {}

    def test_get_ledgers_info(self, account: Any, trading: Any) -> None:
        bought(trading)
        found = account.get_ledgers_info(type_="trade", asset="XBT")
        assert found["count"] == len(found["ledger"])
        assert sum(Decimal(row["amount"]) for row in found["ledger"].values()) == Decimal("0.01")
        assert {row["asset"] for row in found["ledger"].values()} == {"XXBT"}

    def test_get_ledgers(self, account: Any, trading: Any) -> None:
        bought(trading)
        known = account.get_ledgers_info()["ledger"]
        name = next(iter(known))
        assert account.get_ledgers(id_=name) == {name: known[name]}

    def test_get_trade_volume(self, account: Any) -> None:
        found = account.get_trade_volume(pair="XBTUSD")
        assert (found["currency"], found["volume"]) == ("ZUSD", "0.0000")
        assert (found["fees"][PAIR]["fee"], found["fees_maker"][PAIR]["fee"]) == ("0.4000", "0.2500")
        assert (found["fees"][PAIR]["nextfee"], found["fees"][PAIR]["nextvolume"]) == ("0.3500", "10000.0000")

    def test_what_the_sandbox_has_not_is_an_unknown_method(self, account: Any, trading: Any) -> None:
        with pytest.raises(errors.KrakenUnknownMethodError):
            account.get_order_amends(order_id=bid(trading))

    def test_a_wrong_key(self, kraken: LocalKraken) -> None:
        with pytest.raises(errors.KrakenInvalidAPIKeyError):
            user(kraken, key="nobody").get_account_balance()

    def test_a_wrong_secret(self, kraken: LocalKraken) -> None:
        with pytest.raises(errors.KrakenInvalidSignatureError):
            user(kraken, secret=b64encode(b"another").decode()).get_account_balance()

    def test_a_nonce_twice(self, account: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        account.get_account_balance()
        monkeypatch.setattr(account, "get_nonce", lambda: "1")
        with pytest.raises(errors.KrakenInvalidNonceError):
            account.get_account_balance()


class TestAsync:
    """The client its WebSocket clients are made of."""

    async def test_a_public_call(self, kraken: LocalKraken) -> None:
        async with spot.SpotAsyncClient(url=kraken.rest) as client:
            assert await client.request("GET", "/0/public/Time", auth=False) == {
                "unixtime": START,
                "rfc1123": "Mon, 05 Jan 26 00:00:00 +0000",
            }

    async def test_a_private_call(self, kraken: LocalKraken) -> None:
        keys = {"key": kraken.api_key, "secret": kraken.api_secret, "url": kraken.rest}
        async with spot.SpotAsyncClient(**keys) as client:
            found = await client.request("POST", "/0/private/TradeVolume", {"pair": "XBTUSD"})
        assert found["currency"] == "ZUSD"


class TestModes:
    """What the exchange's and a pair's modes look like from outside."""

    def test_post_only(self, reading: Any, trading: Any, kraken: LocalKraken) -> None:
        kraken.happen(action="system_status", status="post_only")
        assert reading.get_system_status()["status"] == "post_only"
        with pytest.raises(errors.KrakenMarketInOnlyPostModeError):
            bought(trading)
        assert bid(trading, oflags=["post"]).startswith("O")

    def test_cancel_only(self, trading: Any, kraken: LocalKraken) -> None:
        txid = bid(trading)
        kraken.happen(action="system_status", status="cancel_only")
        with pytest.raises(errors.KrakenMarketInOnlyCancelModeError):
            bid(trading)
        assert trading.cancel_order(txid=txid) == {"count": 1}

    def test_a_pair_in_cancel_only_mode(self, reading: Any, trading: Any, kraken: LocalKraken) -> None:
        kraken.happen(action="pair_status", pair="XBTUSD", status="cancel_only")
        assert reading.get_asset_pairs(pair="XBTUSD")[PAIR]["status"] == "cancel_only"
        with pytest.raises(errors.KrakenMarketInOnlyCancelModeError):
            bid(trading)
        assert trading.create_order("limit", "buy", "ETHUSD", "0.5", "100.0")["txid"]


class TestTrade:
    def test_create_limit_order(self, trading: Any, kraken: LocalKraken) -> None:
        answer = trading.create_order(
            "limit", "buy", "XBTUSD", "0.01", FAR, oflags=["post"], timeinforce="GTC", cl_ord_id=UUID
        )
        assert answer["descr"] == {"order": "buy 0.01000000 XBTUSD @ limit 20000.0"}
        (order,) = kraken.state()["orders"]
        assert (order["txid"], order["cl_ord_id"]) == (answer["txid"][0], UUID)
        assert (order["post_only"], order["status"]) == (True, "open")

    def test_create_order_by_its_slash_name(self, trading: Any, kraken: LocalKraken) -> None:
        trading.create_order("limit", "buy", "XBT/USD", "0.01", FAR)
        assert kraken.state()["orders"][0]["pair"] == "XBTUSD"

    def test_create_market_order(self, trading: Any, account: Any) -> None:
        txid = bought(trading, "0.05")
        (order,) = account.get_orders_info(txid=txid).values()
        assert (order["status"], order["vol_exec"]) == ("closed", "0.05000000")

    def test_create_truncated_order(self, kraken: LocalKraken, monkeypatch: pytest.MonkeyPatch) -> None:
        """To truncate it reads AssetPairs, from the address that its class has."""
        monkeypatch.setattr(base.SpotClient, "URL", kraken.rest)
        trade(kraken).create_order("limit", "buy", "XBTUSD", "0.012345678912", "20000.16", truncate=True)
        (order,) = kraken.state()["orders"]
        assert (order["volume"], order["price"]) == ("0.01234567", "20000.1")

    def test_validate(self, trading: Any, kraken: LocalKraken) -> None:
        answer = trading.create_order("limit", "buy", "XBTUSD", "0.01", FAR, validate=True)
        assert answer == {"descr": {"order": "buy 0.01000000 XBTUSD @ limit 20000.0"}}
        assert kraken.state()["orders"] == []

    @pytest.mark.parametrize(
        ("kind", "price", "price2", "spoken"),
        [
            ("stop-loss", "30000.0", None, "sell 0.10000000 XBTUSD @ stop loss 30000.0"),
            ("take-profit", "400000.0", None, "sell 0.10000000 XBTUSD @ take profit 400000.0"),
            ("stop-loss-limit", "30000.0", "29900.0", "@ stop loss 30000.0 -> limit 29900.0"),
            ("take-profit-limit", "400000.0", "399000.0", "@ take profit 400000.0 -> limit 399000.0"),
            ("trailing-stop", "+5%", None, "@ trailing stop +5.0000%"),
            ("trailing-stop-limit", "+500", "+10", "@ trailing stop +500.0 -> limit +10.0"),
        ],
    )
    def test_create_triggered_order(
        self, trading: Any, account: Any, kind: str, price: str, price2: str | None, spoken: str
    ) -> None:
        answer = trading.create_order(kind, "sell", "XBTUSD", "0.1", price, price2, trigger="last")
        assert answer["descr"]["order"].endswith(spoken)
        (order,) = account.get_open_orders()["open"].values()
        assert (order["descr"]["ordertype"], order["trigger"]) == (kind, "last")

    def test_create_order_with_a_conditional_close(self, trading: Any, account: Any) -> None:
        answer = trading.create_order(
            "market",
            "buy",
            "XBTUSD",
            "0.01",
            close_ordertype="stop-loss-limit",
            close_price="30000.0",
            close_price2="29000.0",
        )
        assert answer["descr"]["close"] == "close position @ stop loss 30000.0 -> limit 29000.0"
        (order,) = account.get_open_orders()["open"].values()
        assert (order["refid"], order["descr"]["type"]) == (answer["txid"][0], "sell")

    def test_create_order_that_expires(self, trading: Any, account: Any, kraken: LocalKraken) -> None:
        txid = bid(trading, timeinforce="GTD", expiretm="+30")
        kraken.advance(31)
        assert account.get_orders_info(txid=txid)[txid]["status"] == "expired"

    def test_create_order_batch(self, trading: Any, kraken: LocalKraken) -> None:
        rows = [
            {"ordertype": "limit", "type": "buy", "volume": "0.01", "price": f"2000{n}.0"} for n in range(3)
        ]
        answer = trading.create_order_batch(rows, "XBTUSD")
        told = kraken.state()["orders"]
        assert [row["txid"] for row in answer["orders"]] == [order["txid"] for order in told]
        assert [order["price"] for order in told] == ["20000.0", "20001.0", "20002.0"]

    def test_amend_order(self, trading: Any, account: Any) -> None:
        txid = bid(trading, cl_ord_id=UUID)
        answer = trading.amend_order(cl_ord_id=UUID, order_qty="0.02", limit_price="19999.0")
        assert answer["amend_id"].startswith("T")
        order = account.get_orders_info(txid=txid)[txid]
        assert (order["vol"], order["descr"]["price"], order["status"]) == ("0.02000000", "19999.0", "open")

    def test_edit_order(self, trading: Any, account: Any) -> None:
        txid = bid(trading)
        answer = trading.edit_order(txid, "XBTUSD", volume="0.03", price="20001.0")
        assert (answer["originaltxid"], answer["status"], answer["orders_cancelled"]) == (txid, "ok", 1)
        orders = account.get_orders_info(txid=[txid, answer["txid"]])
        assert (orders[txid]["status"], orders[answer["txid"]]["status"]) == ("canceled", "open")
        assert orders[answer["txid"]]["vol"] == "0.03000000"

    def test_cancel_order(self, trading: Any) -> None:
        txid = bid(trading)
        assert trading.cancel_order(txid=txid) == {"count": 1}
        with pytest.raises(errors.KrakenUnknownOrderError):
            trading.cancel_order(txid=txid)

    def test_cancel_order_by_client_id(self, trading: Any) -> None:
        bid(trading, cl_ord_id=UUID)
        assert trading.cancel_order(cl_ord_id=UUID) == {"count": 1}

    def test_cancel_order_by_userref(self, trading: Any) -> None:
        bid(trading, userref=3)
        bid(trading, userref=3)
        bid(trading, userref=4)
        assert trading.cancel_order(txid=3) == {"count": 2}

    def test_cancel_order_batch(self, trading: Any) -> None:
        names = [bid(trading) for _ in range(3)]
        assert trading.cancel_order_batch(orders=names) == {"count": 3}

    def test_cancel_all_orders(self, trading: Any) -> None:
        for _ in range(2):
            bid(trading)
        assert trading.cancel_all_orders() == {"count": 2}

    def test_cancel_all_orders_after_x(self, trading: Any, account: Any, kraken: LocalKraken) -> None:
        txid = bid(trading)
        assert trading.cancel_all_orders_after_x(timeout=30) == {
            "currentTime": "2026-01-05T00:00:00Z",
            "triggerTime": "2026-01-05T00:00:30Z",
        }
        kraken.advance(31)
        assert account.get_orders_info(txid=txid)[txid]["status"] == "canceled"

    def test_insufficient_funds(self, trading: Any) -> None:
        with pytest.raises(errors.KrakenInsufficientFundsError):
            bid(trading, "100")

    def test_below_the_minimum(self, trading: Any) -> None:
        with pytest.raises(errors.KrakenInvalidArgumentsError):
            bid(trading, "0.00000001")

    def test_an_order_nobody_knows(self, trading: Any) -> None:
        with pytest.raises(errors.KrakenInvalidOrderError):
            trading.cancel_order(txid="OAAAAA-BBBBB-CCCCCC")

    def test_leverage_beyond_the_pair(self, trading: Any) -> None:
        with pytest.raises(Exception, match=r"EGeneral:Invalid arguments|EOrder:"):
            bid(trading, leverage="50:1")
