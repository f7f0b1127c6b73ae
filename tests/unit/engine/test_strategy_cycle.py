"""One cycle as the engine carries it out: one look at the account, one at the prices, the inputs frozen."""

import asyncio
import time
from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.decision import effects as f
from krakked_tui.decision import events as e
from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.strategy_cycle import SYNC_SECONDS, SYNCED_LATELY_SECONDS, StrategyCycles
from krakked_tui.engine.strategy_runner import StrategyRunner
from krakked_tui.market.settings import MarketDataSettings
from krakked_tui.strategies.loaded import LoadedStrategy, StrategySet
from tests.fakes.clock import FakeClock
from tests.scenarios.stage import PRICE, STRATEGY, Stage
from tests.unit.engine.strategy_builders import ours

PATIENCE = 30.0
BARS = 40
CYCLE = 7


class SleepersClock(FakeClock):
    """Says whether somebody sleeps."""

    @property
    def sleeping(self) -> bool:
        return bool(self._sleepers)


class Market(LiveMarket):
    """Counts how often it is asked for all prices."""

    asked = 0

    def marks(self) -> dict[str, e.Mark]:
        self.asked += 1
        return super().marks()


class Rig:
    def __init__(
        self,
        stage: Stage,
        *strategies: LoadedStrategy,
        failed: dict[str, str] | None = None,
        speed: float = 1.0,
    ) -> None:
        self.stage, self.clock, self.inbox = stage, SleepersClock(speed=speed), Inbox()
        self.unread = frozenset[str]()
        self.market = Market(
            timeframes=[Timeframe.M1, Timeframe.M5], keep_bars=60, settings=MarketDataSettings(),
            inbox=self.inbox, clock=self.clock,
        )  # fmt: skip
        self.market.on_quote(stage.mark(PRICE).quote)
        self.market.load(self.candles(Timeframe.M1, 2.0))
        self.market.load(self.candles(Timeframe.M5, 6.0))
        while self.inbox.pop() is not None:
            pass
        self.runner = StrategyRunner(
            StrategySet(strategies, failed=failed or {}), deadline_seconds=30, monotonic=time.monotonic,
            write_log=lambda _line: None,
        )  # fmt: skip
        settings = tuple(loaded.strategy.settings for loaded in strategies)
        core = stage.state.settings
        risk = msgspec.structs.replace(core.risk, volatility_lookback_bars=5)
        stage.state.settings = msgspec.structs.replace(
            core, strategies=(*settings, *core.strategies), risk=risk
        )
        self.cycles = StrategyCycles(
            state=stage.state, market=self.market, runner=self.runner, inbox=self.inbox, clock=self.clock,
            unread=lambda: self.unread,
        )  # fmt: skip

    def candles(self, timeframe: Timeframe, width: float) -> Sequence[Candle]:
        end = Timeframe.M5.floor(self.clock.now())
        return [
            Candle("XBTUSD", timeframe, end - (BARS - n) * timeframe.length, 100, 100 + width / 2,
                   100 - width / 2, 100, 1, 100, 1)
            for n in range(BARS)
        ]  # fmt: skip

    async def run(
        self,
        timeframes: tuple[Timeframe, ...] = (Timeframe.M1,),
        held: dict[str, dict[str, Timeframe]] | None = None,
    ) -> e.SignalsComputed:
        boundary = Timeframe.M5.floor(self.clock.now())
        return await self.cycles.run(f.ComputeSignals(CYCLE, boundary, timeframes, held or {}))

    def events(self) -> list[e.Event]:
        found = []
        while (event := self.inbox.pop()) is not None:
            found.append(event)
        return found

    def synced(self, ago: float) -> None:
        account = self.stage.state.account
        account.synced_wall, account.read_wall = self.clock.monotonic() - ago, account.asked_wall


def minutely(strategy_id: str, body: str, *timeframes: Timeframe) -> LoadedStrategy:
    loaded = ours(strategy_id, body)
    loaded.strategy.settings = msgspec.structs.replace(
        loaded.strategy.settings, timeframes=timeframes or (Timeframe.M1,)
    )
    return loaded


