"""An engine on a local Kraken that is about to misbehave, and what it should know of the market after."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from tests.integration.market_truth import (
    Difference,
    candle_root,
    compare,
    dollar_pairs,
    findings,
    minutes_between,
    recorded,
    stored,
)
from tests.integration.processes import (
    PATIENCE,
    EngineProcess,
    SandboxProcess,
    running_engine,
    running_sandbox_process,
)

SPEED = 120.0
MINUTE = timedelta(minutes=1)

HISTORY = timedelta(minutes=20)
"""Before the start; read from the exchange."""

SETTLING = timedelta(minutes=2)
"""The latest minutes may not have been closed yet."""

POLL_SECONDS = 0.5

RENAMED = {"XBT": "BTC", "XDG": "DOGE"}
NO_SETTINGS: Mapping[str, str] = {}
DOWN, LIVE = "market_data_unavailable", "market_data_live"


class Scene:
    """An engine on a local Kraken, and everything it should know of the market."""

    def __init__(self, sandbox: SandboxProcess, engine: EngineProcess, home: Path, speed: float) -> None:
        self.sandbox = sandbox
        self._speed = speed
        self.engine = engine
        self.home = home
        started = engine.wait_for("engine_started")
        self.pairs = dollar_pairs(sandbox)
        assert started["pairs"] == len(self.pairs)
        self.start = self._settled = _exchange_time(started)
        if not engine.events(LIVE):
            engine.wait_for(LIVE)

    def strike(self, **rule: object) -> dict[str, object]:
        """Let one thing go wrong once, and wait until the engine says so."""
        self.sandbox.fault(count=1, **rule)
        return self.engine.wait_for(DOWN)

    def recover(self, seconds: float = PATIENCE) -> datetime:
        """Wait until prices come again; return when that was on the exchange's clock."""
        return _exchange_time(self.engine.wait_for(LIVE, seconds=seconds))

    def settle(self, end: datetime, pairs: Sequence[str] | None = None) -> None:
        """Wait until everything up to an instant is in the store; live on until something comes after it.

        Its end must have come.
        """
        self._wait_until_complete(end, self.pairs if pairs is None else pairs)
        self._settled = end
        self.live_on(SETTLING + MINUTE)

    def asked_for_candles(self) -> tuple[list[str], list[str]]:
        """Wait until candles of every pair have been asked for; return those served, and those refused.

        Of an engine that keeps one timeframe.
        """
        for _ in range(int(PATIENCE / POLL_SECONDS)):
            asked = self.sandbox.requests("ohlc")
            if sum(len(row["params"]["symbol"]) for row in asked) >= len(self.pairs):
                break
            self.engine.drain(POLL_SECONDS)
        refused = {symbol for row in asked if row["fault"] for symbol in row["params"]["symbol"]}
        lacking = [pair for pair in self.pairs if _symbol(pair) in refused]
        assert len(lacking) == len(refused)
        return [pair for pair in self.pairs if pair not in lacking], lacking

    def live_on(self, span: timedelta) -> None:
        """Let so much time pass on the exchange's clock."""
        self.engine.drain(span.total_seconds() / self._speed)

    def check(self, pairs: Sequence[str] | None = None) -> None:
        """Hold everything stored against the record, of these pairs if others are gone; stop the engine."""
        chosen = self.pairs if pairs is None else pairs
        end = self.sandbox.now() - SETTLING
        assert end > self._settled
        self._wait_until_complete(end, chosen)
        summary = self.engine.stop()
        found, root = self._difference(end, chosen), candle_root(self.home)
        assert found.none, _told(found)
        assert not stored(root, self.pairs).doubled
        assert not findings(root)
        assert not self.engine.events("task_failed")
        refused = [line for line in self.engine.events("order_error") if line["pair"] not in chosen]
        assert summary["errors"] == len(refused), self.engine.events("order_error")

    def _wait_until_complete(self, end: datetime, pairs: Sequence[str]) -> None:
        """Wait until the store differs from the record in nothing, while the engine goes on."""
        give_up = time.monotonic() + PATIENCE
        while not (found := self._difference(end, pairs)).none and time.monotonic() < give_up:
            self.engine.drain(POLL_SECONDS)
        assert found.none, _told(found)

    def _difference(self, end: datetime, pairs: Sequence[str]) -> Difference:
        record = recorded(self.sandbox, pairs)
        span = minutes_between(self.start - HISTORY, end)
        return compare(stored(candle_root(self.home), pairs).candles, record, span)


@contextmanager
def scene(
    tmp_path: Path,
    speed: float = SPEED,
    rule: Mapping[str, object] | None = None,
    settings: Mapping[str, str] = NO_SETTINGS,
) -> Iterator[Scene]:
    """A scene for the length of a test.

    ``rule`` is a fault from before the engine's start, ``settings`` are variables of its environment.
    """
    with running_sandbox_process("--speed", f"{speed:g}", "--seed", "7") as sandbox:
        if rule is not None:
            sandbox.fault(**rule)
        with running_engine(sandbox, tmp_path / "home", **settings) as engine:
            yield Scene(sandbox, engine, tmp_path / "home", speed)


def _symbol(pair: str) -> str:
    """Return how WebSocket v2 calls a pair against dollars."""
    base = pair.removesuffix("USD")
    return f"{RENAMED.get(base, base)}/USD"


def _exchange_time(line: dict[str, object]) -> datetime:
    return datetime.fromisoformat(str(line["exchange_time"]))


def _told(found: Difference) -> str:
    return (
        f"of {found.compared} candles {len(found.missing)} are missing {found.missing[:5]},"
        f" {len(found.wrong)} differ {found.wrong[:5]}, {len(found.unknown)} were made up {found.unknown[:5]}"
    )
