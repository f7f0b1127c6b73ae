from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import UsageError
from krakked_tui.sandbox import replay
from krakked_tui.sandbox.catalog import load_catalog
from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.replay import load_replay
from krakked_tui.sim.tape import MINUTE_MICROS
from krakked_tui.storage.candles import open_candle_store

CATALOG = load_catalog("default")
START = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = micros_of(START) // MINUTE_MICROS

BITCOIN = """\
1617148800,58781.1,58800.0,58700.5,58786.2,5.4515682908604,40
1617148860,58786.2,58786.2,58786.2,58786.2,0.00010000,1
1617149040,58790,58791.5,58790,58791.5,1.5,2
"""


def written(directory: Path, **files: str) -> Path:
    for name, text in files.items():
        (directory / f"{name}.csv").write_text(text, "ascii")
    return directory


def test_the_first_row_plays_at_the_start_and_gaps_are_empty_minutes(tmp_path: Path) -> None:
    market = load_replay(written(tmp_path, XBTUSD_1=BITCOIN), CATALOG, START)
    bars = [market.minute("XBTUSD", MINUTE + index) for index in range(7)]
    assert [tuple(bar)[1:6] for bar in bars] == [
        (587811, 588000, 587005, 587862, 545156829),
        (587862, 587862, 587862, 587862, 10000),
        (587862, 587862, 587862, 587862, 0),
        (587862, 587862, 587862, 587862, 0),
        (587900, 587915, 587900, 587915, 150000000),
        (587915, 587915, 587915, 587915, 0),
        (587915, 587915, 587915, 587915, 0),
    ]
    assert [bar.trades for bar in bars] == [40, 1, 0, 0, 2, 0, 0]


def test_all_files_keep_their_distance_in_time(tmp_path: Path) -> None:
    ether = "1617148980,1800.00,1800.00,1800.00,1800.00,2.5,1\n"
    market = load_replay(written(tmp_path, XBTUSD_1=BITCOIN, ETHUSD_1=ether), CATALOG, START)
    traded = [index for index in range(10) if market.minute("ETHUSD", MINUTE + index).trades]
    assert traded == [3]
    assert market.minute("ETHUSD", MINUTE).close == 180000, (
        "before its first row a price stands at that row's open"
    )


def test_a_start_within_the_recording_plays_the_rows_at_their_own_times(tmp_path: Path) -> None:
    within = datetime.fromtimestamp(1617148860, UTC)
    market = load_replay(written(tmp_path, XBTUSD_1=BITCOIN), CATALOG, within)
    first = 1617148800 // 60
    assert [market.minute("XBTUSD", first + index).trades for index in range(6)] == [40, 1, 0, 0, 2, 0]


