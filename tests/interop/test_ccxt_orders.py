"""ccxt trades on the local Kraken over REST."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from krakked_tui.sandbox.settings import SandboxSettings
from tests.interop.ccxt_client import BITCOIN, ccxt, rest_client
from tests.interop.local_kraken import LocalKraken

FAR = 20_000.0
"""Dollars for a bitcoin: a bid that rests."""

HIGH = 400_000.0
"""Dollars for a bitcoin: an offer that rests."""

UUID = "6d1b345e-2821-40e2-ad83-4ecb18a06876"


@pytest.fixture
def settings() -> SandboxSettings:
    return SandboxSettings(balance={"USD": Decimal(100_000), "XBT": Decimal(2)})


@pytest.fixture
def exchange(kraken: LocalKraken) -> Iterator[Any]:
    client = rest_client(kraken)
    client.load_markets()
    yield client
    client.session.close()


def order_of(kraken: LocalKraken, txid: str) -> Any:
    """Return the exchange's truth about an order."""
    return next(order for order in kraken.state()["orders"] if order["txid"] == txid)


def bid(exchange: Any, amount: float = 0.01, price: float = FAR, **params: object) -> Any:
    return exchange.create_order(BITCOIN, "limit", "buy", amount, price, params)


def bought(exchange: Any, amount: float = 0.01) -> Any:
    """Buy at the market; return the order as it ended."""
    created = exchange.create_order(BITCOIN, "market", "buy", amount)
    return exchange.fetch_order(created["id"], BITCOIN)


def test_fetch_balance(exchange: Any) -> None:
    balance = exchange.fetch_balance()
    assert balance["USD"] == {"free": 100_000.0, "used": 0.0, "total": 100_000.0}
    assert balance["BTC"] == {"free": 2.0, "used": 0.0, "total": 2.0}


def test_fetch_balance_shows_what_an_order_holds(exchange: Any) -> None:
    bid(exchange, 0.1)
    exchange.create_order(BITCOIN, "limit", "sell", 0.5, HIGH)
    balance = exchange.fetch_balance()
    assert 2000.0 <= balance["USD"]["used"] <= 2010.0
    assert balance["USD"]["free"] + balance["USD"]["used"] == pytest.approx(100_000.0)
    assert balance["BTC"] == {"free": 1.5, "used": 0.5, "total": 2.0}


def test_create_limit_order(exchange: Any, kraken: LocalKraken) -> None:
    order = bid(exchange)
    assert (order["symbol"], order["side"], order["type"]) == (BITCOIN, "buy", "limit")
    assert (order["amount"], order["price"]) == (0.01, FAR)
    truth = order_of(kraken, order["id"])
    assert (truth["status"], truth["type"], truth["ordertype"]) == ("open", "buy", "limit")
    assert (truth["volume"], truth["price"]) == ("0.01000000", "20000.0")


def test_create_limit_order_through_the_spread(exchange: Any, kraken: LocalKraken) -> None:
    ask = exchange.fetch_ticker(BITCOIN)["ask"]
    order = bid(exchange, 0.01, ask * 1.01)
    done = exchange.fetch_order(order["id"])
    assert (done["status"], done["filled"], done["remaining"]) == ("closed", 0.01, 0.0)
    assert ask <= done["average"] <= ask * 1.01


def test_create_market_order(exchange: Any, kraken: LocalKraken) -> None:
    ask = exchange.fetch_ticker(BITCOIN)["ask"]
    done = bought(exchange, 0.05)
    assert (done["status"], done["filled"], done["type"], done["side"]) == ("closed", 0.05, "market", "buy")
    assert done["average"] == pytest.approx(ask, rel=0.01)
    assert done["fee"]["currency"] == "USD"
    assert float(done["fee"]["cost"]) == pytest.approx(0.05 * done["average"] * 0.004, abs=0.001)


def test_create_market_sell(exchange: Any) -> None:
    best = exchange.fetch_ticker(BITCOIN)["bid"]
    created = exchange.create_order(BITCOIN, "market", "sell", 0.2)
    done = exchange.fetch_order(created["id"])
    assert (done["status"], done["filled"], done["side"]) == ("closed", 0.2, "sell")
    assert done["average"] == pytest.approx(best, rel=0.01)
    assert exchange.fetch_balance()["BTC"]["total"] == pytest.approx(1.8)


