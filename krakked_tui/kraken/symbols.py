"""The spellings of assets and pairs.

| thing   | internal id | altname (ours) | WebSocket v2 |
| bitcoin | XXBT        | XBT            | BTC          |
| pair    | XXBTZUSD    | XBTUSD         | BTC/USD      |

Only Assets and AssetPairs translate ids: names such as XTZ or ZEUS begin with X or Z by themselves,
so nothing is ever stripped by rule. The two names that WebSocket v2 spells differently are a table.
"""

from collections.abc import Mapping

import msgspec

from krakked_tui.kraken.wire import Asset, AssetPair

_WS_NAMES = {"XBT": "BTC", "XDG": "DOGE"}


class PairNames(msgspec.Struct, frozen=True):
    """One pair in every spelling; ``base`` and ``quote`` are normalised, "" when unknown.

    ``ws`` is empty for a pair that WebSocket v2 has no name for.
    """

    canonical: str
    raw: str
    ws: str
    base: str
    quote: str


class SymbolMap:
    """Translates any spelling of an asset or pair. Immutable once built.

    A name nobody told us about (a delisted pair in an old trade) is passed on as it is.
    """

    def __init__(
        self,
        assets: Mapping[str, Asset],
        pairs: Mapping[str, AssetPair],
        earlier: "SymbolMap | None" = None,
    ) -> None:
        """Build from the rows of Assets and AssetPairs.

        Names that only ``earlier`` knows are kept: a delisted pair still turns up in old trades.
        """
        self._assets = _asset_aliases(assets)
        self._pairs = _pair_aliases(pairs, self._assets)
        if earlier is not None:
            self._assets = earlier._assets | self._assets
            self._pairs = earlier._pairs | self._pairs

    def asset(self, name: str) -> str:
        """Return our name of an asset (``XXBT``, ``XBT``, ``BTC`` -> ``XBT``)."""
        return self._assets.get(name, name)

    def pair(self, name: str) -> PairNames:
        """Return a pair by its internal id, altname, wsname or WebSocket v2 symbol."""
        known = self._pairs.get(name)
        if known is not None:
            return known
        base, slash, quote = name.partition("/")
        if not slash:
            return PairNames(canonical=name, raw=name, ws="", base="", quote="")
        base, quote = self.asset(base), self.asset(quote)
        return PairNames(canonical=base + quote, raw=base + quote, ws=name, base=base, quote=quote)


def _asset_aliases(assets: Mapping[str, Asset]) -> dict[str, str]:
    """Map every spelling of an asset to its altname. A real name wins over a derived spelling."""
    aliases = {raw: asset.altname for raw, asset in assets.items()}
    for asset in assets.values():
        aliases.setdefault(asset.altname, asset.altname)
    for asset in assets.values():
        aliases.setdefault(_ws_asset(asset.altname), asset.altname)
    return aliases


def _pair_aliases(pairs: Mapping[str, AssetPair], assets: Mapping[str, str]) -> dict[str, PairNames]:
    """Map every spelling of a pair to its names. An internal id wins over any other spelling."""
    aliases: dict[str, PairNames] = {}
    taken = {_ws_pair(pair.wsname) for pair in pairs.values() if pair.wsname}
    for raw, pair in pairs.items():
        base, quote = assets.get(pair.base, pair.base), assets.get(pair.quote, pair.quote)
        ws = _ws_pair(pair.wsname or f"{base}/{quote}")
        if not pair.wsname and ws in taken:
            ws = ""
        taken.add(ws)
        aliases[raw] = PairNames(canonical=pair.altname, raw=raw, ws=ws, base=base, quote=quote)
    for raw, pair in pairs.items():
        for alias in (pair.altname, aliases[raw].ws, pair.wsname):
            if alias:
                aliases.setdefault(alias, aliases[raw])
    return aliases


def _ws_asset(altname: str) -> str:
    """Return the WebSocket v2 spelling of an altname; a suffix (``XBT.M``) stays."""
    name, dot, suffix = altname.partition(".")
    return _WS_NAMES.get(name, name) + dot + suffix


def _ws_pair(wsname: str) -> str:
    """Return the WebSocket v2 spelling of a wsname (``XBT/USD`` -> ``BTC/USD``)."""
    return "/".join(_ws_asset(side) for side in wsname.split("/"))
