"""The public REST endpoints."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Final, TypeVar

from krakked_tui.domain.pairs import FeeTier
from krakked_tui.sandbox.calls import Call, Endpoint
from krakked_tui.sandbox.catalog import Asset, Listing
from krakked_tui.sandbox.faults import UNKNOWN_ASSET, UNKNOWN_PAIR, ApiError, invalid
from krakked_tui.sandbox.market_data import (
    INTERVALS,
    depth_rows,
    ohlc_rows,
    spread_rows,
    ticker_row,
    trade_rows,
)
from krakked_tui.sandbox.wire import rfc1123, rfc3339_second, unix_second

TRADES_MAX: Final = 1000
DEPTH_MAX: Final = 500
"""Rows of Trades, and levels a side of Depth, that one call can ask for."""

_DEPTH_DEFAULT: Final = 100
_LEAST_NANOS: Final = 10**12
_ASSET_CLASSES: Final = ("currency", "tokenized_asset")
_VENUES: Final = ("international", "bitnomial_exchange")
"""Where a pair trades; all of the sandbox's trade at the first."""

Found = TypeVar("Found")


def server_time(call: Call) -> object:
    """``Time``: the exchange's clock."""
    return {"unixtime": unix_second(call.at), "rfc1123": rfc1123(call.at)}


def system_status(call: Call) -> object:
    """``SystemStatus``: what the exchange takes at the moment."""
    return {"status": call.exchange.system, "timestamp": rfc3339_second(call.at)}


def assets(call: Call) -> object:
    """``Assets``, all or those asked for."""
    catalog = call.exchange.catalog
    wanted = call.params.names_in("asset")
    chosen = [_found(catalog.find_asset, name, UNKNOWN_ASSET) for name in wanted] or catalog.listed_assets
    asset_class = _asset_class(call, "aclass")
    display = _display_names(call)
    return {
        asset.display_name if display else asset.raw_name: _asset_row(asset)
        for asset in chosen
        if asset_class in (None, asset.asset_class)
    }


def asset_pairs(call: Call) -> object:
    """``AssetPairs``, all or those asked for, whole or the part ``info`` names."""
    info = call.params.text("info") or "info"
    if info not in _PAIR_INFOS:
        raise invalid("info")
    venue = call.params.text("execution_venue")
    if venue not in (None, *_VENUES):
        raise invalid("execution_venue")
    asset_class = _asset_class(call, "aclass_base")
    display = _display_names(call)
    part = _PAIR_INFOS[info]
    return {
        key: part(listing, display)
        for key, listing in _chosen(call).items()
        if asset_class in (None, listing.base.asset_class) and venue in (None, _VENUES[0])
    }


def ticker(call: Call) -> object:
    """``Ticker``, all pairs or those asked for."""
    asset_class = _asset_class(call, "asset_class")
    return {
        key: ticker_row(call.exchange, listing, call.at)
        for key, listing in _chosen(call).items()
        if asset_class in (None, listing.base.asset_class)
    }


def ohlc(call: Call) -> object:
    """``OHLC`` of one pair."""
    key, listing = _one(call)
    interval = call.params.integer("interval", 1)
    if interval not in INTERVALS:
        raise invalid("interval")
    since = call.params.integer("since", 0)
    rows, last = ohlc_rows(call.exchange, listing, interval, since, call.at)
    return {key: rows, "last": last}


def trades(call: Call) -> object:
    """``Trades`` of one pair: those after ``since`` (nanoseconds, or seconds), or the latest."""
    key, listing = _one(call)
    count = _count(call, TRADES_MAX, TRADES_MAX)
    rows, last = trade_rows(call.exchange, listing, _since_nanos(call), count, call.at)
    return {key: rows, "last": last}


def depth(call: Call) -> object:
    """``Depth`` of one pair."""
    key, listing = _one(call)
    count = _count(call, _DEPTH_DEFAULT, DEPTH_MAX)
    rows = depth_rows(call.exchange, listing, count, call.at)
    return {key: rows}


def spread(call: Call) -> object:
    """``Spread`` of one pair."""
    key, listing = _one(call)
    rows, last = spread_rows(call.exchange, listing, call.params.integer("since", 0), call.at)
    return {key: rows, "last": last}


def _one(call: Call) -> tuple[str, Listing]:
    """Return the one pair asked for, with the name its row gets."""
    _asset_class(call, "asset_class")
    name = call.params.required("pair")
    listing = _found(call.exchange.catalog.find, name, UNKNOWN_PAIR)
    return _key(name, listing, display=_display_names(call)), listing


def _count(call: Call, default: int, most: int) -> int:
    count = call.params.integer("count", default)
    if not 1 <= count <= most:
        raise invalid("count")
    return count


def _since_nanos(call: Call) -> int | None:
    """Read ``since``: few digits are seconds (a fraction is allowed), many are nanoseconds."""
    since = call.params.decimal("since")
    if since is None:
        return None
    return int(since.scaleb(9) if since < _LEAST_NANOS else since)


def _asset_class(call: Call, name: str) -> str | None:
    """Read an asset class; None stands for all of them."""
    value = call.params.text(name)
    if value not in (None, *_ASSET_CLASSES):
        raise invalid(name)
    return value


