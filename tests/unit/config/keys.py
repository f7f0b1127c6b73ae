"""Every key of the configuration, from the types that declare it."""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import inspect

from krakked_tui.config.schema import DEFAULT_CONFIGS, AppConfig
from krakked_tui.config.values import names_of
from krakked_tui.strategies.catalogue import BUILT_IN
from krakked_tui.strategies.settings import StrategySettings

STRATEGY = "strategies.configs.trend_following_v1"


NAMES = {
    "execution.paper.starting_balances": "USD",
    "portfolio.valuation_pairs": "USDT",
    "portfolio.strategy_tags": "4711",
    "risk.max_per_strategy_pct": "trend_following_v1",
}
"""Tables of free names, and a name that could be in each."""

EMPTY = ("portfolio.valuation_pairs", "portfolio.strategy_tags", "risk.max_per_strategy_pct")
"""Those that hold nothing unless somebody writes it."""

UNSET = (
    "risk.min_liquidity_24h_usd", f"{STRATEGY}.universe_filter.top_n_by_volume", f"{STRATEGY}.userref",
    f"{STRATEGY}.trailing_stop_pct", f"{STRATEGY}.max_holding_minutes",
)  # fmt: skip
"""Keys without a value unless somebody gives one."""

PARAMETERS = {
    name: BUILT_IN.types[each.type].strategy.parameters_type for name, each in DEFAULT_CONFIGS.items()
}
"""What the strategies that are configured by themselves declare."""


def standing() -> list[str]:
    """Every key that has a value by itself: tables that are empty stand for what could be in them."""
    return sorted(next((e for e in EMPTY if key.startswith(f"{e}.")), key) for key, _ in keys())


def keys(kind: type[msgspec.Struct] = AppConfig, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every key with its declared type.

    What all strategies have stands for the one that runs by default; parameters are those of all that are
    configured by themselves.
    """
    for field in msgspec.structs.fields(kind):
        here = f"{path}{field.name}"
        if isinstance(field.type, type) and issubclass(field.type, msgspec.Struct):
            yield from keys(field.type, f"{here}.")
        elif here == "strategies.configs":
            fixed = (f"{STRATEGY}.id", f"{STRATEGY}.params.")
            yield from (
                item for item in keys(StrategySettings, f"{STRATEGY}.") if not item[0].startswith(fixed)
            )
            for name, declared in PARAMETERS.items():
                yield from keys(declared, f"{here}.{name}.params.")
        elif names_of(field.type) is not None:
            yield f"{here}.{NAMES.get(here, 'USD')}", names_of(field.type)
        else:
            yield here, field.type


def bare(kind: Any) -> inspect.Type:
    """Return what a type is without its annotations."""
    info = inspect.type_info(kind)
    while isinstance(info, inspect.Metadata):
        info = info.type
    if isinstance(info, inspect.UnionType):
        (info,) = (part for part in info.types if not isinstance(part, inspect.NoneType))
    return info


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Return tables from dotted keys."""
    values: dict[str, Any] = {}
    for key, value in flat.items():
        *sections, name = key.split(".")
        table = values
        for section in sections:
            table = table.setdefault(section, {})
        table[name] = value
    return values
