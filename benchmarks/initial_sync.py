"""How long the first start on an account with 100,000 trades takes, page by page over HTTP, and the second.

A demo engine in a process of its own reads the past of a local Kraken without rate limits (the real one's
are what decides there: two of its counter for a page, of which a third to one comes back in a second). The
second start reads all of it from the journal. One run; memory is the most the engine's process ever had.
"""

import os
import tempfile
import time
from pathlib import Path

from benchmarks.process_meter import MEGABYTE
from tests.integration.long_past import make_past
from tests.integration.processes import EngineProcess, SandboxProcess, rows, running_sandbox_process

TRADES = 100_000
PATIENCE = 3_600.0
LOOK_SECONDS = 0.5
HISTORIES = ("TradesHistory", "Ledgers")


def peak_megabytes(pid: int) -> float:
    """Return the most memory a process has had (Linux)."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    [kilobytes] = [line.split()[1] for line in status if line.startswith("VmHWM:")]
    return round(int(kilobytes) * 1024 / MEGABYTE, 1)


def start(sandbox: SandboxProcess, home: Path) -> dict[str, object]:
    """Start an engine, and stop it when it runs; return seconds and memory."""
    began = time.perf_counter()
    engine = EngineProcess(sandbox, home)
    read: dict[str, object] = {}
    while not engine.events("engine_started"):
        assert time.perf_counter() - began < PATIENCE, engine.lines[-3:]
        engine.drain(LOOK_SECONDS)
        if not read and engine.events("history_read"):
            read = {
                "seconds_to_the_last_page": round(time.perf_counter() - began, 1),
                "peak_mb_at_the_last_page": peak_megabytes(engine.process.pid),
            }
    seconds, peak = time.perf_counter() - began, peak_megabytes(engine.process.pid)
    steps = {line["step"]: line["seconds"] for line in engine.events("start_step")}
    engine.stop()
    return read | {"seconds": round(seconds, 1), "peak_mb": peak, "steps": steps}


async def measure() -> dict[str, object]:
    """Seconds, pages and MB of a first and a second start."""
    with tempfile.TemporaryDirectory() as folder:
        home, state = Path(folder) / "home", Path(folder) / "exchange.db"
        past = make_past(state, TRADES)
        with running_sandbox_process("--state", str(state)) as sandbox:
            first = start(sandbox, home)
            pages = {
                method: sum("start" not in request["params"] for request in sandbox.requests(method))
                for method in HISTORIES
            }
            second = start(sandbox, home)
        stored = rows(home, "SELECT (SELECT count(*) FROM trades), (SELECT count(*) FROM ledger_entries)")
    return {
        "scale": f"{len(past.trades)} trades, {past.entries} ledger rows",
        "load_average": round(os.getloadavg()[0], 2),
        "checks_passed": stored == [(len(past.trades), past.entries)],
        "first_start": first | {"pages": pages},
        "second_start": second,
    }
