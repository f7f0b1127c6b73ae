"""Files of ours on disk: private directories and files, and the lock that lets one writer in."""

import fcntl
import os
from pathlib import Path

from krakked_tui.domain.errors import RefusedError, StorageError

PRIVATE_DIRECTORY = 0o700
PRIVATE_FILE = 0o600


def make_private_file(path: Path) -> None:
    """Make sure that a file exists which only its owner can read, in directories of the same kind.

    Missing directories are created with mode 0700; existing ones are left as they are. The file
    itself gets mode 0600. Raises ``StorageError``.
    """
    try:
        _make_directory(path.parent)
        # An existing file is not opened: closing it would drop SQLite's locks in this process.
        if path.is_file():
            path.chmod(PRIVATE_FILE)
        else:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))
    except OSError as error:
        raise StorageError(
            f"{path} cannot be created or written ({error.strerror}): check that its directory exists, "
            "belongs to you and has free space"
        ) from error


def _make_directory(path: Path) -> None:
    if not path.is_dir():
        _make_directory(path.parent)
        path.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)


class FileLock:
    """An exclusive lock that the operating system drops when the process dies, however it dies."""

    def __init__(self, path: Path, purpose: str) -> None:
        """Take the lock at once.

        Raises:
            RefusedError: Another process has it; ``purpose`` says what for, in its message.
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
                f"{path.parent} is already {purpose} by another Krakked (process {holder}): "
                "stop that one first, or choose another profile with --profile"
            ) from error
        except OSError as error:
            self._file.close()
            raise StorageError(f"{path} cannot be locked ({error.strerror}): use a local disk") from error
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Give the lock back; releasing again does nothing."""
        self._file.close()
