"""The market as a screen sees it."""

from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from krakked_tui.control.market_picture import MarketPicture
from krakked_tui.control.market_view import (
    ChartFill,
    ChartLine,
    ConnectionView,
    DataStatusView,
    FocusView,
    MarketBar,
    MarketView,
)
from krakked_tui.domain.candles import Candle, KnownFigures, Quote, Timeframe
from krakked_tui.domain.errors import ExchangeError
from krakked_tui.domain.fills import Trade
from krakked_tui.domain.pairs import AssetInfo, PairMetadata, PairStatus
from krakked_tui.engine.focus import Focus
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.ingest import CandleNeeds, Ingest
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.market_data import DeafLately, MarketData, Sources
from krakked_tui.engine.moment import Moment
from krakked_tui.engine.recorded_feed import RecordedFeed
from krakked_tui.engine.signals import AnyStrategy
from krakked_tui.market.settings import IngestSettings, MarketDataSettings
from krakked_tui.market.universe import Universe
from krakked_tui.portfolio.ledger import Position
from krakked_tui.ports import StreamState
from krakked_tui.strategies.settings import StrategySettings
from krakked_tui.strategies.trend_following import TrendFollowing
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock
from tests.fakes.feed import FakeFeed
from tests.scenarios.stage import Stage

D = Decimal


class Listing:
    """A universe that does not change."""

    def __init__(self, universe: Universe) -> None:
        self.universe = universe
        self.assets: dict[str, AssetInfo] = {}
        self.read_at_wall: float | None = 0.0
        self.trouble = "EService:Busy"

    def metadata(self, pair: str) -> PairMetadata:
        return self.universe.known[pair]

    async def refresh(self) -> None:
        raise ExchangeError(self.trouble)


class Rig:
    def __init__(self, pair: PairMetadata, *strategies: AnyStrategy) -> None:
        self.clock = FakeClock()
        self.state = Stage(pair).state
        names = ("XBTUSD", "ETHUSD", "OLDUSD")
        self.state.known.clear()
        self.state.known.update({name: replace(pair, canonical=name) for name in names})
        self.state.known["OLDUSD"] = replace(pair, canonical="OLDUSD", status=PairStatus.MAINTENANCE)
        self.state.tradable = frozenset({"XBTUSD", "ETHUSD"})
        self.market = LiveMarket(
            timeframes=[Timeframe.M1], keep_bars=10, settings=MarketDataSettings(), inbox=Inbox(),
            clock=self.clock,
        )  # fmt: skip
        self.inner = FakeFeed(self.clock)
        self.feed = RecordedFeed(self.inner, self.clock, self.clock.now)
        self.focus = Focus(
            feed=self.feed, store=MemoryCandleStore(), market=self.market, clock=self.clock,
            listed=self.state.known, carried=self.state.tradable,
        )  # fmt: skip
        self.picture = MarketPicture(strategies)
        store, known = MemoryCandleStore(), self.state.known
        self.listing = Listing(Universe({name: known[name] for name in sorted(self.state.tradable)}, known))
        self.ingest = Ingest(
            feed=self.feed, store=store, market=self.market, clock=self.clock,
            settings=IngestSettings(max_retries=1),
            needs=CandleNeeds({Timeframe.M1: 5}), pairs=lambda: list(known.values()),
            write_log=lambda line: None,
        )  # fmt: skip
        self.moment = Moment(
            at=self.clock.now(), state=self.state, market=self.market, focus=self.focus, feed=self.feed
        )
        self.deaf = DeafLately()
        self.next_boundary: datetime | None = None
        sources = Sources(
            listing=self.listing, feed=self.feed, store=store, market=self.market, ingest=self.ingest,
            clock=self.clock, book=lambda name: None,
            streams=lambda: (self.market.stream, self.moment.account_stream), unstored=lambda: 3,
            next_boundary=lambda: self.next_boundary, deaf=lambda: self.deaf,
        )  # fmt: skip
        self.moment.data = MarketData(sources)

    def quote(self, pair: str, bid: str, ask: str, last: str, volume: str = "0") -> None:
        figures = KnownFigures(volume_24h=D(volume), vwap_24h=D(10), change_pct_24h=D("-1.25"))
        self.market.on_quote(
            Quote(pair, D(bid), D(ask), D(last), self.clock.now(), self.clock.monotonic(), figures)
        )

    def view(self) -> MarketView:
        self.moment.at, self.moment.wall = self.clock.now(), self.clock.monotonic()
        return self.picture.view(self.moment)


