"""The pairs and assets Kraken lists, loaded once and shared by the feed and the broker."""

import asyncio
from collections.abc import Sequence

from krakked_tui.domain.pairs import AssetInfo, PairMetadata
from krakked_tui.kraken import decode, endpoints
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.symbols import SymbolMap


class Listing:
    """Keeps the symbol map that everything is translated with."""

    def __init__(self, rest: KrakenRest) -> None:
        self._rest = rest
        self._symbols: SymbolMap | None = None
        self._loading = asyncio.Lock()

    @property
    def latest(self) -> SymbolMap | None:
        """The latest symbol map, None before the first was loaded."""
        return self._symbols

    async def symbols(self) -> SymbolMap:
        """Return the latest symbol map, loading it first when there is none. Raises ``KrakenError``."""
        async with self._loading:
            if self._symbols is None:
                await self._load()
            assert self._symbols is not None
            return self._symbols

    async def refresh(self) -> tuple[Sequence[PairMetadata], Sequence[AssetInfo]]:
        """Read what is listed now and translate by it from here on. Raises ``KrakenError``."""
        async with self._loading:
            return await self._load()

    async def _load(self) -> tuple[Sequence[PairMetadata], Sequence[AssetInfo]]:
        assets = await self._rest.call(endpoints.ASSETS)
        pairs = await self._rest.call(endpoints.ASSET_PAIRS)
        self._symbols = symbols = SymbolMap(assets, pairs, self._symbols)
        # Rate limits are counted by pair, however a request spells it.
        self._rest.limiter.translate = lambda name: symbols.pair(name).canonical
        return decode.pairs(pairs, symbols), decode.assets(assets)
