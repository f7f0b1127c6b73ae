"""Sealed partitions: files of one pair and one period, read whole and replaced whole."""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import StorageError
from krakked_tui.storage.candle_store.layout import PARTIAL, Period, pair_directory, period_named, period_of
from krakked_tui.storage.candle_store.merging import ROW_SCHEMA, resolve
from krakked_tui.storage.files import PRIVATE_DIRECTORY, PRIVATE_FILE
from krakked_tui.storage.rows import to_micros


class DamagedError(Exception):
    """A partition's content makes no sense; the message says how, without naming the file."""


class DamagedPartitionError(StorageError):
    """A partition does not hold what was written to it."""


class PartitionFormat(Protocol):
    """How a partition is spelled. Frames have ``ROW_SCHEMA``."""

    suffix: str

    def encode(self, rows: pl.DataFrame) -> bytes:
        """Spell rows so that ``decode`` gives exactly them."""
        ...

    def decode(self, content: bytes) -> pl.DataFrame:
        """Undo ``encode``. Raises ``DamagedError``."""
        ...

    def newest(self, path: Path) -> int | None:
        """Open time of the last row without reading all, None when that cannot be told so.

        Raises ``OSError``.
        """
        ...


class Partitions:
    """The sealed rows below ``root``. Methods block: call them in a thread. Errors: ``StorageError``."""

    def __init__(self, root: Path, spelling: PartitionFormat) -> None:
        self.root = root
        self.spelling = spelling

    def periods(self, timeframe: Timeframe, pair: str) -> list[Period]:
        """Return the periods of a pair that have a file, oldest first."""
        directory = pair_directory(self.root, timeframe, pair)
        try:
            names = os.listdir(directory)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _unreadable(directory, error) from error
        found = (
            period_named(timeframe, name.removesuffix(self.spelling.suffix))
            for name in names
            if name.endswith(self.spelling.suffix)
        )
        return sorted(period for period in found if period is not None)

    def path(self, timeframe: Timeframe, pair: str, period: Period) -> Path:
        """Return where a partition lies."""
        return pair_directory(self.root, timeframe, pair) / f"{period.name}{self.spelling.suffix}"

    def rows(self, timeframe: Timeframe, pair: str, period: Period) -> pl.DataFrame:
        """Read a partition; empty when there is no such file."""
        path = self.path(timeframe, pair, period)
        try:
            rows = self.spelling.decode(path.read_bytes())
        except FileNotFoundError:
            return ROW_SCHEMA.to_frame()
        except OSError as error:
            raise _unreadable(path, error) from error
        except DamagedError as error:
            raise _damaged(path, error) from error
        problem = disorder(rows, period)
        if problem:
            raise _damaged(path, problem)
        return rows

    def between(
        self, timeframe: Timeframe, pair: str, start: int, end: int, limit: int | None = None
    ) -> pl.DataFrame:
        """Read rows with ``start <= time < end``, the newest ``limit`` of them; ascending."""
        found: list[pl.DataFrame] = []
        wanted = limit
        for period in reversed(self.periods(timeframe, pair)):
            if wanted is not None and wanted <= 0:
                break
            if period.start >= end or period.end <= start:
                continue
            newest = self._newest(self.path(timeframe, pair, period))
            if newest is not None and newest < start:
                continue
            rows = _cut(self.rows(timeframe, pair, period), start, end, wanted)
            found.append(rows)
            wanted = None if wanted is None else wanted - rows.height
        return pl.concat([ROW_SCHEMA.to_frame(), *reversed(found)])

    def newest(self, timeframe: Timeframe, pair: str) -> int | None:
        """Open time of a pair's newest sealed row."""
        for period in reversed(self.periods(timeframe, pair)):
            newest = self._newest(self.path(timeframe, pair, period))
            if newest is not None:
                return newest
            rows = self.rows(timeframe, pair, period)
            if rows.height:
                return to_micros(rows["time"][-1])
        return None

    def _newest(self, path: Path) -> int | None:
        try:
            return self.spelling.newest(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(path, error) from error

    def seal(self, timeframe: Timeframe, pair: str, rows: pl.DataFrame) -> int:
        """Unite rows (ascending, unique) with what is sealed; return how many files were written.

        Each file is replaced atomically and durably; sealing the same rows again changes nothing.
        """
        written = 0
        left = rows
        while left.height:
            period = period_of(timeframe, to_micros(left["time"][0]))
            inside = pl.col("time").dt.timestamp("us") < period.end
            before = self.rows(timeframe, pair, period)
            after = resolve(before, left.filter(inside))
            if not after.equals(before):
                self._replace(self.path(timeframe, pair, period), self.spelling.encode(after))
                written += 1
            left = left.filter(~inside)
        return written

    def _replace(self, path: Path, content: bytes) -> None:
        partial = self.root / PARTIAL / f"{path.parent.parent.name}.{path.parent.name}.{path.name}"
        try:
            make_durable_directory(path.parent)
            make_durable_directory(partial.parent)
            write_durably(path, partial, content)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be written ({error.strerror}): check that its directory belongs to you"
                " and has free space; nothing is lost, its rows stay in the tail"
            ) from error

    def sweep(self) -> None:
        """Remove what an earlier process left half written. Only for the one that writes."""
        for path in self.partial():
            with suppress(OSError):
                path.unlink()

    def partial(self) -> Sequence[Path]:
        """Return the files that are half written."""
        try:
            return sorted((self.root / PARTIAL).iterdir())
        except OSError:
            return ()


def write_durably(path: Path, partial: Path, content: bytes) -> None:
    """Replace ``path`` by way of ``partial``, on the same file system. Raises ``OSError``."""
    try:
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    _sync(path.parent)


def make_durable_directory(path: Path) -> None:
    """Create a private directory and its parents so that a power cut does not undo it."""
    if not path.is_dir():
        make_durable_directory(path.parent)
        path.mkdir(mode=PRIVATE_DIRECTORY, exist_ok=True)
        _sync(path.parent)


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def disorder(rows: pl.DataFrame, period: Period) -> str:
    """Say what is wrong with the times of a partition; empty when nothing is."""
    times = rows["time"].dt.timestamp("us")
    if times.null_count() or not bool((times.diff().drop_nulls() > 0).all()):
        return "its rows are not ascending and unique by time"
    if rows.height and not period.start <= int(times[0]) <= int(times[-1]) < period.end:
        return f"it has rows outside {period.name}"
    return ""


def _cut(rows: pl.DataFrame, start: int, end: int, limit: int | None) -> pl.DataFrame:
    micros = pl.col("time").dt.timestamp("us")
    inside = rows.filter((micros >= start) & (micros < end))
    return inside if limit is None else inside.tail(limit)


def _damaged(path: Path, problem: object) -> DamagedPartitionError:
    return DamagedPartitionError(
        f"{path} is damaged ({problem}): put a backup in its place, or move it away;"
        " other pairs are not affected"
    )


def _unreadable(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path} cannot be read ({error.strerror}): check its permissions and the disk")