def test_before_there_is_a_market_there_are_connections_only() -> None:
    clock = FakeClock()
    view = MarketPicture().view(Moment(at=clock.now()))
    assert (view.version, view.rows, view.focus) == (1, (), FocusView())
    assert view.data == DataStatusView(
        connections=(ConnectionView("account", connected=False, detail="not connected yet"),)
    )


def test_rows_are_those_traded_priced_or_held_by_volume(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    assert [(row.pair, row.freshness) for row in rig.view().rows] == [
        ("ETHUSD", "never"),
        ("XBTUSD", "never"),
    ]
    rig.quote("XBTUSD", "99.9", "100.1", "100", volume="7")
    rig.quote("ETHUSD", "1", "1", "1", volume="8")
    held = Position(pair="OLDUSD", base="OLD", size=D(1), cost=D(1), opened_at=rig.clock.now())
    rig.state.books.state.positions["OLDUSD"] = held
    view = rig.view()
    assert [row.pair for row in view.rows] == ["ETHUSD", "XBTUSD", "OLDUSD"]
    bitcoin, old = view.rows[1], view.rows[2]
    assert (bitcoin.last, bitcoin.change_pct_24h, bitcoin.spread_bps, bitcoin.volume_24h) == (
        D(100), D("-1.25"), D("20.00"), D(70),
    )  # fmt: skip
    assert (bitcoin.freshness, bitcoin.age, bitcoin.status) == ("fresh", 0.0, "online")
    assert (bitcoin.price_decimals, bitcoin.volume_decimals) == (1, 8)
    assert (bitcoin.tradable, bitcoin.held) == (True, False)
    assert (old.tradable, old.held, old.status, old.last, old.age) == (False, True, "maintenance", None, None)
    rig.quote("XBTUSD", "99.9", "100.1", "100", volume="9")
    assert [row.pair for row in rig.view().rows] == ["XBTUSD", "ETHUSD", "OLDUSD"]


def test_a_price_of_nothing_has_no_spread(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.quote("XBTUSD", "0", "0", "0")
    assert rig.view().rows[0].spread_bps is None


def test_rows_that_say_the_same_are_the_same(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.market.on_stream_state(StreamState("market", connected=True))
    rig.quote("XBTUSD", "1", "1", "1", volume="9")
    rig.quote("ETHUSD", "1", "1", "1", volume="8")
    first = rig.view().rows
    rig.clock.jump(30)
    second = rig.view().rows
    assert all(one is other for one, other in zip(first, second, strict=True))
    rig.quote("ETHUSD", "2", "2", "2", volume="8")
    third = rig.view().rows
    assert third[0] is first[0]
    assert third[1].last == 2
    rig.state.tradable = frozenset({"XBTUSD"})
    assert not rig.view().rows[1].tradable


def test_the_age_of_a_price_that_is_not_fresh_goes_on(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.market.on_stream_state(StreamState("market", connected=True))
    rig.quote("XBTUSD", "1", "1", "1")
    rig.view()
    rig.clock.jump(61)
    rig.market.vouched_at = rig.clock.monotonic()
    quiet = rig.view().rows[0]
    assert (quiet.freshness, quiet.age) == ("quiet", 61.0)
    rig.clock.jump(0.5)
    assert rig.view().rows[0] is quiet
    rig.clock.jump(0.5)
    assert rig.view().rows[0].age == 62.0
    rig.market.on_stream_state(StreamState("market", connected=False))
    assert rig.view().rows[0].freshness == "stale"


async def test_how_the_data_is_doing(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.market.on_stream_state(StreamState("market", connected=True, wanted=3, acked=2, failed=("a: b",)))
    rig.quote("XBTUSD", "1", "1", "1")
    await rig.feed.server_time()
    rig.inner.failure = ExchangeError("no route")
    rig.clock.jump(5)
    try:
        await rig.feed.quotes()
    except ExchangeError:
        rig.clock.jump(2)
    data = rig.view().data
    assert data.connections[0] == ConnectionView("market", True, "", 3, 2, ("a: b",))
    assert (data.fresh, data.checked, data.quiet, data.stale, data.never) == (1, 0, 0, 0, 1)
    assert (data.state, data.system_status) == ("live", "")
    assert (data.pairs_tradable, data.pairs_known) == (2, 3)
    assert (data.rest_success_age, data.rest_error, data.rest_error_age) == (7.0, "no route", 2.0)
    assert (data.messages_per_second, data.lag_seconds, data.clock_offset_seconds) == (0.0, 0.0, 0.0)
    assert (data.universe_age, data.universe_trouble, data.unstored) == (
        rig.clock.monotonic(),
        "EService:Busy",
        3,
    )


async def test_what_the_candles_lack_and_every_connection_are_in_the_picture(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    connections = (
        StreamState("market 1", connected=True, wanted=2, acked=2),
        StreamState("market 2", connected=False, detail="gone", wanted=1, failed=("c: d",)),
    )
    rig.market.on_stream_state(StreamState("market", connected=False, detail="gone", parts=connections))
    rig.ingest.request(["XBTUSD", "ETHUSD"])
    rig.deaf, rig.next_boundary = DeafLately(("ticker XBTUSD",), 7), rig.clock.now()
    data = rig.view().data
    assert data.connections == (
        ConnectionView("market 1", connected=True, wanted=2, acked=2),
        ConnectionView("market 2", connected=False, detail="gone", wanted=1, failed=("c: d",)),
        ConnectionView("account", connected=False, detail="not connected yet"),
    )
    assert (data.missing, data.incomplete) == (2, 2)
    assert (data.deaf, data.deaf_count) == (("ticker XBTUSD",), 7)
    assert (data.next_boundary, data.ingest) == (rig.clock.now(), None)
    rig.inner.failure = ExchangeError("no route")
    await rig.ingest.refresh()
    last = rig.view().data.ingest
    assert last is not None
    assert (last.done, last.failed, len(last.failures)) == (0, 3, 3)


def test_the_focus_in_the_screens_words(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    now = rig.clock.now()
    closed = Candle("XBTUSD", Timeframe.M1, now - timedelta(minutes=1), 1.0, 3.0, 0.5, 2.0, 7.0, 1.5, 9)
    rig.market.load([closed])
    rig.market.on_candle(replace(closed, time=now), now)
    rig.focus.look_at("XBTUSD", Timeframe.M1)
    focus = rig.view().focus
    assert focus.bars == (MarketBar(closed.time, 1.0, 3.0, 0.5, 2.0, 7.0),)
    assert focus.running == MarketBar(now, 1.0, 3.0, 0.5, 2.0, 7.0)
    assert (focus.pair, focus.timeframe, focus.trouble) == ("XBTUSD", Timeframe.M1, "")
    assert rig.view().focus.bars is focus.bars


def test_the_focus_has_the_indicators_and_fills_of_its_pair(xbtusd: PairMetadata) -> None:
    settings = StrategySettings(
        id="trend", type="trend_following", timeframes=(Timeframe.M1,), params={"ma_fast": 1, "ma_slow": 2}
    )
    rig = Rig(xbtusd, TrendFollowing(settings))
    now = rig.clock.now()
    first = Candle("XBTUSD", Timeframe.M1, now - timedelta(minutes=2), 1.0, 3.0, 0.5, 2.0, 7.0, 1.5, 9)
    second = replace(first, time=now - timedelta(minutes=1), close=3.0)
    rig.market.load([first, second])
    at = now - timedelta(seconds=70)
    rig.state.recent_trades.append(Trade("T", "O", "XBTUSD", "buy", D(2), D(1), D(2), (), at, maker=True))
    rig.focus.look_at("XBTUSD", Timeframe.M1)
    focus = rig.view().focus
    assert focus.lines == (ChartLine("sma 1", (2.0, 3.0)), ChartLine("sma 2", (None, 2.5)))
    assert focus.fills == (ChartFill(at, "buy", 2.0),)
    again = rig.view().focus
    assert (again.lines, again.fills) == (focus.lines, focus.fills)
    assert again.lines is focus.lines
    rig.state.tradable = frozenset()
    assert rig.view().focus.lines == ()
