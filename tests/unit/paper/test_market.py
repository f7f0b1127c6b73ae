from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.candles import Quote
from krakked_tui.paper.market import PaperMarket
from tests.unit.paper.samples import ASSETS, PAIR, quote_of

D = Decimal
AT = datetime(2026, 1, 5, tzinfo=UTC)


def quote(received: float, *, last: str = "1000", volume: str = "5", pair: str = "XBTUSD") -> Quote:
    return quote_of(
        D(last), bid=None, ask=None, size=D(1), volume=D(volume), received=received, time=AT, pair=pair
    )


@pytest.fixture
def market() -> PaperMarket:
    found = PaperMarket(60.0)
    found.list_pairs([PAIR], ASSETS)
    return found


def test_a_price_is_live_for_so_long(market: PaperMarket) -> None:
    market.learn(quote(10))
    assert market.live("XBTUSD", 70) == quote(10)
    assert market.live("XBTUSD", 70.1) is None
    assert market.live("ETHUSD", 10) is None


def test_an_older_price_does_not_replace_a_newer_one(market: PaperMarket) -> None:
    market.learn_all([quote(10), quote(9, last="900")])
    assert market.live("XBTUSD", 11) == quote(10)


def test_a_price_that_makes_no_sense_is_not_learned(market: PaperMarket) -> None:
    market.learn(quote(10))
    market.learn(quote(11, last="0"))
    assert market.live("XBTUSD", 11) == quote(10)


def test_a_lost_connection_leaves_no_price(market: PaperMarket) -> None:
    market.learn(quote(10))
    market.lose()
    assert market.live("XBTUSD", 10) is None


def test_the_growth_of_the_24_hour_volume_is_what_surely_traded(market: PaperMarket) -> None:
    heard = [quote(1, volume="5"), quote(2, volume="7.5"), quote(3, volume="7"), quote(4, volume="7.25")]
    assert [market.traded(each, PAIR) for each in heard] == [0, D("2.5"), 0, D("0.25")]


def test_nothing_is_counted_after_a_silence(market: PaperMarket) -> None:
    heard = [quote(1, volume="5"), quote(61, volume="6"), quote(122, volume="7"), quote(121, volume="8")]
    assert [market.traded(each, PAIR) for each in heard] == [0, 1, 0, 0]
    market.look_away("XBTUSD")
    assert market.traded(quote(123, volume="9"), PAIR) == 0


def test_a_price_that_comes_late_or_twice_makes_no_volume(market: PaperMarket) -> None:
    first, second = quote(1, volume="5"), quote(2, volume="7")
    again = msgspec.structs.replace(second, received=3.0)
    behind = msgspec.structs.replace(first, received=4.0, time=AT - timedelta(seconds=1))
    heard = [first, first, second, second, again, first, second, behind, again, quote(5, volume="7.5")]
    counted = [market.traded(each, PAIR) for each in heard]
    assert counted == [0, 0, 2, 0, 0, 0, 0, 0, 0, D("0.5")]


@pytest.mark.parametrize("broken", ["0", "-3", "1", "3.4"])
def test_the_return_of_a_volume_that_was_missing_is_no_trade(market: PaperMarket, broken: str) -> None:
    heard = [quote(1, volume="7"), quote(2, volume=broken), quote(3, volume=broken), quote(4, volume="7.25")]
    assert [market.traded(each, PAIR) for each in heard] == [0, 0, 0, D("0.25")]


def test_a_volume_that_was_never_known_is_not_counted_from(market: PaperMarket) -> None:
    heard = [quote(1, volume="0"), quote(2, volume="7"), quote(3, volume="8")]
    assert [market.traded(each, PAIR) for each in heard] == [0, 0, 1]


def test_assets_are_worth_their_last_price_in_usd_and_nothing_without_one(market: PaperMarket) -> None:
    market.learn(quote(1, last="1000"))
    assert market.usd("USD", D(3)) == 3
    assert market.usd("XBT", D(3)) == 3000
    assert market.usd("EUR", D(3)) == 0


def test_every_asset_has_a_ledger_scale(market: PaperMarket) -> None:
    assert (market.scales["USD"], market.scales["XBT"], market.scales["NIX"]) == (4, 10, 10)
    assert market.is_listed
    assert not PaperMarket(60.0).is_listed
