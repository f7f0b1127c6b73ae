"""The worker process: whatever the user's code does in it stays in it. Real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from krakked_tui.engine.strategy_evaluation import Evaluated
from krakked_tui.engine.strategy_process import NotReadyError, StrategyProcess
from tests.unit.engine.strategy_builders import make_context, own

PATIENCE = 30.0
linux = pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")


@pytest.fixture
async def process() -> AsyncIterator[StrategyProcess]:
    worker = StrategyProcess()
    yield worker
    worker.close()


async def _ask(process: StrategyProcess, body: str, seconds: float = PATIENCE) -> Evaluated:
    await process.ready(PATIENCE)
    return await process.evaluate(own("mine", body), [make_context()], 30, seconds)


def _environment(pid: int) -> set[str]:
    told = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return {line.partition(b"=")[0].decode() for line in told if line}


async def test_intents_come_back_from_one_process_that_is_started_when_needed(
    process: StrategyProcess, capfd: pytest.CaptureFixture[str]
) -> None:
    assert process.pid is None
    body = "print('noise'); print('noise', file=sys.stderr); os.write(1, b'noise'); sys.stdin.read()\n"
    found = await _ask(process, f"{body}return [self.buy(ctx)]")
    assert found.failure == ""
    assert [intent.pair for intent in found.intents] == ["XBTUSD"]
    first = process.pid
    pid = await _ask(process, "return [self.buy(ctx, metadata={'pid': os.getpid(), 'parent': os.getppid()})]")
    assert pid.intents[0].metadata == {"pid": first, "parent": os.getpid()}
    assert first != os.getpid()
    process.close()
    assert process.pid is None
    assert capfd.readouterr() == ("", "")


async def test_it_is_given_the_candles_it_needs(process: StrategyProcess) -> None:
    found = await _ask(process, "return [self.buy(ctx, metadata={'rows': ctx.frame.height})]")
    assert found.intents[0].metadata == {"rows": 4 * 30.0}


@linux
async def test_it_inherits_no_secrets_no_files_and_no_terminal(
    process: StrategyProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KRAKKED_API_SECRET", "hush")
    with (tmp_path / "open").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        await process.ready(PATIENCE)
    pid = process.pid
    assert pid is not None
    assert _environment(pid) == {"PATH", "LC_ALL", "POLARS_MAX_THREADS"}
    held = _open_files(pid)
    assert not [path for path in held if str(tmp_path) in path or "tty" in path or "pts" in path]
    assert os.getsid(pid) == pid, "Ctrl-C in the terminal does not reach it"
    os.kill(pid, signal.SIGINT)
    assert (await _ask(process, "return []")).failure == ""
    assert process.pid == pid


def _open_files(pid: int) -> set[str]:
    return {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()}


@pytest.mark.parametrize(
    ("body", "failure"),
    [
        ("raise ValueError('no way')", "ValueError: no way"),
        ("sys.exit(3)", "SystemExit: 3"),
        ("os._exit(3)", "its worker process ended: exit code 3"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "its worker process ended: signal SIGSEGV"),
        ("return [self.buy(ctx)] * 2", "it returned two intents for XBTUSD: allowed is one a pair"),
        # Written past us to the pipe, as far as that can be found.
        ("[os.write(fd, b'\\0' * 7 + b'\\1x') for fd in range(3, 9) if self.writable(fd)]",
         "its worker process answered with something else than an answer"),
        ("[os.write(fd, b'\\1' * 8) for fd in range(3, 9) if self.writable(fd)]",
         "its worker process answered too much, or its pipe was closed"),
    ],
)  # fmt: skip
async def test_what_goes_wrong_ends_the_process_and_the_next_one_is_fine(
    process: StrategyProcess, body: str, failure: str
) -> None:
    helper = (
        "import fcntl\n"
        "type(self).writable = lambda s, fd: bool(self.flags(fd) & os.O_WRONLY)\n"
        "def flags(s, fd):\n"
        "    try: return fcntl.fcntl(fd, fcntl.F_GETFL)\n"
        "    except OSError: return 0\n"
        "type(self).flags = flags\n"
    )
    found = await _ask(process, f"{helper}{body}")
    assert found.failure == failure
    assert found.intents == ()
    assert process.pid is None


async def test_a_process_that_has_failed_is_replaced(process: StrategyProcess) -> None:
    assert (await _ask(process, "os._exit(0)")).failure == "its worker process ended: exit code 0"
    assert (await _ask(process, "return [self.buy(ctx)]")).failure == ""


async def test_what_hangs_is_ended_with_all_it_has_started(process: StrategyProcess, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    body = (
        f"child = os.fork()\nif child: open({str(told)!r}, 'w').write(str(child))\nwhile True: time.sleep(9)"
    )
    await process.ready(PATIENCE)
    worker = process.pid
    assert worker is not None
    with pytest.raises(TimeoutError):
        await process.evaluate(own("mine", body), [make_context()], 30, 0.5)
    assert process.pid is None
    for pid in (worker, _number(told)):
        assert _gone(pid), pid


@linux
async def test_memory_is_bounded(process: StrategyProcess) -> None:
    assert (await _ask(process, "self.much = bytearray(3 << 30)\nreturn []")).failure == "MemoryError"
    assert (await _ask(process, "self.some = bytearray(1 << 28)\nreturn []")).failure == ""


@linux
async def test_a_process_that_has_grown_is_replaced_before_it_hurts_others() -> None:
    process = StrategyProcess(grown_bytes=256 << 20)
    assert (await _ask(process, "return []")).failure == ""
    assert process.pid is not None
    found = await _ask(process, "Mine.much = b'x' * (256 << 20)\nreturn [self.buy(ctx)]")
    assert len(found.intents) == 1
    assert process.pid is None


async def test_nobody_waits_for_a_process_that_does_not_start(
    process: StrategyProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotReadyError, match=r"was not ready within 0\.001 s"):
        await process.ready(0.001)
    assert process.pid is None
    monkeypatch.setattr(sys, "path", ["/nowhere"])
    with pytest.raises(NotReadyError, match="ended while it started: exit code 1"):
        await process.ready(PATIENCE)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(NotReadyError, match="cannot be started"):
        await process.ready(PATIENCE)


@linux
@pytest.mark.parametrize("spinning", [False, True])
def test_it_dies_with_the_engine(tmp_path: Path, spinning: bool) -> None:
    """An engine that is killed leaves no worker behind, not even one that does not listen."""
    told = tmp_path / "pid"
    # A match that never ends lets no other thread run.
    hang = "import re\nre.match('(a+)+$', 'a' * 99 + 'b')" if spinning else "return []"
    program = f"""
import asyncio, os
from krakked_tui.engine.strategy_process import StrategyProcess
from tests.unit.engine.strategy_builders import make_context, own
async def main():
    process = StrategyProcess()
    await process.ready({PATIENCE})
    body = "open({str(told)!r}, 'w').write(str(os.getpid()))\\n" + {hang!r}
    await process.evaluate(own("mine", body), [make_context()], 30, {PATIENCE})
    await asyncio.sleep({PATIENCE})
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program]) as engine:
        for _ in range(3000):
            if told.exists() and told.read_text():
                break
            time.sleep(0.01)
        engine.kill()
    assert _gone(int(told.read_text()))


def _number(file: Path) -> int:
    return int(file.read_text())


def _gone(pid: int) -> bool:
    """Whether a process ends soon, or has; one that only waits to be reaped has."""
    for _ in range(500):
        try:
            os.kill(pid, 0)
            if sys.platform == "linux":
                state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
                if state == "Z":
                    return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.01)
    return False
