"""Everything that follows the market, put together: pairs, prices, candles, and whoever watches over them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from krakked_tui.decision.effects import Level, Log
from krakked_tui.decision.events import SystemStatusChanged
from krakked_tui.decision.state import State
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.depth import BookTop
from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata, SystemStatus
from krakked_tui.engine.adapters import EngineSettings
from krakked_tui.engine.boundary_loop import BoundaryLoop
from krakked_tui.engine.candle_upkeep import CandleUpkeep
from krakked_tui.engine.focus import Focus
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.ingest import CandleNeeds, Ingest
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.market_data import DeafLately, MarketData, Sources
from krakked_tui.engine.price_checks import PriceChecks
from krakked_tui.engine.rate_finder import RateFinder
from krakked_tui.engine.recorded_feed import RecordedFeed
from krakked_tui.engine.supervisor import Supervisor
from krakked_tui.engine.universe_keeper import UniverseKeeper, UniverseRules
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.ports import CandleStore, Clock, StreamState, UniverseCache
from krakked_tui.risk.settings import RiskSettings

STATUS_SECONDS = 30.0
"""How long after the stream went what it told last of the exchange and its pairs still counts."""


@dataclass(frozen=True, slots=True)
class MarketPorts:
    """Where market data comes from and where it is kept."""

    feed: RecordedFeed
    store: CandleStore
    universe: UniverseCache


class MarketSide:
    """Made once the exchange's clock is known. Used from the engine's loop only."""

    def __init__(
        self, ports: MarketPorts, *, settings: EngineSettings, warmup: Mapping[Timeframe, int],
        inbox: Inbox, clock: Clock, write_log: Callable[[Log], None],
        account_stream: Callable[[], StreamState],
    ) -> None:  # fmt: skip
        """``warmup`` says how many bars of each timeframe in use the strategies need."""
        feed, store = ports.feed, ports.store
        self._feed = feed
        self._inbox = inbox
        self._clock = clock
        self._store = store
        self._settings = settings
        self._write_log = write_log
        self._state: State | None = None
        self._system: SystemStatus | None = SystemStatus.ONLINE
        """The status of the exchange that was passed on last."""
        self.focus: Focus | None = None
        """The pair that is looked at; None before the state is known."""
        self._warmup = _with_volatility(warmup, settings.core.risk)
        needs = CandleNeeds(self._warmup, settings.market.ingest.history_bars)
        self.keeper = UniverseKeeper(
            feed=feed, cache=ports.universe, inbox=inbox, clock=clock, rules=_rules(settings),
            needed=self._needed, on_added=self._added, write_log=write_log,
        )  # fmt: skip
        timeframes = _by_length({*needs.warmup, *settings.market.ingest.timeframes})
        self.market = LiveMarket(
            timeframes=timeframes, keep_bars=max(needs.warmup.values(), default=1), settings=settings.market,
            inbox=inbox, clock=clock, on_system_status=self._pass_on,
            on_pair_statuses=self.keeper.on_pair_statuses,
        )  # fmt: skip
        self.ingest = Ingest(
            feed=feed, store=store, market=self.market, clock=clock, settings=settings.market.ingest,
            needs=needs, pairs=self._pairs, write_log=write_log,
        )  # fmt: skip
        self.checks = PriceChecks(
            feed=feed, market=self.market, clock=clock, settings=settings.market, timeframes=timeframes,
            carried=lambda: self.keeper.streamed, write_log=write_log, on_deaf=self.ingest.request,
        )  # fmt: skip
        self.boundaries = BoundaryLoop(
            timeframes=_by_length(needs.warmup), market=self.market, store=store, inbox=inbox, clock=clock,
            settings=settings.market, write_log=write_log, lost=self.ingest.request_all,
        )  # fmt: skip
        self.data = MarketData(
            Sources(
                listing=self.keeper, feed=feed, store=store, market=self.market, ingest=self.ingest,
                clock=clock, book=self._book, streams=lambda: (self.market.stream, account_stream()),
                unstored=lambda: self.boundaries.unstored,
                next_boundary=lambda: self.boundaries.next_at,
                deaf=lambda: DeafLately(self.checks.deaf, self.checks.deaf_topics),
            )
        )  # fmt: skip
        self._timeframes = timeframes

    def refusal(self, warmup: Mapping[Timeframe, int]) -> str:
        """Say why these candles cannot be had while this engine runs; empty when they can."""
        missing = [timeframe for timeframe in _by_length(warmup) if timeframe not in self._timeframes]
        if not missing:
            return ""
        return (
            f"candles of {', '.join(missing)} are not kept by the engine that runs:"
            f" restart Krakked, or use {', '.join(self._timeframes)}"
        )

    def use(self, warmup: Mapping[Timeframe, int], risk: RiskSettings) -> bool:
        """Have the candles that replaced strategies need; ``refusal`` must have had nothing to say.

        Returns whether more are needed than before, so that ``read_more`` is to be run.
        """
        needed = _with_volatility(warmup, risk)
        more = any(bars > self._warmup.get(timeframe, 0) for timeframe, bars in needed.items())
        # Whoever reads candles looks here whenever it does.
        self._warmup.clear()
        self._warmup.update(needed)
        self.market.keep_bars(max(needed.values(), default=1))
        self.boundaries.use(_by_length(needed))
        return more

    async def read_more(self) -> None:
        """Show the strategies what the store has, and read what it lacks, now that they need more."""
        try:
            await self.ingest.refresh()
        except StorageError as error:
            message = f"candles for the changed strategies cannot be read: {error}"
            self._write_log(Log(Level.ERROR, "candles_not_looked_up", {"reason": str(error)}, message))

    async def list_pairs(self) -> None:
        """Read which pairs there are. None that may be traded is no failure: what is held is to be guarded.

        Raises ``ExchangeError``.
        """
        await self.keeper.first()

    def attach(self, state: State) -> None:
        """Tell what is tradable to the state, and follow what it needs from here on."""
        self._state = state
        state.tradable = frozenset(self.keeper.universe.pairs)
        needed = {name: state.known[name] for name in self._needed() if name in state.known}
        self.keeper.streamed.update(needed)
        self.focus = Focus(
            feed=self._feed, store=self._store, market=self.market, clock=self._clock, listed=state.known,
            carried=self.keeper.streamed, depth=self._settings.market.ws.book_depth,
        )  # fmt: skip

    def make_rate_finder(self, state: State, settings: PortfolioSettings) -> RateFinder:
        """Make what finds prices of the past."""
        return RateFinder(
            feed=self._feed, store=self._store, timeframes=self._timeframes,
            quotes=lambda: self.market.quotes, pairs=state.known, settings=settings, clock=self._clock,
        )  # fmt: skip

    def stream(self, supervisor: Supervisor) -> None:
        """Start what brings prices: the stream, and what somebody looks at."""
        assert self.focus is not None
        supervisor.keep("focus", self.focus.follow)
        supervisor.keep("focus candles", self.focus.keep_bars)
        supervisor.keep("market stream", self._stream)

    def watch_over(self, supervisor: Supervisor) -> None:
        """Start what closes candles, fills gaps, confirms prices and keeps the universe, once prices flow."""
        supervisor.keep("boundaries", self.boundaries.run)
        supervisor.keep("candles", self.ingest.run)
        supervisor.keep("price checks", self.checks.run)
        supervisor.keep("universe", self.keeper.run)
        supervisor.keep("pair statuses", self.keeper.follow)
        every = self._settings.scheduler.compaction_seconds
        supervisor.keep("compaction", CandleUpkeep(self._store, self._clock, self._write_log, every).run)

    def look(self) -> None:
        """Judge the feed as of now. To be called every second."""
        self.market.keep_only(self.keeper.streamed)
        self.market.check_usable()
        self._judge_statuses()
        self.market.measure()

    def _judge_statuses(self) -> None:
        """Let statuses count for as long as the stream would tell of a change, and a little longer."""
        market = self.market
        gone = not market.stream.connected and self._clock.monotonic() - market.turned_at >= STATUS_SECONDS
        self.keeper.trust_stream(trusted=not gone)
        if market.system_status is not None:
            self._pass_on(None if gone else market.system_status)

    async def _stream(self) -> None:
        await self._feed.stream(tuple(self.keeper.streamed.values()), self._timeframes, self.market)

    def _needed(self) -> frozenset[str]:
        return frozenset(self._state.needed_pairs()) if self._state is not None else frozenset()

    def _pairs(self) -> Sequence[PairMetadata]:
        """Return the pairs whose candles are kept: what we hold first, then the most traded."""
        needed, traded = self._needed(), self.keeper.traded

        def importance(name: str) -> tuple[bool, Decimal, str]:
            return name not in needed, -traded.get(name, ZERO), name

        streamed = self.keeper.streamed
        return [streamed[name] for name in sorted(streamed, key=importance)]

    def _added(self, pairs: Sequence[PairMetadata]) -> None:
        self.ingest.request([pair.canonical for pair in pairs])

    def _pass_on(self, status: SystemStatus | None) -> None:
        if status is not self._system:
            self._system = status
            self._inbox.put(SystemStatusChanged(self._clock.now(), status))

    def _book(self, pair: str) -> BookTop | None:
        return self.focus.book_of(pair) if self.focus is not None else None


def _with_volatility(warmup: Mapping[Timeframe, int], risk: RiskSettings) -> dict[Timeframe, int]:
    """Return the bars needed where average true ranges are: of every timeframe that strategies use."""
    least = risk.volatility_lookback_bars + 1
    return {timeframe: max(bars, least) for timeframe, bars in warmup.items()}


def _by_length(timeframes: Iterable[Timeframe]) -> tuple[Timeframe, ...]:
    return tuple(sorted(timeframes, key=lambda timeframe: timeframe.minutes))


def _rules(settings: EngineSettings) -> UniverseRules:
    return UniverseRules(
        universe=settings.universe,
        quote_asset=settings.core.portfolio.base_currency,
        refresh_seconds=settings.scheduler.universe_refresh_seconds,
    )
