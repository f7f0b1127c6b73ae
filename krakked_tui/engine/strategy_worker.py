"""The process in which strategies of the user's own run: it evaluates what it is asked to, one at a time.

It is started with a clean environment and dies with the engine. Whatever the user's code does to it, prints,
exits, eats memory, is this process's alone; what hangs is ended by the engine.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import polars as pl

from krakked_tui.domain.money import trap_floats
from krakked_tui.engine.strategy_evaluation import AnyStrategy, Evaluated, evaluate, failed
from krakked_tui.engine.strategy_wire import (
    READY,
    Reply,
    Request,
    decode_request,
    encode,
    receive,
    send,
    unpack,
)
from krakked_tui.strategies.loaded import load_class

MEMORY_BYTES = 2 << 30
"""Address space that strategies may take beyond what an idle worker has, where the system can limit it."""
LOOK_SECONDS = 1.0
_PR_SET_PDEATHSIG = 1
_NICER = 5


def main(engine: int) -> None:
    """Answer requests until the pipe ends; ``engine`` is the process that this one dies with."""
    sys.argv = ["krakked-tui strategies"]
    _die_with(engine)
    # Ctrl-C in the terminal is for the engine to answer.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    requests, replies = _take_pipes()
    trap_floats()
    pl.select(1)  # starts its threads, whose address space is no strategy's
    _limit()
    send(replies, READY)
    worker = Worker()
    while (payload := receive(requests)) is not None:
        reply = encode(Reply(worker.answer(decode_request(payload)), resident()))
        send(replies, reply)


class Worker:
    """Makes strategies once, and again when their code or settings have changed."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[Request, AnyStrategy]] = {}

    def answer(self, request: Request) -> Evaluated:
        """Evaluate the strategy that a request names. Raises nothing."""
        try:
            strategy = self._strategy(request)
            contexts = [unpack(context) for context in request.contexts]
        except BaseException as error:  # noqa: BLE001 - user code, SystemExit too; reported, not hidden
            return failed(error)
        return evaluate(strategy, contexts, time.monotonic)

    def _strategy(self, request: Request) -> AnyStrategy:
        key = Request(request.origin, request.settings, ())
        known = self._made.get(request.settings.id)
        if known is None or known[0] != key:
            known = key, load_class(request.origin)(request.settings)
            self._made[request.settings.id] = known
        return known[1]


def resident() -> int:
    """Return the bytes of memory this process has; 0 where that cannot be told."""
    return _statm(1)


def _statm(field: int) -> int:
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[field]) * os.sysconf(
            "SC_PAGE_SIZE"
        )
    except (OSError, ValueError):
        return 0


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Return the pipes from and to the engine, with nothing in their place: what is printed is lost."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    os.close(nothing)
    return os.fdopen(requests, "rb", buffering=0), os.fdopen(replies, "wb", buffering=0)


def _die_with(engine: int) -> None:
    """See to it that nothing of this is left when the engine is gone, however it went."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

    def watch() -> None:
        while os.getppid() == engine:
            time.sleep(LOOK_SECONDS)
        os._exit(1)

    if os.getppid() != engine:
        os._exit(1)
    # Where there is no such signal, and for an engine that was gone before it was asked for.
    threading.Thread(target=watch, name="engine watch", daemon=True).start()


def _limit() -> None:
    """Bound memory, leave no core files, and let the engine go first."""
    try:
        import resource  # not on every system
    except ImportError:
        return
    limits = [(resource.RLIMIT_CORE, 0)]
    if size := _statm(0):
        limits.append((resource.RLIMIT_AS, size + MEMORY_BYTES))
    for kind, most in limits:
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))
    with suppress(OSError):
        os.nice(_NICER)
    with suppress(OSError):
        # Should memory run out all the same, this is the process to end.
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
