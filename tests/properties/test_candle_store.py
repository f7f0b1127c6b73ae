"""Any interleaving of appends, compactions and reopenings equals the sorted unique union.

Bugs planted in the store, and what caught them (here, tests/contract, tests/unit/storage):
the partition wins over the tail, "more trades" instead of "as many" (contract); the partition is read
before the tail (reading while another process writes); rows read before an append are taken into memory,
a full memory claims to be whole, a gap filled late is not noticed (candle_store/test_recent.py); an append
of unknown end is forgotten (test_store.py); rows of a damaged pair, or rows that came since, are removed
from the tail, a cancelled compaction lets go of a file being written (test_sealing.py, test_candles.py);
commits that are not synced (test_sqlite_tail.py); a span that ends where a file ends leaves it out
(test_partitions.py); an unchecked checksum (test_parquet_format.py); what was torn or cut off stays in the
text (test_text_tail.py, test_candles.py); what was heard while following is dropped (test_candles.py).
"""

import asyncio
import tempfile
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.market.settings import CandleStoreSettings
from krakked_tui.storage.candles import open_to_write
from tests.contract.test_candle_store import candles_of, union
from tests.unit.storage.samples import candle

PAIRS = ("XBTUSD", "ETHUSD")
# Some rows on either side of the turn of a month, so that there are several partitions.
TURN = datetime(2026, 3, 31, 23, 57, tzinfo=UTC)


def row(number: int, pair: str, trades: int, volume: float, price: float) -> Candle:
    """A candle whose time, completeness and price are all given."""
    opened = candle(0, pair, trades, volume)
    return msgspec.structs.replace(
        opened, time=TURN + timedelta(minutes=number), close=price, high=max(price, opened.open), low=1e-3
    )


ROWS = st.builds(
    row,
    st.integers(0, 7),
    st.sampled_from(PAIRS),
    st.integers(0, 3),
    st.sampled_from([0.5, 1.0, 1.5]),
    st.sampled_from([99.5, 100.1, 1e-9 + 99.4, 100 / 3]),
)


class Store(RuleBasedStateMachine):
    """A store beside a list of everything that was appended, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.root = Path(self.directory.name)
        self.appended: list[Candle] = []

    def run(self, call: Coroutine[Any, Any, Any]) -> Any:
        return self.runner.run(call)

    @initialize(backend=st.sampled_from(["parquet", "csv"]), recent=st.integers(1, 9))
    def open(self, backend: str, recent: int) -> None:
        self.settings = msgspec.convert({"backend": backend, "recent_bars": recent}, CandleStoreSettings)
        self.store = self.run(open_to_write(self.root, self.settings))

    @rule(rows=st.lists(ROWS, max_size=12))
    def append(self, rows: list[Candle]) -> None:
        before = {(c.pair, c.time): c for c in union(self.appended)}
        taken = 0
        for new in rows:
            old = before.get((new.pair, new.time))
            if old is None or (old != new and new.trades >= old.trades and new.volume >= old.volume):
                before[new.pair, new.time] = new
                taken += 1
        assert self.run(self.store.append(rows)) == taken
        self.appended += rows

    @rule(partitions=st.integers(1, 3), everything=st.booleans())
    def compact(self, partitions: int, everything: bool) -> None:
        assert not self.run(self.store.compact(partitions=partitions, everything=everything)).problems

    @rule()
    def reopen(self) -> None:
        self.run(self.store.close())
        self.store = self.run(open_to_write(self.root, self.settings))

    @rule(lookback=st.integers(1, 9))
    def read_the_newest(self, lookback: int) -> None:
        known = union(self.appended)
        newest = [c for pair in sorted(PAIRS) for c in [k for k in known if k.pair == pair][-lookback:]]
        assert candles_of(self.run(self.store.read_many(PAIRS, Timeframe.M1, lookback))) == newest
        one = [c for c in newest if c.pair == PAIRS[0]]
        assert candles_of(self.run(self.store.read(PAIRS[0], Timeframe.M1, limit=lookback))) == one

    @rule(start=st.integers(0, 8), end=st.integers(0, 8))
    def read_a_span(self, start: int, end: int) -> None:
        first, after = (TURN + timedelta(minutes=number) for number in (start, end))
        read = self.run(self.store.read(PAIRS[1], Timeframe.M1, first, after))
        assert candles_of(read) == [
            c for c in union(self.appended) if c.pair == PAIRS[1] and first <= c.time < after
        ]

    @rule()
    def verify(self) -> None:
        assert not self.run(self.store.verify())

    @invariant()
    def it_is_the_union(self) -> None:
        if hasattr(self, "store"):
            for pair in PAIRS:
                known = [c for c in union(self.appended) if c.pair == pair]
                assert candles_of(self.run(self.store.read(pair, Timeframe.M1))) == known
                newest = known[-1].time if known else None
                assert self.run(self.store.last_time(pair, Timeframe.M1)) == newest

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.run(self.store.close())
        self.runner.close()
        self.directory.cleanup()


Store.TestCase.settings = settings(max_examples=40, stateful_step_count=20)
TestStore = Store.TestCase
