"""ccxt, pointed at a local Kraken."""

from itertools import count
from typing import Any

import pytest

from tests.interop.local_kraken import LocalKraken

ccxt: Any = pytest.importorskip("ccxt", reason="ccxt is not installed: pip install -e .[interop]")
BITCOIN = "BTC/USD"


def config(kraken: LocalKraken, **changes: object) -> dict[str, Any]:
    """Return ccxt's settings: addresses, key, and its own rate limiter off."""
    base = kraken.ws_public.removesuffix("/v2")
    return {
        "apiKey": kraken.api_key,
        "secret": kraken.api_secret,
        "enableRateLimit": False,
        "urls": {
            "api": {
                "public": kraken.rest,
                "private": kraken.rest,
                "ws": {
                    "public": base,
                    "publicV2": kraken.ws_public,
                    "private": base,
                    "privateV2": kraken.ws_private,
                },
            }
        },
        **changes,
    }


def rest_client(kraken: LocalKraken, **changes: object) -> Any:
    """Return ccxt's REST client.

    Its nonce is milliseconds: too coarse for an exchange this near, so it counts, as ccxt's manual
    shows how.
    """
    exchange = ccxt.kraken(config(kraken, **changes))
    exchange.nonce = count(1).__next__
    return exchange


def cent(price: float) -> float:
    """Return a price of bitcoin with its one decimal."""
    return round(price, 1)
