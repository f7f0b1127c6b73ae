"""kill -9 while the account's past is read the first time: it goes on there, nothing is lost or doubled."""

import sqlite3
import time
from math import ceil, inf
from pathlib import Path
from random import Random

import pytest

from tests.integration.long_past import Past, make_past
from tests.integration.processes import PATIENCE, EngineProcess, SandboxProcess, rows, running_sandbox_process

HISTORIES = ("TradesHistory", "Ledgers")
TRADES, KILLS = 90, 3
PAGE_SECONDS = 0.5
"""How long the exchange takes for a page of a short past, so that there is a middle to be killed in."""
LONG_TRADES, LONG_KILLS, LONG_SEED = 100_000, 12, 2026
FIRST_PAGES = 100
"""Rows of the first page of trades and of ledger rows: they are asked for without a time."""
LONG_PATIENCE = 1_800.0


def _read(home: Path) -> int:
    """How many rows are stored."""
    try:
        return int(rows(home, 'SELECT ifnull(sum("read"), 0) FROM history_marks')[0][0])
    except sqlite3.Error:
        return 0  # not there yet


def _pages(sandbox: SandboxProcess, method: str) -> list[float]:
    """Until when was asked for page by page, in unix time; readings that follow begin at a time."""
    asked = [request["params"] for request in sandbox.requests(method)]
    return [float(params.get("end", "inf")) for params in asked if "start" not in params]


class _Run:
    """An engine that reads: it must go on where what is stored ends, and only ever back in time."""

    def __init__(self, sandbox: SandboxProcess, home: Path, patience: float) -> None:
        self._sandbox = sandbox
        self._home = home
        self._patience = patience
        self._before = {method: len(_pages(sandbox, method)) for method in HISTORIES}
        self._goes_on_at = _ends(home)
        self.engine = EngineProcess(sandbox, home)

    def kill_at(self, target: int) -> None:
        """End it in the middle of what it does when so many rows are stored."""
        give_up = time.monotonic() + self._patience
        while _read(self._home) < target:
            assert time.monotonic() < give_up, f"nothing was read: {self.engine.lines[-3:]}"
            self.engine.drain(0.02)
        self.engine.kill()
        assert not self.engine.events("history_read")
        self._check_pages()

    def finish(self, past: Past) -> None:
        """Let it read the rest, and check that all is there once, and that nothing drifts."""
        read = self.engine.wait_for("history_read", seconds=self._patience)
        assert (read["trades"], read["entries"]) == (len(past.trades), past.entries)
        self.engine.wait_for("engine_started", seconds=self._patience)
        self.engine.stop()
        self._check_pages()
        _check_everything_once(self._home, past)
        assert not self.engine.events("portfolio_drift")

    def _check_pages(self) -> None:
        for method, begin in zip(HISTORIES, self._goes_on_at, strict=True):
            pages = _pages(self._sandbox, method)[self._before[method] :]
            assert pages == sorted(pages, reverse=True), f"{method} went forward in time"
            assert not pages or pages[0] == begin, f"{method} did not go on where it had stopped"


def _ends(home: Path) -> list[float | None]:
    """Down to when each history is stored, in whole seconds; None when that is all of it."""
    try:
        stored = rows(home, "SELECT kind, oldest, done FROM history_marks")
    except sqlite3.Error:
        stored = []  # not there yet
    marks = {kind: None if done else ceil(oldest / 1e6) if oldest else inf for kind, oldest, done in stored}
    return [marks.get("trades", inf), marks.get("ledger", inf)]


def _check_everything_once(home: Path, past: Past) -> None:
    trades = [trade_id for (trade_id,) in rows(home, "SELECT trade_id FROM trades")]
    assert len(trades) == len(past.trades)
    assert set(trades) == past.trades
    entries = rows(home, "SELECT count(*), count(DISTINCT entry_id) FROM ledger_entries")
    assert entries == [(past.entries,) * 2]


@pytest.mark.timeout(180)
def test_killed_while_the_past_is_read_everything_is_there_in_the_end(tmp_path: Path) -> None:
    home, state = tmp_path / "home", tmp_path / "exchange.db"
    past = make_past(state, TRADES)
    with running_sandbox_process("--state", str(state)) as sandbox:
        sandbox.fault(kind="latency", where=list(HISTORIES), seconds=PAGE_SECONDS)
        for _ in range(KILLS):
            _Run(sandbox, home, PATIENCE).kill_at(_read(home) + 1)
        marks = rows(home, "SELECT kind, done FROM history_marks ORDER BY kind")
        assert marks == [("ledger", 0), ("trades", 1)], "killed before the end"
        sandbox.forget_faults()
        _Run(sandbox, home, PATIENCE).finish(past)


@pytest.mark.long
@pytest.mark.timeout(2 * LONG_PATIENCE)
def test_a_hundred_thousand_trades_are_read_once_whenever_it_is_killed(tmp_path: Path) -> None:
    home, state = tmp_path / "home", tmp_path / "exchange.db"
    past = make_past(state, LONG_TRADES)
    total = len(past.trades) + past.entries
    targets = sorted(Random(LONG_SEED).sample(range(FIRST_PAGES, total - FIRST_PAGES), LONG_KILLS))
    with running_sandbox_process("--state", str(state)) as sandbox:
        for target in targets:
            _Run(sandbox, home, LONG_PATIENCE).kill_at(target)
        _Run(sandbox, home, LONG_PATIENCE).finish(past)