def test_create_market_buy_with_cost(exchange: Any) -> None:
    created = exchange.create_market_buy_order_with_cost(BITCOIN, 500)
    assert created["cost"] == 500.0
    done = exchange.fetch_order(created["id"])
    assert done["status"] == "closed"
    spent = 100_000 - exchange.fetch_balance()["USD"]["total"]
    assert spent == pytest.approx(502, abs=0.2)


def test_create_immediate_or_cancel_order(exchange: Any) -> None:
    order = bid(exchange, timeInForce="IOC")
    done = exchange.fetch_order(order["id"])
    assert (done["status"], done["filled"]) == ("canceled", 0.0)


def test_create_fill_or_kill_order(exchange: Any) -> None:
    ask = exchange.fetch_ticker(BITCOIN)["ask"]
    done = exchange.fetch_order(bid(exchange, 0.01, ask * 1.01, timeInForce="FOK")["id"])
    assert (done["status"], done["filled"]) == ("closed", 0.01)


def test_create_good_till_date_order(exchange: Any, kraken: LocalKraken) -> None:
    order = bid(exchange, timeInForce="GTD", expiretm="+60")
    assert exchange.fetch_order(order["id"])["status"] == "open"
    kraken.advance(61)
    assert exchange.fetch_order(order["id"])["status"] == "expired"


def test_create_post_only_order(exchange: Any, kraken: LocalKraken) -> None:
    order = bid(exchange, postOnly=True)
    assert order_of(kraken, order["id"])["post_only"] is True
    assert exchange.fetch_order(order["id"])["postOnly"] is True


def test_a_post_only_order_that_would_take_is_refused(exchange: Any, kraken: LocalKraken) -> None:
    ask = exchange.fetch_ticker(BITCOIN)["ask"]
    with pytest.raises(ccxt.ExchangeError, match="EOrder:Post only order"):
        bid(exchange, 0.01, ask * 1.01, postOnly=True)
    assert kraken.state()["orders"] == []


def test_create_order_with_a_client_order_id(exchange: Any, kraken: LocalKraken) -> None:
    order = bid(exchange, clientOrderId=UUID)
    assert order_of(kraken, order["id"])["cl_ord_id"] == UUID
    assert exchange.fetch_order(order["id"])["clientOrderId"] == UUID


def test_a_client_order_id_in_use_is_refused(exchange: Any, kraken: LocalKraken) -> None:
    bid(exchange, clientOrderId=UUID)
    with pytest.raises(ccxt.ExchangeError, match="cl_ord_id not unique"):
        bid(exchange, clientOrderId=UUID)
    assert len(kraken.state()["orders"]) == 1


def test_a_validated_order_is_not_placed(exchange: Any, kraken: LocalKraken) -> None:
    order = bid(exchange, validate=True)
    assert (order["id"], order["amount"], order["price"]) == (None, 0.01, FAR)
    assert kraken.state()["orders"] == []


def test_create_stop_loss_order(exchange: Any) -> None:
    order = exchange.create_order(BITCOIN, "market", "sell", 0.1, None, {"stopLossPrice": FAR})
    found = exchange.fetch_order(order["id"])
    assert (found["status"], found["side"], found["amount"]) == ("open", "sell", 0.1)
    assert (found["info"]["descr"]["ordertype"], found["stopLossPrice"]) == ("stop-loss", FAR)


def test_create_stop_loss_limit_order(exchange: Any) -> None:
    order = exchange.create_order(BITCOIN, "limit", "sell", 0.1, FAR - 100, {"stopLossPrice": FAR})
    found = exchange.fetch_order(order["id"])
    assert found["info"]["descr"]["ordertype"] == "stop-loss-limit"
    assert (found["stopLossPrice"], found["price"], found["type"]) == (FAR, FAR - 100, "limit")


def test_create_take_profit_order(exchange: Any) -> None:
    order = exchange.create_order(BITCOIN, "market", "sell", 0.1, None, {"takeProfitPrice": HIGH})
    found = exchange.fetch_order(order["id"])
    assert found["info"]["descr"]["ordertype"] == "take-profit"
    assert (found["takeProfitPrice"], found["status"]) == (HIGH, "open")


def test_create_take_profit_limit_order(exchange: Any) -> None:
    order = exchange.create_order(BITCOIN, "limit", "sell", 0.1, HIGH - 100, {"takeProfitPrice": HIGH})
    found = exchange.fetch_order(order["id"])
    assert found["info"]["descr"]["ordertype"] == "take-profit-limit"
    assert (found["takeProfitPrice"], found["price"]) == (HIGH, HIGH - 100)


