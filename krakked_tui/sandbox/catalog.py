"""What the exchange lists: assets and pairs with all their names, from the package's own tables."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from importlib import resources

import msgspec

from krakked_tui.domain.pairs import FeeTier, PairMetadata, PairStatus
from krakked_tui.sandbox.settings import PairChoice
from krakked_tui.sim.instruments import Instrument

_DISPLAY_NAMES = {"XBT": "BTC", "XDG": "DOGE"}
"""WebSocket v2 names that differ from the REST alternate name."""

FORMS = frozenset({"S", "M", "B", "F", "P"})
"""Endings of balances that earn and cannot be traded (``XBT.F``); Assets lists hardly any of them."""

_VOLUMES = (0, 10_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000)
_TAKER = ("0.40", "0.35", "0.24", "0.22", "0.20", "0.18", "0.16", "0.14", "0.12", "0.10")
_MAKER = ("0.25", "0.20", "0.14", "0.12", "0.10", "0.08", "0.06", "0.04", "0.02", "0.00")
_STABLE_VOLUMES = (0, 50_000, 100_000, 250_000, 500_000, 1_000_000, 10_000_000, 100_000_000)
_STABLE_TAKER = ("0.20", "0.16", "0.12", "0.08", "0.04", "0.02", "0.01", "0.001")
_STABLE_MAKER = ("0.20", "0.16", "0.12", "0.08", "0.04", "0.02", "0.00", "0.00")


def _ladder(volumes: Iterable[int], percents: Iterable[str]) -> tuple[FeeTier, ...]:
    return tuple(
        FeeTier(Decimal(volume), Decimal(percent)) for volume, percent in zip(volumes, percents, strict=True)
    )


LADDERS = {
    "standard": (_ladder(_VOLUMES, _TAKER), _ladder(_VOLUMES, _MAKER)),
    "stable": (_ladder(_STABLE_VOLUMES, _STABLE_TAKER), _ladder(_STABLE_VOLUMES, _STABLE_MAKER)),
}
"""Taker and maker percentages by 30-day USD volume."""

_CORRELATIONS = {"standard": 0.7, "stable": 0.0}


class Asset(msgspec.Struct, frozen=True):
    """An asset. ``name`` is Kraken's alternate name, ``raw_name`` its internal id.

    ``collateral_value`` and ``margin_rate`` are fractions, None where Assets omits them. A form of an
    asset that only balances and ledger rows name is not ``listed``.
    """

    name: str
    raw_name: str
    asset_class: str
    decimals: int
    display_decimals: int
    status: str
    collateral_value: Decimal | None = None
    margin_rate: Decimal | None = None
    listed: bool = True

    @property
    def display_name(self) -> str:
        """The WebSocket v2 name."""
        return _DISPLAY_NAMES.get(self.name, self.name)


class Listing(msgspec.Struct, frozen=True):
    """A listed pair. ``wsname`` and ``status`` are what AssetPairs prints, None where it omits them.

    The position limits are in base, None for a pair without margin.
    """

    pair: PairMetadata
    base: Asset
    quote: Asset
    wsname: str | None
    status: str | None
    long_limit: int | None = None
    short_limit: int | None = None

    @property
    def name(self) -> str:
        """Kraken's alternate name (``XBTUSD``)."""
        return self.pair.canonical

    @property
    def is_listed(self) -> bool:
        """Whether anybody gets to see it."""
        return self.pair.status is not PairStatus.DELISTED


class Catalog:
    """All listings, the delisted too, and the market's instruments for them.

    ``assets`` by name, those included of which only the account knows; ``scales`` are their ledger decimals.
    """

    def __init__(
        self, assets: dict[str, Asset], listings: Iterable[Listing], instruments: Iterable[Instrument]
    ) -> None:
        self.assets = assets
        self.scales = {asset.name: asset.decimals for asset in assets.values()}
        self.listings = {listing.name: listing for listing in listings}
        self.instruments = tuple(instruments)
        self.by_symbol = {listing.pair.ws_symbol: listing for listing in self.listings.values()}
        self._pair_names = {
            alias: listing.name for listing in self.listings.values() for alias in _names(listing)
        }
        self._asset_names = {
            name: asset
            for asset in assets.values()
            for name in (asset.display_name, asset.raw_name, asset.name)
        }

    @property
    def listed(self) -> tuple[Listing, ...]:
        """All pairs but the delisted ones."""
        return tuple(listing for listing in self.listings.values() if listing.is_listed)

    def replace(self, listing: Listing) -> None:
        """Give a pair another status or precision; its names stay."""
        assert listing.name in self.listings, f"never listed: {listing.name}"
        self.listings[listing.name] = listing
        self.by_symbol[listing.pair.ws_symbol] = listing

    def find(self, name: str) -> Listing | None:
        """Return the pair that REST knows by this name: id, alternate, ``XBT/USD`` or ``BTC/USD``."""
        return _if_listed(self.listings.get(self._pair_names.get(name, "")))

    def find_symbol(self, symbol: str) -> Listing | None:
        """Return the pair that the WebSocket knows by this symbol."""
        return _if_listed(self.by_symbol.get(symbol))

    def find_asset(self, name: str) -> Asset | None:
        """Return the asset that REST knows by this name."""
        asset = self._asset_names.get(name)
        return asset if asset is not None and asset.listed else None

    @property
    def listed_assets(self) -> tuple[Asset, ...]:
        """What Assets lists."""
        return tuple(asset for asset in self.assets.values() if asset.listed)

    def find_balance(self, name: str) -> Asset | None:
        """Return what a balance of this name is of: an asset, or a form of one, listed or not."""
        known = self._asset_names.get(name)
        stem, _, form = name.rpartition(".")
        base = self._asset_names.get(stem)
        if known is not None or base is None or form not in FORMS or "." in base.name:
            return known
        ours = f"{base.name}.{form}"
        asset = self.assets.get(ours) or msgspec.structs.replace(
            base, name=ours, raw_name=ours, collateral_value=None, margin_rate=None, listed=False
        )
        self.assets[ours] = self._asset_names[ours] = self._asset_names[name] = asset
        self.scales[ours] = asset.decimals
        return asset


