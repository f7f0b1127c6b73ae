"""kill -9 at any moment: nothing doubled, nothing forgotten, everything reconciles."""

import random
from pathlib import Path

import pytest

from tests.integration.processes import EngineProcess, SandboxProcess, rows, running_sandbox_process

SHORT, LONG = 3, 20


def _check(sandbox: SandboxProcess, home: Path) -> None:
    """Every order at the exchange with our mark has exactly one row, and fills agree."""
    truth = sandbox.state()
    instance = rows(home, "SELECT value FROM meta WHERE key = 'instance_id'")[0][0]
    at_exchange = [o for o in truth["orders"] if (o["cl_ord_id"] or "").startswith(f"k{instance}")]
    ids = [order["cl_ord_id"] for order in at_exchange]
    assert len(ids) == len(set(ids)), "an order was sent twice"
    assert len(ids) == len(truth["orders"]), "an order without our mark"
    ours = dict(rows(home, "SELECT cl_ord_id, kraken_order_id FROM execution_orders"))
    assert set(ids) <= set(ours)
    for order in at_exchange:
        assert ours[order["cl_ord_id"]] == order["txid"]
    claimed = (
        "SELECT cl_ord_id FROM execution_orders WHERE status IN ('submitted', 'open', 'partially_filled')"
    )
    still_open = {order["cl_ord_id"] for order in at_exchange if order["status"] == "open"}
    assert {cl_ord_id for (cl_ord_id,) in rows(home, claimed)} <= still_open
    booked = {trade_id for (trade_id,) in rows(home, "SELECT trade_id FROM trades")}
    assert booked == {trade["txid"] for trade in truth["trades"]}


def _check_restart(sandbox: SandboxProcess, home: Path) -> None:
    """A start alone is enough to account for every order."""
    engine = EngineProcess(sandbox, home)
    engine.wait_for("engine_started")
    sandbox.clock(action="pause")
    engine.stop()
    _check(sandbox, home)
    sandbox.clock(action="resume")


def _run(home: Path, state: Path, kills: int, seed: int) -> None:
    rng = random.Random(seed)
    with running_sandbox_process("--speed", "120", "--seed", "7", "--state", str(state)) as sandbox:
        for _ in range(kills):
            engine = EngineProcess(sandbox, home)
            # From the middle of the start, over the burst of the first orders, into the trading.
            engine.wait_for_lines(rng.randint(1, 60))
            engine.kill()
            _check_restart(sandbox, home)
        engine = EngineProcess(sandbox, home)
        engine.wait_for("strategy_cycle", count=3)
        sandbox.clock(action="pause")
        summary = engine.stop()
        _check(sandbox, home)
        assert not [line for line in engine.lines if line["event"] == "portfolio_drift"]
        assert summary["errors"] == 0, [x for x in engine.lines if x["level"] in {"error", "critical"}]
        assert len(sandbox.state()["orders"]) >= kills, "the kills hit nothing"


@pytest.mark.timeout(180)
def test_killed_at_random_moments_everything_reconciles(tmp_path: Path) -> None:
    _run(tmp_path / "home", tmp_path / "exchange.db", SHORT, seed=1)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_at_random_moments_everything_reconciles_long(tmp_path: Path) -> None:
    _run(tmp_path / "home", tmp_path / "exchange.db", LONG, seed=2)
