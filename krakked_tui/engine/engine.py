"""The engine: start, run, stop, on an event loop of its own."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from krakked_tui.decision import events as e
from krakked_tui.decision.account import revalue
from krakked_tui.decision.effects import Answer, Level, Log
from krakked_tui.decision.state import State, open_state
from krakked_tui.domain.errors import ExchangeError, KrakkedError, RefusedError
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.precision import half_up
from krakked_tui.engine.account_events import AccountEvents
from krakked_tui.engine.adapters import Adapters, EngineSettings
from krakked_tui.engine.answers import Answers
from krakked_tui.engine.clock import ExchangeClock, utc_now
from krakked_tui.engine.history_sync import HistorySync, begin
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.interpreter import Interpreter
from krakked_tui.engine.market_side import MarketPorts, MarketSide
from krakked_tui.engine.moment import Moment, Summary
from krakked_tui.engine.recorded_feed import RecordedFeed
from krakked_tui.engine.requested_round import RequestedRound
from krakked_tui.engine.runner import Runner
from krakked_tui.engine.startup import Progress, synchronise_clock
from krakked_tui.engine.strategy_cycle import StrategyCycles
from krakked_tui.engine.strategy_runner import StrategyRunner
from krakked_tui.engine.supervisor import Supervisor
from krakked_tui.execution.settings import OnShutdown
from krakked_tui.market.boundaries import newest_boundary
from krakked_tui.ports import Broker, MarketFeed, StreamState
from krakked_tui.strategies.loaded import StrategySet

PRICE_SECONDS = 1.0
HOUSEKEEPING_SECONDS = 0.5
PUBLISH_SECONDS = 0.1
SANDBOX_CLOCK_SECONDS = 5.0
STOP_SECONDS = 4.0
"""Bound (wall) of everything a stop waits for."""
POLL_SECONDS = 0.02
CLOCK_JUMP_SECONDS = 2.0
STEPS = (
    "database", "exchange", "exchange clock", "pairs", "access", "account", "history", "portfolio",
    "candles", "live feed",
)  # fmt: skip


class _Closable(Protocol):
    async def close(self) -> None: ...


C = TypeVar("C", bound=_Closable)


class Engine:
    """One engine; ``run`` may be called once. All methods belong to its loop."""

    def __init__(
        self,
        settings: EngineSettings,
        adapters: Adapters,
        *,
        answers: Answers,
        write_log: Callable[[Log], None],
        publish: Callable[[Moment], None],
        clock: ExchangeClock,
    ) -> None:
        self._settings = settings
        self._adapters = adapters
        self._answers = answers
        self._write_log = write_log
        self._publish = publish
        self._stop = asyncio.Event()
        self._hurried = False
        self._tasks = 0
        self._dirty = True
        self._strategies = StrategyRunner(
            adapters.strategies, deadline_seconds=settings.scheduler.cycle_deadline_seconds,
            monotonic=time.monotonic, write_log=write_log,
        )  # fmt: skip
        self.clock = clock
        self.on_started: Callable[[], None] = lambda: None
        """Called on the engine's loop once the engine runs."""
        self.inbox = Inbox()
        self.moment = Moment(at=self.clock.now(), strategies=self._strategies)
        self._started_wall = self.clock.monotonic()
        self._opened: list[_Closable] = []
        self._progress = Progress(STEPS, clock=clock, changed=self._show_steps, write_log=write_log)
        self._supervisor = Supervisor(clock=clock, write_log=write_log)
        self._broker: Broker | None = None
        self._interpreter: Interpreter | None = None
        self._runner: Runner | None = None
        self._requested: RequestedRound | None = None

    def request_stop(self, reason: str, by: str, ticket: int | None = None) -> None:
        """Begin an orderly stop; once is enough."""
        self.inbox.put(e.StopRequested(self.clock.now(), ticket, by, reason))
        self._stop.set()

    def read_candles(self, by: str, ticket: int) -> None:
        """Have one round of reading candles run now; the ticket is answered with what it did."""
        if self._requested is None or self.moment.phase != "running":
            why = f"the engine is {self.moment.phase}: candles are read while it runs"
            self._answers.resolve(Answer(ticket, accepted=False, message=why))
            return
        self._supervisor.spawn("requested candles", self._requested.run(by, ticket))

    def use_strategies(self, strategies: StrategySet, event: e.SettingsReloaded) -> None:
        """Run these strategies, with the limits of ``event``, from the next cycle on.

        ``strategies`` are those of ``event``, built. Candles that they need are read meanwhile. Raises
        ``RefusedError`` when that cannot be while this engine runs; nothing is changed then.
        """
        side = self.moment.side
        if side is None or self.moment.phase != "running":
            raise RefusedError(f"the engine is {self.moment.phase}: strategies are changed while it runs")
        before = self._strategies.given
        self._strategies.use(strategies)
        if refusal := side.refusal(self._strategies.warmup):
            self._strategies.use(before)
            raise RefusedError(refusal)
        self.inbox.put(event)
        if side.use(self._strategies.warmup, event.risk):
            self._supervisor.spawn("more candles", side.read_more())

    def hurry(self) -> None:
        """Stop without waiting for anything any longer."""
        self._hurried = True

    async def run(self) -> Summary:
        """Start, run until asked to stop, stop in order. Raises ``KrakkedError`` when the start fails.

        A start that was stopped is no failure: the summary says what it waited for.
        """
        unstarted = ""
        try:
            async with self._supervisor as supervisor:
                supervisor.keep("publisher", self._publisher)
                if await self._start_unless_stopped(supervisor):
                    await self._stop.wait()
                else:
                    unstarted = self._progress.waiting_for
                await self._wind_down()
        except BaseExceptionGroup as group:
            raise _cause(group) from group
        finally:
            await self._close()
        self.moment.phase = "stopped"
        self._publish_now()
        return self._summary(unstarted)

    def current(self) -> Moment:
        """Return the moment with the time of now."""
        moment, clock = self.moment, self.clock
        moment.at, moment.wall, moment.speed = clock.now(), clock.monotonic(), clock.speed
        moment.history = tuple(moment.state.history.values()) if moment.state is not None else ()
        moment.uptime = moment.wall - self._started_wall
        return moment

    def failed(self, sentence: str) -> None:
        """Show that the engine ended by itself, and why."""
        self.moment.phase, self.moment.failure = "failed", sentence
        self._publish_now()

    async def _start_unless_stopped(self, supervisor: Supervisor) -> bool:
        async with asyncio.TaskGroup() as group:
            start = group.create_task(self._start(supervisor))
            stop = group.create_task(self._stop.wait())
            await asyncio.wait({start, stop}, return_when=asyncio.FIRST_COMPLETED)
            stop.cancel()
            return start.done() or not start.cancel()

    async def _start(self, supervisor: Supervisor) -> None:
        adapters, clock, progress = self._adapters, self.clock, self._progress
        journal = self._closing(await progress.run("database", adapters.open_journal))
        exchange, broker = await progress.run("exchange", lambda: adapters.connect(clock))
        feed = self.moment.feed = self._closing(RecordedFeed(exchange, clock, utc_now))
        self._broker = self._closing(broker)
        await progress.run("exchange clock", lambda: synchronise_clock(clock, feed))
        side = await self._make_side(feed)
        await progress.run("pairs", side.list_pairs)
        await progress.run("access", lambda: self._access(broker))
        stored = await journal.load(broker.account_id)
        known = side.keeper.known
        state = open_state(stored, self._settings.core, known, self._settings.first_order_number)
        state.speed = clock.speed
        self._note_unmade(state)
        side.attach(state)
        if state.unbooked:
            message = f"{len(state.unbooked)} stored trades are on pairs that are not listed any more"
            self._write_log(Log(Level.WARNING, "trades_unbooked", {"trades": len(state.unbooked)}, message))
        market = side.market
        self.moment.state, self.moment.side, self.moment.data = state, side, side.data
        self.moment.market, self.moment.focus = market, side.focus
        begin(stored, self.inbox, clock.now())
        del stored  # every event of the account, which the state has taken over
        cycles = StrategyCycles(
            state=state, market=side.market, runner=self._strategies, inbox=self.inbox, clock=clock,
            unread=lambda: side.ingest.unread,
        )  # fmt: skip
        interpreter = self._make_interpreter(state, broker, side, supervisor, cycles)
        runner = Runner(
            state=state, inbox=self.inbox, journal=journal, performer=interpreter, clock=clock,
            published=self._mark_dirty,
        )  # fmt: skip
        self._interpreter, self._runner = interpreter, runner
        supervisor.spawn("runner", runner.run())
        account = AccountEvents(self.inbox, clock, self.moment)
        supervisor.keep("account stream", lambda: broker.stream(account))
        await progress.run("account", lambda: self._streaming(lambda: self.moment.account_stream))
        # Not before the stream is open: what is read until then would have to be read again, and the
        # exchange does not allow that many calls at once.
        supervisor.keep("housekeeping", self._keep_time)
        await progress.run("history", self._make_history(state, broker).run)
        await progress.run("portfolio", lambda: self._account_read(state, account))
        await progress.run("candles", side.ingest.first_round)
        if timeframes := tuple(self._strategies.warmup):
            await cycles.rehearse(timeframes, newest_boundary(clock.now(), timeframes))
        side.stream(supervisor)
        supervisor.keep("prices", lambda: self._price(side))
        await progress.run("live feed", lambda: self._priced(state, side))
        adapters.exchange_ready()
        await synchronise_clock(clock, feed)
        # Deadlines depend on the speed, and the first boundary may come before the next housekeeping.
        self._tell_time()
        side.watch_over(supervisor)
        self._requested = RequestedRound(side.ingest, self._answers, self._write_log)
        supervisor.keep("clock", lambda: self._keep_clock(feed))
        self.moment.phase = "running"
        self._write_log(Log(Level.INFO, "engine_started", self._facts(state)))
        self.on_started()

    async def _make_side(self, feed: RecordedFeed) -> MarketSide:
        adapters = self._adapters
        store = self._closing(await adapters.open_candles())
        ports = MarketPorts(feed, store, await adapters.open_universe())
        return MarketSide(
            ports, settings=self._settings, warmup=self._strategies.warmup, inbox=self.inbox,
            clock=self.clock, write_log=self._write_log,
            account_stream=lambda: self.moment.account_stream,
        )  # fmt: skip

    async def _access(self, broker: Broker) -> None:
        await self._adapters.check_access()
        await broker.balances()

    async def _streaming(self, stream: Callable[[], StreamState]) -> None:
        """Wait for a stream to open; raise ``ExchangeError`` with its reason when it fails to."""
        before = stream()
        await self._until(lambda: stream().connected or stream() is not before)
        if not stream().connected:
            raise ExchangeError(stream().detail)

    async def _account_read(self, state: State, events: AccountEvents) -> None:
        """Wait for a read of the account that began after its stream opened: nothing falls between."""
        account, opened = state.account, events.opened_wall
        assert opened is not None

        def read() -> bool:
            asked, synced = account.asked_wall, account.synced_wall
            return asked is not None and synced is not None and opened <= asked <= synced

        if account.failure:
            self.inbox.put(e.SyncRequested(self.clock.now(), self.clock.monotonic()))
        await self._until(lambda: read() or bool(account.failure))
        if account.failure:
            raise ExchangeError(account.failure)

    async def _priced(self, state: State, side: MarketSide) -> None:
        """Wait for prices. While nothing may be traded none need come, and what is held is to be guarded."""
        market, keeper = side.market, side.keeper
        if keeper.empty:
            return
        await self._streaming(lambda: market.stream)
        await self._until(lambda: state.market_usable or not market.stream.connected or bool(keeper.empty))
        if not state.market_usable and not keeper.empty:
            raise ExchangeError(market.stream.detail)

    async def _wind_down(self) -> None:
        """Let orders in flight resolve and cancels take effect, then read the account a last time."""
        self.moment.phase = "stopping"
        self._tasks = len(asyncio.all_tasks())
        state, interpreter, runner = self.moment.state, self._interpreter, self._runner
        if state is None or interpreter is None or runner is None:
            return  # the start did not come far enough for anything to be under way
        give_up = self.clock.monotonic() + STOP_SECONDS
        cancelling = self._settings.core.execution.on_shutdown is OnShutdown.CANCEL

        def settled() -> bool:
            done = runner.idle and not interpreter.in_flight and not state.account.in_flight
            return state.stopping and done and not (cancelling and state.orders.live())

        await self._until(settled, give_up)
        self.inbox.put(e.SyncRequested(self.clock.now(), self.clock.monotonic()))
        await self._until(lambda: runner.idle and not state.account.in_flight, give_up)
        revalue(state)

    async def _until(self, condition: Callable[[], bool], give_up: float | None = None) -> None:
        while not condition():
            if give_up is not None and (self._hurried or self.clock.monotonic() > give_up):
                return
            await self.clock.sleep(POLL_SECONDS)

    def _make_interpreter(
        self, state: State, broker: Broker, side: MarketSide, supervisor: Supervisor, cycles: StrategyCycles
    ) -> Interpreter:
        return Interpreter(
            state=state, inbox=self.inbox, broker=broker, market=side.market, answers=self._answers,
            clock=self.clock, spawner=supervisor, cycles=cycles,
            rates=side.make_rate_finder(state, self._settings.core.portfolio), write_log=self._write_log,
            max_concurrent_orders=self._settings.core.execution.max_concurrent_orders,
        )  # fmt: skip

    def _make_history(self, state: State, broker: Broker) -> HistorySync:
        return HistorySync(
            broker=broker, state=state, inbox=self.inbox, clock=self.clock,
            tell=lambda detail: self._progress.tell("history", detail),
        )  # fmt: skip

    async def _price(self, side: MarketSide) -> None:
        while True:
            side.look()
            clock = self.clock
            self.inbox.put(e.Priced(clock.now(), clock.monotonic(), side.market.marks()), key="priced")
            await clock.sleep(PRICE_SECONDS)

    async def _keep_time(self) -> None:
        while True:
            self._tell_time()
            await self.clock.sleep(HOUSEKEEPING_SECONDS)

    def _tell_time(self) -> None:
        clock = self.clock
        self.inbox.put(e.TimePassed(clock.now(), clock.monotonic(), clock.speed), key="time")

    async def _keep_clock(self, feed: MarketFeed) -> None:
        while True:
            rehearsal = self.clock.speed != 1.0
            await self.clock.sleep(
                SANDBOX_CLOCK_SECONDS if rehearsal else self._settings.scheduler.clock_check_seconds
            )
            try:
                moved = await synchronise_clock(self.clock, feed)
            except ExchangeError as error:
                self._write_log(Log(Level.WARNING, "clock_check_failed", {"reason": str(error)}))
                continue
            if abs(moved.total_seconds()) > CLOCK_JUMP_SECONDS * max(self.clock.speed, 1.0):
                self._write_log(Log(Level.WARNING, "clock_moved", {"seconds": moved.total_seconds()}))

    async def _publisher(self) -> None:
        shown = 0.0
        while True:
            await self.clock.sleep(PUBLISH_SECONDS)
            if self._dirty or self.clock.monotonic() - shown > PRICE_SECONDS:
                shown = self.clock.monotonic()
                self._publish_now()

    def _publish_now(self) -> None:
        self._dirty = False
        moment = self.current()
        moment.headroom = tuple(self._broker.headroom()) if self._broker else ()
        moment.next_cycle_at = moment.side.boundaries.next_cycle_at if moment.side else None
        self._publish(moment)

    def _mark_dirty(self, _state: State) -> None:
        self._dirty = True

    def _show_steps(self) -> None:
        self.moment.steps = tuple(self._progress.steps)
        self._dirty = True

    def _closing(self, adapter: C) -> C:
        """Remember to close an adapter when the engine ends."""
        self._opened.append(adapter)
        return adapter

    def _note_unmade(self, state: State) -> None:
        """Show strategies that are to run and could not be made as failed; what they hold stays guarded."""
        for strategy_id, why in self._strategies.failed.items():
            state.strategy_errors[strategy_id] = why
            fields: dict[str, str | int | float | bool | None] = {"strategy_id": strategy_id, "error": why}
            message = f"{strategy_id} is disabled: {why}"
            self._write_log(Log(Level.ERROR, "strategy_failed", fields, message))

    async def _close(self) -> None:
        self._strategies.close()
        for adapter in reversed(self._opened):
            try:
                await adapter.close()
            except KrakkedError as error:
                self._write_log(Log(Level.ERROR, "close_failed", {"reason": str(error)}))
        self._answers.refuse_all("the engine has stopped")

    def _facts(self, state: State) -> dict[str, str | int | float | bool | None]:
        return {
            **self._settings.about,
            "pairs": len(state.tradable),
            "strategies": ",".join(s.id for s in self._settings.core.strategies),
            "timeframes": ",".join(self._strategies.warmup),
            "orders_to_resolve": len(state.searches),
            "speed": self.clock.speed,
            "seconds": round(self.clock.monotonic() - self._started_wall, 3),
        }

    def _summary(self, unstarted: str) -> Summary:
        state = self.moment.state
        uptime = round(self.clock.monotonic() - self._started_wall, 1)
        if state is None:
            return Summary(0, 0, 0, 0, 0, {}, ZERO, uptime, unstarted=unstarted)
        equity = state.valuation.equity if state.valuation else ZERO
        counts = state.counts
        return Summary(
            cycles=counts.cycles,
            plans=counts.plans,
            missed_boundaries=counts.missed_boundaries,
            fills=counts.fills,
            errors=counts.errors,
            orders=state.orders_made(),
            equity=half_up(equity, 2),
            uptime_seconds=uptime,
            events_dropped=self.inbox.dropped,
            task_failures=self._supervisor.failures,
            tasks=self._tasks,
            unstarted=unstarted,
        )


def _cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the one error a user should read: ours before any other."""
    ours = group.subgroup(KrakkedError)
    inner: BaseException = ours or group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    return inner