@pytest.mark.parametrize("second", [1617148800 - 60, 1617149040 + 60])
def test_a_start_beside_the_recording_moves_it(tmp_path: Path, second: int) -> None:
    market = load_replay(written(tmp_path, XBTUSD_1=BITCOIN), CATALOG, datetime.fromtimestamp(second, UTC))
    assert [market.minute("XBTUSD", second // 60 + index).trades for index in range(5)] == [40, 1, 0, 0, 2]


def candle(
    pair: str, minute: int, price: str, timeframe: Timeframe = Timeframe.M1, trades: int = 3
) -> Candle:
    close = float(price)
    return Candle(
        pair=pair,
        timeframe=timeframe,
        time=START + timedelta(minutes=minute),
        open=close - 1,
        high=close,
        low=close - 1,
        close=close,
        volume=0.1 + 0.2 if trades else 0.0,
        vwap=close,
        trades=trades,
    )


async def stored(directory: Path, *candles: Candle, sealed: bool = False) -> Path:
    store = await open_candle_store(directory)
    await store.append(candles)
    if sealed:
        await store.compact(everything=True)
    await store.close()
    return directory


@pytest.mark.parametrize("sealed", [False, True])
async def test_the_one_minute_rows_of_a_candle_store(tmp_path: Path, *, sealed: bool) -> None:
    await stored(
        tmp_path,
        candle("XBTUSD", 0, "90000.1"),
        candle("XBTUSD", 1, "90001.1", trades=0),
        candle("XBTUSD", 2, "90002.1"),
        candle("XBTUSD", 0, "95000.0", Timeframe.H1),
        candle("ETHUSD", 1, "3000.5"),
        candle("NOPEUSD", 1, "1.5"),
        sealed=sealed,
    )
    assert any(tmp_path.glob("1m/*/*.parquet")) is sealed  # noqa: ASYNC240 - a look at a test's own files
    before = (tmp_path / "tail.db").read_bytes()
    market = load_replay(tmp_path, CATALOG, START)
    bars = [market.minute("XBTUSD", MINUTE + index) for index in range(3)]
    assert [(bar.open, bar.close, bar.volume, bar.trades) for bar in bars] == [
        (899991, 900001, 30000000, 3),
        (900001, 900001, 0, 0),
        (900011, 900021, 30000000, 3),
    ]
    assert market.minute("ETHUSD", MINUTE + 1).close == 300050
    assert market.span("SOLUSD", MINUTE, MINUTE + 600).trades == 0
    assert (tmp_path / "tail.db").read_bytes() == before


async def test_what_the_tail_says_corrects_what_was_sealed(tmp_path: Path) -> None:
    await stored(tmp_path, candle("XBTUSD", 0, "90000.1"), candle("XBTUSD", 1, "90001.1"), sealed=True)
    await stored(tmp_path, candle("XBTUSD", 1, "90005.1"), candle("XBTUSD", 2, "90006.1"))
    market = load_replay(tmp_path, CATALOG, START)
    assert [market.minute("XBTUSD", MINUTE + index).close for index in range(3)] == [900001, 900051, 900061]


async def test_files_go_before_a_candle_store(tmp_path: Path) -> None:
    await stored(tmp_path, candle("XBTUSD", 0, "90000.1"), candle("ETHUSD", 0, "3000.5"))
    market = load_replay(written(tmp_path, XBTUSD_1=BITCOIN), CATALOG, START)
    assert market.minute("XBTUSD", MINUTE).trades == 40
    assert market.minute("ETHUSD", MINUTE).trades == 0


async def test_a_candle_store_that_cannot_be_played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await stored(tmp_path, candle("XBTUSD", 0, "90000.1", Timeframe.H1), candle("NOPEUSD", 0, "1.5"))
    with pytest.raises(UsageError, match=r"or a candle store with one-minute rows of them \(tail\.db\)"):
        load_replay(tmp_path, CATALOG, START)
    await stored(tmp_path, candle("XBTUSD", 0, "90000.1"), candle("XBTUSD", 1, "90000.1", trades=1))
    with pytest.raises(UsageError, match=r"tail\.db \(XBTUSD\): line 2 cannot be played: its prices"):
        load_replay(tmp_path, CATALOG, START)
    monkeypatch.setattr(replay, "ROWS_MAX", 0)
    with pytest.raises(UsageError, match="more than 0 rows"):
        load_replay(tmp_path, CATALOG, START)
    (tmp_path / "tail.db").write_text("not a database, but long enough to look at " * 100, "ascii")
    with pytest.raises(UsageError, match="the candle store cannot be read"):
        load_replay(tmp_path, CATALOG, START)


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    files = {"XBTUSD_1": BITCOIN, "XBTUSD_5": "nonsense", "NOPEUSD_1": "nonsense", "notes": "nonsense"}
    market = load_replay(written(tmp_path, **files), CATALOG, START)
    assert market.minute("XBTUSD", MINUTE).trades == 40
    assert market.span("SOLUSD", MINUTE, MINUTE + 600).trades == 0


def test_old_prices_are_snapped_to_the_tick_and_volumes_to_the_lot(tmp_path: Path) -> None:
    rows = "1381017600,122.04999,122.3,122.04999,122.25,0.123456789,5\n1381017660,122,122,122,122,1e-12,1\n"
    market = load_replay(written(tmp_path, XBTUSD_1=rows), CATALOG, START)
    one, two = market.minute("XBTUSD", MINUTE), market.minute("XBTUSD", MINUTE + 1)
    assert (one.open, one.high, one.low, one.close) == (1220, 1223, 1220, 1222)
    assert (one.volume, two.volume) == (12345679, 1), "at least a lot"


@pytest.mark.parametrize(
    ("row", "complaint"),
    [
        ("time,open,high,low,close,volume,trades", "a row is unix second, open, high, low, close, volume"),
        ("1617148860,1,1,1,1,1", "a row is unix second"),
        ("1617148860,1,1,1,1,-1,1", "a row is unix second"),
        ("1617148860,nan,1,1,1,1,1", "a row is unix second"),
        ("1617148860,1,1,1,1,1,1" + "0" * 400, "a row is unix second"),
        ("1617148865,1,1,1,1,1,1", "1617148865 is not the start of a minute"),
        ("1617148800,1,1,1,1,1,1", "its time is not after that of the row before"),
        ("1617148860,5,4,3,3.5,1,9", "its prices contradict each other, or it has too few trades"),
        ("1617148860,1,2,1,2,1,1", "its prices contradict each other, or it has too few trades"),
        ("1617148860,0,0,0,0,1,1", "its prices contradict each other"),
        ("1617148860,1,1,1,1,1,0", "it has a volume but no trades"),
        ("1617148860,999999999999999,999999999999999,1,1,999999999999999,9", "a number is too large"),
    ],
)
def test_a_bad_row_is_named_with_file_and_line(tmp_path: Path, row: str, complaint: str) -> None:
    path = written(tmp_path, XBTUSD_1=f"1617148800,1,1,1,1,1,1\n\n{row}\n") / "XBTUSD_1.csv"
    with pytest.raises(UsageError) as refusal:
        load_replay(tmp_path, CATALOG, START)
    assert str(refusal.value).startswith(f"--replay {path}: line 3 cannot be played: {complaint}")


def test_what_cannot_be_played_at_all(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"there is no file to play\. One-minute files"):
        load_replay(tmp_path / "nowhere", CATALOG, START)
    written(tmp_path, XBTUSD_1="1617148860,1,1,1,1,0,0\n")
    with pytest.raises(UsageError, match="the file has no rows with trades"):
        load_replay(tmp_path, CATALOG, START)
    (tmp_path / "XBTUSD_1.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read as text"):
        load_replay(tmp_path, CATALOG, START)


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "ROWS_MAX", 2)
    with pytest.raises(UsageError, match="more than 2 rows"):
        load_replay(written(tmp_path, XBTUSD_1=BITCOIN), CATALOG, START)


def test_what_would_play_after_the_end_of_time_is_left_out(tmp_path: Path) -> None:
    late = datetime(2199, 12, 31, 23, 58, tzinfo=UTC)
    market = load_replay(written(tmp_path, XBTUSD_1=BITCOIN), CATALOG, late)
    last = micros_of(late) // MINUTE_MICROS
    assert market.span("XBTUSD", last, last + 10).trades == 41


ROWS = st.tuples(st.integers(1, 10**6), st.integers(0, 999), st.integers(0, 999), st.integers(0, 999))


@given(
    st.lists(
        st.tuples(st.integers(1, 2000), ROWS, st.integers(1, 10**12), st.integers(4, 50)),
        min_size=1,
        max_size=20,
    )
)
def test_every_row_of_a_file_is_rebuilt_by_its_trades(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int, tuple[int, int, int, int], int, int]],
) -> None:
    minute, lines, expected = 27_000_000, [], []
    for gap, (low, span, opened, closed), lots, trades in rows:
        minute += gap
        high = low + span
        prices = (low + opened % (span + 1), high, low, low + closed % (span + 1))
        texts = [format(Decimal(price).scaleb(-1), "f") for price in prices]
        lines.append(f"{minute * 60},{','.join(texts)},{Decimal(lots).scaleb(-8):f},{trades}")
        expected.append((minute, *prices, lots, trades))
    directory = tmp_path_factory.mktemp("replay")
    market = load_replay(written(directory, XBTUSD_1="\n".join(lines)), CATALOG, START)
    ahead = MINUTE - expected[0][0]
    for at, opened, high, low, closed, lots, trades in expected:
        tape = market.tape("XBTUSD", at + ahead)
        traded = [trade.price for trade in tape.prints]
        assert (traded[0], max(traded), min(traded), traded[-1], len(traded)) == (
            opened,
            high,
            low,
            closed,
            trades,
        )
        assert sum(trade.volume for trade in tape.prints) == lots
        assert tape.bar(MINUTE_MICROS, 0) == market.minute("XBTUSD", at + ahead)


def test_a_shock_strikes_a_recording_too(tmp_path: Path) -> None:
    market = load_replay(written(tmp_path, XBTUSD_1=BITCOIN), CATALOG, START)
    market.shift("XBTUSD", (MINUTE + 2) * MINUTE_MICROS, -100_000)
    assert market.minute("XBTUSD", MINUTE + 2).close == 487862
    assert market.minute("XBTUSD", MINUTE + 4).open == 487900
    assert market.last_print("XBTUSD", (MINUTE + 4) * MINUTE_MICROS).price == 487862
