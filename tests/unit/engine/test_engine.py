"""A whole engine on fakes: how it starts, waits, fails to start, and stops."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision.effects import Log
from krakked_tui.decision.events import SettingsReloaded
from krakked_tui.decision.state import CoreSettings
from krakked_tui.domain.candles import Candle, KnownFigures, Quote, Timeframe
from krakked_tui.domain.depth import BookTop
from krakked_tui.domain.errors import AccessError, ExchangeError, RefusedError
from krakked_tui.domain.fills import AssetBalance, LedgerEntry, Trade
from krakked_tui.domain.orders import OrderReport
from krakked_tui.domain.pairs import AssetInfo, PairMetadata, PairStatus
from krakked_tui.domain.records import ControlLogged, HistoryMark, LedgerEntrySaved, Record
from krakked_tui.engine.adapters import Adapters, EngineSettings
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.engine.engine import Engine
from krakked_tui.engine.moment import Summary
from krakked_tui.engine.settings import SchedulerSettings
from krakked_tui.engine.strategy_runner import our_own
from krakked_tui.market.settings import MarketDataSettings, UniverseSettings
from krakked_tui.ports import (
    AccountSink,
    Clock,
    FeedSink,
    FocusSink,
    HistoryPage,
    ServerTime,
    StreamState,
)
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.strategies.loaded import StrategySet
from krakked_tui.strategies.registry import build_strategies
from krakked_tui.strategies.settings import StrategySettings
from tests.fakes.broker import FakeBroker
from tests.fakes.candle_store import MemoryCandleStore
from tests.fakes.journal import MemoryJournal
from tests.fakes.universe_cache import FakeUniverseCache
from tests.scenarios.stage import STRATEGY, Stage

FASTER = 50.0
PATIENCE = 10.0


class FastClock(ExchangeClock):
    """The engine's clock with fifty seconds in each."""

    def __init__(self) -> None:
        super().__init__()
        self._anchor_wall = self.monotonic()

    def monotonic(self) -> float:
        return super().monotonic() * FASTER

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / FASTER)


class Feed:
    """One pair. Prices come only after the stream has opened, as from a slow exchange."""

    def __init__(self, clock: Clock, pair: PairMetadata) -> None:
        self.clock, self.pair = clock, pair
        self.connects = True

    def _quote(self) -> Quote:
        price, now = Decimal(50_000), self.clock.now()
        return Quote(
            self.pair.canonical, price, price, price, now, self.clock.monotonic(),
            KnownFigures(volume_24h=Decimal(10**6), vwap_24h=price),
        )  # fmt: skip

    async def server_time(self) -> ServerTime:
        return ServerTime(self.clock.now())

    async def pairs(self) -> tuple[Sequence[PairMetadata], Sequence[AssetInfo]]:
        return [self.pair], []

    async def quotes(self) -> Mapping[str, Quote]:
        return {self.pair.canonical: self._quote()}

    async def candles(self, pair: PairMetadata, timeframe: Timeframe, since: datetime) -> Sequence[Candle]:
        return []

    async def stream(
        self, pairs: Sequence[PairMetadata], timeframes: Sequence[Timeframe], sink: FeedSink
    ) -> None:
        sink.on_stream_state(
            StreamState("market", connected=self.connects, detail="" if self.connects else "no route")
        )
        while True:
            await self.clock.sleep(1)
            if self.connects:
                sink.on_quote(self._quote())

    async def change_pairs(self, pairs: Sequence[PairMetadata]) -> None:
        pass

    async def renew(self, pairs: Sequence[str]) -> None:
        pass

    async def focus(self, pair: PairMetadata | None, depth: int, sink: FocusSink) -> None:
        if pair is not None:
            sink.on_book(BookTop(pair.canonical, valid=True))

    async def close(self) -> None:
        pass


