"""Which pairs are known and which are traded."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from difflib import get_close_matches

import msgspec

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.market.settings import UniverseSettings

BELIEVED_SHARE = 2
"""A reading that lacks more than one in so many of what there was before is not believed."""
_SUGGESTIONS_MAX = 3


class Universe(msgspec.Struct, frozen=True):
    """Pairs by canonical name, in alphabetical order.

    ``pairs`` may be traded now. ``known`` holds every pair of the quote asset in whatever status:
    a position in any of them must still be valued, and closed when the exchange lets us.
    ``warnings`` are sentences about overrides that cannot be followed.
    """

    pairs: dict[str, PairMetadata]
    known: dict[str, PairMetadata]
    warnings: tuple[str, ...] = ()


class UniverseDiff(msgspec.Struct, frozen=True):
    """What became of the pairs between two readings: canonical names, in alphabetical order each.

    False when nothing did.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    status_changed: tuple[str, ...] = ()
    precision_changed: tuple[str, ...] = ()
    """Decimals, tick, lot or minimums are others."""

    def __bool__(self) -> bool:
        return any((self.added, self.removed, self.status_changed, self.precision_changed))

    def __str__(self) -> str:
        counts = (
            (self.added, "added"),
            (self.removed, "removed"),
            (self.status_changed, "with another status"),
            (self.precision_changed, "with another precision"),
        )
        return ", ".join(f"{len(names)} {what}" for names, what in counts if names) or "nothing changed"


def diff(before: Mapping[str, PairMetadata], after: Mapping[str, PairMetadata]) -> UniverseDiff:
    """Say what became of the pairs, by canonical name, between two readings."""
    both = sorted(before.keys() & after.keys())
    return UniverseDiff(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        status_changed=tuple(name for name in both if before[name].status is not after[name].status),
        precision_changed=tuple(name for name in both if _grid(before[name]) != _grid(after[name])),
    )


def select_universe(
    pairs: Iterable[PairMetadata],
    quotes: Mapping[str, Quote],
    settings: UniverseSettings,
    quote_asset: str,
) -> Universe:
    """Apply the filters and overrides of ``settings`` to everything the exchange lists.

    ``quotes`` are by canonical name; a pair without one counts as not traded at all. The result
    does not depend on the order of ``pairs``.
    """
    listed = {pair.canonical: pair for pair in pairs}
    known = {name: listed[name] for name in sorted(listed) if listed[name].quote == quote_asset}
    included = set(settings.include_pairs)
    excluded = set(settings.exclude_pairs)
    tradable = {
        name: pair
        for name, pair in known.items()
        if pair.permits.enter
        and name not in excluded
        and (name in included or _passes_filters(pair, quotes.get(name), settings))
    }
    return Universe(tradable, known, tuple(_override_warnings(listed, known, settings, quote_asset)))


def traded_value(quote: Quote | None) -> Decimal:
    """Return what was traded in 24 hours, in the quote asset; of a pair without a price nothing was."""
    return quote.figures.volume_24h * quote.figures.vwap_24h if quote else ZERO


def why_prices_are_doubted(
    quotes: Mapping[str, Quote], before: Mapping[str, Quote] | None, listed: Collection[str]
) -> str:
    """Say why prices of all pairs cannot be what they seem; empty when they can.

    Most pairs do not stop being traded at once. ``before`` are the prices before these, None without any.
    """
    if len(quotes) * BELIEVED_SHARE < len(listed):
        return f"the exchange tells the prices of {len(quotes)} of {len(listed)} pairs"
    if before is None:
        traded = any(traded_value(quote) for quote in quotes.values())
        return "" if traded or not quotes else "the exchange tells a volume of 0 for every pair"
    active = [name for name in listed if traded_value(before.get(name))]
    stopped = sum(not traded_value(quotes.get(name)) for name in active)
    if stopped * BELIEVED_SHARE <= len(active):
        return ""
    return f"the exchange tells a volume of 0 for {stopped} of {len(active)} pairs that were traded before"


def near_matches(name: str, known: Mapping[str, PairMetadata]) -> tuple[str, ...]:
    """Return canonical names of ``known`` that a person may have meant by ``name``, best first.

    WebSocket spellings count too: ``BTC/USD`` finds ``XBTUSD``.
    """
    spellings = {pair.ws_symbol.upper(): canonical for canonical, pair in known.items()}
    spellings |= {canonical.upper(): canonical for canonical in known}
    close = get_close_matches(name.upper(), spellings, n=2 * _SUGGESTIONS_MAX)
    return tuple(dict.fromkeys(spellings[match] for match in close))[:_SUGGESTIONS_MAX]


def _grid(pair: PairMetadata) -> tuple[object, ...]:
    return (
        pair.price_decimals, pair.tick_size, pair.volume_decimals, pair.lot_size, pair.order_min,
        pair.cost_min, pair.cost_decimals,
    )  # fmt: skip


def _passes_filters(pair: PairMetadata, quote: Quote | None, settings: UniverseSettings) -> bool:
    fits = pair.asset_class in settings.asset_classes
    return fits and traded_value(quote) >= settings.min_24h_volume_usd


def _override_warnings(
    listed: Mapping[str, PairMetadata],
    known: Mapping[str, PairMetadata],
    settings: UniverseSettings,
    quote_asset: str,
) -> Iterator[str]:
    for key, names in (("include_pairs", settings.include_pairs), ("exclude_pairs", settings.exclude_pairs)):
        for name in names:
            if name not in listed:
                close = near_matches(name, known)
                hint = f"did you mean {' or '.join(close)}?" if close else "remove it."
                yield f"universe.{key} names {name!r}, which the exchange does not list: {hint}"
    for name in settings.include_pairs:
        pair = listed.get(name)
        if name in settings.exclude_pairs:
            yield f"universe.include_pairs and exclude_pairs both name {name}: it is not traded."
        elif pair and pair.quote != quote_asset:
            yield (
                f"universe.include_pairs names {name}, which is quoted in {pair.quote}:"
                f" only {quote_asset} pairs are traded."
            )
        elif pair and not pair.permits.enter:
            yield (
                f"universe.include_pairs names {name}, whose status is {pair.status}:"
                " it is not traded while that lasts."
            )
