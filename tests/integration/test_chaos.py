"""A local Kraken that misbehaves in every way it can: the engine lives, and every order is accounted for."""

import time
from pathlib import Path

import pytest

from tests.integration.processes import EngineProcess, SandboxProcess, rows, running_sandbox_process

SHORT, LONG = 12.0, 60.0
"""Wall seconds under fire."""
SEARCH_SECONDS = 120.0
"""An order that never arrived counts as missing this long after the faults, at the latest (wall)."""
MEMORY_GROWTH_MAX = 60.0
"""MB. A minute's leak of tasks, messages or connections adds far more."""
DESCRIPTORS_GROWTH_MAX = 20
TASKS_MAX = 150
"""A calm engine has about 25, one at work on a slow machine 60; one that leaks a task with every call has
hundreds after seconds of this."""
UNPROVEN = "('pending', 'unknown')"


def _memory(pid: int) -> float:
    """Resident memory in MB."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def _descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def _unproven(home: Path) -> set[str]:
    found = rows(home, f"SELECT cl_ord_id FROM execution_orders WHERE status IN {UNPROVEN}")
    return {cl_ord_id for (cl_ord_id,) in found}


def _check(sandbox: SandboxProcess, home: Path) -> None:
    """One exchange order per intent at most, none without its row, no open row without its order."""
    truth = sandbox.state()
    instance = rows(home, "SELECT value FROM meta WHERE key = 'instance_id'")[0][0]
    at_exchange = {
        order["txid"]: order
        for order in truth["orders"]
        if (order["cl_ord_id"] or "").startswith(f"k{instance}")
    }
    ids = [order["cl_ord_id"] for order in at_exchange.values()]
    assert len(ids) == len(set(ids)), "an order was sent twice"
    ours = dict(rows(home, "SELECT cl_ord_id, kraken_order_id FROM execution_orders"))
    for order_id, order in at_exchange.items():
        assert order["cl_ord_id"] in ours, f"{order} has no row"
        assert ours[order["cl_ord_id"]] == order_id or order["cl_ord_id"] in _unproven(home)
    open_rows = rows(
        home,
        "SELECT cl_ord_id FROM execution_orders WHERE status IN ('submitted', 'open', 'partially_filled')",
    )
    live = {order["cl_ord_id"] for order in at_exchange.values() if order["status"] in {"open", "pending"}}
    assert {cl_ord_id for (cl_ord_id,) in open_rows} <= live
    assert live <= {cl_ord_id for (cl_ord_id,) in open_rows} | _unproven(home)
    booked = {trade_id for (trade_id,) in rows(home, "SELECT trade_id FROM trades")}
    assert booked == {trade["txid"] for trade in truth["trades"]}, "a fill is missing, or was made up"


def _survive(tmp_path: Path, seconds: float, search_seconds: float) -> None:
    home = tmp_path / "home"
    with running_sandbox_process("--speed", "60", "--seed", "7") as sandbox:
        engine = EngineProcess(sandbox, home)
        engine.wait_for("engine_started")
        engine.wait_for("strategy_cycle", count=2)
        pid = engine.process.pid
        before = _memory(pid), _descriptors(pid)
        sandbox.chaos("hell")
        engine.drain(seconds)
        sandbox.forget_faults()
        give_up = time.monotonic() + search_seconds
        engine.drain(3)
        while _unproven(home) and time.monotonic() < give_up:
            engine.drain(1)
        after = _memory(pid), _descriptors(pid)
        sandbox.clock(action="pause")
        summary = engine.stop()
        _check(sandbox, home)
        if search_seconds >= SEARCH_SECONDS:
            assert not _unproven(home), "an order whose fate was never found out"
    failed = [line for line in engine.lines if line["event"] in {"task_failed", "engine_failed"}]
    assert not failed, "a task crashed"
    assert summary["cycles"] > 2
    assert after[0] - before[0] < MEMORY_GROWTH_MAX
    assert after[1] - before[1] < DESCRIPTORS_GROWTH_MAX
    assert summary["tasks"] < TASKS_MAX


@pytest.mark.timeout(120)
def test_a_short_hell(tmp_path: Path) -> None:
    _survive(tmp_path, SHORT, search_seconds=8)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_minute_in_hell(tmp_path: Path) -> None:
    _survive(tmp_path, LONG, SEARCH_SECONDS)
