"""Files and variables, read without falling over anything that can be in them."""

import os
from decimal import Decimal
from pathlib import Path

import pytest

from krakked_tui.config.layers import FILE_MAX, read_environment, read_file
from krakked_tui.config.problems import Findings, InvalidConfigError


def _problem(path: Path) -> str:
    findings = Findings()
    layer = read_file(path, findings)
    assert layer is not None
    assert layer.values == {}
    with pytest.raises(InvalidConfigError) as caught:
        findings.refuse_any()
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}: ")
    return problem


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"[ui", "is not valid TOML: "),
        (b"a = 1\na = 2", "is not valid TOML: "),
        (b"a = \xff", "is not UTF-8 text (byte 4)"),
        (b"a = " + b"[" * 100_000, "it is nested too deeply"),
        (b"a = " + b"9" * 5000, "a number or date in it is impossible"),
        (b"a = 2026-02-31", "is not valid TOML: "),
        (b"# " + b"x" * FILE_MAX, "is larger than 256 KiB"),
    ],
)
def test_a_file_that_is_no_configuration_is_one_problem(tmp_path: Path, content: bytes, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(content)
    assert text in _problem(path)


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.symlink_to(path)
    assert "cannot be read (Too many levels of symbolic links)" in _problem(path)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    assert "is a directory: name a file" in _problem(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe or device: name a file" in _problem(tmp_path / "pipe")
    assert "is a pipe or device: name a file" in _problem(Path("/dev/zero"))


def test_a_mark_that_some_editors_put_first_does_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[ui]\ntheme = 'classic'\n")
    layer = read_file(path, Findings())
    assert layer is not None
    assert layer.values == {"ui": {"theme": "classic"}}


def test_numbers_with_a_point_keep_their_digits(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("a = 2.30")
    layer = read_file(path, Findings())
    assert layer is not None
    assert str(layer.values["a"]) == "2.30"


@pytest.mark.parametrize(
    ("name", "text", "values"),
    [
        ("KRAKKED__UI__THEME", "classic", {"ui": {"theme": "classic"}}),
        ("KRAKKED__UI__THEME", '"classic"', {"ui": {"theme": "classic"}}),
        ("KRAKKED__UI__REFRESH_HZ", "5", {"ui": {"refresh_hz": 5}}),
        ("KRAKKED__UI__READ_ONLY", "true", {"ui": {"read_only": True}}),
        ("KRAKKED__RISK__MAX_PER_ASSET_PCT", "2.30", {"risk": {"max_per_asset_pct": Decimal("2.30")}}),
        ("KRAKKED__BACKUP__TIME_UTC", "04:00", {"backup": {"time_utc": "04:00"}}),
        ("KRAKKED__PORTFOLIO__BASE_CURRENCY", "1", {"portfolio": {"base_currency": "1"}}),
        ("KRAKKED__STRATEGIES__ENABLED", '["a", "b"]', {"strategies": {"enabled": ["a", "b"]}}),
        ("KRAKKED__RISK", "{max_open_positions = 3}", {"risk": {"max_open_positions": 3}}),
        (
            "KRAKKED__STRATEGIES__CONFIGS__TREND_FOLLOWING_V1__PARAMS__MA_FAST",
            "5",
            {"strategies": {"configs": {"trend_following_v1": {"params": {"ma_fast": 5}}}}},
        ),
        ("KRAKKED__NOPE__NOPE__NOPE", "x = [", {"nope": {"nope": {"nope": "x = ["}}}),
        ("KRAKKED__", "[" * 100_000, {"": "[" * 100_000}),
    ],
)
def test_a_variable_is_a_layer_of_one_key(name: str, text: str, values: dict[str, object]) -> None:
    (layer,) = read_environment({name: text, "KRAKKED_HOME": "/x", "krakked__ui__theme": "x"})
    assert (layer.origin, layer.values) == (f"environment {name}", values)
