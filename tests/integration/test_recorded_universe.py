"""The universe over what Kraken listed on 26 February 2026: 732 assets and 1,670 tickers.

The recorded AssetPairs rows are used where there are any; the rest is made from what the ids say.
"""

from collections.abc import Mapping
from decimal import Decimal
from functools import cache

import msgspec
import pytest
from msgspec.structs import replace

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.kraken import decode, endpoints
from krakked_tui.kraken.symbols import SymbolMap
from krakked_tui.kraken.wire import AssetPair
from krakked_tui.market.settings import UniverseSettings
from krakked_tui.market.universe import Universe, diff, near_matches, select_universe
from tests.fakes.clock import FakeClock
from tests.unit.kraken.recorded import FOLDER, all_assets, result_of, some_pairs
from tests.unit.kraken.test_symbols import generated_pairs

NAMED = ("XBTUSD", "ETHUSD", "SOLUSD", "XDGUSD", "XRPUSD", "USDTUSD", "AIOZUSD", "ZEUSUSD")
PAIRS, KNOWN, TRADED = 1670, 711, 143
"""Pairs listed, those quoted in USD, and those of them above the volume floor."""


@cache
def rows() -> Mapping[str, AssetPair]:
    recorded = some_pairs()
    return {raw: recorded.get(raw, row) for raw, row in generated_pairs(all_assets()).items()}


def listed(changed: Mapping[str, AssetPair] | None = None) -> tuple[PairMetadata, ...]:
    assets = all_assets()
    mine = dict(rows()) | dict(changed or {})
    return decode.pairs(mine, SymbolMap(assets, mine))


@cache
def quotes() -> Mapping[str, Quote]:
    symbols, at = SymbolMap(all_assets(), rows()), FakeClock().now()
    told = endpoints.TICKER.reply.decode(result_of((FOLDER / "ticker.json").read_bytes()))
    mine = (decode.quote(symbols.pair(raw).canonical, row, at, 0.0) for raw, row in told.items())
    return {quote.pair: quote for quote in mine}


def universe(quote_asset: str = "USD", **settings: object) -> Universe:
    return select_universe(listed(), quotes(), UniverseSettings(**settings), quote_asset)  # type: ignore[arg-type]


def traded_usd() -> dict[str, Decimal]:
    """What was traded of each USD pair, worked out from the recording without any of our rules."""
    body = msgspec.json.decode((FOLDER / "ticker.json").read_bytes())["result"]
    ids = {raw: row.altname for raw, row in rows().items() if row.quote == "ZUSD"}
    return {ids[raw]: Decimal(row["v"][1]) * Decimal(row["p"][1]) for raw, row in body.items() if raw in ids}


def test_the_pairs_and_their_number() -> None:
    found = universe()
    assert len(listed()) == PAIRS
    assert len(found.known) == KNOWN == len(traded_usd())
    assert len(found.pairs) == TRADED
    assert set(NAMED) <= found.known.keys()
    assert {"XBTUSD", "ETHUSD", "SOLUSD", "XDGUSD", "XRPUSD"} <= found.pairs.keys()
    assert found.warnings == ()
    bitcoin = found.pairs["XBTUSD"]
    assert (bitcoin.ws_symbol, bitcoin.raw_name, bitcoin.base) == ("BTC/USD", "XXBTZUSD", "XBT")
    assert found.pairs["XDGUSD"].ws_symbol == "DOGE/USD"


@pytest.mark.parametrize("floor", [0, 1, 100_000, 1_000_000, 10**9])
def test_the_volume_floor(floor: int) -> None:
    expected = {name for name, volume in traded_usd().items() if volume >= floor}
    assert universe(min_24h_volume_usd=Decimal(floor)).pairs.keys() == expected


def test_another_region() -> None:
    found = universe("EUR", min_24h_volume_usd=Decimal(0))
    assert all(pair.quote == "EUR" for pair in found.known.values())
    assert {"XBTEUR", "ETHEUR", "XDGEUR"} <= found.pairs.keys()
    assert "XBTUSD" not in found.known


def test_overrides() -> None:
    traded = traded_usd()
    quiet = min(traded, key=lambda name: traded[name])
    found = universe(include_pairs=(quiet, "XBTUSD"), exclude_pairs=("ETHUSD",))
    assert found.pairs.keys() == universe().pairs.keys() - {"ETHUSD"} | {quiet}
    assert "ETHUSD" in found.known
    (warning,) = universe(include_pairs=("BTC/USD",)).warnings
    assert "did you mean XBTUSD" in warning
    assert near_matches("DOGEUSD", universe().known)[0] == "XDGUSD"


def test_a_class_that_is_not_asked_for() -> None:
    tokenised = replace(rows()["SOLUSD"], aclass_base="tokenized_asset")
    pairs = listed({"SOLUSD": tokenised})
    assert "SOLUSD" not in select_universe(pairs, quotes(), UniverseSettings(), "USD").pairs
    asked = UniverseSettings(asset_classes=("currency", "tokenized_asset"))
    assert "SOLUSD" in select_universe(pairs, quotes(), asked, "USD").pairs


@pytest.mark.parametrize("status", [*PairStatus, None, "work_in_progress", "asleep"])
def test_every_status_and_none(status: str | None) -> None:
    pairs = listed({"SOLUSD": replace(rows()["SOLUSD"], status=status)})
    found = select_universe(pairs, quotes(), UniverseSettings(), "USD")
    assert "SOLUSD" in found.known
    assert ("SOLUSD" in found.pairs) is (status in (None, PairStatus.ONLINE))


def test_no_pair_needs_a_wsname_or_a_status() -> None:
    bare = {raw: replace(row, wsname=None, status=None) for raw, row in rows().items()}
    before, after = (
        select_universe(pairs, quotes(), UniverseSettings(), "USD") for pairs in (listed(), listed(bare))
    )
    assert not diff(before.known, after.known)
    assert before.pairs.keys() == after.pairs.keys()
    assert {name: pair.ws_symbol for name, pair in after.known.items()} == {
        name: pair.ws_symbol for name, pair in before.known.items()
    }


def test_margin_pairs_are_traded_like_any_other() -> None:
    assert universe().pairs["XBTUSD"].leverage_buy
