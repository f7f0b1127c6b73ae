"""How long a decision cycle takes: 700 pairs, three strategies, all candles in memory.

From the closed boundary to the plan, as the engine does it: the inputs are frozen, the strategies run in
their threads, average true ranges and the fingerprint are worked out, and the core asks risk and makes
the orders. Nothing waits for a disk or an exchange here. Medians of runs in one process.
"""

import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import polars as pl

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import ComputeSignals, Submit
from krakked_tui.decision.state import CoreSettings, State, open_state
from krakked_tui.decision.step import step
from krakked_tui.domain.candles import KnownFigures, Quote, Timeframe
from krakked_tui.domain.fills import AssetBalance, LedgerEntry
from krakked_tui.domain.pairs import FeeTier, PairMetadata
from krakked_tui.domain.records import StoredState
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.signals import contexts
from krakked_tui.engine.strategy_cycle import StrategyCycles
from krakked_tui.engine.strategy_evaluation import evaluate
from krakked_tui.engine.strategy_runner import StrategyRunner, our_own
from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.market.settings import MarketDataSettings
from krakked_tui.ports import StreamState
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.strategies.registry import build_strategies
from krakked_tui.strategies.settings import StrategySettings

PAIRS = 700
RUNS = 15
TIMEFRAME = Timeframe.H1
BOUNDARY = datetime(2026, 1, 5, tzinfo=UTC)
BUDGET_MS, AIM_MS = 400, 150
STRATEGIES = tuple(
    StrategySettings(id=name, type=name, timeframes=(TIMEFRAME,), max_positions=100)
    for name in ("breakout", "mean_reversion", "trend_following")
)


def make_pairs() -> dict[str, PairMetadata]:
    """Pairs that cost and trade alike."""
    fees = (FeeTier(Decimal(0), Decimal("0.26")),)
    return {
        name: PairMetadata(
            canonical=name, base=name[:-3], quote="USD", rest_symbol=name, ws_symbol=f"{name[:-3]}/USD",
            raw_name=name, price_decimals=4, tick_size=Decimal("0.0001"), volume_decimals=8,
            lot_size=Decimal("0.00000001"), order_min=Decimal("0.01"), cost_min=Decimal("0.5"),
            cost_decimals=5, asset_class="currency", fees_taker=fees, fees_maker=fees,
        )
        for name in (f"C{number:03}USD" for number in range(PAIRS))
    }  # fmt: skip


def make_frame(pairs: dict[str, PairMetadata], bars: int) -> pl.DataFrame:
    """Random walks, always the same."""
    rng = random.Random(7)
    parts = []
    times = [BOUNDARY - (bars - n) * TIMEFRAME.length for n in range(bars)]
    for name in pairs:
        closes = [100.0]
        for _ in range(bars):
            closes.append(round(max(closes[-1] * (1 + rng.gauss(0, 0.01)), 1.0), 4))
        opens, closes = closes[:-1], closes[1:]
        parts.append(
            pl.DataFrame(
                {
                    "pair": [name] * bars,
                    "time": times,
                    "open": opens,
                    "high": [max(pair) * 1.002 for pair in zip(opens, closes, strict=True)],
                    "low": [min(pair) * 0.998 for pair in zip(opens, closes, strict=True)],
                    "close": closes,
                    "volume": [rng.uniform(1, 100) for _ in range(bars)],
                    "vwap": closes,
                    "trades": [10] * bars,
                },
                schema=CANDLE_SCHEMA,
            )
        )
    return pl.concat(parts)


def make_quotes(frame: pl.DataFrame, now: datetime, wall: float) -> list[Quote]:
    """Prices at the last close, just received."""
    figures = KnownFigures(volume_24h=Decimal(100_000), vwap_24h=Decimal(100))
    quotes = []
    for name, close in frame.group_by("pair", maintain_order=True).agg(pl.col("close").last()).iter_rows():
        price = Decimal(repr(close))
        quotes.append(Quote(name, price, price + Decimal("0.0001"), price, now, wall, figures))
    return quotes


