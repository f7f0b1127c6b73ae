"""The newest bars of many pairs in memory, in arrays that a closed minute is written to in one step."""

import threading
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt
import polars as pl

from krakked_tui.market.frames import CANDLE_SCHEMA
from krakked_tui.storage.candle_store.merging import ROW_SCHEMA

_COLUMNS: Final = {
    name: np.float64 if kind == pl.Float64() else np.int64 for name, kind in ROW_SCHEMA.items()
}


class Loaded(msgspec.Struct, frozen=True):
    """A pair's newest rows, ascending; ``whole`` when the store has no others."""

    pair: str
    rows: pl.DataFrame
    whole: bool


Ints = npt.NDArray[np.int64]


class RecentRows:
    """The newest ``keep`` rows, at least one, of each pair of one timeframe that has been loaded.

    A pair that is not here has to be read from disk. Methods may be called from any thread.
    """

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.version = 0
        """Counts what was put: rows read before the last of it may be out of date."""
        self._lock = threading.Lock()
        self._slots: dict[str, int] = {}
        self._free: list[int] = []
        # A pair's slot is ``keep`` places that are written round and round.
        self._columns = {name: np.zeros(0, kind) for name, kind in _COLUMNS.items()}
        self._next: Ints = np.zeros(0, np.int64)
        self._count: Ints = np.zeros(0, np.int64)
        # Whether the store has no other rows of the pair.
        self._whole = np.zeros(0, np.bool_)

    @property
    def pairs(self) -> int:
        """How many pairs are loaded."""
        return len(self._slots)

    def load_all(self, found: Iterable[Loaded], version: int) -> None:
        """Take pairs' newest rows as they were read, unless rows were put since ``version``."""
        with self._lock:
            if version == self.version:
                for loaded in found:
                    self._load(loaded)

    def _load(self, loaded: Loaded) -> None:
        rows = loaded.rows.tail(self.keep)
        slot = self._slot(loaded.pair)
        at = slot * self.keep
        for name, column in self._columns.items():
            column[at : at + rows.height] = rows[name].to_physical().to_numpy()
        self._count[slot] = rows.height
        self._next[slot] = rows.height % self.keep
        self._whole[slot] = loaded.whole and rows.height == loaded.rows.height

    def put(self, rows: pl.DataFrame) -> None:
        """Take rows of a candle frame that were just stored; pairs that are not loaded are left out.

        A pair for which this cannot be done in place is forgotten.
        """
        names = rows["pair"].to_list()
        with self._lock:
            self.version += 1
            known = [place for place, name in enumerate(names) if name in self._slots]
            if not known:
                return
            if len(known) < len(names):
                rows, names = rows[known], [names[place] for place in known]
            if len(set(names)) < len(names):
                for name in set(names):
                    self._drop(name)
                return
            self._write(names, rows)

    def _write(self, names: Sequence[str], rows: pl.DataFrame) -> None:
        """Write one row for each of these pairs."""
        slots = np.fromiter((self._slots[name] for name in names), np.int64, len(names))
        times = rows["time"].to_physical().to_numpy()
        last = self._columns["time"][slots * self.keep + (self._next[slots] - 1) % self.keep]
        newer = (self._count[slots] == 0) | (times > last)
        growing = slots[newer]
        self._set(growing * self.keep + self._next[growing], rows.filter(pl.Series(newer)))
        self._next[growing] = (self._next[growing] + 1) % self.keep
        self._whole[growing] &= self._count[growing] < self.keep
        self._count[growing] = np.minimum(self._count[growing] + 1, self.keep)
        for place in np.flatnonzero(~newer).tolist():
            self._correct(names[place], rows[place : place + 1])

    def _correct(self, name: str, row: pl.DataFrame) -> None:
        places = self._places(self._slots[name])
        times, time = self._columns["time"][places], row["time"].to_physical()[0]
        found = places[times == time]
        if found.size:
            self._set(found, row)
        elif self._whole[self._slots[name]] or time > times[0]:
            self._drop(name)

    def _set(self, places: Ints, rows: pl.DataFrame) -> None:
        for name, column in self._columns.items():
            column[places] = rows[name].to_physical().to_numpy()

    def rows(self, pair: str, start: int | None, end: int | None, limit: int | None) -> pl.DataFrame | None:
        """Return a pair's rows as ``CandleStore.read`` does; None when memory does not have them all."""
        with self._lock:
            slot = self._slots.get(pair)
            if slot is None:
                return None
            places = self._places(slot)
            times = self._columns["time"][places]
            first = 0 if start is None else int(np.searchsorted(times, start))
            after = len(times) if end is None else int(np.searchsorted(times, end))
            complete = (
                bool(self._whole[slot])
                or (start is not None and len(times) > 0 and start >= times[0])
                or (limit is not None and after - first >= limit)
            )
            if not complete:
                return None
            wanted = places[first:after]
            wanted = wanted if limit is None else wanted[max(0, len(wanted) - limit) :]
            return self._frame(pl.Series("pair", [pair]).new_from_index(0, len(wanted)), wanted)

    def newest(self, pairs: Sequence[str], lookback: int) -> tuple[pl.DataFrame, list[str]]:
        """Return the newest rows of pairs, in the order given, and the pairs memory lacks rows of."""
        with self._lock:
            here = [pair for pair in pairs if self._has(pair, lookback)]
            lacking = [pair for pair in pairs if not self._has(pair, lookback)]
            slots = np.fromiter((self._slots[pair] for pair in here), np.int64, len(here))
            counts = np.minimum(self._count[slots], lookback)
            within = np.arange(int(counts.sum())) - np.repeat(np.cumsum(counts) - counts, counts)
            turns = (np.repeat(self._next[slots] - counts, counts) + within) % self.keep
            names = pl.Series("pair", here, pl.String()).gather(np.repeat(np.arange(len(here)), counts))
            return self._frame(names, np.repeat(slots * self.keep, counts) + turns), lacking

    def _has(self, pair: str, lookback: int) -> bool:
        slot = self._slots.get(pair)
        return slot is not None and bool(self._whole[slot] or self._count[slot] >= lookback)

    def _frame(self, names: pl.Series, places: Ints) -> pl.DataFrame:
        taken = {name: column[places] for name, column in self._columns.items()}
        return pl.DataFrame({"pair": names, **taken}).cast({"time": CANDLE_SCHEMA["time"]})

    def _places(self, slot: int) -> Ints:
        """Return where a slot's rows lie, oldest first."""
        count, after = int(self._count[slot]), int(self._next[slot])
        return slot * self.keep + np.arange(after - count, after) % self.keep

    def _slot(self, pair: str) -> int:
        slot = self._slots.get(pair)
        if slot is None:
            slot = self._free.pop() if self._free else len(self._slots)
            self._slots[pair] = slot
            self._grow(slot + 1)
        return slot

    def _grow(self, slots: int) -> None:
        if slots > len(self._next):
            room = max(slots, 2 * len(self._next), 16)
            for name, column in self._columns.items():
                self._columns[name] = np.concatenate(
                    [column, np.zeros(room * self.keep - len(column), column.dtype)]
                )
            more = room - len(self._next)
            self._next, self._count = (
                np.concatenate([each, np.zeros(more, np.int64)]) for each in (self._next, self._count)
            )
            self._whole = np.concatenate([self._whole, np.zeros(more, np.bool_)])

    def _drop(self, pair: str) -> None:
        slot = self._slots.pop(pair, None)
        if slot is not None:
            self._free.append(slot)