def test_create_trailing_amount_order(exchange: Any) -> None:
    order = exchange.create_order(BITCOIN, "market", "sell", 0.1, None, {"trailingAmount": "500"})
    found = exchange.fetch_order(order["id"])
    assert (found["info"]["descr"]["ordertype"], found["status"]) == ("trailing-stop", "open")
    assert found["info"]["descr"]["price"] == "+500.0"


def test_create_trailing_percent_order(exchange: Any) -> None:
    """A price in percent makes ccxt send JSON."""
    order = exchange.create_order(BITCOIN, "market", "sell", 0.1, None, {"trailingPercent": "5"})
    found = exchange.fetch_order(order["id"])
    assert (found["info"]["descr"]["ordertype"], found["status"]) == ("trailing-stop", "open")
    assert found["info"]["descr"]["price"] == "+5.0000%"


def test_a_stop_loss_is_triggered(exchange: Any, kraken: LocalKraken) -> None:
    last = exchange.fetch_ticker(BITCOIN)["last"]
    stop = exchange.create_order(BITCOIN, "market", "sell", 0.1, None, {"stopLossPrice": last * 0.97})
    assert exchange.fetch_order(stop["id"])["status"] == "open"
    kraken.happen(action="shock", pair="XBTUSD", percent="-10")
    kraken.advance(600)
    found = exchange.fetch_order(stop["id"])
    assert (found["status"], found["filled"]) == ("closed", 0.1)
    assert last * 0.85 < found["average"] < last * 0.95


def test_create_orders(exchange: Any, kraken: LocalKraken) -> None:
    orders = exchange.create_orders(
        [
            {"symbol": BITCOIN, "type": "limit", "side": "buy", "amount": 0.01, "price": FAR - number}
            for number in range(3)
        ]
    )
    assert len(orders) == 3
    assert [order_of(kraken, order["id"])["price"] for order in orders] == ["20000.0", "19999.0", "19998.0"]


def test_edit_order_price(exchange: Any, kraken: LocalKraken) -> None:
    order = bid(exchange)
    edited = exchange.edit_order(order["id"], BITCOIN, "limit", "buy", None, FAR + 50)
    assert edited["id"].startswith("T")
    found = exchange.fetch_order(order["id"])
    assert (found["price"], found["amount"], found["status"]) == (FAR + 50, 0.01, "open")


def test_edit_order_amount(exchange: Any) -> None:
    order = bid(exchange)
    exchange.edit_order(order["id"], BITCOIN, "limit", "buy", 0.02)
    found = exchange.fetch_order(order["id"])
    assert (found["amount"], found["price"]) == (0.02, FAR)
    assert exchange.fetch_balance()["USD"]["used"] >= 400


def test_edit_order_by_client_order_id(exchange: Any) -> None:
    order = bid(exchange, clientOrderId=UUID)
    exchange.edit_order("", BITCOIN, "limit", "buy", 0.03, FAR - 1, {"clientOrderId": UUID})
    found = exchange.fetch_order(order["id"])
    assert (found["amount"], found["price"], found["clientOrderId"]) == (0.03, FAR - 1, UUID)


def test_edit_order_that_is_gone(exchange: Any) -> None:
    order = bid(exchange)
    exchange.cancel_order(order["id"])
    with pytest.raises(ccxt.InvalidOrder, match="EOrder:Unknown order"):
        exchange.edit_order(order["id"], BITCOIN, "limit", "buy", 0.02)


def test_fetch_order(exchange: Any) -> None:
    order = bid(exchange, 0.0123)
    found = exchange.fetch_order(order["id"], BITCOIN)
    assert (found["id"], found["symbol"], found["status"]) == (order["id"], BITCOIN, "open")
    assert (found["amount"], found["filled"], found["remaining"]) == (0.0123, 0.0, 0.0123)
    assert (found["price"], found["side"], found["type"]) == (FAR, "buy", "limit")
    assert found["datetime"] == "2026-01-05T00:00:00.000Z"


def test_fetch_order_that_never_was(exchange: Any) -> None:
    with pytest.raises(ccxt.InvalidOrder, match="EOrder:Invalid order"):
        exchange.fetch_order("OAAAAA-BBBBB-CCCCCC")


def test_fetch_orders_by_ids(exchange: Any) -> None:
    ids = [bid(exchange)["id"], bought(exchange)["id"]]
    found = {order["id"]: order["status"] for order in exchange.fetch_orders_by_ids(ids)}
    assert found == {ids[0]: "open", ids[1]: "closed"}