def load_catalog(choice: PairChoice) -> Catalog:
    """Read the tables and pick the pairs to list."""
    assets = {row["asset"]: _asset(row) for row in _table("assets.csv")}
    rows = [row for row in _table("pairs.csv") if choice == "all" or row["active"] == "1"]
    listings = [_listing(row, assets) for row in rows]
    instruments = [_instrument(row, listing.pair) for row, listing in zip(rows, listings, strict=True)]
    return Catalog(assets, listings, instruments)


def _table(name: str) -> Iterator[dict[str, str]]:
    text = resources.files("krakked_tui.sandbox").joinpath("data", name).read_text("utf-8")
    yield from csv.DictReader(text.splitlines())


def _if_listed(listing: Listing | None) -> Listing | None:
    return listing if listing is not None and listing.is_listed else None


def _names(listing: Listing) -> Iterator[str]:
    yield listing.name
    yield listing.pair.raw_name
    yield listing.pair.ws_symbol
    if listing.wsname is not None:
        yield listing.wsname


def _asset(row: Mapping[str, str]) -> Asset:
    return Asset(
        name=row["asset"],
        raw_name=row["id"],
        asset_class=row["class"],
        decimals=int(row["decimals"]),
        display_decimals=int(row["display_decimals"]),
        status=row["status"],
        collateral_value=Decimal(row["collateral_value"]) if row["collateral_value"] else None,
        margin_rate=Decimal(row["margin_rate"]) if row["margin_rate"] else None,
    )


def _listing(row: Mapping[str, str], assets: Mapping[str, Asset]) -> Listing:
    base, quote = assets[row["base"]], assets[row["quote"]]
    taker, maker = LADDERS[row["ladder"]]
    lot_decimals = int(row["lot_decimals"])
    leverage = tuple(range(2, int(row["leverage"]) + 1))
    pair = PairMetadata(
        canonical=row["pair"],
        base=base.name,
        quote=quote.name,
        rest_symbol=row["pair"],
        ws_symbol=f"{base.display_name}/{quote.display_name}",
        raw_name=row["id"],
        price_decimals=int(row["pair_decimals"]),
        tick_size=Decimal(row["tick"]),
        volume_decimals=lot_decimals,
        lot_size=Decimal(1).scaleb(-lot_decimals),
        order_min=Decimal(row["ordermin"]),
        cost_min=Decimal(row["costmin"]),
        cost_decimals=int(row["cost_decimals"]),
        asset_class=base.asset_class,
        fees_taker=taker,
        fees_maker=maker,
        leverage_buy=leverage,
        leverage_sell=leverage,
        status=PairStatus(row["status"] or "online"),
    )
    # A tenth of a day's volume is about what Kraken lends on its large pairs.
    limit = max(1, int(Decimal(row["volume"])) // 10) if leverage else None
    return Listing(
        pair=pair,
        base=base,
        quote=quote,
        wsname=row["wsname"] or None,
        status=row["status"] or None,
        long_limit=limit,
        short_limit=None if limit is None else max(1, limit * 4 // 5),
    )


def _instrument(row: Mapping[str, str], pair: PairMetadata) -> Instrument:
    return Instrument(
        pair=pair,
        level=Decimal(row["level"]),
        daily_volume=Decimal(row["volume"]),
        daily_trades=int(row["trades"]),
        volatility=float(row["volatility"]),
        correlation=_CORRELATIONS[row["ladder"]],
        spread_ticks=int(row["spread"]),
    )
