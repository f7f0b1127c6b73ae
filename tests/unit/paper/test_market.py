from datetime import UTC, datetime
from decimal import Decimal

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


def test_assets_are_worth_their_last_price_in_usd_and_nothing_without_one(market: PaperMarket) -> None:
    market.learn(quote(1, last="1000"))
    assert market.usd("USD", D(3)) == 3
    assert market.usd("XBT", D(3)) == 3000
    assert market.usd("EUR", D(3)) == 0


def test_every_asset_has_a_ledger_scale(market: PaperMarket) -> None:
    assert (market.scales["USD"], market.scales["XBT"], market.scales["NIX"]) == (4, 10, 10)
    assert market.is_listed
    assert not PaperMarket(60.0).is_listed