def test_fetch_open_orders(exchange: Any) -> None:
    mine = bid(exchange)
    other = exchange.create_order("ETH/USD", "limit", "buy", 0.5, 100.0)
    assert {order["id"] for order in exchange.fetch_open_orders()} == {mine["id"], other["id"]}
    (found,) = exchange.fetch_open_orders(BITCOIN)
    assert (found["id"], found["price"], found["amount"]) == (mine["id"], FAR, 0.01)


def test_fetch_open_orders_by_client_order_id(exchange: Any) -> None:
    bid(exchange)
    mine = bid(exchange, clientOrderId=UUID)
    (found,) = exchange.fetch_open_orders(BITCOIN, None, None, {"clientOrderId": UUID})
    assert found["id"] == mine["id"]


def test_fetch_open_orders_by_userref(exchange: Any) -> None:
    bid(exchange)
    mine = bid(exchange, userref=42)
    (found,) = exchange.fetch_open_orders(BITCOIN, None, None, {"userref": 42})
    assert (found["id"], found["info"]["userref"]) == (mine["id"], 42)


def test_fetch_closed_orders(exchange: Any) -> None:
    filled = bought(exchange)
    canceled = bid(exchange)
    exchange.cancel_order(canceled["id"])
    found = {order["id"]: order for order in exchange.fetch_closed_orders(BITCOIN)}
    assert {name: order["status"] for name, order in found.items()} == {
        filled["id"]: "closed",
        canceled["id"]: "canceled",
    }
    assert found[filled["id"]]["cost"] == pytest.approx(found[filled["id"]]["average"] * 0.01)
    assert found[canceled["id"]]["filled"] == 0.0


def test_fetch_closed_orders_since(exchange: Any, kraken: LocalKraken) -> None:
    bought(exchange)
    kraken.advance(3600)
    late = bought(exchange)
    since = exchange.fetch_time() - 60_000
    assert [order["id"] for order in exchange.fetch_closed_orders(BITCOIN, since)] == [late["id"]]


def test_cancel_order(exchange: Any) -> None:
    order = bid(exchange)
    assert exchange.cancel_order(order["id"])["info"]["result"] == {"count": 1}
    assert exchange.fetch_order(order["id"])["status"] == "canceled"
    assert exchange.fetch_balance()["USD"]["used"] == 0.0


def test_cancel_order_by_client_order_id(exchange: Any) -> None:
    order = bid(exchange, clientOrderId=UUID)
    exchange.cancel_order("", BITCOIN, {"clientOrderId": UUID})
    assert exchange.fetch_order(order["id"])["status"] == "canceled"


def test_cancel_order_twice(exchange: Any) -> None:
    order = bid(exchange)
    exchange.cancel_order(order["id"])
    with pytest.raises(ccxt.OrderNotFound, match="EOrder:Unknown order"):
        exchange.cancel_order(order["id"])


def test_cancel_orders(exchange: Any) -> None:
    orders = [bid(exchange, 0.01, FAR - number) for number in range(3)]
    (answer,) = exchange.cancel_orders([order["id"] for order in orders[:2]])
    assert answer["info"]["result"] == {"count": 2}
    assert [order["id"] for order in exchange.fetch_open_orders()] == [orders[2]["id"]]


def test_cancel_all_orders(exchange: Any) -> None:
    for number in range(3):
        bid(exchange, 0.01, FAR - number)
    (answer,) = exchange.cancel_all_orders()
    assert answer["info"]["result"] == {"count": 3}
    assert exchange.fetch_open_orders() == []
    (answer,) = exchange.cancel_all_orders()
    assert answer["info"]["result"] == {"count": 0}


def test_cancel_all_orders_after_fires(exchange: Any, kraken: LocalKraken) -> None:
    order = bid(exchange)
    answer = exchange.cancel_all_orders_after(60_000)["result"]
    assert answer == {"currentTime": "2026-01-05T00:00:00Z", "triggerTime": "2026-01-05T00:01:00Z"}
    kraken.advance(59)
    assert exchange.fetch_order(order["id"])["status"] == "open"
    kraken.advance(2)
    found = exchange.fetch_order(order["id"])
    assert (found["status"], found["info"]["reason"]) == ("canceled", "CancelAllOrdersAfter Timeout")
    late = bid(exchange)
    kraken.advance(120)
    assert exchange.fetch_order(late["id"])["status"] == "open", "once fired it is off"


