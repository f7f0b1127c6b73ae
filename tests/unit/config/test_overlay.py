"""The runtime overlay: refused changes, writers at once, and writers that are killed."""

import subprocess
import sys
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest

from krakked_tui.config.layers import Layer
from krakked_tui.config.load import load
from krakked_tui.config.overlay import change_overlay
from krakked_tui.config.ui_settings import ThemeName
from krakked_tui.domain.errors import ConfigError, RefusedError, StorageError
from krakked_tui.storage.files import LOCK_TRIES, FileLock

KILLS = 20

WRITER = """
import sys
from pathlib import Path
from krakked_tui.config.overlay import change_overlay
path, name, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(count):
    changes = {"a": number, "b": number, f"n{number}": "x" * 500}
    change_overlay(path, {f"{name}.{key}": value for key, value in changes.items()}, lambda _: None)
    print(number, flush=True)
"""


def _check(overlay: Layer) -> object:
    return load([overlay], {})


def _change(path: Path, changes: Mapping[str, Any]) -> None:
    change_overlay(path, changes, _check)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "runtime.toml"


def test_changes_are_kept_and_read_back(path: Path) -> None:
    _change(path, {"ui.theme": ThemeName.CLASSIC, "risk.max_per_asset_pct": Decimal("2.30")})
    _change(path, {"ui.refresh_hz": 2})
    loaded = load([path], {})
    assert (loaded.config.ui.theme, loaded.config.ui.refresh_hz) == (ThemeName.CLASSIC, 2)
    assert str(loaded.config.risk.max_per_asset_pct) == "2.30"
    assert loaded.origins["ui.theme"] == str(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_none_takes_a_key_out_again(path: Path) -> None:
    _change(path, {"ui.refresh_hz": 2, "ui.theme": "classic"})
    _change(path, {"ui.refresh_hz": None})
    assert tomllib.loads(path.read_text()) == {"ui": {"theme": "classic"}}


@pytest.mark.parametrize(
    "changes",
    [
        {"ui.refresh_hz": 99},
        {"ui.nope": 1},
        {"ui.refresh_hz": 2, "ui.theme": "pink"},
        {"ui": 3},
        {"ui.theme.x": 1},
    ],
)
def test_a_bad_change_is_refused_and_nothing_is_written(path: Path, changes: dict[str, Any]) -> None:
    _change(path, {"ui.theme": "classic"})
    before = path.read_bytes()
    with pytest.raises(ConfigError):
        _change(path, changes)
    assert path.read_bytes() == before
    with pytest.raises(ConfigError):
        _change(path.with_name("other.toml"), {"ui.refresh_hz": 99})
    assert not path.with_name("other.toml").exists()


def test_an_overlay_that_cannot_be_read_is_told_and_not_overwritten(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("[ui\n")
    with pytest.raises(ConfigError, match=r"runtime\.toml: is not valid TOML"):
        _change(path, {"ui.refresh_hz": 2})
    assert path.read_text() == "[ui\n"


def test_a_writer_that_never_ends_is_not_waited_for_for_ever(path: Path) -> None:
    lock = FileLock(path.with_name("runtime.toml.lock"), "tested")
    pauses: list[float] = []
    with pytest.raises(RefusedError, match="is already being changed by another Krakked"):
        change_overlay(path, {"ui.refresh_hz": 2}, _check, pause=pauses.append)
    assert len(pauses) == LOCK_TRIES - 1
    lock.release()
    _change(path, {"ui.refresh_hz": 2})


def test_the_lock_is_given_back_whatever_happens(path: Path) -> None:
    for _ in range(3):
        with pytest.raises(ConfigError):
            _change(path, {"ui.refresh_hz": 99})
    _change(path, {"ui.refresh_hz": 2})


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a directory should be")
    with pytest.raises(StorageError, match="cannot be"):
        _change(tmp_path / "state" / "runtime.toml", {"ui.refresh_hz": 2})


def _writer(path: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), name, str(count)], stdout=subprocess.PIPE, text=True
    )


def test_writers_in_threads_and_processes_lose_nothing(path: Path) -> None:
    writers = [_writer(path, f"process{number}", 40) for number in range(2)]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()  # now both are at it

    def write(thread: int) -> None:
        for number in range(15):
            change_overlay(path, {f"thread{thread}.n{number}": number}, lambda _: None)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    for writer in writers:
        writer.communicate()
        assert writer.returncode == 0
    values = tomllib.loads(path.read_text())
    for thread in range(3):
        assert values[f"thread{thread}"] == {f"n{number}": number for number in range(15)}
    for process in range(2):
        assert {f"n{number}" for number in range(40)} <= values[f"process{process}"].keys()


def test_a_writer_that_is_killed_leaves_the_old_file_or_the_new_one(path: Path) -> None:
    random = Random(7)
    for kill in range(KILLS):
        with _writer(path, "w", 10_000) as writer:
            assert writer.stdout is not None
            written = -1
            for _ in range(random.randint(1, 6)):
                written = int(writer.stdout.readline())
            for _ in range(random.randint(0, 60_000)):
                pass  # to another point of the next write
            writer.kill()
            written = max([written, *map(int, writer.stdout.read().split())])
        values = tomllib.loads(path.read_text())["w"]
        assert values["a"] == values["b"] >= written
        assert f"n{values['a']}" in values
        # Nothing of the dead stands in the way, and the next writer clears up after it.
        change_overlay(path, {"kills": kill}, lambda _: None)
        assert {file.name for file in path.parent.iterdir()} == {"runtime.toml", "runtime.toml.lock"}
        path.unlink()


def test_what_a_killed_writer_left_is_removed(path: Path) -> None:
    path.parent.mkdir()
    remains = path.parent / ".runtime.toml.k2j3"
    remains.touch()
    _change(path, {"ui.refresh_hz": 2})
    assert not remains.exists()
