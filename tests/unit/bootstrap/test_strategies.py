"""The user's own strategies: loaded when they can be, and never a reason to stop."""

import logging
import os
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from krakked_tui.bootstrap import strategies as loading
from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.strategies import load_catalogue, load_set, log_failures, strategies_that_run
from krakked_tui.config.load import Layer, load
from krakked_tui.config.places import places
from krakked_tui.config.problems import InvalidConfigError
from krakked_tui.config.schema import AppConfig
from krakked_tui.strategies.catalogue import BUILT_IN, Catalogue
from krakked_tui.strategies.loaded import Failure, load_class

GOOD = '''
"""A strategy of mine."""
from __future__ import annotations
from typing import Annotated
import msgspec
import polars as pl
from krakked_tui.strategies.signal import SignalStrategy

class Parameters(msgspec.Struct, frozen=True):
    bars: Annotated[int, msgspec.Meta(ge=1, le=50, description="Bars.")] = 7

class {name}(SignalStrategy[Parameters]):
    type_name = "{type}"
    parameters_type = Parameters

    @property
    def warmup_bars(self) -> int:
        return self.parameters.bars

    def indicators(self):
        return {{}}

    def enter(self):
        return pl.col("close") > 0

    def exit(self):
        return pl.col("close") < 0
'''


@pytest.fixture(autouse=True)
def _forget_modules() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.startswith("krakked_tui_user_strategies.")]:
        del sys.modules[name]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    found = tmp_path / "config" / "strategies"
    found.mkdir(parents=True, mode=0o700)
    return found


def write(directory: Path, name: str = "mine.py", kind: str = "mine", source: str = GOOD) -> Path:
    path = directory / name
    path.write_text(source.replace("{name}", "Mine").replace("{type}", kind).replace("{{}}", "{}"))
    path.chmod(0o600)
    return path


def own(directory: Path, *packages: EntryPoint) -> Catalogue:
    return load_catalogue(directory, packages)


def sentences(catalogue: Catalogue) -> list[str]:
    return [failure.sentence for failure in catalogue.failures]


