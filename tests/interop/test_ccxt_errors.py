"""What ccxt makes of the local Kraken's refusals: its own exceptions, one for each of Kraken's reasons."""

from base64 import b64encode
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from krakked_tui.sandbox.settings import SandboxSettings
from tests.interop.ccxt_client import BITCOIN, ccxt, rest_client
from tests.interop.local_kraken import LocalKraken


@pytest.fixture
def exchange(kraken: LocalKraken) -> Iterator[Any]:
    client = rest_client(kraken)
    client.load_markets()
    yield client
    client.session.close()


def test_an_unknown_pair(exchange: Any) -> None:
    with pytest.raises(ccxt.ExchangeError, match="EQuery:Unknown asset pair"):
        exchange.publicGetTicker({"pair": "NOPEUSD"})


def test_an_unknown_asset(exchange: Any) -> None:
    with pytest.raises(ccxt.BadSymbol, match="EQuery:Unknown asset"):
        exchange.privatePostLedgers({"asset": "NOPE"})


def test_an_unknown_method(exchange: Any) -> None:
    with pytest.raises(ccxt.ExchangeError, match="EGeneral:Unknown method"):
        exchange.fetch2("NoSuchThing", "public")


def test_a_wrong_interval(exchange: Any) -> None:
    with pytest.raises(ccxt.BaseError, match="EGeneral:Invalid arguments"):
        exchange.publicGetOHLC({"pair": "XBTUSD", "interval": 7})


def test_insufficient_funds_to_buy(exchange: Any, kraken: LocalKraken) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(BITCOIN, "limit", "buy", 10, 20_000)
    assert kraken.state()["orders"] == []


def test_insufficient_funds_to_sell(exchange: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        exchange.create_order(BITCOIN, "market", "sell", 1)


def test_too_little_volume(exchange: Any) -> None:
    with pytest.raises(ccxt.InvalidOrder, match="volume minimum not met"):
        exchange.privatePostAddOrder(
            {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "20000", "volume": "0.00000100"}
        )


def test_too_many_decimals(exchange: Any) -> None:
    with pytest.raises(ccxt.ExchangeError, match=r"EOrder:(Invalid price|Tick size)"):
        exchange.privatePostAddOrder(
            {"pair": "XBTUSD", "type": "buy", "ordertype": "limit", "price": "20000.123", "volume": "0.01"}
        )


def test_a_wrong_side(exchange: Any) -> None:
    with pytest.raises(ccxt.BaseError, match="EGeneral:Invalid arguments"):
        exchange.privatePostAddOrder(
            {"pair": "XBTUSD", "type": "hold", "ordertype": "market", "volume": "0.01"}
        )


def test_an_unknown_order(exchange: Any) -> None:
    with pytest.raises(ccxt.InvalidOrder, match="EOrder:Invalid order"):
        exchange.cancel_order("OAAAAA-BBBBB-CCCCCC")


def test_a_wrong_key(kraken: LocalKraken) -> None:
    client = rest_client(kraken, apiKey="nobody")
    with pytest.raises(ccxt.AuthenticationError, match="EAPI:Invalid key"):
        client.fetch_balance()
    client.session.close()


def test_a_wrong_secret(kraken: LocalKraken) -> None:
    client = rest_client(kraken, secret=b64encode(b"another secret").decode())
    with pytest.raises(ccxt.ExchangeError, match="EAPI:Invalid signature"):
        client.fetch_balance()
    client.session.close()


def test_a_stale_nonce(exchange: Any) -> None:
    exchange.nonce = iter([500, 499, 500, 501]).__next__
    exchange.fetch_balance()
    for _ in range(2):
        with pytest.raises(ccxt.InvalidNonce):
            exchange.fetch_balance()
    assert exchange.fetch_balance()["USD"]["total"] == 10_000.0


def test_cancel_only_mode(exchange: Any, kraken: LocalKraken) -> None:
    order = exchange.create_order(BITCOIN, "limit", "buy", 0.01, 20_000)
    kraken.happen(action="system_status", status="cancel_only")
    assert exchange.fetch_status()["status"] == "maintenance"
    with pytest.raises(ccxt.OnMaintenance, match="cancel_only"):
        exchange.create_order(BITCOIN, "limit", "buy", 0.01, 20_000)
    exchange.cancel_order(order["id"])
    assert exchange.fetch_open_orders() == []


class TestReadOnly:
    """A key that may look and not trade."""

    @pytest.fixture
    def settings(self) -> SandboxSettings:
        return SandboxSettings(permissions=("query-funds", "query-open-trades"))

    def test_what_the_key_may(self, exchange: Any) -> None:
        assert exchange.fetch_balance()["USD"]["total"] == 10_000.0
        assert exchange.fetch_open_orders() == []

    def test_what_the_key_may_not(self, exchange: Any, kraken: LocalKraken) -> None:
        for refused in (lambda: bid(exchange), exchange.fetch_ledger, exchange.cancel_all_orders):
            with pytest.raises(ccxt.PermissionDenied, match="EGeneral:Permission denied"):
                refused()
        assert kraken.state()["orders"] == []


def again(times: int, call: Callable[[], Any]) -> None:
    """Make a call that often."""
    for _ in range(times):
        call()


def bid(exchange: Any) -> Any:
    """Place a bid that rests."""
    return exchange.create_order(BITCOIN, "limit", "buy", 0.001, 20_000)


class TestLimited:
    """An exchange that counts calls as Kraken does."""

    @pytest.fixture
    def settings(self) -> SandboxSettings:
        return SandboxSettings(tier="starter", public_rate=1.0, balance={"USD": Decimal(10_000)})

    def test_the_private_counter(self, exchange: Any, kraken: LocalKraken) -> None:
        with pytest.raises(ccxt.DDoSProtection, match="EAPI:Rate limit exceeded"):
            again(20, exchange.fetch_balance)
        kraken.advance(60)
        assert exchange.fetch_balance()["USD"]["total"] == 10_000.0

    def test_the_trading_counter(self, exchange: Any) -> None:
        with pytest.raises(ccxt.DDoSProtection, match="EOrder:Rate limit exceeded"):
            again(20, lambda: exchange.cancel_order(bid(exchange)["id"]))

    def test_the_public_limit(self, exchange: Any, kraken: LocalKraken) -> None:
        with pytest.raises(ccxt.DDoSProtection, match="EGeneral:Too many requests"):
            again(40, lambda: exchange.fetch_ticker(BITCOIN))
        kraken.advance(60)
        assert exchange.fetch_ticker(BITCOIN)["last"] > 0