class Broker(FakeBroker):
    """Fails in chosen ways."""

    def __init__(self) -> None:
        super().__init__()
        self.reads_that_fail = 0
        self.pages_that_fail = 0
        self.entries: list[LedgerEntry] = []
        self.searched: list[str] = []
        self.connects = True
        self.refusal: ExchangeError | None = None

    async def balances(self) -> Mapping[str, AssetBalance]:
        if self.refusal is not None:
            raise self.refusal
        return {}

    async def open_orders(self) -> Sequence[OrderReport]:
        if self.reads_that_fail:
            self.reads_that_fail -= 1
            await asyncio.sleep(0.02)
            raise ExchangeError("EAPI:Rate limit exceeded")
        return []

    async def ledger(self, since: datetime) -> Sequence[LedgerEntry]:
        return self.entries

    async def trades_before(self, until: datetime | None, skip: int = 0) -> HistoryPage[Trade]:
        if self.pages_that_fail:
            self.pages_that_fail -= 1
            await asyncio.sleep(0.02)
            raise ExchangeError("EService:Unavailable")
        return await super().trades_before(until, skip)

    async def find_orders(self, cl_ord_id: str) -> Sequence[OrderReport]:
        self.searched.append(cl_ord_id)
        return []

    async def stream(self, sink: AccountSink) -> None:
        if self.connects:
            await super().stream(sink)
        sink.on_stream_state(StreamState("account", connected=False, detail="no route"))
        await asyncio.Event().wait()


