"""A local Kraken on a real socket, in a thread of its own, whose wall clock only the test moves."""

import asyncio
import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlencode

from krakked_tui.domain.money import trap_floats
from krakked_tui.sandbox.server import Sandbox, running_sandbox
from krakked_tui.sandbox.settings import SandboxSettings

PATIENCE = 20.0
"""Wall seconds that anything here may take before the test fails."""

Found = TypeVar("Found")


class Wall:
    """Wall time in nanoseconds; it stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 1_000_000_000

    def __call__(self) -> int:
        return self.now


class LocalKraken:
    """What a stranger needs to know (addresses, key), and what a test needs to check him by."""

    def __init__(self, sandbox: Sandbox, wall: Wall, loop: asyncio.AbstractEventLoop) -> None:
        self.rest = sandbox.rest
        self.ws_public = sandbox.ws_public
        self.ws_private = sandbox.ws_private
        self.api_key = sandbox.api_key
        self.api_secret = sandbox.api_secret
        self._sandbox = sandbox
        self._wall = wall
        self._loop = loop

    def inside(self, look: Callable[[Sandbox], Found]) -> Found:
        """Return what ``look`` sees of the sandbox, seen on its own thread."""

        async def seen() -> Found:
            return look(self._sandbox)

        return asyncio.run_coroutine_threadsafe(seen(), self._loop).result(PATIENCE)

    def public(self, method: str, **params: object) -> Any:
        """Return the result of a public call, as it is on the wire."""
        answer = self._get(f"/0/public/{method}?{urlencode(params)}")
        assert answer["error"] == []
        return answer["result"]

    def state(self) -> Any:
        """Return the exchange's truth."""
        return self._get("/_sandbox/state")

    def advance(self, seconds: float) -> None:
        """Let wall and exchange time pass, and have everything that follows from it sent at once."""
        self._wall.now += round(seconds * 1e9)
        self._post("/_sandbox/clock", {"action": "jump", "seconds": 0})

    def happen(self, **event: object) -> Any:
        """Make something happen on the exchange (``POST /_sandbox/market``)."""
        return self._post("/_sandbox/market", event)

    def _get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self.rest}{path}", timeout=PATIENCE) as answer:
            return json.load(answer)

    def _post(self, path: str, content: object) -> Any:
        request = urllib.request.Request(
            f"{self.rest}{path}", json.dumps(content).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)


@contextmanager
def local_kraken(settings: SandboxSettings | None = None) -> Iterator[LocalKraken]:
    """Serve a sandbox on a thread until the block ends."""
    started: list[LocalKraken] = []
    failed: list[BaseException] = []
    ready = threading.Event()
    thread = threading.Thread(
        target=_serve, args=(settings or SandboxSettings(), started, failed, ready), name="sandbox"
    )
    thread.start()
    ready.wait(PATIENCE)
    try:
        if started:
            yield started[0]
    finally:
        for kraken in started:
            kraken.inside(lambda sandbox: sandbox.stop())
        thread.join(PATIENCE)
    for error in failed:
        raise error


def _serve(
    settings: SandboxSettings, started: list[LocalKraken], failed: list[BaseException], ready: threading.Event
) -> None:
    wall = Wall()

    async def serve() -> None:
        async with running_sandbox(settings, wall) as sandbox:
            started.append(LocalKraken(sandbox, wall, asyncio.get_running_loop()))
            ready.set()
            await sandbox.stopped.wait()

    trap_floats()
    try:
        asyncio.run(serve())
    except BaseException as error:  # noqa: BLE001 - the test's own thread raises it again
        failed.append(error)
    finally:
        ready.set()
