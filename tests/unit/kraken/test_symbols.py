"""Every spelling of every recorded asset and pair."""

from decimal import Decimal

import pytest

from krakked_tui.kraken import decode
from krakked_tui.kraken.symbols import SymbolMap
from krakked_tui.kraken.wire import Asset, AssetPair
from tests.unit.kraken.recorded import all_assets, some_pairs, ticker_keys

QUOTES = (
    *("USD", "EUR", "GBP", "CAD", "JPY", "AUD", "CHF", "USDT", "USDC", "DAI", "PYUSD", "RLUSD", "EURC"),
    *("BRL", "EUROP", "FIDD", "USD1", "USDG", "USDD", "USDQ", "USDR"),
    *(
        "ETH",
        "XBT",
        "WETH",
        "SOL",
        "DOT",
        "BNB",
        "ZUSD",
        "ZEUR",
        "ZGBP",
        "ZCAD",
        "ZJPY",
        "ZAUD",
        "XXBT",
        "XETH",
    ),
)
"""Plain names first: ``AIOZUSD`` is AIOZ in USD."""


def row(altname: str, base: str, quote: str, wsname: str | None = None) -> AssetPair:
    return AssetPair(
        altname=altname,
        aclass_base="currency",
        base=base,
        quote=quote,
        cost_decimals=5,
        pair_decimals=1,
        lot_decimals=8,
        wsname=wsname,
    )


def generated_pairs(assets: dict[str, Asset]) -> dict[str, AssetPair]:
    """AssetPairs rows for every recorded ticker key, made from what the ids say."""
    ids = {asset.altname: raw for raw, asset in assets.items()} | {raw: raw for raw in assets}
    rows = {}
    for key in ticker_keys():
        splits = [(key.removesuffix(quote), quote) for quote in QUOTES if key.endswith(quote)]
        # Some pairs have a base that the recorded Assets do not list.
        base, quote = next((split for split in splits if split[0] in ids), splits[0])
        names = [assets[ids[side]].altname if side in ids else side for side in (base, quote)]
        rows[key] = row("".join(names), ids.get(base, base), ids.get(quote, quote), "/".join(names))
    return rows


def test_all_recorded_assets_come_back_from_every_spelling() -> None:
    assets = all_assets()
    symbols = SymbolMap(assets, {})
    assert len(assets) == 732
    assert len({symbols.asset(raw) for raw in assets}) == 732
    for raw, asset in assets.items():
        assert symbols.asset(raw) == asset.altname
        assert symbols.asset(asset.altname) == asset.altname


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("XXBT", "XBT"),
        ("BTC", "XBT"),
        ("XXDG", "XDG"),
        ("DOGE", "XDG"),
        ("ZUSD", "USD"),
        ("KFEE", "FEE"),
        ("XBT.M", "XBT.M"),
        ("BTC.M", "XBT.M"),
        # These begin with X or Z by themselves.
        ("XTZ", "XTZ"),
        ("ZEUS", "ZEUS"),
        ("XION", "XION"),
        ("ZORA", "ZORA"),
        # And these are not bitcoin.
        ("TBTC", "TBTC"),
        ("AIXBT", "AIXBT"),
        ("NEWCOIN", "NEWCOIN"),
    ],
)
def test_names_are_translated_by_the_table_never_by_their_letters(spelling: str, name: str) -> None:
    assert SymbolMap(all_assets(), {}).asset(spelling) == name


def test_all_recorded_pairs_come_back_from_every_spelling_and_none_collide() -> None:
    assets = all_assets()
    rows = generated_pairs(assets)
    symbols = SymbolMap(assets, rows)
    pairs = decode.pairs(rows, symbols)
    assert len(pairs) == 1670
    assert len({pair.canonical for pair in pairs}) == 1670
    assert len({pair.ws_symbol for pair in pairs}) == 1670
    for pair in pairs:
        for spelling in (pair.raw_name, pair.canonical, pair.ws_symbol, rows[pair.raw_name].wsname):
            assert spelling
            assert symbols.pair(spelling).canonical == pair.canonical
        assert "XBT" not in pair.ws_symbol.split("/")
        assert "XDG" not in pair.ws_symbol.split("/")


def test_recorded_rows() -> None:
    symbols = SymbolMap(all_assets(), some_pairs())
    bitcoin = symbols.pair("XXBTZUSD")
    assert (bitcoin.canonical, bitcoin.ws, bitcoin.base, bitcoin.quote) == ("XBTUSD", "BTC/USD", "XBT", "USD")
    assert symbols.pair("BTC/USD") is symbols.pair("XBT/USD") is symbols.pair("XBTUSD") is bitcoin


def test_a_pair_without_wsname_gets_one_unless_it_is_another_pairs() -> None:
    symbols = SymbolMap(
        all_assets(),
        {
            "XXBTZUSD.d": row("XBTUSD.d", "XXBT", "ZUSD"),
            "XXBTZUSD": row("XBTUSD", "XXBT", "ZUSD", "XBT/USD"),
            "XDGUSD": row("XDGUSD", "XXDG", "ZUSD"),
        },
    )
    assert symbols.pair("XDGUSD").ws == "DOGE/USD"
    assert symbols.pair("DOGE/USD").canonical == "XDGUSD"
    assert symbols.pair("XBTUSD.d").ws == ""
    assert symbols.pair("BTC/USD").canonical == "XBTUSD"


def test_a_pair_nobody_listed_is_passed_on() -> None:
    symbols = SymbolMap(all_assets(), {})
    assert symbols.pair("XREPZUSD").canonical == "XREPZUSD"
    assert symbols.pair("XREPZUSD").quote == ""
    assert symbols.pair("BTC/USD").canonical == "XBTUSD"
    assert symbols.pair("BTC/USD").quote == "USD"


def test_a_delisted_pair_keeps_its_name() -> None:
    before = SymbolMap(all_assets(), {"XREPZUSD": row("REPUSD", "XREP", "ZUSD", "REP/USD")})
    after = SymbolMap({}, {}, before)
    assert after.pair("XREPZUSD").canonical == "REPUSD"
    assert after.asset("XREP") == "REP"


def test_a_tick_of_zero_is_read_as_the_smallest_decimal() -> None:
    rows = {"XXBTZUSD": row("XBTUSD", "XXBT", "ZUSD")}
    (pair,) = decode.pairs(rows, SymbolMap(all_assets(), rows))
    assert pair.tick_size == Decimal("0.1")
    assert pair.lot_size == Decimal("0.00000001")
