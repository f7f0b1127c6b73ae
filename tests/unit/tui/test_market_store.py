"""The market that is shown is clean, and the engine is asked for a pair by its own name."""

import msgspec

from krakked_tui.control.market_view import ChartLine, ConnectionView, DataStatusView, FocusView, MarketView
from krakked_tui.tui.market_store import MarketStore
from tests.fakes.market import FakeMarket

HOSTILE = "\x1b[2Jpair\u202e"
SHOWN = "␛[2Jpair\\u202e"


def test_every_text_is_clean() -> None:
    row = FakeMarket(1).current.rows[0]
    store = MarketStore()
    store.apply(
        MarketView(
            version=1,
            rows=(msgspec.structs.replace(row, pair=HOSTILE, status=HOSTILE, freshness=HOSTILE),),
            focus=FocusView(
                pair=HOSTILE, trouble=HOSTILE, lines=(ChartLine(HOSTILE, ()), ChartLine("sma 20", ()))
            ),
            data=DataStatusView(connections=(ConnectionView(HOSTILE, connected=True, failed=(HOSTILE,)),)),
        )
    )
    shown = store.view
    assert (shown.rows[0].pair, shown.rows[0].status, shown.rows[0].freshness) == (SHOWN, SHOWN, SHOWN)
    assert (shown.focus.pair, shown.focus.trouble) == (SHOWN, SHOWN)
    assert [line.name for line in shown.focus.lines] == [SHOWN, "sma 20"]
    assert shown.data.connections[0].failed == (SHOWN,)
    assert store.name_at_the_engine(SHOWN) == HOSTILE


def test_what_is_clean_stays_the_same_object() -> None:
    market = FakeMarket().current
    store = MarketStore()
    store.apply(market)
    assert all(a is b for a, b in zip(store.view.rows, market.rows, strict=True))
    assert store.name_at_the_engine("XBTUSD") == "XBTUSD"
    before = store.view
    store.apply(market)
    assert store.view is before
