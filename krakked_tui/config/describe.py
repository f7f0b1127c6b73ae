"""What can be set of a strategy: what all strategies have, and the parameters its type declares."""

from collections.abc import Iterator
from typing import Any

import msgspec

from krakked_tui.config.show import as_toml
from krakked_tui.config.values import allowed, limits_of, takes_decimal
from krakked_tui.domain.candles import Timeframe
from krakked_tui.strategies.catalogue import Catalogue
from krakked_tui.strategies.parameters import describe
from krakked_tui.strategies.settings import StrategySettings, UniverseFilter

_TEXTS = {
    "type": "Which strategy it is.",
    "timeframes": "Candles it is evaluated on; each timeframe manages the positions it opened.",
    "max_positions": "Most pairs it may hold at a time.",
    "tag": "Three lowercase letters or digits that its orders carry.",
    "userref": "Number by which orders of earlier versions or other tools are known as this strategy's.",
    "weight": "How much its wishes count against those of others for the same pair.",
    "min_signal_confidence": "Least confidence of an entry.",
    "stop_atr_multiple": "Distance of the stop from the close, in average true ranges.",
    "per_trade_target_r_multiple": (
        "Take-profit in multiples of the stop's distance, when the strategy gives none; unset: none."
    ),
    "trailing_stop_pct": (
        "How far below the highest price since the entry a stop follows, in percent; unset: not."
    ),
    "max_holding_minutes": "After how many minutes a position is sold whatever it does; unset: never.",
    "universe_filter.pairs": "Only these pairs of the universe, by any of their names; none given: all.",
    "universe_filter.top_n_by_volume": "Only so many pairs, by the value traded in 24 hours; unset: all.",
    "universe_filter.exclude_stablecoins": "Leave out currencies, and coins meant to be worth one.",
    "universe_filter.min_history_bars": "Only pairs with so many closed candles of the timeframe.",
    "universe_filter.min_liquidity_24h_usd": "Only pairs with at least this value traded in 24 hours.",
}
_FIXED = ("type", "tag", "userref")
_NEEDED: dict[str, Any] = {"id": "sample", "type": "", "timeframes": (Timeframe.H1,)}


class Described(msgspec.Struct, frozen=True):
    """One thing to set, by its dotted key. Values are TOML, empty where nothing is set.

    ``allowed`` completes the sentence "allowed is ...". ``changeable`` ones may change while the engine runs.
    """

    key: str
    name: str
    value: str
    default: str
    allowed: str
    description: str
    changeable: bool = True


def describe_strategy(settings: StrategySettings, catalogue: Catalogue) -> tuple[Described, ...]:
    """List what can be set of a strategy, its own parameters first."""
    return (*_parameters(settings, catalogue), *_general(settings))


def _parameters(settings: StrategySettings, catalogue: Catalogue) -> Iterator[Described]:
    declared = catalogue.parameters_of(settings.type)
    if declared is None:
        return
    values = msgspec.structs.asdict(msgspec.convert(settings.params, declared))
    for parameter in describe(declared):
        yield Described(
            key=f"strategies.configs.{settings.id}.params.{parameter.name}",
            name=parameter.name,
            value=as_toml(values[parameter.name]),
            default=as_toml(parameter.default),
            allowed=parameter.allowed,
            description=parameter.description,
        )


def _general(settings: StrategySettings) -> Iterator[Described]:
    sample = StrategySettings(**_NEEDED)
    for name, text in _TEXTS.items():
        section, _, inner = name.rpartition(".")
        owner = UniverseFilter if section else StrategySettings
        of = settings.universe_filter if section else settings
        default = UniverseFilter() if section else sample
        kind = next(field.type for field in msgspec.structs.fields(owner) if field.name == inner)
        others = {} if section else _NEEDED
        limits = limits_of(owner, [inner], dict(others)) if takes_decimal(kind) else ""
        yield Described(
            key=f"strategies.configs.{settings.id}.{name}",
            name=name,
            value=_shown(getattr(of, inner)),
            default="" if name in _NEEDED or name == "tag" else _shown(getattr(default, inner)),
            allowed=f"{allowed(kind)}{limits}",
            description=text,
            changeable=name not in _FIXED,
        )


def _shown(value: object) -> str:
    return "" if value is None else as_toml(value)
