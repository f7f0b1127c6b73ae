"""The engine's thread: its own event loop, apart from whatever the terminal does."""

import asyncio
import gc
import threading
from collections import deque
from collections.abc import Callable

from krakked_tui.domain.errors import KrakkedError
from krakked_tui.engine.engine import Engine
from krakked_tui.engine.moment import Summary


def _settle_memory() -> None:
    """Take what is there after the start out of the garbage collector's sight.

    It stays for as long as the process, and looking through the events of a long past again and again would
    stop the loop for a tenth of a second each time.
    """
    gc.collect()
    gc.freeze()


class EngineThread:
    """Runs one engine in a thread named ``engine``. Methods may be called from any thread."""

    def __init__(self, make: Callable[[], Engine]) -> None:
        self._make = make
        self._engine: Engine | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._work: deque[Callable[[Engine], None]] = deque()
        self._ended = False
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self.summary: Summary | None = None
        self.error: BaseException | None = None

    def start(self) -> None:
        """Start the thread; returns when it can be called."""
        self._thread.start()
        self._ready.wait()

    @property
    def running(self) -> bool:
        """Whether the engine still runs."""
        return self._thread.is_alive()

    def call(self, work: Callable[[Engine], None]) -> bool:
        """Have ``work`` done on the engine's loop soon; False when the engine has ended.

        Work that comes before the loop runs is done as soon as it does. Safe in a signal handler:
        no lock is taken.
        """
        if self._ended:
            return False
        self._work.append(work)
        if self._loop is not None:
            try:
                self._loop.call_soon_threadsafe(self._do_work)
            except RuntimeError:
                return False  # the loop closed in between
        return True

    def join(self, timeout: float | None = None) -> bool:
        """Wait for the end; False when it did not come in time."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - handed to the main thread, which reports it
            self.error = error
        finally:
            self._ended = True
            self._ready.set()

    def _do_work(self) -> None:
        assert self._engine is not None
        while self._work:
            self._work.popleft()(self._engine)

    async def _main(self) -> None:
        self._engine = engine = self._make()
        engine.on_started = _settle_memory
        self._loop = asyncio.get_running_loop()
        self._do_work()  # whatever comes from now on sees the loop
        self._ready.set()
        try:
            self.summary = await engine.run()
        except KrakkedError as error:
            engine.failed(str(error))
            raise
        except BaseException as error:
            engine.failed(f"internal error: {type(error).__name__}: {error}")
            raise