def test_a_file_beside_the_configuration_is_a_strategy(directory: Path) -> None:
    path = write(directory)
    found = own(directory)
    assert sentences(found) == []
    assert set(found.types) == {*BUILT_IN.types, "mine"}
    origin = found.types["mine"].origin
    assert (origin.kind, origin.path, origin.class_name) == ("file", str(path), "Mine")
    assert origin.source == path.read_text()
    assert load_class(origin).type_name == "mine"


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("1 / 0", "cannot be loaded: ZeroDivisionError: division by zero"),
        ("import not_there", "cannot be loaded: ModuleNotFoundError: No module named 'not_there'"),
        ("def broken(:", "cannot be loaded: SyntaxError: "),
        ("raise SystemExit(3)", "cannot be loaded: SystemExit: 3"),
        ("x = 1", "defines no strategy: derive a class from SignalStrategy"),
        (GOOD.replace("Annotated[int, msgspec.Meta(ge=1", "Annotated[int, msgspec.Meta(gt=0"),
         "strategy Mine cannot be used: TypeError: a strategy parameter is declared as"),
        (GOOD.replace('pl.col("close") > 0', "1 / 0"),
         "strategy Mine cannot be used: ZeroDivisionError: division by zero"),
        (GOOD.replace("self.parameters.bars", "0"), "strategy Mine says '0' for warmup_bars"),
        (GOOD.replace("{type}", "breakout"),
         "strategy Mine has the type_name 'breakout', which another strategy has already"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_disables_itself_only(source: str, sentence: str, directory: Path) -> None:
    bad = write(directory, "bad.py", source=source)
    write(directory, "good.py", "good")
    found = own(directory)
    (told,) = sentences(found)
    assert told.startswith(f"{bad}")
    assert sentence in told
    assert "\n" not in told
    assert "good" in found.types
    assert found.types["breakout"] == BUILT_IN.types["breakout"]


def test_the_second_of_two_with_one_name_is_left_out(directory: Path) -> None:
    first, second = write(directory, "aaa.py"), write(directory, "bbb.py")
    found = own(directory)
    assert found.types["mine"].origin.path == str(first)
    (told,) = sentences(found)
    assert told.startswith(f"{second}: strategy Mine has the type_name 'mine'")


def test_files_that_others_could_have_written_are_not_run(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(directory)
    path.chmod(0o602)
    assert sentences(own(directory)) == [
        f"{path} may be changed by everybody and is not loaded: take that right away (chmod o-w)"
    ]
    path.chmod(0o640)
    assert sentences(own(directory)) == []
    directory.chmod(0o702)
    (told,) = sentences(own(directory))
    assert told.startswith(f"{path} lies in a directory that may be changed by everybody")
    directory.chmod(0o700)
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    (told,) = sentences(own(directory))
    assert "belongs to another user and is not loaded: make it yours (chown) or remove it" in told


def test_what_is_no_plain_file_of_bounded_size_is_not_run(directory: Path, tmp_path: Path) -> None:
    elsewhere = write(tmp_path, "elsewhere.py")
    (directory / "link.py").symlink_to(elsewhere)
    os.mkfifo(directory / "pipe.py", 0o600)
    (directory / "folder.py").mkdir(0o700)
    write(directory, "large.py", source="#" * (loading.FILE_MAX + 1))
    (directory / "latin.py").write_bytes(b"# \xe4")
    told = {Path(each.split(" ")[0]).name: each for each in sentences(own(directory))}
    assert "symbolic link" in told["link.py"]
    assert "is no file" in told["pipe.py"]
    assert "folder.py" in told
    assert "larger than 256 KiB" in told["large.py"]
    assert "UnicodeDecodeError" in told["latin.py"]


def test_other_files_are_not_looked_at_and_no_directory_is_no_problem(directory: Path) -> None:
    for name in ("notes.txt", "_helper.py", ".hidden.py", "mine.py~"):
        write(directory, name, source="1 / 0")
    assert own(directory) == own(directory / "missing") == Catalogue(BUILT_IN.types)


def test_there_is_an_end_to_files(directory: Path) -> None:
    for number in range(loading.FILES_MAX + 1):
        (directory / f"a{number:03}.py").write_text("")
    *each, last = sentences(own(directory))
    assert len(each) == loading.FILES_MAX
    assert last == f"{directory} holds 101 files: only the first 100 are loaded"


def test_a_directory_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    (told,) = sentences(own(loop))
    assert told.startswith(f"{loop} cannot be read (")


def test_installed_packages_offer_strategies(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "offered_by_a_package.py", "offered")
    monkeypatch.syspath_prepend(str(tmp_path))
    offers = [
        EntryPoint("whole", "offered_by_a_package", loading.ENTRY_POINTS),
        EntryPoint("broken", "no_such_package:Mine", loading.ENTRY_POINTS),
        EntryPoint("not", "offered_by_a_package:Parameters", loading.ENTRY_POINTS),
    ]
    found = own(directory, *offers)
    assert found.types["offered"].origin.kind == "package"
    assert load_class(found.types["offered"].origin) is found.types["offered"].strategy
    told = sentences(found)
    assert told[0].startswith("package strategy 'broken' cannot be loaded: ModuleNotFoundError")
    assert (
        told[1] == "package strategy 'not': strategy Parameters is no strategy: derive it from SignalStrategy"
    )
    single = own(directory, EntryPoint("one", "offered_by_a_package:Mine", loading.ENTRY_POINTS))
    assert "offered" in single.types
    del sys.modules["offered_by_a_package"]


def test_without_saying_which_packages_those_installed_are_asked(directory: Path) -> None:
    assert load_catalogue(directory).types.keys() >= BUILT_IN.types.keys()


CONFIGURED = """
[strategies]
enabled = ["trend_following_v1", "my_own"]

[strategies.configs.my_own]
type = "mine"
timeframes = ["1h"]
params = { bars = 9 }
"""


def read(directory: Path) -> tuple[AppConfig, Catalogue, tuple[str, ...]]:
    home = directory.parent.parent
    environment = {"KRAKKED_HOME": str(home)}
    (directory.parent / "config.toml").write_text(CONFIGURED)
    sources = Sources(where=places("paper", environment), profile="paper", environment=environment)
    loaded = read_configuration(sources)
    return loaded.config, loaded.catalogue, loaded.warnings


def test_a_strategy_of_the_users_is_configured_like_any_other(directory: Path) -> None:
    write(directory)
    config, catalogue, warnings = read(directory)
    assert warnings == ()
    built = load_set(config, catalogue)
    mine, trend = built.strategies
    assert (mine.strategy.settings.id, mine.strategy.warmup_bars, mine.origin.kind) == ("my_own", 9, "file")
    assert trend.origin.kind == "built-in"
    assert [each.settings.id for each in strategies_that_run(config, catalogue)] == [
        "my_own", "trend_following_v1",
    ]  # fmt: skip
    wrong = {"type": "mine", "timeframes": ["1h"], "params": {"bars": 51}}
    layer = Layer("a", {"strategies": {"configs": {"x_1": wrong}}})
    with pytest.raises(InvalidConfigError, match="bars is 51: must be a whole number from 1 to 50"):
        load([layer], {}, catalogue=catalogue)


def test_one_that_cannot_be_loaded_does_not_stop_the_others(directory: Path) -> None:
    write(directory, source="1 / 0")
    config, catalogue, warnings = read(directory)
    assert any("mine.py cannot be loaded: ZeroDivisionError" in warning for warning in warnings)
    built = load_set(config, catalogue)
    assert [each.strategy.settings.id for each in built.strategies] == ["trend_following_v1"]
    assert built.failed == {"my_own": "there is no strategy of type 'mine'; see what could not be loaded"}
    # Its settings are there: what it holds is looked after.
    assert [settings.id for settings in config.strategies.active] == ["trend_following_v1", "my_own"]


def test_a_type_that_nobody_has_is_a_mistake(directory: Path) -> None:
    with pytest.raises(InvalidConfigError, match='type is "mine", which is no strategy'):
        read(directory)


def test_the_log_gets_the_traceback(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, logger="krakked_tui"):
        log_failures([Failure("mine.py cannot be loaded: ValueError", "Traceback: line 3")])
    assert caplog.messages == ["mine.py cannot be loaded: ValueError\nTraceback: line 3"]
