"""Settings of one strategy, and what must hold among all of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.money import HUNDRED, ONE, ZERO

RESERVED_TAGS = ("man", "flt", "net")
"""Tags of manual orders, of flattening, and of orders that several strategies share."""


class UniverseFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which pairs of the universe a strategy looks at; everything given must hold."""

    pairs: tuple[str, ...] = ()
    """Only these, by any of their names; none given: all."""

    top_n_by_volume: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    """Only so many, by the value traded in 24 hours."""

    exclude_stablecoins: bool = True
    """Leave out coins that are meant to be worth one unit of a currency, and currencies."""

    min_history_bars: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    """Only pairs with so many closed candles of the timeframe; what the strategy needs holds in any case."""

    min_liquidity_24h_usd: Decimal = ZERO
    """Only pairs with at least this value traded in 24 hours."""

    def __post_init__(self) -> None:
        if not self.min_liquidity_24h_usd >= ZERO:
            raise ValueError(f"min_liquidity_24h_usd is {self.min_liquidity_24h_usd}: use 0 or more")


class StrategySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One strategy. ``id``, ``type``, ``tag`` and ``userref`` are fixed while the engine runs."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{2,39}\Z")]
    """Name of this strategy: lowercase letters, digits and underscores."""

    type: str
    """Which strategy to run; the registry lists them."""

    timeframes: Annotated[tuple[Timeframe, ...], msgspec.Meta(min_length=1)]
    """Candles it is evaluated on; each timeframe manages the positions it opened."""

    max_positions: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 6
    """Most pairs it may hold at a time."""

    tag: Annotated[
        str,
        msgspec.Meta(pattern=r"^([a-z0-9]{3})?\Z", description="three lowercase letters or digits, or empty"),
    ] = ""
    """Three lowercase letters or digits that its orders carry; empty derives it from ``id``."""

    universe_filter: UniverseFilter = UniverseFilter()

    weight: Decimal = ONE
    """How much its wishes count against those of others for the same pair: above 0, at most 100."""

    userref: Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)] | None = None
    """Number by which orders of earlier versions or other tools are known as this strategy's."""

    min_signal_confidence: Decimal = Decimal("0.6")
    """Least confidence of an entry, 0 to 1."""

    stop_atr_multiple: Annotated[float, msgspec.Meta(ge=0.1, le=100)] = 2.0
    """Distance of the stop from the close, in average true ranges."""

    per_trade_target_r_multiple: Decimal | None = None
    """Take-profit in multiples of the stop's distance, when the strategy gives none; unset: none."""

    trailing_stop_pct: Decimal | None = None
    """How far below the highest price since the entry a stop follows, in percent; unset: none."""

    max_holding_minutes: Annotated[int, msgspec.Meta(ge=1, le=5_256_000)] | None = None
    """After how long a position is sold whatever it does; unset: never."""

    params: dict[str, object] = {}
    """The strategy's own parameters; its class declares them."""

    def __post_init__(self) -> None:
        if not ZERO <= self.min_signal_confidence <= ONE:
            raise ValueError(f"min_signal_confidence is {self.min_signal_confidence}: use 0 to 1")
        if not ZERO < self.weight <= HUNDRED:
            raise ValueError(f"weight is {self.weight}: use more than 0 and at most 100")
        target = self.per_trade_target_r_multiple
        if target is not None and not ZERO < target <= HUNDRED:
            raise ValueError(f"per_trade_target_r_multiple is {target}: use more than 0 and at most 100")
        trail = self.trailing_stop_pct
        if trail is not None and not ZERO < trail < HUNDRED:
            raise ValueError(f"trailing_stop_pct is {trail}: use more than 0 and less than 100")
        if not self.tag:
            msgspec.structs.force_setattr(self, "tag", default_tag(self.id))


def default_tag(strategy_id: str) -> str:
    """Derive a tag: the initials of the id's words, filled up with its other characters.

    >>> default_tag("trend_following_v1"), default_tag("breakout")
    ('tfv', 'bre')
    """
    words = [word for word in strategy_id.split("_") if word]
    initials = "".join(word[0] for word in words)
    rest = "".join(word[1:] for word in words)
    return (initials + rest + "000")[:3]


def identity_problems(strategies: Sequence[StrategySettings]) -> Iterator[str]:
    """Say which ids are used twice, and which tags are reserved or used twice."""
    ids = Counter(strategy.id for strategy in strategies)
    tags = Counter(strategy.tag for strategy in strategies)
    for name, count in ids.items():
        if count > 1:
            yield f"strategies.configs: {name} is configured {count} times; give each its own id."
    for strategy in strategies:
        if strategy.tag in RESERVED_TAGS:
            yield f"strategies.configs.{strategy.id}: tag {strategy.tag!r} is reserved; set another tag."
        elif tags[strategy.tag] > 1:
            yield f"strategies.configs.{strategy.id}: tag {strategy.tag!r} is used twice; set another tag."
