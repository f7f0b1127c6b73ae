from collections import Counter

import msgspec

from krakked_tui.domain.pairs import PairStatus
from krakked_tui.sandbox.catalog import load_catalog
from krakked_tui.sim.days import day_of
from krakked_tui.sim.instruments import grid_of

DEFAULT = load_catalog("default")
ALL = load_catalog("all")


def test_bitcoin_is_listed_as_kraken_lists_it() -> None:
    listing = DEFAULT.listings["XBTUSD"]
    pair = listing.pair
    assert (pair.raw_name, pair.ws_symbol, listing.wsname) == ("XXBTZUSD", "BTC/USD", "XBT/USD")
    assert (pair.price_decimals, pair.volume_decimals, pair.cost_decimals) == (1, 8, 5)
    assert (listing.base.raw_name, listing.base.decimals) == ("XXBT", 10)
    assert (str(pair.fees_taker[0].percent), str(pair.fees_maker[-1].percent)) == ("0.40", "0.00")


def test_every_alias_finds_the_same_pair() -> None:
    for name in ("XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD"):
        assert DEFAULT.find(name) is DEFAULT.listings["XBTUSD"]
    for name in ("XXDG", "XDG", "DOGE"):
        assert DEFAULT.find_asset(name) is DEFAULT.assets["XDG"]
    assert DEFAULT.find("NOPE") is None


def test_filters_find_something_to_filter() -> None:
    listings = DEFAULT.listings.values()
    assert 40 <= len(listings) <= 60
    assert sum(listing.quote.name == "USD" and listing.status == "online" for listing in listings) >= 40
    assert {listing.status for listing in listings} == {
        *("online", "cancel_only", "post_only", "limit_only", "reduce_only"),
        None,
    }
    assert any(listing.wsname is None for listing in listings)
    assert {"EUR", "USDT", "XBT"} <= {listing.quote.name for listing in listings}
    assert any(
        listing.pair.tick_size.as_tuple().exponent != -listing.pair.price_decimals for listing in listings
    )


def test_all_pairs_are_listed_on_demand() -> None:
    assert len(ALL.listings) > 600
    assert set(DEFAULT.listings) < set(ALL.listings)


def test_no_two_pairs_share_a_name() -> None:
    names = Counter(
        name
        for listing in ALL.listings.values()
        for name in {listing.name, listing.pair.raw_name, listing.wsname, listing.pair.ws_symbol} - {None}
    )
    assert max(names.values()) == 1


def test_a_missing_status_means_online() -> None:
    odd = next(listing for listing in DEFAULT.listings.values() if listing.status is None)
    assert odd.pair.status is PairStatus.ONLINE


def test_a_lot_fits_into_the_ledger_and_a_wild_day_into_64_bits() -> None:
    for listing, instrument in zip(ALL.listings.values(), ALL.instruments, strict=True):
        assert listing.pair.volume_decimals <= listing.base.decimals, listing.name
        assert listing.pair.cost_decimals >= listing.pair.price_decimals, listing.name
        grid = grid_of(instrument)
        peak = max(day_of(7, instrument, day).open for day in (20000, 20458, 21000)) / float(grid.tick)
        busiest = float(instrument.daily_volume) * 10**grid.volume_decimals * 4
        assert peak * busiest < 2**63, listing.name


def test_a_delisted_pair_is_found_by_none_of_its_names() -> None:
    catalog = load_catalog("default")
    listing = catalog.listings["XBTUSD"]
    delisted = msgspec.structs.replace(
        listing, pair=msgspec.structs.replace(listing.pair, status=PairStatus.DELISTED)
    )
    catalog.replace(delisted)
    for name in ("XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD"):
        assert catalog.find(name) is None
    assert catalog.find_symbol("BTC/USD") is None
    assert delisted not in catalog.listed
    assert catalog.listings["XBTUSD"] is delisted, "its history is still there"
    catalog.replace(listing)
    assert catalog.find("BTC/USD") is catalog.find_symbol("BTC/USD") is listing


def test_only_margin_pairs_have_position_limits() -> None:
    for listing in ALL.listings.values():
        assert (listing.long_limit is None) is (not listing.pair.leverage_buy)


def test_forms_of_an_asset_are_balances_and_not_listed() -> None:
    catalog = load_catalog("default")
    listed = catalog.listed_assets
    form = catalog.find_balance("XXBT.F")
    assert form is not None
    assert (form.name, form.raw_name, form.decimals, form.listed) == ("XBT.F", "XBT.F", 10, False)
    assert catalog.find_balance("XBT.F") is catalog.find_balance("BTC.F") is form
    assert catalog.scales["XBT.F"] == 10
    assert catalog.find_asset("XBT.F") is None
    assert catalog.listed_assets == listed
    assert catalog.find_balance("XBT.M") is catalog.find_asset("XBT.M"), "that one is listed"
    for name in ("XBT", "ZUSD"):
        assert catalog.find_balance(name) is catalog.find_asset(name)
    for name in ("NOPE.F", "XBT.Q", "XBT.F.F", ".F", "F"):
        assert catalog.find_balance(name) is catalog.find_asset(name)
        assert name not in catalog.assets or name == "F"
