"""kill -9 while the account's past is read the first time: it goes on there, nothing is lost or doubled."""

import sqlite3
import time
from pathlib import Path

import pytest

from tests.integration.processes import PATIENCE, EngineProcess, SandboxProcess, rows, running_sandbox_process

TRADES, DEPOSITS, KILLS = 60, 30, 4
PAGE_SECONDS = 0.5
"""How long the exchange takes for a page, so that there is a middle to be killed in."""
HISTORIES = ("TradesHistory", "Ledgers")


def _give_a_past(sandbox: SandboxProcess) -> None:
    for number in range(TRADES):
        side = "sell" if number % 3 == 2 else "buy"
        sandbox.market(action="external_trade", pair="XBTUSD", side=side, volume="0.001")
    for _ in range(DEPOSITS):
        sandbox.market(action="deposit", asset="USD", amount="10")
    sandbox.fault(kind="latency", where=list(HISTORIES), seconds=PAGE_SECONDS)


def _pages(sandbox: SandboxProcess, method: str) -> int:
    """How many pages were asked for by their end; readings that follow begin at a time."""
    return sum("start" not in request["params"] for request in sandbox.requests(method))


def _read(home: Path) -> int:
    try:
        return int(rows(home, 'SELECT ifnull(sum("read"), 0) FROM history_marks')[0][0])
    except sqlite3.Error:
        return 0  # not there yet


def _kill_after_a_page(sandbox: SandboxProcess, home: Path) -> None:
    before, give_up = _read(home), time.monotonic() + PATIENCE
    engine = EngineProcess(sandbox, home)
    while _read(home) <= before:
        assert time.monotonic() < give_up, f"nothing was read: {engine.lines[-3:]}"
        engine.drain(0.02)
    engine.kill()
    assert not engine.events("history_read")


@pytest.mark.timeout(180)
def test_killed_while_the_past_is_read_everything_is_there_in_the_end(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_sandbox_process("--speed", "10", "--seed", "7") as sandbox:
        _give_a_past(sandbox)
        for _ in range(KILLS):
            _kill_after_a_page(sandbox, home)
        marks = rows(home, "SELECT kind, done FROM history_marks ORDER BY kind")
        assert marks == [("ledger", 0), ("trades", 1)], "killed before the end"
        trades_pages = _pages(sandbox, "TradesHistory")
        sandbox.forget_faults()
        engine = EngineProcess(sandbox, home)
        engine.wait_for("history_read")
        assert _pages(sandbox, "TradesHistory") == trades_pages, "it began anew"
        engine.wait_for("engine_started")
        sandbox.clock(action="pause")
        engine.stop()
        truth = sandbox.state()
        trades = [trade_id for (trade_id,) in rows(home, "SELECT trade_id FROM trades")]
        assert len(trades) == len(set(trades)) >= TRADES
        assert set(trades) == {trade["txid"] for trade in truth["trades"]}
        entries = rows(home, "SELECT count(*), count(DISTINCT entry_id) FROM ledger_entries")
        assert entries == [(2 * len(trades) + DEPOSITS + 1,) * 2]
        assert not engine.events("portfolio_drift")
