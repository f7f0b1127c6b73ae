"""Files of ours on disk: private directories and files, and the lock that lets one writer in."""

import fcntl
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from krakked_tui.domain.errors import RefusedError, StorageError

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600

LOCK_TRIES = 400
LOCK_PAUSE_SECONDS = 0.05
"""Whoever holds a lock of files may ask the keyring meanwhile; after 20 seconds it has been stopped."""
_ANOTHER_PROFILE = "stop that one first, or choose another profile with --profile"
_WAIT_FOR_IT = "wait until it has ended or stop it, then try again"


def make_private_directory(path: Path) -> None:
    """Make a directory, and those above it that are missing, for their owner only.

    Existing ones are left as they are. Raises ``StorageError``.
    """
    try:
        _make_directory(path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be created ({error.strerror}): make its parent writable,"
            " or set KRAKKED_HOME to a directory of yours"
        ) from error


def make_private_file(path: Path) -> None:
    """Make sure that a file exists which only its owner can read, in directories of the same kind.

    Missing directories are created with mode 0700; existing ones are left as they are. The file
    itself gets mode 0600. Raises ``StorageError``.
    """
    try:
        _make_directory(path.parent)
        # An existing file is not opened: closing it would drop SQLite's locks in this process.
        if not path.is_file():
            with suppress(FileExistsError):  # another process was quicker
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
        path.chmod(PRIVATE_FILE)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be created or written ({error.strerror}): check that its directory exists, "
            "belongs to you and has free space"
        ) from error


def _make_directory(path: Path) -> None:
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)


def replace_private_file(path: Path, content: bytes, called: Path | None = None) -> None:
    """Replace a file's content as a whole, mode 0600; a crash leaves the old or the new one.

    A symbolic link stays: what it leads to is replaced, or made. Missing directories are created with
    mode 0700. Raises ``StorageError``, in which the file is ``called`` something else when it is a draft of
    that; the old content stays then.
    """
    target = link_target(path)
    try:
        _make_directory(target.parent)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with open(handle, "wb") as file:
                os.fchmod(file.fileno(), PRIVATE_FILE)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(name, target)
        except BaseException:
            os.unlink(name)
            raise
        _sync_directory(target.parent)
    except OSError as error:
        raise StorageError(
            f"{called or path} cannot be written ({error.strerror}): check that its directory belongs to you"
            " and has free space; what was there is unchanged"
        ) from error


def link_target(path: Path) -> Path:
    """Return where a path's symbolic links lead, whether or not there is anything; else the path."""
    return Path(os.path.realpath(path))


def _sync_directory(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class LockState(msgspec.Struct, frozen=True):
    """Who wrote into a lock file last (0: nobody, or it was given back), and whether it is held now."""

    pid: int
    held: bool


def lock_state(path: Path) -> LockState | None:
    """Look at a lock without taking it; None when there is no such file. Raises ``StorageError``."""
    try:
        with path.open("r", encoding="ascii", errors="replace") as file:
            text = file.read(32).strip()
            pid = int(text) if text.isascii() and text.isdigit() else 0
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return LockState(pid, held=True)
            return LockState(pid, held=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})") from error


class FileLock:
    """An exclusive lock that the operating system drops when the process dies, however it dies."""

    def __init__(self, path: Path, purpose: str, advice: str = _ANOTHER_PROFILE) -> None:
        """Take the lock at once.

        Raises:
            RefusedError: Another process has it; ``purpose`` says what for, in its message, which ends
                with ``advice``.
            StorageError: The lock file cannot be created.
        """
        make_private_file(path)
        self._file = path.open("r+", encoding="ascii", errors="replace")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            with self._file:
                holder = self._file.read(32).strip()
            raise RefusedError(
                f"{path.parent} is already {purpose} by another Krakked (process {holder}): {advice}"
            ) from error
        except OSError as error:
            self._file.close()
            raise StorageError(f"{path} cannot be locked ({error.strerror}): use a local disk") from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Give the lock back; releasing again does nothing."""
        if not self._file.closed:
            with suppress(OSError):  # a full disk: the process id stays, which misleads nobody but doctor
                self._file.seek(0)
                self._file.truncate(0)
            self._file.close()


@contextmanager
def writing(path: Path, *, pause: Callable[[float], object] = time.sleep) -> Iterator[None]:
    """Hold the lock at ``path`` while files beside it are read and written; for one writer at a time.

    Writers in other threads and processes wait for each other, so never take it twice.

    Raises:
        RefusedError: Another writer has not come to an end for twenty seconds.
        StorageError: The lock file cannot be created.
    """
    lock = _waited_for(path, pause)
    try:
        yield
    finally:
        lock.release()


def _waited_for(path: Path, pause: Callable[[float], object]) -> FileLock:
    for _ in range(LOCK_TRIES - 1):
        try:
            return FileLock(path, "being changed", _WAIT_FOR_IT)
        except RefusedError:
            pause(LOCK_PAUSE_SECONDS)
    return FileLock(path, "being changed", _WAIT_FOR_IT)
