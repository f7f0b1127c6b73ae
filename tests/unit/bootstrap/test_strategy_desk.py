"""Strategies at the command line: a new one, and checking one."""

import sys
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest

from krakked_tui.bootstrap.strategy_desk import Desk, check_strategy, find, new_strategy, open_desk
from krakked_tui.domain.candles import Candle, Timeframe
from krakked_tui.domain.errors import NoDataError, RefusedError, StorageError, UsageError
from krakked_tui.storage.candles import open_candle_store
from krakked_tui.strategies.practice import practice_candles

H1 = Timeframe.H1


@pytest.fixture(autouse=True)
def _forget_modules() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.startswith("krakked_tui_user_strategies.")]:
        del sys.modules[name]


def desk_of(home: Path) -> Desk:
    return open_desk("paper", {"KRAKKED_HOME": str(home)}, None)


def directory_of(home: Path) -> Path:
    return home / "config" / "strategies"


async def test_a_new_strategy_is_private_loads_and_passes_its_check(tmp_path: Path) -> None:
    path = new_strategy(directory_of(tmp_path), "my_idea")
    assert path == directory_of(tmp_path) / "my_idea.py"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    desk = desk_of(tmp_path)
    assert desk.loaded.catalogue.failures == ()
    assert desk.loaded.catalogue.types["my_idea"].strategy.__name__ == "MyIdea"
    checked = await check_strategy(desk, "my_idea", pair=None, timeframe=None, bars=40)
    assert checked.report.passed
    assert checked.report.entries > 0
    assert checked.timeframe is H1


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = new_strategy(directory_of(tmp_path), "my_idea")
    path.write_text("mine")
    with pytest.raises(RefusedError, match="is there already and is not changed: use another name"):
        new_strategy(directory_of(tmp_path), "my_idea")
    assert path.read_text() == "mine"
    target = tmp_path / "target"
    (directory_of(tmp_path) / "linked.py").symlink_to(target)
    with pytest.raises(RefusedError):
        new_strategy(directory_of(tmp_path), "linked")
    assert not target.exists()


@pytest.mark.parametrize("name", ["", "ab", "My", "a-b", "../evil", "1abc", "a" * 41, "abc\n", "äbc"])
def test_bad_names_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is no name of a strategy"):
        new_strategy(directory_of(tmp_path), name)
    assert not directory_of(tmp_path).exists()


def test_names_of_what_comes_with_krakked_are_taken(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="breakout is the name of a strategy that comes with Krakked"):
        new_strategy(directory_of(tmp_path), "breakout")


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        new_strategy(tmp_path / "file" / "strategies", "my_idea")


def test_strategies_are_found_by_id_and_by_type(tmp_path: Path) -> None:
    desk = desk_of(tmp_path)
    settings, known = find(desk, "breakout_v1")
    assert (settings.id, settings.timeframes) == ("breakout_v1", (Timeframe.H4,))
    assert known is desk.loaded.catalogue.types["breakout"]
    settings, known = find(desk, "breakout")
    assert (settings.id, settings.timeframes) == ("breakout", (H1,))
    with pytest.raises(UsageError, match="there is no strategy 'gone': known are breakout, breakout_v1,"):
        find(desk, "gone")


async def test_a_configured_one_is_checked_with_its_settings(tmp_path: Path) -> None:
    checked = await check_strategy(desk_of(tmp_path), "breakout_v1", pair=None, timeframe=None, bars=20)
    assert (checked.timeframe, checked.report.passed, checked.report.bars) == (Timeframe.H4, True, 20)
    checked = await check_strategy(desk_of(tmp_path), "breakout_v1", pair=None, timeframe=H1, bars=20)
    assert checked.timeframe is H1


async def test_one_that_looks_ahead_is_caught(tmp_path: Path) -> None:
    path = new_strategy(directory_of(tmp_path), "my_idea")
    path.write_text(path.read_text().replace("above.shift(1)", "above.shift(-1)"))
    checked = await check_strategy(desk_of(tmp_path), "my_idea", pair=None, timeframe=None, bars=40)
    assert {leak.what for leak in checked.report.leaks} == {"enter"}


async def test_one_that_raises_is_refused_with_the_line(tmp_path: Path) -> None:
    path = new_strategy(directory_of(tmp_path), "my_idea")
    source = path.read_text()
    path.write_text(source.replace('pl.col("average")', 'pl.col("averge")'))
    with pytest.raises(RefusedError, match=r"my_idea cannot be checked: ColumnNotFoundError.*averge"):
        await check_strategy(desk_of(tmp_path), "my_idea", pair=None, timeframe=None, bars=5)
    path.write_text("1 / 0")
    (tmp_path / "config" / "config.toml").write_text(
        '[strategies.configs.mine]\ntype = "my_idea"\ntimeframes = ["1h"]\n'
    )
    with pytest.raises(RefusedError, match="mine cannot be built: there is no strategy of type 'my_idea'"):
        await check_strategy(desk_of(tmp_path), "mine", pair=None, timeframe=None, bars=5)


async def _store(home: Path, bars: int) -> None:
    root = home / "data" / "candles" / "kraken"
    store = await open_candle_store(root)
    rows = practice_candles(H1, bars).filter(pair="XBTUSD").rows(named=True)
    await store.append([Candle(timeframe=H1, **{**row, "time": row["time"].astimezone(UTC)}) for row in rows])
    await store.close()


async def test_the_stored_candles_of_a_pair_are_checked(tmp_path: Path) -> None:
    with pytest.raises(NoDataError, match="no candles are stored"):
        await check_strategy(desk_of(tmp_path), "breakout", pair="XBTUSD", timeframe=H1, bars=20)
    await _store(tmp_path, 60)
    checked = await check_strategy(desk_of(tmp_path), "breakout", pair="XBTUSD", timeframe=H1, bars=20)
    assert checked.pairs == ("XBTUSD",)
    assert checked.report.passed
    assert checked.report.bars == 20
    with pytest.raises(NoDataError, match="60 candles of XBTUSD 1h are stored, and mean_reversion needs"):
        await check_strategy(desk_of(tmp_path), "mean_reversion", pair="XBTUSD", timeframe=H1, bars=20)
