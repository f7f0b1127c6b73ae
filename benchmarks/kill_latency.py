"""From the kill command to its durable effect while a flood is being processed.

At once: 50,000 quotes into the live market (in slices, as a stream delivers them) and 5,000
non-emergency events into the inbox, with a real SQLite journal on disk. Then, at a random moment
of the flood, the kill switch. Measured: wall time from putting the command in until it is
committed and answered.
"""

import asyncio
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Answer, Effect
from krakked_tui.decision.state import CoreSettings, State, open_state
from krakked_tui.decision.step import step
from krakked_tui.domain.candles import Quote, Timeframe
from krakked_tui.domain.fills import AssetBalance, LedgerEntry
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.engine.inbox import Inbox
from krakked_tui.engine.market import LiveMarket
from krakked_tui.engine.runner import Runner
from krakked_tui.market.settings import MarketDataSettings
from krakked_tui.storage.journal import SqliteJournal
from krakked_tui.strategies.settings import StrategySettings

RUNS = 15
TICKS = 50_000
EVENTS = 5_000
SLICE = 200
"""Messages a stream decodes before it lets others run."""
T0 = datetime(2026, 1, 5, tzinfo=UTC)


def _pairs() -> dict[str, PairMetadata]:
    return {
        name: PairMetadata(
            name, name[:-3], "USD", name, f"{name[:-3]}/USD", name, 2, Decimal("0.01"), 8,
            Decimal("0.00000001"), Decimal("0.01"), Decimal("0.5"), 5, "currency",
        )
        for name in (f"C{number:03}USD" for number in range(200))
    }  # fmt: skip


class _Performer:
    def __init__(self) -> None:
        self.answered = asyncio.Event()

    def perform(self, effect: Effect) -> None:
        if isinstance(effect, Answer):
            self.answered.set()


async def _one(directory: Path, rng: Random) -> float:
    clock, inbox, pairs = ExchangeClock(), Inbox(), _pairs()
    journal = await SqliteJournal.open(directory / "krakked.db", lambda: "abc")
    settings = CoreSettings(
        strategies=(StrategySettings(id="trend_v1", type="trend_following", timeframes=(Timeframe.M1,)),)
    )
    state: State = open_state(await journal.load("bench"), settings, pairs, 1)
    market = LiveMarket(
        timeframes=[Timeframe.M1], keep_bars=10, settings=MarketDataSettings(), inbox=inbox, clock=clock
    )
    performer = _Performer()
    runner = Runner(
        state=state, inbox=inbox, journal=journal, performer=performer, clock=clock,
        published=lambda _state: None,
    )  # fmt: skip
    names = list(pairs)
    deposit = LedgerEntry("L", "R", T0, "deposit", "", "USD", Decimal(10_000), Decimal(0), Decimal(10_000))
    usd = {"USD": AssetBalance("USD", Decimal(10_000))}
    step(state, e.AccountSynced(T0, clock.monotonic(), 0, T0, (), (), (deposit,), usd))
    quotes = [
        Quote(rng.choice(names), Decimal(99), Decimal(101), Decimal(100), T0, clock.monotonic())
        for _ in range(TICKS)
    ]
    kill_at = rng.randrange(TICKS // SLICE)
    sent = 0.0

    async def ticks() -> None:
        nonlocal sent
        for index in range(0, TICKS, SLICE):
            for quote in quotes[index : index + SLICE]:
                market.on_quote(quote)
            if index // SLICE == kill_at:
                sent = time.perf_counter()
                inbox.put(e.KillRequested(clock.now(), 1, "bench", "measured"))
            await asyncio.sleep(0)

    for number in range(EVENTS):
        at = T0 + timedelta(seconds=number)
        marks = market.marks() if number % 100 == 0 else {}
        inbox.put(e.Priced(at, 0.0, marks) if number % 2 else e.TimePassed(at, 0.0, 1.0))
    async with asyncio.TaskGroup() as group:
        running = group.create_task(runner.run())
        group.create_task(ticks())
        await performer.answered.wait()
        took = time.perf_counter() - sent
        running.cancel()
    assert state.kill_switch.active
    await journal.close()
    return took * 1000


async def measure() -> dict[str, object]:
    """Median and worst of several runs, in milliseconds."""
    rng = Random(7)
    times = []
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as name:
            times.append(await _one(Path(name), rng))
    return {
        "runs": RUNS,
        "ticks": TICKS,
        "events": EVENTS,
        "kill_to_committed_ms": {
            "median": round(statistics.median(times), 2),
            "max": round(max(times), 2),
        },
        "budget_ms": 100,
    }
