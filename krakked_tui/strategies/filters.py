"""Which pairs of the universe a strategy looks at, and why not the others."""

from collections.abc import Callable, Collection, Mapping
from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.market.universe import traded_value
from krakked_tui.strategies.settings import UniverseFilter

CURRENCIES = frozenset(
    ("AED", "ARS", "AUD", "BRL", "CAD", "CHF", "EUR", "GBP", "JPY", "KRW", "MXN", "NOK", "PLN", "SEK", "USD")
)
"""Currencies that are the base of a pair somewhere on the exchange."""

STABLECOINS = frozenset(
    (
        "AUSD", "CRVUSD", "DAI", "EURC", "EUROP", "EURQ", "EURR", "EURT", "EURW", "FDUSD", "FRAX", "GHO",
        "LUSD", "PYUSD", "RLUSD", "TGBP", "TUSD", "USAT", "USD1", "USDC", "USDD", "USDE", "USDG", "USDP",
        "USDQ", "USDR", "USDS", "USDT", "UST",
    )
)  # fmt: skip
"""Coins meant to be worth one unit of a currency."""


class Chosen(msgspec.Struct, frozen=True):
    """The pairs that passed, in the order given, and why each other one did not."""

    pairs: Mapping[str, PairMetadata]
    left_out: Mapping[str, str]


def choose(
    wanted: UniverseFilter,
    pairs: Mapping[str, PairMetadata],
    quotes: Mapping[str, Quote],
    bars: Mapping[str, int],
    held: Collection[str] = (),
) -> Chosen:
    """Apply a strategy's filter to the pairs there are, by canonical name.

    ``bars`` are the closed candles of each pair. What the strategy holds (``held``) always passes, and takes
    no place of the ``top_n_by_volume``: its exit must not depend on a filter.
    """
    left_out: dict[str, str] = {}
    for name, pair in pairs.items():
        why = "" if name in held else _why_not(wanted, pair, quotes.get(name), bars.get(name, 0))
        if why:
            left_out[name] = why
    if wanted.top_n_by_volume is not None:
        rest = [name for name in pairs if name not in left_out and name not in held]
        rest.sort(key=lambda name: (-traded_value(quotes.get(name)), name))
        for place, name in enumerate(rest, 1):
            if place > wanted.top_n_by_volume:
                left_out[name] = f"is number {place} by volume, top_n_by_volume is {wanted.top_n_by_volume}"
    return Chosen({name: pair for name, pair in pairs.items() if name not in left_out}, left_out)


def is_stable(pair: PairMetadata) -> bool:
    """Say whether what a pair buys is a currency, or meant to be worth a unit of one."""
    base = pair.base.upper()
    return base in STABLECOINS or base in CURRENCIES


def _why_not(wanted: UniverseFilter, pair: PairMetadata, quote: Quote | None, bars: int) -> str:
    traded = traded_value(quote)
    rules: tuple[tuple[bool, Callable[[], str]], ...] = (
        (bool(wanted.pairs) and not _is_named(pair, wanted.pairs), lambda: "is not among its pairs"),
        (wanted.exclude_stablecoins and is_stable(pair), lambda: f"{pair.base} is a stablecoin or currency"),
        (bars < wanted.min_history_bars, lambda: f"has {bars} of {wanted.min_history_bars} candles"),
        (
            traded < wanted.min_liquidity_24h_usd,
            lambda: f"traded {_usd(traded)} in 24 hours, less than {_usd(wanted.min_liquidity_24h_usd)}",
        ),
    )
    return next((say() for fails, say in rules if fails), "")


def _is_named(pair: PairMetadata, names: Collection[str]) -> bool:
    own = {pair.canonical.upper(), pair.ws_symbol.upper(), pair.rest_symbol.upper(), pair.raw_name.upper()}
    return any(name.strip().upper() in own for name in names)


def _usd(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal(1)) if amount else ZERO:f} USD"
