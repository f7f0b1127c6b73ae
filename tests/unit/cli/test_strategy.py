"""The ``strategy`` commands."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from krakked_tui.cli import strategy
from krakked_tui.cli.app import run_command_line


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home of its own, whatever the environment of the tests says."""
    for name in list(os.environ):
        if name.startswith(("KRAKKED", "KRAKEN")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("KRAKKED_HOME", str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("krakked_tui_user_strategies.")]:
        del sys.modules[name]


def test_a_new_one_is_listed_shown_and_passes(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert strategy.new("my_idea") == 0
    assert str(home / "config" / "strategies" / "my_idea.py") in capsys.readouterr().out
    assert strategy.list_strategies() == 0
    listed = capsys.readouterr().out.splitlines()
    assert any(line.split()[:3] == ["my_idea", "file", "MyIdea:"] for line in listed)
    assert any(line.split() == ["breakout_v1", "breakout", "4h", "br1", "not", "enabled"] for line in listed)
    assert any(line.endswith("1h,4h      tfv  enabled") for line in listed)
    assert strategy.show("my_idea") == 0
    shown = capsys.readouterr().out
    assert "say here in a sentence or two" in shown
    assert "bars = 20\n    Bars of the average. Allowed: a whole number from 2 to 500." in shown
    assert "tag = " in shown
    assert "Fixed while the engine runs." in shown
    assert strategy.check("my_idea", bars=20) == 0
    assert (
        "ok: my_idea knows nothing of the future (20 bars of 1h, ADAUSD, ETHUSD," in capsys.readouterr().out
    )


def test_one_that_looks_ahead_fails_with_its_leaks(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strategy.new("my_idea")
    path = home / "config" / "strategies" / "my_idea.py"
    path.write_text(path.read_text().replace("above.shift(1)", "above.shift(-1)"))
    assert strategy.check("my_idea", bars=200) == 1
    told = capsys.readouterr()
    assert "enter is " in told.out
    assert "when no candle after it exists yet" in told.out
    assert "\nand " in told.out
    assert "krakked-tui: my_idea looks ahead" in told.err
    assert strategy.check("my_idea", bars=200, as_json=True) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is False
    assert found["leaks"]


def test_json_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert strategy.list_strategies(as_json=True) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {row["type"] for row in listed["types"]} == {
        "breakout", "dca_rebalance", "mean_reversion", "momentum_rotation", "trend_following",
    }  # fmt: skip
    assert [row["id"] for row in listed["strategies"] if row["enabled"]] == ["trend_following_v1"]
    assert strategy.show("breakout_v1", as_json=True) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["about"].startswith("Breakout: buy a pair")
    assert shown["keys"][0]["key"] == "strategies.configs.breakout_v1.params.entry_bars"
    assert strategy.check("breakout_v1", bars=5, as_json=True) == 0
    checked = json.loads(capsys.readouterr().out)
    assert (checked["passed"], checked["bars"], checked["timeframe"]) == (True, 5, "4h")


def test_what_cannot_be_loaded_is_told_and_the_rest_is_listed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strategy.new("my_idea")
    (home / "config" / "strategies" / "broken.py").write_text("raise ValueError('\\x1b[31mred')")
    assert strategy.list_strategies() == 1
    told = capsys.readouterr()
    assert "my_idea" in told.out
    assert "broken.py cannot be loaded: ValueError: ?[31mred" in told.err
    assert strategy.list_strategies(as_json=True) == 1
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 1


def test_one_whose_type_is_gone_is_shown_with_what_all_have(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strategy.new("my_idea")
    (home / "config" / "strategies" / "my_idea.py").write_text("1 / 0")
    (home / "config" / "config.toml").write_text(
        '[strategies.configs.mine]\ntype = "my_idea"\ntimeframes = ["1h"]\n'
    )
    assert strategy.show("mine") == 0
    told = capsys.readouterr()
    assert "the type my_idea could not be loaded" in told.err
    assert "max_positions = 6" in told.out


def test_a_strategy_that_wants_nothing_is_hardly_tested(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    strategy.new("my_idea")
    path = home / "config" / "strategies" / "my_idea.py"
    path.write_text(path.read_text().replace("return above & ~above.shift(1)", "return above & ~above"))
    assert strategy.check("my_idea", bars=5) == 0
    assert "it never wanted an entry here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "text", "code"),
    [
        (["check", "breakout", "--bars", "0"], "--bars is 0: use 1 to 5000", 2),
        (["check", "breakout", "--bars", "5001"], "--bars is 5001: use 1 to 5000", 2),
        (["check", "breakout", "--timeframe", "2m"], "--timeframe is '2m': use one of 1m", 2),
        (["check", "gone"], "there is no strategy 'gone'", 2),
        (["show", "gone"], "there is no strategy 'gone'", 2),
        (["new", "No"], "is no name of a strategy", 2),
        (["new", "breakout"], "comes with Krakked", 6),
        (["new", "mine", "--profile", "../x"], "profile", 2),
        (["check", "breakout", "--pair", "XBTUSD"], "no candles are stored", 1),
    ],
)
def test_mistakes_are_one_sentence_and_an_exit_code(
    arguments: list[str], text: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command_line(["strategy", *arguments]) == code
    told = capsys.readouterr().err
    assert text in told
    assert "Traceback" not in told