def test_cancel_all_orders_after_is_put_off_and_disarmed(exchange: Any, kraken: LocalKraken) -> None:
    order = bid(exchange)
    exchange.cancel_all_orders_after(60_000)
    kraken.advance(45)
    exchange.cancel_all_orders_after(60_000)
    kraken.advance(45)
    assert exchange.fetch_order(order["id"])["status"] == "open"
    exchange.cancel_all_orders_after(0)
    kraken.advance(600)
    assert exchange.fetch_order(order["id"])["status"] == "open"


def test_fetch_my_trades(exchange: Any, kraken: LocalKraken) -> None:
    order = bought(exchange, 0.05)
    trades = exchange.fetch_my_trades(BITCOIN)
    assert {trade["order"] for trade in trades} == {order["id"]}
    assert sum(trade["amount"] for trade in trades) == pytest.approx(0.05)
    for trade in trades:
        assert (trade["symbol"], trade["side"], trade["type"]) == (BITCOIN, "buy", "market")
        assert trade["cost"] == pytest.approx(trade["price"] * trade["amount"], rel=1e-6)
        assert float(trade["fee"]["cost"]) == pytest.approx(trade["cost"] * 0.004, abs=0.0001)
        assert trade["fee"]["currency"] == "USD"
    told = kraken.state()["trades"]
    assert sum(float(trade["cost"]) for trade in told) == pytest.approx(sum(t["cost"] for t in trades))


def test_fetch_my_trades_since(exchange: Any, kraken: LocalKraken) -> None:
    bought(exchange)
    kraken.advance(3600)
    late = bought(exchange)
    trades = exchange.fetch_my_trades(BITCOIN, exchange.fetch_time() - 60_000)
    assert {trade["order"] for trade in trades} == {late["id"]}


def test_fetch_order_trades(exchange: Any) -> None:
    order = bought(exchange)
    trades = exchange.fetch_order_trades(order["id"], BITCOIN, None, None, order)
    assert [trade["id"] for trade in trades] == [trade["id"] for trade in order["trades"]]
    assert sum(trade["amount"] for trade in trades) == pytest.approx(0.01)


def test_fetch_ledger(exchange: Any, kraken: LocalKraken) -> None:
    kraken.advance(60)
    bought(exchange)
    entries = exchange.fetch_ledger()
    told = kraken.state()["ledger"]
    assert {entry["id"] for entry in entries} == {entry["id"] for entry in told}
    assert {entry["type"] for entry in entries} == {"trade", "transaction"}
    for name in ("USD", "BTC"):
        mine = [entry for entry in entries if entry["currency"] == name]
        sign = {"in": 1, "out": -1}
        total = sum(sign[entry["direction"]] * entry["amount"] - entry["fee"]["cost"] for entry in mine)
        assert total == pytest.approx(exchange.fetch_balance()[name]["total"])
        assert exchange.fetch_balance()[name]["total"] in [entry["after"] for entry in mine]


def test_fetch_ledger_of_a_deposit(exchange: Any, kraken: LocalKraken) -> None:
    kraken.happen(action="deposit", asset="ETH", amount="3.5")
    (entry,) = exchange.fetch_ledger("ETH")
    assert (entry["type"], entry["direction"], entry["amount"]) == ("transaction", "in", 3.5)
    assert exchange.fetch_balance()["ETH"]["free"] == 3.5


def test_fetch_ledger_of_one_currency(exchange: Any, kraken: LocalKraken) -> None:
    kraken.advance(60)
    bought(exchange)
    entries = exchange.fetch_ledger("BTC")
    assert [(entry["type"], entry["direction"]) for entry in entries] == [
        ("transaction", "in"),
        ("trade", "in"),
    ]


def test_fetch_ledger_entry(exchange: Any, kraken: LocalKraken) -> None:
    kraken.advance(60)
    bought(exchange)
    entry = exchange.fetch_ledger("USD")[-1]
    found = exchange.fetch_ledger_entry(entry["id"])
    assert (found["amount"], found["referenceId"]) == (entry["amount"], entry["referenceId"])


def test_fetch_trading_fee(exchange: Any) -> None:
    fee = exchange.fetch_trading_fee(BITCOIN)
    assert (fee["symbol"], fee["taker"], fee["maker"]) == (BITCOIN, 0.004, 0.0025)


def test_fetch_trading_fee_after_some_volume(exchange: Any) -> None:
    bought(exchange, 0.3)
    fee = exchange.fetch_trading_fee(BITCOIN)
    assert (fee["taker"], fee["maker"]) == (0.0035, 0.002)
    assert float(fee["info"]["volume"]) > 10_000
