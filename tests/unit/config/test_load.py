"""Configuration: precedence, and every problem at once."""

from decimal import Decimal
from pathlib import Path

import pytest

from krakked_tui.config.load import Layer, build, load
from krakked_tui.config.schema import AppConfig
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import ConfigError


def _problems(*layers: Layer) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        build(layers)
    return list(caught.value.problems)


def test_nothing_given_means_the_defaults() -> None:
    assert build([]) == AppConfig()


def test_later_layers_win_key_by_key_and_the_environment_wins_over_files(tmp_path: Path) -> None:
    main, overlay = tmp_path / "config.toml", tmp_path / "config.demo.toml"
    main.write_text("[risk]\nmax_open_positions = 3\nmax_per_asset_pct = 7\n")
    overlay.write_text("[risk]\nmax_open_positions = 4\n")
    environment = {"KRAKKED__RISK__MAX_OPEN_POSITIONS": "5", "KRAKKED__UI__THEME": "classic", "OTHER": "x"}
    assert load([main, overlay], {}).risk.max_open_positions == 4
    config = load([main, overlay], environment)
    assert config.risk.max_open_positions == 5
    assert config.risk.max_per_asset_pct == 7
    assert config.ui.theme == "classic"


def test_money_keeps_its_digits() -> None:
    config = build([Layer("a", {"risk": {"max_per_asset_pct": Decimal("2.30")}})])
    assert str(config.risk.max_per_asset_pct) == "2.30"


def test_a_file_that_does_not_exist_counts_as_empty(tmp_path: Path) -> None:
    assert load([tmp_path / "none.toml"], {}) == AppConfig()


def test_every_problem_is_reported_with_its_key_its_origin_and_what_is_allowed() -> None:
    values = {
        "risk": {"max_open_position": 3, "max_per_asset_pct": 101},
        "execution": {"deadline_seconds": Decimal("99.5"), "on_shutdown": "stay"},
        "ui": 3,
        "markets": {},
        "strategies": {"configs": {"mine": {"type": "trend_following", "timeframes": ["2m"]}}},
    }
    problems = _problems(Layer("my.toml", values))
    for expected in (
        "my.toml: risk.max_open_position unknown key; did you mean max_open_positions?",
        "my.toml: execution.deadline_seconds is 99.5: expected `float` <= 60.0",
        "my.toml: ui is 3, must be a table: [ui]",
        "my.toml: markets unknown key; did you mean market_data?",
    ):
        assert expected in problems
    assert any("execution.on_shutdown is 'stay'" in problem for problem in problems)
    assert any("strategies.configs.mine.timeframes" in problem for problem in problems)
    assert len(problems) == 6


def test_a_rule_among_the_values_of_a_section_is_reported_too() -> None:
    (problem,) = _problems(Layer("my.toml", {"risk": {"max_per_asset_pct": 101}}))
    assert problem.startswith("my.toml: risk max_per_asset_pct is 101")


def test_broken_toml_names_the_file_and_the_place(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[risk\n")
    with pytest.raises(ConfigError, match=r"config\.toml: not valid TOML.*line 1"):
        load([path], {})


def test_a_strategy_keeps_the_defaults_it_does_not_override() -> None:
    values = {"strategies": {"configs": {"trend_following_v1": {"max_positions": 2}}}}
    (strategy,) = build([Layer("a", values)]).strategies.active
    assert (strategy.max_positions, strategy.timeframes) == (2, (Timeframe.H1, Timeframe.H4))


def test_enabling_a_strategy_that_is_not_configured_names_the_known_ones() -> None:
    (problem,) = _problems(Layer("a", {"strategies": {"enabled": ["nope"]}}))
    assert "'nope'" in problem
    assert "trend_following_v1" in problem


@pytest.mark.parametrize("text", ["5", "true"])
def test_a_variable_that_is_both_a_value_and_a_table_is_a_problem(text: str) -> None:
    environment = {"KRAKKED__RISK": text, "KRAKKED__RISK__MAX_OPEN_POSITIONS": "3"}
    with pytest.raises(ConfigError, match=r"KRAKKED__RISK__MAX_OPEN_POSITIONS is a key inside another"):
        load([], environment)