class Desk:
    """An account with a million dollars and nothing else, on a live market."""

    def __init__(self, pairs: dict[str, PairMetadata], frame: pl.DataFrame | None) -> None:
        self.clock = ExchangeClock()
        self.inbox = Inbox()
        self.runner = StrategyRunner(
            our_own(build_strategies(STRATEGIES)), deadline_seconds=20, monotonic=time.monotonic,
            write_log=lambda _line: None,
        )  # fmt: skip
        self.bars = max(self.runner.warmup.values())
        self.frame = make_frame(pairs, self.bars) if frame is None else frame
        settings = CoreSettings(strategies=STRATEGIES, risk=RiskSettings(max_open_positions=100))
        stored = StoredState(instance_id="abc", account_id="benchmark")
        self.state: State = open_state(stored, settings, pairs, first_number=1)
        self.state.tradable = frozenset(pairs)
        self.market = LiveMarket(
            timeframes=(TIMEFRAME,), keep_bars=self.bars, settings=MarketDataSettings(), inbox=self.inbox,
            clock=self.clock,
        )  # fmt: skip
        self.market.load_frame(TIMEFRAME, self.frame)
        self.market.on_stream_state(StreamState("market", connected=True))
        self.cycles = StrategyCycles(
            state=self.state, market=self.market, runner=self.runner, inbox=self.inbox, clock=self.clock,
            unread=frozenset,
        )  # fmt: skip

    def prepare(self) -> None:
        """Bring prices and account up to date."""
        now, wall = self.clock.now(), self.clock.monotonic()
        for quote in make_quotes(self.frame, now, wall):
            self.market.on_quote(quote)
        entry = LedgerEntry(
            entry_id="L1", refid="R1", time=BOUNDARY - timedelta(days=1), type="deposit", subtype="",
            asset="USD", amount=Decimal(10**6), fee=Decimal(0), balance=Decimal(10**6),
        )  # fmt: skip
        step(self.state, e.SyncRequested(now, wall))
        held = {"USD": AssetBalance("USD", Decimal(10**6))}
        step(self.state, e.AccountSynced(now, wall, self.state.activity, now, (), (), (entry,), held))
        step(self.state, e.MarketDataChanged(now, usable=True, detail="live"))
        step(self.state, e.Priced(now, wall, self.market.marks()))

    async def cycle(self) -> tuple[float, float, e.SignalsComputed, int]:
        """Run one cycle; returns the seconds of signals and core, what was said, and the orders made."""
        started = time.perf_counter()
        first = step(self.state, e.BoundaryClosed(self.clock.now(), BOUNDARY, (TIMEFRAME,))).effects
        (compute,) = [effect for effect in first if isinstance(effect, ComputeSignals)]
        decided = time.perf_counter()
        said = await self.cycles.run(compute)
        computed = time.perf_counter()
        outcome = step(self.state, said)
        done = time.perf_counter()
        orders = sum(isinstance(effect, Submit) for effect in outcome.effects)
        return computed - decided, done - computed + decided - started, said, orders


def each_alone(desk: Desk) -> dict[str, float]:
    """Milliseconds of every strategy by itself, in this thread."""
    effect = ComputeSignals(0, BOUNDARY, (TIMEFRAME,), {})
    strategies = build_strategies(STRATEGIES)
    warmup = {each.settings.id: each.warmup_bars for each in strategies}
    given = contexts(strategies, desk.cycles.inputs(effect), warmup)
    found: dict[str, float] = {}
    for strategy in strategies:
        context = given[strategy.settings.id].of
        times = [evaluate(strategy, context, time.perf_counter).seconds for _ in range(RUNS)]
        found[strategy.settings.id] = milliseconds(times)
    return found


def milliseconds(seconds: list[float]) -> float:
    """The median."""
    return round(statistics.median(seconds) * 1e3, 1)


async def measure() -> dict[str, object]:
    """Milliseconds of the parts and the whole."""
    signals, core, whole, processor = [], [], [], []
    said: e.SignalsComputed | None = None
    orders = 0
    pairs = make_pairs()
    desk = Desk(pairs, None)
    for run in range(RUNS + 1):
        if run:
            # Orders of the last cycle would be in the way of this one's.
            desk = Desk(pairs, desk.frame)
        desk.prepare()
        before = time.process_time()
        of_signals, of_core, said, orders = await desk.cycle()
        spent = time.process_time() - before
        if run:  # the first one compiles what the others use
            signals.append(of_signals)
            core.append(of_core)
            whole.append(of_signals + of_core)
            processor.append(spent)
    assert said is not None
    assert not said.failures, said.failures
    alone = each_alone(desk)
    return {
        "scale": f"{PAIRS} pairs, {len(STRATEGIES)} strategies, {desk.bars} candles of each pair",
        "runs": RUNS,
        "intents": len(said.intents),
        "orders": orders,
        "signals_ms": milliseconds(signals),
        "risk_and_orders_ms": milliseconds(core),
        "whole_ms": milliseconds(whole),
        "whole_worst_ms": round(max(whole) * 1e3, 1),
        "processor_ms": milliseconds(processor),
        "strategies_alone_ms": alone,
        "budget": {"whole_ms": BUDGET_MS, "aim_ms": AIM_MS},
    }
