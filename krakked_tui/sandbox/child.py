"""A sandbox as a child process that ends with its parent, however the parent dies."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from krakked_tui.domain.errors import KrakkedError, RefusedError, StorageError, UsageError

_KINDS: dict[int, type[KrakkedError]] = {kind.exit_code: kind for kind in (UsageError, RefusedError)}
"""What a child that did not start says by its exit code."""
START_SECONDS = 20.0
STOP_SECONDS = 3.0


class SandboxAddress(msgspec.Struct, frozen=True):
    """Where a sandbox listens, whom it lets in and which market it plays: the first line it prints."""

    rest: str
    ws_public: str
    ws_private: str
    api_key: str
    api_secret: str
    seed: int | None = None

    def __repr__(self) -> str:
        return f"SandboxAddress(rest={self.rest!r})"


class SandboxChild:
    """The child holds the read end of a pipe whose write end only we have: it exits on end of file.

    It runs in a session of its own, so that Ctrl-C in the terminal does not take the exchange away
    before the engine has stopped.
    """

    def __init__(self, arguments: Sequence[str], errors: Path) -> None:
        """Spawn it; ``arguments`` go to the ``sandbox`` command, its stderr to the file ``errors``."""
        self._errors = errors
        read_end, self._pipe = os.pipe()
        command = [sys.executable, "-m", "krakked_tui", "sandbox", "--parent-fd", str(read_end), *arguments]
        try:
            with errors.open("ab") as stderr:
                self._process = subprocess.Popen(  # noqa: S603 - our own program
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    pass_fds=(read_end,),
                    start_new_session=True,
                )
        except OSError as error:
            os.close(self._pipe)
            raise StorageError(f"cannot start the sandbox (log {errors}): {error.strerror}") from error
        finally:
            os.close(read_end)

    def address(self) -> SandboxAddress:
        """Wait for the sandbox to listen. Blocks; call from a worker thread. Raises ``KrakkedError``."""
        assert self._process.stdout is not None
        watchdog = threading.Timer(START_SECONDS, self._process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        try:
            return msgspec.json.decode(line, type=SandboxAddress)
        except msgspec.DecodeError as error:
            kind = _KINDS.get(self._exit_code(), KrakkedError)
            raise kind(f"the sandbox did not start: {self._last_error()}") from error

    def resume(self) -> None:
        """Start its clock."""
        os.write(self._pipe, b"resume\n")

    def close(self) -> None:
        """End it, and wait until it has."""
        os.close(self._pipe)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _exit_code(self) -> int:
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return KrakkedError.exit_code

    def _last_error(self) -> str:
        try:
            lines = self._errors.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1].removeprefix("krakked-tui: ") if lines else f"see {self._errors}"
