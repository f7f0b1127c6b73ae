"""Which pairs are known, which are traded, and which overrides cannot be followed."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.market.settings import UniverseSettings
from krakked_tui.market.universe import (
    Universe,
    UniverseDiff,
    diff,
    near_matches,
    select_universe,
    why_prices_are_doubted,
)
from tests.unit.domain.builders import make_pair, make_quote


def volume(pair: str, usd: str) -> Quote:
    """A quote whose traded value of the last day is ``usd``."""
    return make_quote(pair, volume_24h=usd, vwap_24h="1")


def select(
    pairs: list[PairMetadata], settings: UniverseSettings | None = None, usd: str = "1000000"
) -> Universe:
    quotes = {pair.canonical: volume(pair.canonical, usd) for pair in pairs}
    return select_universe(pairs, quotes, settings or UniverseSettings(), "USD")


@pytest.mark.parametrize(("usd", "traded"), [("99999.99", False), ("100000", True), ("100000.01", True)])
def test_the_volume_floor(usd: str, traded: bool) -> None:
    universe = select([make_pair("XBTUSD")], usd=usd)
    assert ("XBTUSD" in universe.pairs) is traded
    assert "XBTUSD" in universe.known


def test_a_pair_without_a_quote_is_not_traded_unless_included() -> None:
    pairs = [make_pair("XBTUSD")]
    assert not select_universe(pairs, {}, UniverseSettings(), "USD").pairs
    assert select_universe(pairs, {}, UniverseSettings(include_pairs=("XBTUSD",)), "USD").pairs


@pytest.mark.parametrize("status", PairStatus)
def test_only_online_pairs_are_traded_but_all_are_known(status: PairStatus) -> None:
    universe = select([make_pair("XBTUSD", status=status)])
    assert bool(universe.pairs) is (status is PairStatus.ONLINE)
    assert list(universe.known) == ["XBTUSD"]


def test_other_quote_assets_are_not_known() -> None:
    universe = select([make_pair("XBTEUR", quote="EUR"), make_pair("XBTUSD")])
    assert list(universe.known) == ["XBTUSD"]


def test_asset_classes_are_traded_when_asked_for() -> None:
    pairs = [make_pair("AAPLXUSD", asset_class="tokenized_asset")]
    asked = UniverseSettings(asset_classes=("currency", "tokenized_asset"))
    assert not select(pairs).pairs
    assert select(pairs, asked).pairs


def test_overrides() -> None:
    pairs = [make_pair("XBTUSD"), make_pair("ETHUSD"), make_pair("AAPLXUSD", asset_class="tokenized_asset")]
    settings = UniverseSettings(include_pairs=("AAPLXUSD", "ETHUSD"), exclude_pairs=("XBTUSD",))
    quotes = {"XBTUSD": volume("XBTUSD", "1000000"), "ETHUSD": volume("ETHUSD", "1")}
    universe = select_universe(pairs, quotes, settings, "USD")
    assert list(universe.pairs) == ["AAPLXUSD", "ETHUSD"]
    assert list(universe.known) == ["AAPLXUSD", "ETHUSD", "XBTUSD"]
    assert universe.warnings == ()


@pytest.mark.parametrize(
    ("settings", "warning"),
    [
        (
            UniverseSettings(include_pairs=("XBTUDS",)),
            "universe.include_pairs names 'XBTUDS', which the exchange does not list: did you mean XBTUSD?",
        ),
        (
            UniverseSettings(exclude_pairs=("qqq",)),
            "universe.exclude_pairs names 'qqq', which the exchange does not list: remove it.",
        ),
        (
            UniverseSettings(include_pairs=("XBTUSD",), exclude_pairs=("XBTUSD",)),
            "universe.include_pairs and exclude_pairs both name XBTUSD: it is not traded.",
        ),
        (
            UniverseSettings(include_pairs=("XBTEUR",)),
            "universe.include_pairs names XBTEUR, which is quoted in EUR: only USD pairs are traded.",
        ),
        (
            UniverseSettings(include_pairs=("LUNAUSD",)),
            "universe.include_pairs names LUNAUSD, whose status is cancel_only:"
            " it is not traded while that lasts.",
        ),
    ],
)
def test_overrides_that_cannot_be_followed_are_said(settings: UniverseSettings, warning: str) -> None:
    pairs = [
        make_pair("XBTUSD"),
        make_pair("XBTEUR", quote="EUR"),
        make_pair("LUNAUSD", status=PairStatus.CANCEL_ONLY),
    ]
    assert select(pairs, settings).warnings == (warning,)


def test_near_matches_know_both_spellings() -> None:
    known = {name: make_pair(name) for name in ("XBTUSD", "ETHUSD", "SOLUSD")}
    assert near_matches("btc/usd", known)[0] == "XBTUSD"
    assert near_matches("ETHUSDT", known)[0] == "ETHUSD"
    assert near_matches("", known) == ()


NAMES = [f"{letter}{letter}{letter}USD" for letter in "ABCDEFGH"]
PAIRS = st.lists(
    st.builds(
        make_pair,
        st.sampled_from(NAMES),
        asset_class=st.sampled_from(["currency", "tokenized_asset"]),
        status=st.sampled_from(PairStatus),
    ),
    unique_by=lambda pair: pair.canonical,
)
SOME_NAMES = st.lists(st.sampled_from(NAMES), max_size=3).map(tuple)


@given(
    pairs=PAIRS,
    volumes=st.dictionaries(st.sampled_from(NAMES), st.sampled_from([0, 99_999, 100_000, 10**9])),
    included=SOME_NAMES,
    excluded=SOME_NAMES,
)
def test_what_is_traded(
    pairs: list[PairMetadata], volumes: dict[str, int], included: tuple[str, ...], excluded: tuple[str, ...]
) -> None:
    quotes = {name: volume(name, str(usd)) for name, usd in volumes.items()}
    settings = UniverseSettings(include_pairs=included, exclude_pairs=excluded)
    universe = select_universe(pairs, quotes, settings, "USD")
    listed = {pair.canonical: pair for pair in pairs}
    assert universe.known == listed
    assert list(universe.pairs) == sorted(universe.pairs)
    assert universe == select_universe(reversed(pairs), quotes, settings, "USD")
    for name, pair in listed.items():
        ordinary = pair.asset_class == "currency" and volumes.get(name, 0) >= 100_000
        online = pair.status is PairStatus.ONLINE
        expected = online and name not in excluded and (name in included or ordinary)
        assert (name in universe.pairs) is expected
    unlisted = (set(included) | set(excluded)) - set(listed)
    assert all(any(repr(name) in warning for warning in universe.warnings) for name in unlisted)


def test_volume_is_valued_at_the_average_price_of_the_day() -> None:
    quote = make_quote("XBTUSD", "200000", volume_24h="1", vwap_24h="99999")
    universe = select_universe([make_pair("XBTUSD")], {"XBTUSD": quote}, UniverseSettings(), "USD")
    assert not universe.pairs
    floor = UniverseSettings(min_24h_volume_usd=Decimal(99_999))
    assert select_universe([make_pair("XBTUSD")], {"XBTUSD": quote}, floor, "USD").pairs


def by_name(*pairs: PairMetadata) -> dict[str, PairMetadata]:
    return {pair.canonical: pair for pair in pairs}


@pytest.mark.parametrize(
    "change",
    [
        {"price_decimals": 5},
        {"tick_size": Decimal("0.05")},
        {"volume_decimals": 2},
        {"lot_size": Decimal(1)},
        {"order_min": Decimal(2)},
        {"cost_min": Decimal(2)},
        {"cost_decimals": 2},
    ],
)
def test_every_part_of_the_grid_counts_as_precision(change: dict[str, object]) -> None:
    after = msgspec.structs.replace(make_pair(), **change)
    assert diff(by_name(make_pair()), by_name(after)) == UniverseDiff(precision_changed=("XBTUSD",))


def test_a_diff_names_what_came_what_went_and_what_changed() -> None:
    before = by_name(make_pair("AUSD"), make_pair("BUSD"), make_pair("DUSD"), make_pair("CUSD"))
    halted = make_pair("BUSD", status=PairStatus.CANCEL_ONLY)
    finer = make_pair("CUSD", price_decimals=4, status=PairStatus.POST_ONLY)
    change = diff(before, by_name(make_pair("ZUSD"), make_pair("EUSD"), finer, halted, make_pair("AUSD")))
    assert change == UniverseDiff(("EUSD", "ZUSD"), ("DUSD",), ("BUSD", "CUSD"), ("CUSD",))
    assert change
    assert str(change) == "2 added, 1 removed, 2 with another status, 1 with another precision"


def test_without_a_difference_a_diff_is_false() -> None:
    assert not diff(by_name(make_pair()), by_name(make_pair()))
    assert str(UniverseDiff()) == "nothing changed"


@given(before=PAIRS, after=PAIRS)
def test_a_diff_leads_from_one_reading_to_the_other(
    before: list[PairMetadata], after: list[PairMetadata]
) -> None:
    old, new = by_name(*before), by_name(*after)
    change = diff(old, new)
    assert (old.keys() | {*change.added}) - {*change.removed} == new.keys()
    assert not {*change.added} & old.keys()
    assert {*change.status_changed} == {n for n in old.keys() & new.keys() if old[n].status != new[n].status}
    assert bool(change) is (
        {name: pair.status for name, pair in old.items()} != {name: pair.status for name, pair in new.items()}
    )


def _volumes(*volumes: int) -> dict[str, Quote]:
    return {
        f"P{n}USD": make_quote(f"P{n}USD", volume_24h=str(volume), vwap_24h="2")
        for n, volume in enumerate(volumes)
    }


@pytest.mark.parametrize(
    ("now", "before", "doubt"),
    [
        ((1, 1, 1, 1), None, ""),
        ((0, 0, 0, 1), None, ""),
        ((0, 0, 0, 0), None, "a volume of 0 for every pair"),
        ((1,), None, "prices of 1 of 4 pairs"),
        ((0, 0, 1, 1), (1, 1, 1, 1), ""),
        ((0, 0, 0, 1), (1, 1, 1, 1), "a volume of 0 for 3 of 4 pairs that were traded before"),
        ((0, 0, 0, 1), (0, 0, 0, 1), ""),
        ((1, 1), (1, 1, 1, 1), ""),
        ((0, 0, 0, 0), (0, 0, 0, 0), ""),
    ],
)
def test_most_pairs_do_not_stop_being_traded_at_once(
    now: tuple[int, ...], before: tuple[int, ...] | None, doubt: str
) -> None:
    listed = [f"P{n}USD" for n in range(4)]
    found = why_prices_are_doubted(_volumes(*now), None if before is None else _volumes(*before), listed)
    assert doubt in found
    assert bool(found) is bool(doubt)