@pytest.fixture
def stage(xbtusd: PairMetadata) -> Stage:
    return Stage(xbtusd).ready()


BUYS = "return [self.buy(ctx)]"


async def test_what_strategies_say_comes_with_the_prices_of_the_moment(stage: Stage) -> None:
    rig = Rig(stage, minutely("aaa", BUYS))
    rig.synced(ago=0)
    said = await rig.run()
    assert (said.cycle, said.timeframes, said.failures) == (CYCLE, (Timeframe.M1,), {})
    assert [intent.pair for intent in said.intents] == ["XBTUSD"]
    assert said.intents[0].atr == Decimal("2.0"), "over as many bars as risk looks at"
    assert "XBTUSD" in said.marks
    assert rig.market.asked == 1
    assert len(said.fingerprint) == 16


async def test_volatility_of_what_is_held_is_that_of_the_longest_timeframe_in_use(stage: Stage) -> None:
    rig = Rig(stage, minutely("aaa", "return []", Timeframe.M1, Timeframe.M5))
    rig.synced(ago=0)
    assert (await rig.run()).atr == {}
    stage.bought()
    rig.synced(ago=0)
    assert (await rig.run()).atr == {"XBTUSD": Decimal("6.0")}


async def test_the_account_is_read_once_and_waited_for(stage: Stage) -> None:
    rig = Rig(stage, minutely("aaa", BUYS))
    rig.synced(ago=SYNCED_LATELY_SECONDS + 1)
    task = asyncio.get_running_loop().create_task(rig.run())
    await _computed(rig)
    assert [type(event) for event in rig.events()] == [e.SyncRequested]
    await rig.clock.advance(1)
    assert not task.done()
    rig.synced(ago=0)
    await rig.clock.advance(1)
    assert task.done()
    assert (await task).intents
    assert rig.events() == []


async def test_an_account_that_was_read_a_moment_ago_is_not_read_again(stage: Stage) -> None:
    rig = Rig(stage, minutely("aaa", BUYS))
    rig.synced(ago=SYNCED_LATELY_SECONDS)
    await rig.run()
    assert rig.events() == []


async def test_where_time_runs_fast_the_account_is_read_no_more_often_than_without_cycles(
    stage: Stage,
) -> None:
    rig = Rig(stage, minutely("aaa", BUYS), speed=60.0)
    rig.synced(ago=stage.state.settings.portfolio_sync_seconds)
    await rig.run()
    assert rig.events() == []


async def test_an_account_that_cannot_be_read_holds_up_no_exit(stage: Stage) -> None:
    rig = Rig(stage, minutely("aaa", BUYS))
    rig.synced(ago=SYNCED_LATELY_SECONDS + 1)
    task = asyncio.get_running_loop().create_task(rig.run())
    await _computed(rig)
    await rig.clock.advance(SYNC_SECONDS - 0.1)
    assert not task.done()
    await rig.clock.advance(0.2)
    assert task.done()


async def test_where_time_runs_fast_the_account_is_not_waited_for_until_the_next_boundary(
    stage: Stage,
) -> None:
    rig = Rig(stage, minutely("aaa", BUYS), speed=60.0)
    rig.synced(ago=stage.state.settings.portfolio_sync_seconds + 1)
    task = asyncio.get_running_loop().create_task(rig.run())
    await _computed(rig)
    await rig.clock.advance(0.2)
    assert not task.done()
    await rig.clock.advance(0.1)
    assert task.done()


async def test_a_reading_that_fails_is_not_waited_for_any_longer(stage: Stage) -> None:
    rig = Rig(stage, minutely("aaa", BUYS))
    rig.synced(ago=SYNCED_LATELY_SECONDS + 1)
    stage.state.account.failure, stage.state.account.asked_wall = "no route", rig.clock.monotonic() - 1
    task = asyncio.get_running_loop().create_task(rig.run())
    await _computed(rig)
    await rig.clock.advance(1)
    assert not task.done(), "that failure is older"
    stage.state.account.asked_wall = rig.clock.monotonic()
    await rig.clock.advance(0.1)
    assert task.done()


