"""Configuration: precedence, origins, and every problem at once."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krakked_tui.config.load import Layer, Loaded, build, load
from krakked_tui.config.problems import InvalidConfigError, Problem
from krakked_tui.config.renamed import Renamed
from krakked_tui.config.schema import DEFAULT_CONFIGS, AppConfig
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.errors import ConfigError

LEVELS = ("config.toml", "config.demo.toml", "runtime.toml", "environment", "command line")


def _problems(*layers: Layer) -> tuple[Problem, ...]:
    with pytest.raises(InvalidConfigError) as caught:
        build(layers)
    return caught.value.findings


def test_nothing_given_means_the_defaults() -> None:
    assert build([]) == AppConfig()


def _load_at(directory: Path, levels: dict[str, int]) -> Loaded:
    """Set one key at some of the levels."""
    files = [directory / name for name in LEVELS[:3]]
    for file in files:
        file.unlink(missing_ok=True)
        if file.name in levels:
            file.write_text(f"[risk]\nmax_open_positions = {levels[file.name]}\n")
    environment = {"OTHER": "x", "KRAKKED_HOME": "/x"}
    if "environment" in levels:
        environment["KRAKKED__RISK__MAX_OPEN_POSITIONS"] = str(levels["environment"])
    given = levels.get("command line")
    line = None if given is None else Layer("command line", {"risk": {"max_open_positions": given}})
    return load(files, environment, line)


@pytest.mark.parametrize("chosen", range(2 ** len(LEVELS)))
def test_the_highest_level_that_says_something_wins(tmp_path: Path, chosen: int) -> None:
    levels = {name: number + 1 for number, name in enumerate(LEVELS) if chosen >> number & 1}
    loaded = _load_at(tmp_path, levels)
    origin = loaded.origins["risk.max_open_positions"]
    if not levels:
        assert (loaded.config.risk.max_open_positions, origin) == (10, "default")
        return
    highest = max(levels, key=LEVELS.index)
    assert loaded.config.risk.max_open_positions == levels[highest]
    origins = {"environment": "environment KRAKKED__RISK__MAX_OPEN_POSITIONS", "command line": "command line"}
    assert origin == origins.get(highest, str(tmp_path / highest))
    assert [file.name for file in loaded.files] == [name for name in LEVELS[:3] if name in levels]


def test_layers_are_merged_key_by_key() -> None:
    config = build(
        [
            Layer("a", {"risk": {"max_open_positions": 3, "max_per_asset_pct": 7}}),
            Layer("b", {"risk": {"max_open_positions": 4}}),
        ]
    )
    assert (config.risk.max_open_positions, config.risk.max_per_asset_pct) == (4, Decimal(7))


def test_money_keeps_its_digits() -> None:
    config = build([Layer("a", {"risk": {"max_per_asset_pct": Decimal("2.30")}})])
    assert str(config.risk.max_per_asset_pct) == "2.30"


def test_a_file_that_does_not_exist_counts_as_empty(tmp_path: Path) -> None:
    loaded = load([tmp_path / "none.toml", tmp_path / "none" / "none.toml"], {})
    assert (loaded.config, loaded.files) == (AppConfig(), ())


def test_every_effective_key_has_an_origin() -> None:
    origins = load(
        [Layer("mine", {"strategies": {"configs": {"trend_following_v1": {"params": {"ma_fast": 5}}}}})], {}
    ).origins
    assert origins["strategies.configs.trend_following_v1.params.ma_fast"] == "mine"
    assert origins["strategies.configs.trend_following_v1.params.ma_slow"] == "default"
    assert origins["strategies.configs.trend_following_v1.timeframes"] == "default"
    assert origins["ui.theme"] == "default"


def _mine(**settings: object) -> dict[str, Any]:
    return {"strategies": {"configs": {"mine": settings}}}


MISTAKES: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"risk": {"max_open_position": 3}}, "risk.max_open_position", "did you mean risk.max_open_positions?"),
    ({"markets": {}}, "markets", "is no known section; did you mean market_data?"),
    ({"ui": {"refresh_hz": "4"}}, "ui.refresh_hz", 'is "4": must be a whole number from 1 to 10'),
    ({"execution": {"deadline_seconds": Decimal("99.5")}}, "execution.deadline_seconds", "is 99.5: must be"),
    ({"risk": {"max_per_asset_pct": 101}}, "risk.max_per_asset_pct", "use more than 0 and at most 100"),
    ({"execution": {"on_shutdown": "leav"}}, "execution.on_shutdown", 'did you mean "leave"?'),
    ({"connection": {"rest_url": "http://evil.example"}}, "connection.rest_url", "neither Kraken nor"),
    ({"connection": {"ws_public_url": "ws://ws.kraken.com"}}, "connection.ws_public_url", "must start with"),
    ({"portfolio": 5}, "portfolio", "is 5: must be a table, [portfolio]"),
    ({"logging": {"level": {"file": "INFO"}}}, "logging.level", "is a table: must be"),
    ({"scheduler": {"api_secret": "hunter2"}}, "scheduler.api_secret", "krakked-tui setup"),
    ({"strategies": {"enabled": ["nope"]}}, "strategies.enabled", 'names "nope", which is not configured'),
    (_mine(type="trend_folowing"), "strategies.configs.mine.type", 'did you mean "trend_following"?'),
    (_mine(timeframes=["2m"]), "strategies.configs.mine.timeframes", 'holds "2m": each item must be "1m"'),
    ({"strategies": {"configs": {"other": {}}}}, "strategies.configs.other.type", "is missing"),
    ({"universe": {"min_24h_volume_usd": -1}}, "universe.min_24h_volume_usd", "use 0 or more"),
    (
        {"market_data": {"ws": {"stale_tolerance_seconds": 1000}}},
        "market_data.ws.stale_tolerance_seconds",
        "at least",
    ),
    ({"region": {"supports_margin": True}}, "region.supports_margin", "Krakked trades spot only"),
)


@pytest.mark.parametrize(("values", "key", "text"), MISTAKES)
def test_a_mistake_is_told_with_key_origin_and_what_is_allowed(
    values: dict[str, Any], key: str, text: str
) -> None:
    problems = _problems(Layer("my.toml", values))
    assert {problem.origin for problem in problems} == {"my.toml"}
    assert any(problem.key == key and text in problem.text for problem in problems)


def test_no_mistake_hides_another_whatever_their_layers() -> None:
    layers = [Layer(f"layer {number}", values) for number, (values, _, _) in enumerate(MISTAKES)]
    for order in (layers, layers[::-1]):
        problems = _problems(*order)
        for _, key, text in MISTAKES:
            assert any(problem.key == key and text in problem.text for problem in problems)
        # Two things are missing in [strategies.configs.other]; nothing else is told twice.
        assert len(problems) == len(MISTAKES) + 1


def test_a_mistake_in_a_lower_layer_is_told_although_a_higher_one_overrides_it() -> None:
    (problem,) = _problems(Layer("low", {"ui": {"refresh_hz": 99}}), Layer("high", {"ui": {"refresh_hz": 2}}))
    assert problem.origin == "low"


def test_a_contradiction_with_a_wrong_value_is_not_told_on_top() -> None:
    (problem,) = _problems(
        Layer("a", {"execution": {"min_order_notional_usd": 30000, "max_order_notional_usd": "much"}})
    )
    assert problem.key == "execution.max_order_notional_usd"


def test_values_that_fit_only_together_are_taken_together() -> None:
    values = {"stale_tolerance_seconds": 2000, "quiet_tolerance_seconds": 3000}
    assert build([Layer("a", {"market_data": {"ws": values}})]).market_data.ws.stale_tolerance_seconds == 2000


def test_broken_toml_names_the_file_and_the_place_and_the_others_are_still_read(tmp_path: Path) -> None:
    broken, other = tmp_path / "config.toml", tmp_path / "config.demo.toml"
    broken.write_text("[risk\n")
    other.write_text("[ui]\nrefresh_hz = 99\n")
    with pytest.raises(ConfigError, match=r"config\.toml: is not valid TOML: .*line 1") as caught:
        load([broken, other], {"KRAKKED__UI__THEME": "pink"})
    assert len(caught.value.problems) == 3


def test_a_strategy_keeps_the_defaults_it_does_not_override() -> None:
    values = {"strategies": {"configs": {"trend_following_v1": {"max_positions": 2}}}}
    (strategy,) = build([Layer("a", values)]).strategies.active
    assert (strategy.max_positions, strategy.timeframes) == (2, (Timeframe.H1, Timeframe.H4))


def test_a_table_within_a_strategy_is_changed_key_by_key_too() -> None:
    given = {"universe_filter": {"min_history_bars": 9, "min_liquidity_24h_usd": 5}}
    config = build([Layer("a", {"strategies": {"configs": {"momentum_rotation_v1": given}}})])
    default = DEFAULT_CONFIGS["momentum_rotation_v1"].universe_filter
    assert config.strategies.configs["momentum_rotation_v1"].universe_filter == msgspec.structs.replace(
        default, min_history_bars=9, min_liquidity_24h_usd=Decimal(5)
    )
    assert default.top_n_by_volume == 50


def test_what_all_strategies_can_have_is_read_and_checked() -> None:
    full = {
        "type": "breakout", "timeframes": ["1d"], "weight": 2, "userref": -7, "trailing_stop_pct": 2.5,
        "per_trade_target_r_multiple": 3, "max_holding_minutes": 60,
        "universe_filter": {"pairs": ["XBT/USD"]},
    }  # fmt: skip
    mine = build([Layer("a", {"strategies": {"configs": {"mine": full}}})]).strategies.configs["mine"]
    assert (mine.weight, mine.userref, mine.trailing_stop_pct) == (Decimal(2), -7, Decimal("2.5"))
    assert (mine.per_trade_target_r_multiple, mine.max_holding_minutes) == (Decimal(3), 60)
    assert mine.universe_filter.pairs == ("XBT/USD",)


def test_a_strategy_of_ones_own_takes_its_parameters() -> None:
    mine = {"type": "trend_following", "timeframes": ["1d"], "params": {"ma_fast": 5, "average": "ema"}}
    config = build([Layer("a", {"strategies": {"enabled": ["mine"], "configs": {"mine": mine}}})])
    (strategy,) = config.strategies.active
    assert strategy.params == {"ma_fast": 5, "average": "ema"}
    assert set(config.strategies.configs) == {"mine", *DEFAULT_CONFIGS}


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"ma_slo": 3}, "params.ma_slo is no parameter of trend_following; did you mean ma_slow?"),
        ({"ma_slow": 501}, "params.ma_slow is 501: must be a whole number from 2 to 500"),
        ({"ma_fast": 60}, "params.ma_fast is 60: use less than ma_slow, 50"),
        ({"average": "hull"}, 'params.average is "hull": must be "ema" or "sma"'),
    ],
)
def test_parameters_of_strategies_are_checked(params: dict[str, Any], text: str) -> None:
    (problem,) = _problems(
        Layer("a", {"strategies": {"configs": {"trend_following_v1": {"params": params}}}})
    )
    assert text in str(problem)


def test_an_old_name_points_to_migrate() -> None:
    renamed = (Renamed("risk.max_positions", "risk.max_open_positions"),)
    with pytest.raises(
        ConfigError, match=r"was renamed to risk\.max_open_positions: run krakked-tui config migrate"
    ):
        load([Layer("a", {"risk": {"max_positions": 3}})], {}, renamed=renamed)


def test_what_is_allowed_but_unwise_is_a_warning() -> None:
    loaded = load([Layer("my.toml", {"execution": {"mode": "live"}, "backup": {"keep": 3}})], {})
    assert any("execution.allow_live is false" in warning for warning in loaded.warnings)
    assert "my.toml: backup.keep has no effect in this version" in loaded.warnings
    assert load([], {}).warnings == ()


def test_the_number_of_problems_told_is_bounded() -> None:
    values = {"risk": {f"key{number}": 1 for number in range(5000)}}
    problems = _problems(Layer("a", values))
    assert len(problems) == 101
    assert str(problems[-1]) == "and 4900 more problems"


def test_every_wrong_name_and_amount_of_a_table_is_told() -> None:
    balances = {"USD": -1, "BTC": 1, "XBT": "one", "ETH": 2, "a b": 3}
    problems = _problems(Layer("a", {"execution": {"paper": {"starting_balances": balances}}}))
    told = {problem.key: problem.text for problem in problems}
    assert told.keys() == {f"execution.paper.starting_balances{name}" for name in (".USD", ".XBT", "")}
    assert "use more than 0" in told["execution.paper.starting_balances.USD"]
    assert "must be a number (use more than 0" in told["execution.paper.starting_balances.XBT"]


def test_a_table_of_names_replaces_the_default_and_is_merged_among_layers() -> None:
    first = Layer("a", {"execution": {"paper": {"starting_balances": {"XBT": 1, "ETH": 2}}}})
    second = Layer("b", {"execution": {"paper": {"starting_balances": {"XBT": 3}}}})
    balances = build([first, second]).execution.paper.starting_balances
    assert balances == {"XBT": Decimal(3), "ETH": Decimal(2)}
    (problem,) = _problems(Layer("a", {"execution": {"paper": {"starting_balances": {}}}}))
    assert "is empty" in problem.text


def test_assets_in_variables_keep_their_capitals() -> None:
    environment = {"KRAKKED__EXECUTION__PAPER__STARTING_BALANCES__USD": "5"}
    assert load([], environment).config.execution.paper.starting_balances == {"USD": Decimal(5)}


def test_a_variable_that_is_almost_ours_is_a_warning_and_its_value_is_not_shown() -> None:
    environment = {
        "KRAKKED_UI__THEME": "hidden",
        "krakked__risk__x": "hidden",
        "KRAKKED_HOME": "/x",
        "A__B": "",
    }
    assert load([], environment).warnings == (
        "environment KRAKKED_UI__THEME: is not read; did you mean KRAKKED__UI__THEME?",
        "environment krakked__risk__x: is not read; did you mean KRAKKED__RISK__X?",
    )


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("KRAKKED_RISK_MAX", "write KRAKKED__RISK__<KEY>"),
        ("KRAKKED_UI_THEME", "did you mean KRAKKED__UI__THEME?"),
        ("KRAKKED_RISK_MAX_OPEN_POSITION", "did you mean KRAKKED__RISK__MAX_OPEN_POSITIONS?"),
        ("KRAKKED_UI__THEME", "did you mean KRAKKED__UI__THEME?"),
        ("KRAKKED_MARKET_DATA_WS_STALE_TOLERANCE_SECONDS",
         "did you mean KRAKKED__MARKET_DATA__WS__STALE_TOLERANCE_SECONDS?"),
    ],
)  # fmt: skip
def test_a_variable_with_too_few_underscores_is_a_warning(name: str, right: str) -> None:
    assert load([], {name: "hidden"}).warnings == (f"environment {name}: is not read; {right}",)


def test_variables_with_another_use_are_no_mistake() -> None:
    names = ("HOME", "MASTER_PASSWORD", "SANDBOX_KEY", "SANDBOX_SECRET", "SOMETHING_ELSE", "UI")
    assert load([], {f"KRAKKED_{name}": "x" for name in names}).warnings == ()


@pytest.mark.parametrize(
    ("name", "right"),
    [("UI_THEME", "UI__THEME"), ("RISK_MAX_OPEN_POSITIONS", "RISK__MAX_OPEN_POSITIONS"),
     ("CONNECTION__REST__URL", "CONNECTION__REST_URL")],
)  # fmt: skip
def test_a_key_with_the_wrong_underscores_is_told_the_right_ones(name: str, right: str) -> None:
    with pytest.raises(InvalidConfigError, match=rf"did you mean KRAKKED__{right}\?"):
        load([], {f"KRAKKED__{name}": "x"})
