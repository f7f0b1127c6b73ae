"""The high-water mark of one API key's nonces, shared by every process that uses the key.

The file holds two things. The *mark* is durable: no nonce above it has ever been given out, because
it is raised by a block and flushed to the disk before a nonce of that block is. The *last* nonce is
exact among processes that are running, and not flushed: whoever opens the file starts above the mark.

Each of the three records has a checksum. The mark stands in two places, written and flushed one after
the other: a write that was cut short spoils one of them, and nothing of the block that it announced has
been given out then. So the higher of those that are whole is above everything.

The disk is waited for without the lock under which nonces are given out. So a mark in the file may not
be durable yet: each user relies on those alone that it has flushed itself.
"""

import fcntl
import os
import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from krakked_tui.domain.errors import StorageError
from krakked_tui.storage.files import make_private_file

BLOCK_NS: Final = 10 * 10**9
"""How much is reserved at once: ten seconds of nonces on the nanosecond scale."""
NONCE_MAX: Final = 2**63 - 1

_RECORD = struct.Struct("<4sQI")
_MARKS = ((b"KNM1", 0), (b"KNM1", 64))
_LAST = (b"KNL1", 128)
_BYTES = 192


class NonceFile:
    """Gives out nonces for one key. Safe to use from several threads, objects and processes.

    Its path must lie on a local disk. Opening it starts above everything that was ever given out.
    """

    def __init__(self, path: Path) -> None:
        """Open or create the file, readable for its owner only. Raises ``StorageError``."""
        self._path = path
        self._floor: int | None = None
        self._flushed = -1
        self._last = -1
        self._lock = threading.Lock()
        self._raising = threading.Lock()
        if not path.exists():
            _create(path)
        make_private_file(path)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise self._failed("opened", error) from error

    def next(self, at_least: int) -> int:
        """Return a nonce greater than every one before it and not below ``at_least``.

        Waits for the disk when ``reserve`` has not done so before. Raises ``StorageError`` when the file
        is damaged, cannot be written, or is used up; no nonce is given out then.
        """
        while True:
            with self._alone():
                nonce, mark = self._coming(at_least)
                if nonce <= min(self._flushed, mark):
                    self._write(_LAST, nonce)
                    self._last = nonce
                    return nonce
            self.reserve(nonce)

    def left(self, at_least: int) -> int:
        """Return how far beyond this nonce ``next`` need not wait for the disk; negative: it must."""
        return self._flushed - max(at_least, self._last + 1)

    def reserve(self, at_least: int) -> None:
        """Raise the mark a block above this nonce and wait for the disk. Raises ``StorageError``."""
        with self._raising:
            with self._alone():
                nonce, mark = self._coming(at_least)
                if nonce + BLOCK_NS // 2 <= min(self._flushed, mark):
                    return
                mark = max(mark, nonce + BLOCK_NS)
                self._write(_MARKS[0], mark)
            self._flush()
            with self._alone():
                # Another user may have raised it further meanwhile; it must never go down.
                mark = max(mark, self._coming(at_least)[1])
                self._write(_MARKS[1], mark)
            self._flush()
            self._flushed = mark

    def close(self) -> None:
        """Let go of the file; closing again does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep every other user out, for as long as it takes to read and write a few bytes."""
        with self._lock:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
                try:
                    yield
                finally:
                    fcntl.flock(self._file, fcntl.LOCK_UN)
            except OSError as error:
                raise self._failed("written", error) from error

    def _flush(self) -> None:
        try:
            os.fsync(self._file)
        except OSError as error:
            raise self._failed("written", error) from error

    def _coming(self, at_least: int) -> tuple[int, int]:
        """Return the next nonce, and the mark in the file."""
        data = os.pread(self._file, _BYTES, 0)
        marks = [_read(data, tag, offset) for tag, offset in _MARKS]
        mark = max((each for each in marks if each is not None), default=None)
        if mark is None or len(data) < _BYTES:
            raise StorageError(
                f"{self._path} is damaged, so the last nonce of the API key is not known: make a new API key,"
                " or delete the file if no other program ever uses this key and the clock is right"
            )
        if self._floor is None:
            self._floor = mark
        last = _read(data, *_LAST)
        # A last nonce above the mark, or none at all, was never finished: the mark is above any.
        if last is None or last > mark:
            last = mark
            self._write(_LAST, last)
        nonce = max(last + 1, self._floor + 1, at_least)
        if nonce + BLOCK_NS > NONCE_MAX:
            raise StorageError(f"{self._path} has no nonces left for this API key: make a new one")
        return nonce, mark

    def _write(self, record: tuple[bytes, int], value: int) -> None:
        data = _packed(record[0], value)
        if os.pwrite(self._file, data, record[1]) != len(data):
            raise OSError(28, "No space left on device")

    def _failed(self, done: str, error: OSError) -> StorageError:
        return StorageError(
            f"{self._path} cannot be {done} ({error.strerror}), and without it no request may be signed:"
            " check that it belongs to you, lies on a local disk and that the disk is not full"
        )


def _packed(tag: bytes, value: int) -> bytes:
    return _RECORD.pack(tag, value, zlib.crc32(tag + value.to_bytes(8, "little")))


def _read(data: bytes, tag: bytes, offset: int) -> int | None:
    """Return the number of a record, None when it is not whole."""
    record = data[offset : offset + _RECORD.size]
    if len(record) < _RECORD.size:
        return None
    value = int.from_bytes(record[4:12], "little")
    return value if record == _packed(tag, value) else None


def _create(path: Path) -> None:
    """Put a whole file in place at once, so that one that is not whole is known to be damaged."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.new")
    make_private_file(fresh)
    try:
        file = os.open(fresh, os.O_WRONLY)
        try:
            content = bytearray(_BYTES)
            for tag, offset in (*_MARKS, _LAST):
                content[offset : offset + _RECORD.size] = _packed(tag, 0)
            os.write(file, content)
            os.fsync(file)
        finally:
            os.close(file)
        # Unlike a rename, a link never replaces the file of a process that was faster.
        os.link(fresh, path)
    except FileExistsError:
        pass
    except OSError as error:
        raise StorageError(
            f"{path} cannot be created ({error.strerror}): check that its directory belongs to you"
            " and has free space"
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    _flush_directory(path.parent)


def _flush_directory(path: Path) -> None:
    directory = os.open(path, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
