"""The worker process for strategies of the user's own, as the engine sees it: asked, timed, ended.

One process, started when it is first needed and never forked off: it inherits no memory, no open files and no
environment, so no secret either. Whatever goes wrong with a strategy ends the process, so that nothing of it
is there when the next one is evaluated.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import BinaryIO, TypeVar

import msgspec

from krakked_tui.engine.strategy_evaluation import Evaluated, by_timeframe
from krakked_tui.engine.strategy_output import StrategyOutputError, checked, one_line
from krakked_tui.engine.strategy_threads import start
from krakked_tui.engine.strategy_wire import (
    ANSWER_MAX,
    READY,
    Reply,
    Request,
    decode_reply,
    encode,
    pack,
    receive,
    send,
)
from krakked_tui.strategies.base import StrategyContext
from krakked_tui.strategies.loaded import LoadedStrategy

T = TypeVar("T")

GROWN_BYTES = 1 << 30
"""A worker that has more memory than this is ended after its answer: it may grow slowly."""
END_SECONDS = 1.0
NOTES_MAX = 200
_START = (
    "import json, sys\n"
    "sys.path[:] = json.loads(sys.argv[1])\n"
    "from krakked_tui.engine.strategy_worker import main\n"
    "main(int(sys.argv[2]))\n"
)
_NEEDED = ("SYSTEMROOT",)
"""Variables without which a process cannot run on some systems; no others are passed on."""


class NotReadyError(Exception):
    """There is no worker that takes requests, and no strategy is to blame; one sentence says why."""


class _Ended(Exception):
    """The worker is not to be used any more, for what it did while it evaluated a strategy."""

    def __init__(self, what: str) -> None:
        super().__init__(f"its worker process {what}")


class StrategyProcess:
    """Used from one event loop, by one request at a time. ``close`` must be called in the end."""

    def __init__(self, grown_bytes: int = GROWN_BYTES) -> None:
        self._grown = grown_bytes
        self._worker: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The process there is now, if any."""
        return self._worker.pid if self._worker else None

    async def ready(self, seconds: float) -> None:
        """See to it that there is a worker that takes requests: that takes no strategy's time.

        Raises ``NotReadyError`` when there is none after so many wall seconds.
        """
        if self._worker is not None and self._worker.poll() is None:
            return
        self.close()
        try:
            self._worker = worker = _started()
            told = await _bounded("strategy worker start", lambda: _wait_until_ready(worker), seconds)
        except TimeoutError as error:
            self.close()
            raise NotReadyError(f"the worker process was not ready within {seconds:.3g} s") from error
        except OSError as error:
            self.close()
            raise NotReadyError(f"the worker process cannot be started: {one_line(error)}") from error
        except BaseException:
            self.close()
            raise
        if told:
            self.close()
            raise NotReadyError(f"the worker process ended while it started: {told}")

    async def evaluate(
        self, loaded: LoadedStrategy, contexts: Sequence[StrategyContext], bars: int, seconds: float
    ) -> Evaluated:
        """Evaluate a strategy, on ``bars`` candles a pair, in a worker that is ready.

        What goes wrong is in the answer. Raises ``TimeoutError`` when there is none after so many wall
        seconds: the worker is ended then.
        """
        worker = self._worker
        assert worker is not None, "ready comes first"
        try:
            reply = await _bounded("strategy worker", lambda: _ask(worker, loaded, contexts, bars), seconds)
            evaluated = _believed(reply.evaluated, loaded.strategy.settings.id, contexts)
        except (_Ended, StrategyOutputError) as error:
            self.close()
            return Evaluated(failure=str(error))
        except BaseException:
            self.close()  # an answer that nobody waits for would be taken for the next one
            raise
        if evaluated.failure or reply.resident > self._grown:
            self.close()
        return evaluated

    def close(self) -> None:
        """End the worker, and whatever it has started itself, at once."""
        worker, self._worker = self._worker, None
        if worker is None:
            return
        if worker.poll() is None:
            with suppress(OSError):
                _end(worker)
        for pipe in (worker.stdin, worker.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()
        with suppress(subprocess.TimeoutExpired):
            worker.wait(END_SECONDS)


async def _bounded(name: str, work: Callable[[], T], seconds: float) -> T:
    """Do ``work`` in a thread. Raises ``TimeoutError``: the caller is to end what the thread waits for."""
    _, result = start(name, work)
    try:
        done, _ = await asyncio.wait({result}, timeout=max(seconds, 0.0))
        if not done:
            raise TimeoutError
        return result.result()
    finally:
        result.cancel()


def _started() -> subprocess.Popen[bytes]:
    """Start a worker. To be called in a thread that lives as long as the engine: the worker dies with it."""
    paths = [path for path in sys.path if path]
    return subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
        [sys.executable, "-I", "-c", _START, json.dumps(paths), str(os.getpid())],
        bufsize=0,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={
            "PATH": os.defpath,
            "LC_ALL": "C.UTF-8",
            "POLARS_MAX_THREADS": "2",
            **{name: os.environ[name] for name in _NEEDED if name in os.environ},
        },
        start_new_session=True,
    )


def _wait_until_ready(worker: subprocess.Popen[bytes]) -> str:
    """Wait until a new worker takes requests; if it ends instead, say how. Runs in a thread."""
    assert worker.stdout is not None
    try:
        ready = receive(_raw(worker.stdout), len(READY)) == READY
    except (OSError, EOFError, ValueError):
        ready = False
    return "" if ready else _how_it_ended(worker)


def _ask(
    worker: subprocess.Popen[bytes], loaded: LoadedStrategy, contexts: Sequence[StrategyContext], bars: int
) -> Reply:
    """Send a request and wait for the answer. Runs in a thread; ends when the worker does."""
    request = Request(
        loaded.origin, loaded.strategy.settings, tuple(pack(context, bars) for context in contexts)
    )
    requests, replies = worker.stdin, worker.stdout
    assert requests is not None
    assert replies is not None
    payload: bytes | None = None
    try:
        send(_raw(requests), encode(request))
        payload = receive(_raw(replies), ANSWER_MAX)
        return decode_reply(payload or b"")
    except (EOFError, msgspec.MsgspecError) as error:
        if worker.poll() is not None or not payload:
            raise _Ended(f"ended: {_how_it_ended(worker)}") from error
        raise _Ended("answered with something else than an answer") from error
    except ValueError as error:
        raise _Ended("answered too much, or its pipe was closed") from error
    except OSError as error:
        raise _Ended(f"does not listen: {_how_it_ended(worker)}") from error


def _raw(pipe: object) -> BinaryIO:
    return pipe  # type: ignore[return-value]


def _how_it_ended(worker: subprocess.Popen[bytes]) -> str:
    try:
        code = worker.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        return "it closed its pipe"
    if code < 0:
        with suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def _believed(evaluated: Evaluated, strategy_id: str, contexts: Sequence[StrategyContext]) -> Evaluated:
    """Return an answer as far as it may be believed. Raises ``StrategyOutputError``."""
    if evaluated.failure:
        return msgspec.structs.replace(evaluated, intents=(), failure=one_line(evaluated.failure))
    return msgspec.structs.replace(
        evaluated,
        intents=checked(evaluated.intents, strategy_id, by_timeframe(contexts)),
        notes=tuple(one_line(note) for note in evaluated.notes[:NOTES_MAX]),
    )


def _end(worker: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        os.killpg(worker.pid, signal.SIGKILL)
    else:
        worker.kill()
