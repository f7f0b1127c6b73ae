"""What the stream told last counts for as long as the stream would tell of a change."""

from datetime import UTC, datetime

import pytest

from krakked_tui.decision.effects import Level, Log
from krakked_tui.decision.events import SystemStatusChanged, UniverseChanged
from krakked_tui.decision.state import CoreSettings
from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.pairs import PairMetadata, PairStatus, SystemStatus
from krakked_tui.engine.adapters import EngineSettings
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market_side import STATUS_SECONDS, MarketPorts, MarketSide
from krakked_tui.engine.recorded_feed import RecordedFeed
from krakked_tui.engine.settings import SchedulerSettings
from krakked_tui.market.settings import MarketDataSettings, UniverseSettings
from krakked_tui.ports import StreamState
from krakked_tui.risk.settings import RiskSettings
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.clock import FakeClock
from tests.fakes.feed import FakeFeed
from tests.fakes.universe_cache import FakeUniverseCache
from tests.scenarios.stage import STRATEGY
from tests.unit.domain.builders import make_quote

WARMUP = {Timeframe.M1: 51}
RISK = RiskSettings()


class Rig:
    """A market side whose feed lists one pair."""

    def __init__(self, pair: PairMetadata) -> None:
        self.clock = FakeClock()
        self.inbox = Inbox()
        self.logs: list[Log] = []
        feed = FakeFeed(self.clock)
        feed.listed = (pair,)
        self.feed, self.store = feed, MemoryCandleStore()
        feed.prices = {pair.canonical: make_quote(pair.canonical, volume_24h="1000000", vwap_24h="1")}
        ports = MarketPorts(
            RecordedFeed(feed, self.clock, lambda: datetime(2026, 1, 5, tzinfo=UTC)),
            self.store, FakeUniverseCache(),
        )  # fmt: skip
        settings = EngineSettings(
            core=CoreSettings(strategies=(STRATEGY,)), scheduler=SchedulerSettings(),
            market=MarketDataSettings(), universe=UniverseSettings(), first_order_number=1,
        )  # fmt: skip
        self.side = MarketSide(
            ports, settings=settings, warmup=WARMUP, inbox=self.inbox,
            clock=self.clock, write_log=self.logs.append,
            account_stream=lambda: StreamState("account", connected=True),
        )  # fmt: skip

    async def stored(self, timeframe: Timeframe, bars: int) -> None:
        end = timeframe.floor(self.clock.now())
        await self.store.append(
            [
                Candle("XBTUSD", timeframe, end - (n + 1) * timeframe.length, 1, 1, 1, 1, 1, 1, 1)
                for n in range(bars)
            ]
        )

    def stream(self, *, connected: bool) -> None:
        self.side.market.on_stream_state(StreamState("market", connected=connected))

    async def later(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            await self.clock.advance(1)
            self.side.look()

    def statuses(self) -> list[SystemStatus | None]:
        """The statuses of the exchange that were passed on, and nothing else that was."""
        return [event.status for event in self.events() if isinstance(event, SystemStatusChanged)]

    def events(self) -> list[object]:
        found: list[object] = []
        while (event := self.inbox.pop()) is not None:
            found.append(event)
        return found


@pytest.fixture
def rig(xbtusd: PairMetadata) -> Rig:
    assert STRATEGY.timeframes == (Timeframe.M1,)
    return Rig(xbtusd)


async def test_what_the_exchange_said_of_itself_is_unknown_once_the_stream_has_been_away(rig: Rig) -> None:
    await rig.side.list_pairs()
    rig.stream(connected=True)
    rig.side.market.on_system_status(SystemStatus.MAINTENANCE)
    await rig.later(600)
    assert rig.statuses() == [SystemStatus.MAINTENANCE]
    rig.stream(connected=False)
    await rig.later(STATUS_SECONDS - 1)
    assert rig.statuses() == []
    await rig.later(2)
    assert rig.statuses() == [None]
    await rig.later(600)
    assert rig.statuses() == []
    rig.stream(connected=True)
    await rig.later(1)
    assert rig.statuses() == [SystemStatus.MAINTENANCE], "one connection was away, and not this one"
    rig.side.market.on_system_status(SystemStatus.ONLINE)
    await rig.later(1)
    assert rig.statuses() == [SystemStatus.ONLINE]


async def test_statuses_of_pairs_are_the_listing_s_once_the_stream_has_been_away(rig: Rig) -> None:
    await rig.side.list_pairs()
    rig.stream(connected=True)
    rig.side.market.on_pair_statuses({"XBTUSD": PairStatus.MAINTENANCE})
    assert rig.side.keeper.metadata("XBTUSD").status is PairStatus.MAINTENANCE
    rig.stream(connected=False)
    await rig.later(STATUS_SECONDS + 1)
    assert rig.side.keeper.metadata("XBTUSD").status is PairStatus.ONLINE
    told = [event for event in rig.events() if isinstance(event, UniverseChanged)]
    assert [event.tradable for event in told] == [frozenset(), {"XBTUSD"}]


async def test_nothing_to_trade_is_no_failure(xbtusd: PairMetadata) -> None:
    rig = Rig(xbtusd)
    rig.side.keeper.on_pair_statuses({"XBTUSD": PairStatus.MAINTENANCE})
    await rig.side.list_pairs()
    assert rig.side.keeper.universe.pairs == {}
    assert rig.side.keeper.empty == "the exchange lets no pair be traded now"


async def test_history_for_the_volatility_that_risk_looks_at_is_kept_of_every_timeframe_in_use(
    rig: Rig,
) -> None:
    await rig.side.list_pairs()
    await rig.stored(Timeframe.M1, 100)
    assert rig.side.use({Timeframe.M1: 30}, RiskSettings(volatility_lookback_bars=69))
    await rig.side.read_more()
    assert rig.side.market.frame(Timeframe.M1).height == 70


async def test_candles_that_replaced_strategies_need_are_shown_and_what_the_store_lacks_is_read(
    rig: Rig,
) -> None:
    await rig.side.list_pairs()
    await rig.stored(Timeframe.M15, 100)
    assert rig.side.market.frame(Timeframe.M15).height == 0
    assert rig.side.use({Timeframe.M1: 51, Timeframe.M15: 60}, RISK)
    await rig.side.read_more()
    assert rig.side.market.frame(Timeframe.M15).height == 60
    assert Timeframe.M1 in {asked[1] for asked in rig.feed.asked}, "nothing of it was stored"
    assert not rig.side.use({Timeframe.M15: 60}, RISK)
    assert not rig.side.use({}, RISK)


async def test_a_store_that_cannot_be_read_then_is_told(rig: Rig) -> None:
    await rig.side.list_pairs()
    await rig.store.close()
    await rig.side.read_more()
    assert [line.event for line in rig.logs if line.level == Level.ERROR] == ["candles_not_looked_up"]


def test_candles_that_are_not_kept_are_refused(rig: Rig) -> None:
    assert rig.side.refusal({Timeframe.M1: 500, Timeframe.M15: 5}) == ""
    told = rig.side.refusal({Timeframe.H4: 5, Timeframe.M30: 5, Timeframe.M1: 5})
    assert told.startswith("candles of 30m, 4h are not kept by the engine that runs: restart Krakked")
    assert "1m, 15m" in told
