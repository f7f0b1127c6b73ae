"""The high-water mark of one API key's nonces, shared by every process that uses the key.

The file holds two things. The *mark* is durable: no nonce above it has ever been given out, because
it is raised by a block and flushed to the disk before a nonce of that block is. The *last* nonce is
exact among processes that are running, and not flushed: whoever opens the file starts above the mark.

Each of the three records has a checksum. The mark stands in two places, written and flushed one after
the other: a write that was cut short spoils one of them, and nothing of the block that it announced has
been given out then. So the higher of those that are whole is above everything.
"""

import fcntl
import os
import struct
import threading
import zlib
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
        self._started = False
        self._flushed = -1
        self._lock = threading.Lock()
        if not path.exists():
            _create(path)
        make_private_file(path)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            raise self._failed("opened", error) from error

    def next(self, at_least: int) -> int:
        """Return a nonce greater than every one before it and not below ``at_least``.

        Raises ``StorageError`` when the file is damaged, cannot be written, or is used up; no nonce is
        given out then.
        """
        with self._lock:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX)
                try:
                    return self._next(at_least)
                finally:
                    fcntl.flock(self._file, fcntl.LOCK_UN)
            except OSError as error:
                raise self._failed("written", error) from error

    def close(self) -> None:
        """Let go of the file; closing again does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _next(self, at_least: int) -> int:
        data = os.pread(self._file, _BYTES, 0)
        marks = [_read(data, tag, offset) for tag, offset in _MARKS]
        mark = max((each for each in marks if each is not None), default=None)
        if mark is None or len(data) < _BYTES:
            raise StorageError(
                f"{self._path} is damaged, so the last nonce of the API key is not known: make a new API key,"
                " or delete the file if no other program ever uses this key and the clock is right"
            )
        last = _read(data, *_LAST) if self._started else mark
        # A last nonce above the mark, or none at all, was never finished: the mark is above any.
        last = mark if last is None or last > mark else last
        nonce = max(last + 1, at_least)
        if nonce + BLOCK_NS > NONCE_MAX:
            raise StorageError(f"{self._path} has no nonces left for this API key: make a new one")
        if nonce > mark or mark != self._flushed:
            # A flush that failed leaves a mark that looks fine but may be gone tomorrow, so every mark
            # that this object has not flushed itself is written again.
            mark = nonce + BLOCK_NS if nonce > mark else mark
            for record in _MARKS:
                self._write(record, mark)
                os.fsync(self._file)
            self._flushed = mark
        self._write(_LAST, nonce)
        self._started = True
        return nonce

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