async def test_pairs_whose_candles_are_missing_are_named(stage: Stage) -> None:
    rig = Rig(stage, minutely("aaa", BUYS))
    rig.synced(ago=SYNCED_LATELY_SECONDS + 1)
    rig.unread = frozenset({"XBTUSD"})
    task = asyncio.get_running_loop().create_task(rig.run())
    await _computed(rig)
    rig.unread = frozenset({"ETHUSD"})
    await rig.clock.advance(SYNC_SECONDS + 1)
    assert (await task).unread == {"XBTUSD", "ETHUSD"}, "missing when the strategies began to look, or by now"


async def test_only_strategies_that_are_in_force_and_have_not_failed_run(stage: Stage) -> None:
    rig = Rig(stage, minutely("aaa", BUYS), minutely("bbb", BUYS), minutely("ccc", BUYS))
    core = stage.state.settings
    stage.state.settings = msgspec.structs.replace(core, strategies=core.strategies[:2])
    stage.state.strategy_errors["aaa"] = "it failed"
    rig.synced(ago=0)
    assert [intent.strategy_id for intent in (await rig.run()).intents] == ["bbb"]


async def test_strategies_that_could_not_be_made_are_told_until_that_is_known(stage: Stage) -> None:
    rig = Rig(stage, minutely("aaa", BUYS), failed={"zzz": "no such type"})
    rig.synced(ago=0)
    assert (await rig.run()).failures == {"zzz": "no such type"}
    stage.state.strategy_errors["zzz"] = "no such type"
    assert (await rig.run()).failures == {}


async def test_a_strategy_knows_what_its_holdings_are_worth(stage: Stage) -> None:
    body = "return [self.buy(ctx, metadata={'worth': float(ctx.worth_usd.get('XBTUSD', -1))})]"
    rig = Rig(stage, minutely(STRATEGY.id, body))
    stage.state.settings = msgspec.structs.replace(stage.state.settings, strategies=(STRATEGY,))
    stage.bought()
    rig.synced(ago=0)
    share = stage.state.holdings["XBTUSD"].of(STRATEGY.id)
    assert share is not None
    held = {STRATEGY.id: {"XBTUSD": Timeframe.M1}}
    (intent,) = (await rig.run(held=held)).intents
    assert intent.metadata["worth"] == float(share.size * rig.market.quotes["XBTUSD"].price)


async def test_the_fingerprint_tells_portfolio_and_configuration_apart(stage: Stage) -> None:
    rig = Rig(stage, minutely("aaa", BUYS))
    rig.synced(ago=0)
    first = (await rig.run()).fingerprint
    assert (await rig.run()).fingerprint == first
    core = stage.state.settings
    stage.state.settings = msgspec.structs.replace(
        core, risk=msgspec.structs.replace(core.risk, max_open_positions=3)
    )
    changed = (await rig.run()).fingerprint
    stage.state.settings = core
    stage.bought()
    rig.synced(ago=0)
    assert len({first, changed, (await rig.run()).fingerprint}) == 3


async def test_a_rehearsal_evaluates_and_says_nothing(stage: Stage) -> None:
    rig = Rig(stage, minutely("aaa", BUYS))
    await rig.cycles.rehearse([Timeframe.M1], Timeframe.M5.floor(rig.clock.now()))
    assert set(rig.runner.seconds) == {"aaa"}
    assert rig.events() == []


async def _computed(rig: Rig) -> None:
    """Wait until the strategies have been evaluated, in their threads."""
    async with asyncio.timeout(PATIENCE):
        while not rig.clock.sleeping:  # noqa: ASYNC110 - real threads, and nobody tells
            await asyncio.sleep(0.001)
