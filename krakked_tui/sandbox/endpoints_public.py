"""The public REST endpoints."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from krakked_tui.domain.pairs import FeeTier
from krakked_tui.sandbox.calls import Call, Endpoint
from krakked_tui.sandbox.catalog import Asset, Listing
from krakked_tui.sandbox.faults import UNKNOWN_ASSET, UNKNOWN_PAIR, ApiError, invalid
from krakked_tui.sandbox.market_data import INTERVALS, ohlc_rows, ticker_row
from krakked_tui.sandbox.wire import rfc1123, rfc3339_second, unix_second

Found = TypeVar("Found")


def server_time(call: Call) -> object:
    """``Time``: the exchange's clock."""
    return {"unixtime": unix_second(call.at), "rfc1123": rfc1123(call.at)}


def system_status(call: Call) -> object:
    """``SystemStatus``."""
    return {"status": "online", "timestamp": rfc3339_second(call.at)}


def assets(call: Call) -> object:
    """``Assets``, all or those asked for."""
    catalog = call.exchange.catalog
    wanted = call.params.names_in("asset")
    chosen = [_found(catalog.find_asset, name, UNKNOWN_ASSET) for name in wanted] or catalog.assets.values()
    return {asset.raw_name: _asset_row(asset) for asset in chosen}


def asset_pairs(call: Call) -> object:
    """``AssetPairs``, all or those asked for."""
    return {listing.pair.raw_name: _pair_row(listing) for listing in _chosen(call)}


def ticker(call: Call) -> object:
    """``Ticker``, all pairs or those asked for."""
    return {listing.pair.raw_name: ticker_row(call.exchange, listing, call.at) for listing in _chosen(call)}


def ohlc(call: Call) -> object:
    """``OHLC`` of one pair."""
    listing = _found(call.exchange.catalog.find, call.params.required("pair"), UNKNOWN_PAIR)
    interval = call.params.integer("interval", 1)
    if interval not in INTERVALS:
        raise invalid("interval")
    since = call.params.integer("since", 0)
    rows, last = ohlc_rows(call.exchange, listing, interval, since, call.at)
    return {listing.pair.raw_name: rows, "last": last}


def _chosen(call: Call) -> Iterable[Listing]:
    catalog = call.exchange.catalog
    wanted = call.params.names_in("pair")
    return [_found(catalog.find, name, UNKNOWN_PAIR) for name in wanted] or catalog.listings.values()


def _found(find: Callable[[str], Found | None], name: str, error: str) -> Found:
    found = find(name)
    if found is None:
        raise ApiError(error)
    return found


def _asset_row(asset: Asset) -> dict[str, object]:
    return {
        "aclass": asset.asset_class,
        "altname": asset.name,
        "decimals": asset.decimals,
        "display_decimals": asset.display_decimals,
        "status": asset.status,
    }


def _pair_row(listing: Listing) -> dict[str, object]:
    pair = listing.pair
    row: dict[str, object] = {"altname": pair.canonical}
    if listing.wsname is not None:
        row["wsname"] = listing.wsname
    row |= {
        "aclass_base": listing.base.asset_class,
        "base": listing.base.raw_name,
        "aclass_quote": listing.quote.asset_class,
        "quote": listing.quote.raw_name,
        "lot": "unit",
        "cost_decimals": pair.cost_decimals,
        "pair_decimals": pair.price_decimals,
        "lot_decimals": pair.volume_decimals,
        "lot_multiplier": 1,
        "leverage_buy": pair.leverage_buy,
        "leverage_sell": pair.leverage_sell,
        "fees": _ladder(pair.fees_taker),
        "fees_maker": _ladder(pair.fees_maker),
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": format(pair.order_min, "f"),
        "costmin": format(pair.cost_min, "f"),
        "tick_size": format(pair.tick_size, "f"),
    }
    if listing.status is not None:
        row["status"] = listing.status
    return row


def _ladder(tiers: Iterable[FeeTier]) -> list[list[object]]:
    """Print a fee ladder: raw JSON numbers, unlike every other amount."""
    return [[int(tier.volume_usd), float(tier.percent)] for tier in tiers]


PUBLIC = (
    Endpoint("Time", server_time),
    Endpoint("SystemStatus", system_status),
    Endpoint("Assets", assets, accepts=("asset",)),
    Endpoint("AssetPairs", asset_pairs, accepts=("pair",)),
    Endpoint("Ticker", ticker, accepts=("pair",)),
    Endpoint("OHLC", ohlc, accepts=("pair", "interval", "since")),
)
