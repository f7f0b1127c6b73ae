"""The ``instrument`` channel: all assets and pairs, then every pair whose status or precision changes."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from krakked_tui.sandbox.catalog import Asset, Listing
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.topics import Subscriber
from krakked_tui.sandbox.wire import number

_ORDINARY = "currency"


class InstrumentStream:
    """What the exchange lists, told to whoever subscribed."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self.subscribers: dict[Subscriber, None] = {}

    def snapshot(self, *, tokenized: bool) -> str:
        """Return all assets and pairs; tokenised assets only when asked for."""
        catalog = self._exchange.catalog
        assets = [asset for asset in catalog.listed_assets if tokenized or asset.asset_class == _ORDINARY]
        pairs = [pair for pair in catalog.listed if tokenized or pair.base.asset_class == _ORDINARY]
        return _message("snapshot", assets, pairs)

    def publish(self, listing: Listing) -> None:
        """Tell the subscribers that a pair is not as it was."""
        message = _message("update", (), (listing,))
        for subscriber in self.subscribers:
            subscriber.send(message)


def _message(kind: str, assets: Iterable[Asset], pairs: Iterable[Listing]) -> str:
    data = {"assets": [_asset(asset) for asset in assets], "pairs": [_pair(pair) for pair in pairs]}
    return msgspec.json.encode({"channel": "instrument", "type": kind, "data": data}).decode()


def _asset(asset: Asset) -> dict[str, object]:
    row: dict[str, object] = {
        "id": asset.display_name,
        "status": asset.status,
        "precision": asset.decimals,
        "precision_display": asset.display_decimals,
        "borrowable": bool(asset.margin_rate),
        "collateral_value": number(asset.collateral_value or Decimal(0), 3),
        "class": asset.asset_class,
    }
    if asset.margin_rate is not None:
        row["margin_rate"] = number(asset.margin_rate, 6)
    return row


def _pair(listing: Listing) -> dict[str, object]:
    pair = listing.pair
    price, lot = pair.price_decimals, pair.volume_decimals
    row: dict[str, object] = {
        "symbol": pair.ws_symbol,
        "base": listing.base.display_name,
        "quote": listing.quote.display_name,
        "status": pair.status.value,
        "qty_precision": lot,
        "qty_increment": number(pair.lot_size, lot),
        "price_precision": price,
        "cost_precision": pair.cost_decimals,
        "marginable": bool(pair.leverage_buy),
        "has_index": bool(pair.leverage_buy),
        "ws_display_price_precision": price,
        "cost_min": number(pair.cost_min, max(listing.quote.display_decimals, _decimals(pair.cost_min))),
    }
    if listing.long_limit is not None and listing.short_limit is not None:
        row |= {
            "margin_initial": number(1 / Decimal(max(pair.leverage_buy)), 2),
            "position_limit_long": listing.long_limit,
            "position_limit_short": listing.short_limit,
        }
    tick = number(pair.tick_size, price)
    return row | {"tick_size": tick, "price_increment": tick, "qty_min": number(pair.order_min, lot)}


def _decimals(value: Decimal) -> int:
    return max(0, -int(value.as_tuple().exponent))