def _display_names(call: Call) -> bool:
    """Say whether rows are keyed by display names (``BTC/USD``) instead of ids."""
    version = call.params.integer("assetVersion", 0)
    if version not in (0, 1):
        raise invalid("assetVersion")
    return version == 1


def _chosen(call: Call) -> Mapping[str, Listing]:
    """Return the pairs asked for, or all, by the names their rows get."""
    catalog = call.exchange.catalog
    display = _display_names(call)
    wanted = call.params.names_in("pair")
    if not wanted:
        return {_key("", listing, display=display): listing for listing in catalog.listed}
    found = [(name, _found(catalog.find, name, UNKNOWN_PAIR)) for name in wanted]
    return {_key(name, listing, display=display): listing for name, listing in found}


def _key(name: str, listing: Listing, *, display: bool) -> str:
    """Return the name a pair's row gets: a name with a slash comes back as it was asked for.

    That is what python-kraken-sdk and ccxt rely on. Any other name gets the pair's id.
    """
    if "/" in name:
        return name
    return listing.pair.ws_symbol if display else listing.pair.raw_name


def _found(find: Callable[[str], Found | None], name: str, error: str) -> Found:
    found = find(name)
    if found is None:
        raise ApiError(error)
    return found


def _asset_row(asset: Asset) -> dict[str, object]:
    row: dict[str, object] = {
        "aclass": asset.asset_class,
        "altname": asset.name,
        "decimals": asset.decimals,
        "display_decimals": asset.display_decimals,
    }
    if asset.collateral_value is not None:
        row["collateral_value"] = _plain_number(asset.collateral_value)
    row["status"] = asset.status
    if asset.margin_rate is not None:
        row["margin_rate"] = format(asset.margin_rate, "f")
    return row


def _pair_row(listing: Listing, display: bool) -> dict[str, object]:  # noqa: FBT001 - a row of the table
    pair, base, quote = listing.pair, listing.base, listing.quote
    row: dict[str, object] = {"altname": pair.canonical}
    if listing.wsname is not None:
        row["wsname"] = listing.wsname
    row |= {
        "aclass_base": base.asset_class,
        "base": base.display_name if display else base.raw_name,
        "aclass_quote": quote.asset_class,
        "quote": quote.display_name if display else quote.raw_name,
        "lot": "unit",
        "cost_decimals": pair.cost_decimals,
        "pair_decimals": pair.price_decimals,
        "lot_decimals": pair.volume_decimals,
        "lot_multiplier": 1,
    }
    row |= _leverage_row(listing, display) | _fees_row(listing, display) | _margin_row(listing, display)
    row |= {
        "ordermin": format(pair.order_min, "f"),
        "costmin": format(pair.cost_min, "f"),
        "tick_size": format(pair.tick_size, "f"),
    }
    if listing.status is not None:
        row["status"] = listing.status
    if listing.long_limit is not None:
        row |= {"long_position_limit": listing.long_limit, "short_position_limit": listing.short_limit}
    return row


def _leverage_row(listing: Listing, _display: bool) -> dict[str, object]:  # noqa: FBT001 - a row of the table
    return {"leverage_buy": listing.pair.leverage_buy, "leverage_sell": listing.pair.leverage_sell}


def _fees_row(listing: Listing, _display: bool) -> dict[str, object]:  # noqa: FBT001 - a row of the table
    return {
        "fees": _ladder(listing.pair.fees_taker),
        "fees_maker": _ladder(listing.pair.fees_maker),
        "fee_volume_currency": "ZUSD",
    }


def _margin_row(_listing: Listing, _display: bool) -> dict[str, object]:  # noqa: FBT001 - a row of the table
    return {"margin_call": 80, "margin_stop": 40}


def _ladder(tiers: Iterable[FeeTier]) -> list[list[object]]:
    """Print a fee ladder: raw JSON numbers, unlike every other amount."""
    return [[int(tier.volume_usd), float(tier.percent)] for tier in tiers]


def _plain_number(value: Decimal) -> int | float:
    """Print a fraction as a raw JSON number, 1 without a point."""
    return int(value) if value == int(value) else float(value)


_PAIR_INFOS: Final[Mapping[str, Callable[[Listing, bool], dict[str, object]]]] = {
    "info": _pair_row,
    "leverage": _leverage_row,
    "fees": _fees_row,
    "margin": _margin_row,
}

_MARKET: Final = ("pair", "asset_class", "assetVersion")

PUBLIC = (
    Endpoint("Time", server_time),
    Endpoint("SystemStatus", system_status),
    Endpoint("Assets", assets, accepts=("asset", "aclass", "assetVersion")),
    Endpoint(
        "AssetPairs",
        asset_pairs,
        accepts=("pair", "info", "aclass_base", "country_code", "execution_venue", "assetVersion"),
    ),
    Endpoint("Ticker", ticker, accepts=_MARKET),
    Endpoint("OHLC", ohlc, accepts=(*_MARKET, "interval", "since")),
    Endpoint("Depth", depth, accepts=(*_MARKET, "count")),
    Endpoint("Trades", trades, accepts=(*_MARKET, "since", "count")),
    Endpoint("Spread", spread, accepts=(*_MARKET, "since")),
)
