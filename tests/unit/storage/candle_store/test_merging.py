from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Candle
from krakked_tui.market.frames import supersedes
from krakked_tui.storage.candle_store.merging import frame_of, judge, resolve
from tests.unit.storage.candle_store.builders import rows, rows_of
from tests.unit.storage.samples import candle

CANDLES = st.builds(
    candle, st.integers(0, 4), st.just("XBTUSD"), st.integers(0, 2), st.sampled_from([0.5, 1.0])
)
SERIES = st.lists(CANDLES, max_size=6, unique_by=lambda c: c.time).map(
    lambda s: sorted(s, key=lambda c: c.time)
)


@given(SERIES, SERIES)
def test_two_sources_are_united_by_the_rule_of_single_candles(
    older: list[Candle], newer: list[Candle]
) -> None:
    kept = {c.time: c for c in older}
    for new in newer:
        if new.time not in kept or supersedes(new, kept[new.time]):
            kept[new.time] = new
    assert resolve(rows_of(older), rows_of(newer)).equals(rows_of(kept[time] for time in sorted(kept)))


@given(st.lists(CANDLES, max_size=10), SERIES)
def test_a_batch_is_judged_row_by_row(batch: list[Candle], stored: list[Candle]) -> None:
    kept, accepted = {c.time: c for c in stored}, {}
    new = corrected = refused = 0
    for row in batch:
        old = kept.get(row.time)
        if old == row:
            continue
        if old is not None and not supersedes(row, old):
            refused += 1
            continue
        new, corrected = new + (old is None), corrected + (old is not None)
        kept[row.time] = accepted[row.time] = row
    judged = judge(frame_of(batch), frame_of(stored))
    assert (judged.new, judged.corrected, judged.refused) == (new, corrected, refused)
    assert judged.accepted.sort("time").equals(frame_of([accepted[time] for time in sorted(accepted)]))


def test_nothing_and_something() -> None:
    assert resolve(rows(), rows(1)).equals(rows(1))
    assert resolve(rows(1), rows()).equals(rows(1))
    assert resolve(rows(2), rows(1)).equals(rows(1, 2))
