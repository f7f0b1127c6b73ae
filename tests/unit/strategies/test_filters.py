"""Which pairs a strategy looks at."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.strategies.filters import choose, is_stable
from krakked_tui.strategies.settings import UniverseFilter
from tests.unit.domain.builders import make_pair, make_quote

NAMES = ("AAAUSD", "ETHUSD", "EURUSD", "USDTUSD", "XBTUSD")
PAIRS = {name: make_pair(name) for name in NAMES}
# The value traded is volume times price, here 10.
QUOTES = {
    name: make_quote(name, volume_24h=volume, vwap_24h="10")
    for name, volume in (("AAAUSD", "5"), ("ETHUSD", "20"), ("EURUSD", "90"), ("XBTUSD", "50"))
}
BARS = {"AAAUSD": 10, "ETHUSD": 100, "EURUSD": 100, "XBTUSD": 99}


def chosen(*, held: tuple[str, ...] = (), **wanted: Any) -> list[str]:
    return list(choose(UniverseFilter(**wanted), PAIRS, QUOTES, BARS, held).pairs)


def why(pair: str, **wanted: Any) -> str:
    return choose(UniverseFilter(**wanted), PAIRS, QUOTES, BARS).left_out.get(pair, "")


def test_by_default_all_but_stablecoins_and_currencies() -> None:
    assert chosen() == ["AAAUSD", "ETHUSD", "XBTUSD"]
    assert chosen(exclude_stablecoins=False) == list(NAMES)
    assert why("USDTUSD") == "USDT is a stablecoin or currency"
    assert is_stable(PAIRS["EURUSD"])
    assert not is_stable(PAIRS["XBTUSD"])


@pytest.mark.parametrize("name", ["XBTUSD", "xbtusd", "BTC/USD", " btc/usd "])
def test_pairs_may_have_any_of_their_names(name: str) -> None:
    assert chosen(pairs=(name,)) == ["XBTUSD"]
    assert why("ETHUSD", pairs=(name,)) == "is not among its pairs"


def test_the_most_traded_of_those_that_pass() -> None:
    assert chosen(top_n_by_volume=1) == ["XBTUSD"]
    assert chosen(top_n_by_volume=2) == ["ETHUSD", "XBTUSD"]
    assert chosen(top_n_by_volume=9) == ["AAAUSD", "ETHUSD", "XBTUSD"]
    assert why("ETHUSD", top_n_by_volume=1) == "is number 2 by volume, top_n_by_volume is 1"
    assert chosen(top_n_by_volume=1, exclude_stablecoins=False) == ["EURUSD"]


@pytest.mark.parametrize(("bars", "passing"), [(99, ["ETHUSD", "XBTUSD"]), (100, ["ETHUSD"]), (101, [])])
def test_enough_history(bars: int, passing: list[str]) -> None:
    assert chosen(min_history_bars=bars) == passing
    assert why("AAAUSD", min_history_bars=bars) == f"has 10 of {bars} candles"


@pytest.mark.parametrize(("usd", "passing"), [("200", ["ETHUSD", "XBTUSD"]), ("200.01", ["XBTUSD"])])
def test_enough_liquidity(usd: str, passing: list[str]) -> None:
    assert chosen(min_liquidity_24h_usd=Decimal(usd)) == passing
    assert why("AAAUSD", min_liquidity_24h_usd=Decimal(usd)) == "traded 50 USD in 24 hours, less than 200 USD"


def test_a_pair_without_a_price_was_not_traded() -> None:
    wanted = UniverseFilter(min_liquidity_24h_usd=Decimal(1), exclude_stablecoins=False)
    assert (
        choose(wanted, PAIRS, QUOTES, BARS).left_out["USDTUSD"] == "traded 0 USD in 24 hours, less than 1 USD"
    )


def test_what_is_held_passes_whatever_the_filter_says_and_takes_nobodys_place() -> None:
    assert chosen(pairs=("ETHUSD",), held=("USDTUSD",)) == ["ETHUSD", "USDTUSD"]
    assert chosen(top_n_by_volume=1, held=("XBTUSD",)) == ["ETHUSD", "XBTUSD"]


filters = st.builds(
    UniverseFilter,
    pairs=st.lists(st.sampled_from(NAMES)).map(tuple),
    top_n_by_volume=st.none() | st.integers(1, 6),
    exclude_stablecoins=st.booleans(),
    min_history_bars=st.integers(0, 120),
    min_liquidity_24h_usd=st.integers(0, 1000).map(Decimal),
)


@given(filters, st.sets(st.sampled_from(NAMES)), st.permutations(NAMES))
def test_every_pair_passes_or_is_told_why_not_whatever_the_order(
    wanted: UniverseFilter, held: set[str], order: list[str]
) -> None:
    found = choose(wanted, {name: PAIRS[name] for name in order}, QUOTES, BARS, held)
    assert found.pairs.keys() | found.left_out.keys() == set(NAMES)
    assert not found.pairs.keys() & found.left_out.keys()
    assert held <= found.pairs.keys()
    assert set(found.pairs) == set(choose(wanted, PAIRS, QUOTES, BARS, held).pairs)
    if wanted.top_n_by_volume is not None:
        assert len(found.pairs.keys() - held) <= wanted.top_n_by_volume
