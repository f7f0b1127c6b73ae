"""Changes of limits and strategies: which keys, and from what text."""

from decimal import Decimal

import pytest

from krakked_tui.config.changes import (
    CHANGES_MAX,
    VALUE_MAX,
    read_changes,
    read_text,
    replaced,
    shadowed,
)
from krakked_tui.config.load import Layer, load
from krakked_tui.config.schema import AppConfig
from krakked_tui.decision.events import Replaced
from krakked_tui.domain.errors import ConfigError, RefusedError
from tests.unit.config.keys import STRATEGY, nested

CONFIG = AppConfig()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4", 4), ("1.50", Decimal("1.50")), ('"ema"', "ema"), ("true", True), ('["1h", "4h"]', ["1h", "4h"]),
        ("{breakout_v1 = 20}", {"breakout_v1": 20}), ("", None), ("  ", None),
    ],
)  # fmt: skip
def test_values_are_toml(text: str, value: object) -> None:
    assert read_text("a.b", text) == value


@pytest.mark.parametrize("text", ["ema", "1\nx = 2", "=", "[" * 1999, "1" * (VALUE_MAX + 1), '"\x1b'])
def test_what_is_no_value_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_text("a.b", text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_keys_below_risk_and_strategies_can_be_changed() -> None:
    changes = {
        "risk.max_open_positions": "3",
        "risk.protections.cooldown_minutes": "",
        "risk.max_per_strategy_pct.breakout_v1": "20",
        "strategies.enabled": '["breakout_v1"]',
        f"{STRATEGY}.params.ma_fast": "5",
        f"{STRATEGY}.universe_filter.top_n_by_volume": "30",
    }
    values = read_changes(changes, CONFIG)
    assert list(values) == list(changes)
    assert values["risk.protections.cooldown_minutes"] is None


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("ui.theme", "ui.theme cannot be changed while the engine runs: keys below risk and strategies can."),
        ("execution.mode", "cannot be changed while"),
        ("risk", "cannot be changed while"),
        ("", "cannot be changed while"),
        ("strategies.configs", "cannot be changed as a whole: change the keys below it."),
        (STRATEGY, "cannot be changed as a whole"),
        (
            f"{STRATEGY}.type",
            "is fixed while the engine runs: change it in the configuration and start anew.",
        ),
        (f"{STRATEGY}.tag", "is fixed while"),
        (f"{STRATEGY}.userref", "is fixed while"),
        (f"{STRATEGY}.id", "is fixed while"),
        ("strategies.configs.new_one.max_positions", "is of no strategy that is configured"),
    ],
)
def test_other_keys_are_refused(key: str, text: str) -> None:
    with pytest.raises(RefusedError) as caught:
        read_changes({"risk.max_open_positions": "3", key: "1"}, CONFIG)
    assert text in str(caught.value)


def test_there_is_an_end_to_changes_at_once() -> None:
    with pytest.raises(RefusedError, match="201 changes at once are too many: at most 200"):
        read_changes({f"risk.a{n}": "1" for n in range(CHANGES_MAX + 1)}, CONFIG)


def test_what_is_new_is_told_by_key() -> None:
    before = load([], {})
    layer = Layer("o", nested({
        "risk.max_open_positions": 3, "risk.min_liquidity_24h_usd": 5, f"{STRATEGY}.params.ma_fast": 9,
        "risk.max_per_strategy_pct": {"breakout_v1": Decimal("2.50")}, "ui.theme": "classic",
    }))  # fmt: skip
    after = load([layer], {})
    assert replaced(before, after) == (
        Replaced("risk.max_open_positions", "10", "3"),
        Replaced("risk.max_per_strategy_pct", "{}", ""),
        Replaced(f"{STRATEGY}.params.ma_fast", "20", "9"),
        Replaced("risk.max_per_strategy_pct.breakout_v1", "", "2.50"),
        Replaced("risk.min_liquidity_24h_usd", "", "5"),
    )
    assert replaced(after, after) == ()


def test_what_another_source_overrides_is_told() -> None:
    after = load(
        [Layer("o", nested({"risk.max_open_positions": 3}))], {"KRAKKED__RISK__MAX_OPEN_POSITIONS": "4"}
    )
    values = {"risk.max_open_positions": 3, "risk.max_per_asset_pct": None}
    assert list(shadowed(values, after, "o")) == [
        "risk.max_open_positions is kept, but environment KRAKKED__RISK__MAX_OPEN_POSITIONS overrides it"
        " in this run"
    ]