class SlowJournal(MemoryJournal):
    """A disk that takes its time."""

    async def commit(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(0.01)
        await super().commit(records)


class Rig:
    def __init__(self, pair: PairMetadata) -> None:
        self.clock = FastClock()
        self.broker, self.feed, self.journal = Broker(), Feed(self.clock, pair), MemoryJournal()
        self.lines: list[Log] = []
        self.unmade: dict[str, str] = {}
        self.access_answers: list[Exception] = []
        """What the checks of the key say, one after the other, before they have no objection."""

    def build(self) -> Engine:
        strategies = (msgspec.structs.replace(STRATEGY, timeframes=(Timeframe.M1,)),)
        settings = EngineSettings(
            # So long that no test waits for a read that only time brings about.
            core=CoreSettings(strategies=strategies, portfolio_sync_seconds=3600.0),
            scheduler=SchedulerSettings(), market=MarketDataSettings(), universe=UniverseSettings(),
            first_order_number=1,
        )  # fmt: skip

        async def journal() -> MemoryJournal:
            return self.journal

        async def store() -> MemoryCandleStore:
            return MemoryCandleStore()

        async def connect(_clock: Clock) -> tuple[Feed, Broker]:
            return self.feed, self.broker

        async def check_access() -> None:
            if self.access_answers:
                raise self.access_answers.pop(0)

        async def universe() -> FakeUniverseCache:
            return FakeUniverseCache()

        adapters = Adapters(
            journal, store, universe, connect, check_access,
            StrategySet(our_own(build_strategies(strategies)).strategies, failed=self.unmade), lambda: None,
        )  # fmt: skip
        return Engine(
            settings, adapters,
            answers=Answers(), write_log=self.lines.append, publish=lambda _moment: None, clock=self.clock,
        )  # fmt: skip

    async def run_and(self, act: Callable[[Engine], Awaitable[None]]) -> Summary:
        """Run an engine, do something once it runs, stop it, and return its summary."""
        engine = self.build()

        async def then_stop() -> None:
            try:
                await _once(lambda: _running(engine))
                await act(engine)
            finally:
                engine.request_stop("enough", "test")

        async with asyncio.TaskGroup() as group:
            run = group.create_task(engine.run())
            group.create_task(then_stop())
        return run.result()

    async def run_until(self, condition: Callable[[Engine], bool]) -> Summary:
        """Run an engine, stop it once the condition holds, and return its summary."""
        engine = self.build()

        async def stop() -> None:
            async with asyncio.timeout(PATIENCE):
                while not condition(engine):  # noqa: ASYNC110 - a look from outside at a whole engine
                    await asyncio.sleep(0.005)
            engine.request_stop("enough", "test")

        async with asyncio.TaskGroup() as group:
            run = group.create_task(engine.run())
            group.create_task(stop())
        return run.result()

    def messages(self, event: str) -> list[str]:
        return [line.message for line in self.lines if line.event == event]


def _running(engine: Engine) -> bool:
    return engine.moment.phase == "running"


async def _once(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - a look from outside at a whole engine
            await asyncio.sleep(0.005)


def _deposit(rig: Rig) -> LedgerEntry:
    zero, five = Decimal(0), Decimal(5)
    return LedgerEntry("L1", "R1", rig.clock.now(), "deposit", "", "USD", five, zero, five)


@pytest.fixture
def rig(xbtusd: PairMetadata) -> Rig:
    return Rig(xbtusd)


async def test_it_starts_although_the_account_cannot_be_read_at_once(rig: Rig) -> None:
    rig.journal.disk.commits.append((LedgerEntrySaved(_deposit(rig)),))
    rig.broker.reads_that_fail = 1
    summary = await rig.run_until(_running)
    assert summary.unstarted == ""
    assert rig.messages("start_waiting") == ["portfolio: EAPI:Rate limit exceeded; trying again"]
    steps = [line.fields["step"] for line in rig.lines if line.event == "start_step"]
    assert steps[-4:] == ["history", "portfolio", "candles", "live feed"]


async def test_a_history_that_cannot_be_read_is_waited_for_visibly_and_then_read_once(rig: Rig) -> None:
    rig.broker.pages_that_fail = 1
    now = rig.clock.now()
    rig.broker.booked = [
        LedgerEntry(f"L{n}", f"R{n}", now, "deposit", "", "USD", Decimal(1), Decimal(0), Decimal(n))
        for n in range(120)
    ]
    rig.broker.entries = rig.broker.booked
    seen, marks = set[str](), list[HistoryMark]()

    def running(engine: Engine) -> bool:
        seen.update(step.detail for step in engine.moment.steps if step.name == "history")
        marks[:] = engine.current().history
        return _running(engine)

    await rig.run_until(running)
    assert rig.messages("start_waiting") == ["history: EService:Unavailable; trying again"]
    assert "EService:Unavailable; trying again" in seen
    assert [mark.read for mark in marks] == [0, 120]
    saved = [r.entry.entry_id for r in rig.journal.disk.records() if isinstance(r, LedgerEntrySaved)]
    assert len(saved) == len(set(saved)) == 120
    pages = len(rig.broker.pages)
    await rig.run_until(_running)
    assert len(rig.broker.pages) == pages, "a history is read once in a life"


async def test_orders_are_looked_up_while_the_start_waits_for_the_market(
    rig: Rig, xbtusd: PairMetadata
) -> None:
    before = Stage(xbtusd).ready()
    before.cycle(before.intent())
    rig.journal.disk.commits.append(tuple(before.records))
    rig.feed.connects = False
    summary = await rig.run_until(lambda _engine: len(rig.broker.searched) > 1)
    assert summary.unstarted


@pytest.mark.parametrize("which", ["account", "live feed"])
async def test_a_stream_that_never_opens_is_told_and_ends_as_not_started(rig: Rig, which: str) -> None:
    (rig.broker if which == "account" else rig.feed).connects = False
    summary = await rig.run_until(lambda _engine: bool(rig.messages("start_waiting")))
    assert summary.unstarted == f"{which}: no route; trying again"
    assert rig.messages("start_waiting") == [f"{which}: no route; trying again"]


async def test_an_unfit_key_ends_the_start_and_an_exchange_that_is_away_is_asked_again(rig: Rig) -> None:
    rig.access_answers = [ExchangeError("no route"), RefusedError("live mode is locked: (1) it can withdraw")]
    with pytest.raises(RefusedError, match="it can withdraw"):
        await rig.build().run()
    assert rig.access_answers == []
    assert [line.fields["reason"] for line in rig.lines if line.event == "start_waiting"] == ["no route"]


async def test_a_refused_key_ends_the_start(rig: Rig) -> None:
    rig.broker.refusal = AccessError("EAPI:Invalid key: check the key")
    with pytest.raises(AccessError, match="Invalid key"):
        await rig.build().run()


async def test_a_stop_in_the_middle_of_the_start_is_recorded(rig: Rig) -> None:
    rig.journal = SlowJournal()
    rig.feed.connects = False
    assert (await rig.run_until(lambda engine: engine._runner is not None)).unstarted
    logged = [r.command for r in rig.journal.disk.records() if isinstance(r, ControlLogged)]
    assert logged == ["stop"]


async def test_what_the_last_read_of_the_account_finds_is_recorded(rig: Rig) -> None:
    rig.journal = SlowJournal()
    found = _deposit(rig)

    def running(engine: Engine) -> bool:
        rig.broker.entries = [found] if _running(engine) else []
        return _running(engine)

    await rig.run_until(running)
    saved = [r.entry for r in rig.journal.disk.records() if isinstance(r, LedgerEntrySaved)]
    assert saved == [found]


async def test_whoever_looks_at_a_pair_sees_its_book(rig: Rig) -> None:
    seen: list[BookTop] = []

    def looked(engine: Engine) -> bool:
        if (focus := engine.moment.focus) is not None:
            focus.look_at("XBTUSD", Timeframe.M1)
            if (book := focus.picture().book) is not None:
                seen.append(book)
        return _running(engine) and bool(seen)

    await rig.run_until(looked)
    assert seen[-1] == BookTop("XBTUSD", valid=True)


async def test_it_starts_although_nothing_may_be_traded_and_no_price_comes(rig: Rig) -> None:
    rig.feed.pair = msgspec.structs.replace(rig.feed.pair, status=PairStatus.CANCEL_ONLY)
    rig.feed.connects = False
    summary = await rig.run_until(_running)
    assert summary.unstarted == ""
    (told,) = rig.messages("universe_empty")
    assert told.endswith("the exchange lets no pair be traded now")


def _reloaded(engine: Engine, *strategies: StrategySettings, bars: int = 20) -> SettingsReloaded:
    risk = RiskSettings(volatility_lookback_bars=bars)
    return SettingsReloaded(engine.clock.now(), "test", risk, strategies)


async def test_strategies_are_replaced_while_it_runs(rig: Rig) -> None:
    changed = msgspec.structs.replace(
        STRATEGY, timeframes=(Timeframe.M1, Timeframe.M15), params={"ma_slow": 80}
    )

    async def act(engine: Engine) -> None:
        state, side = engine.moment.state, engine.moment.side
        assert state is not None
        assert side is not None
        engine.use_strategies(our_own(build_strategies((changed,))), _reloaded(engine, changed, bars=30))
        await _once(lambda: state.settings.strategies == (changed,))
        assert state.settings.risk.volatility_lookback_bars == 30
        assert not side.use({Timeframe.M1: 81, Timeframe.M15: 81}, state.settings.risk), (
            "these candles are cared for"
        )
        assert side.refusal({Timeframe.H4: 5})
        engine.use_strategies(StrategySet(), _reloaded(engine))
        await _once(lambda: state.settings.strategies == ())

    summary = await rig.run_and(act)
    assert summary.task_failures == 0
    assert len(rig.messages("settings_reloaded")) == 2


async def test_strategies_that_need_what_is_not_kept_are_refused_and_nothing_changes(rig: Rig) -> None:
    changed = msgspec.structs.replace(STRATEGY, timeframes=(Timeframe.H4,))

    async def act(engine: Engine) -> None:
        with pytest.raises(RefusedError, match="candles of 4h are not kept"):
            engine.use_strategies(our_own(build_strategies((changed,))), _reloaded(engine, changed))
        assert engine.moment.strategies is not None
        assert set(engine.moment.strategies.warmup) == {Timeframe.M1}

    await rig.run_and(act)
    assert rig.messages("settings_reloaded") == []


async def test_strategies_are_not_replaced_before_it_runs(rig: Rig) -> None:
    engine = rig.build()
    with pytest.raises(RefusedError, match="the engine is starting"):
        engine.use_strategies(StrategySet(), _reloaded(engine))


async def test_strategies_that_could_not_be_made_are_shown_as_failed(rig: Rig) -> None:
    rig.unmade = {"mine_v1": "no such type"}
    found: list[dict[str, str]] = []

    async def act(engine: Engine) -> None:
        assert engine.moment.state is not None
        found.append(dict(engine.moment.state.strategy_errors))

    await rig.run_and(act)
    assert found == [{"mine_v1": "no such type"}]
    assert rig.messages("strategy_failed") == ["mine_v1 is disabled: no such type"]
