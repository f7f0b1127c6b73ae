"""What the books are worth at given prices.

The base currency is worth itself; any other asset what its pair with the base currency says. A
price that is too old still counts and is marked; an asset without a usable price counts as zero
and is marked, so that equity is never flattered by a guess. What is held of a delisted pair makes equity as
doubtful as a price that is too old does: its zero is no loss.
"""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.portfolio.ledger import LedgerState


class PriceMark(msgspec.Struct, frozen=True):
    """The latest price of a pair; ``fresh`` when it is recent enough to be taken as live."""

    price: Decimal
    fresh: bool


class ValuationStatus(StrEnum):
    """How far a value can be believed."""

    VALUED = "valued"
    STALE = "stale"
    UNVALUED = "unvalued"
    DELISTED = "delisted"
    """Its pair is gone, and nothing says what it is worth now: not nothing, most likely."""


WITHOUT_VALUE = frozenset({ValuationStatus.UNVALUED, ValuationStatus.DELISTED})


class AssetValuation(msgspec.Struct, frozen=True):
    """What one asset is worth, in base currency.

    ``source_pair`` is the pair whose price counts, None for the base currency itself and for an
    asset without such a pair. Unvalued with a ``source_pair`` means that no price has arrived yet.
    """

    asset: str
    amount: Decimal
    value: Decimal
    source_pair: str | None
    status: ValuationStatus


class PositionValuation(msgspec.Struct, frozen=True):
    """What one open position is worth, in base currency."""

    pair: str
    price: Decimal
    value: Decimal
    unrealized_pnl: Decimal
    fresh: bool


class Valuation(msgspec.Struct, frozen=True):
    """Equity and what it is made of, in base currency. ``positions`` holds those with a price."""

    equity: Decimal
    cash: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees_paid: Decimal
    assets: tuple[AssetValuation, ...]
    positions: dict[str, PositionValuation]

    @property
    def stale(self) -> bool:
        """Whether equity rests on a price that is too old, has not arrived yet or does not come any more."""
        return any(
            asset.status in {ValuationStatus.STALE, ValuationStatus.DELISTED}
            or (asset.status is ValuationStatus.UNVALUED and asset.source_pair is not None)
            for asset in self.assets
        )

    @property
    def unvalued(self) -> tuple[str, ...]:
        """Assets that count as zero because nothing says what they are worth."""
        return tuple(asset.asset for asset in self.assets if asset.status in WITHOUT_VALUE)

    @property
    def unpriced(self) -> tuple[str, ...]:
        """Those of them that are worth something all the same: equity is too low by an unknown amount."""
        return tuple(
            asset.asset
            for asset in self.assets
            if asset.status in WITHOUT_VALUE and asset.source_pair is not None
        )

    @property
    def delisted(self) -> tuple[str, ...]:
        """Those of them whose pair is delisted."""
        return tuple(asset.asset for asset in self.assets if asset.status is ValuationStatus.DELISTED)


class Valuer:
    """Prices assets in the base currency by one rule. Made for one set of prices, then thrown away."""

    def __init__(
        self, prices: Mapping[str, PriceMark], pairs: Mapping[str, PairMetadata], base_currency: str
    ) -> None:
        self._prices = prices
        self._base_currency = base_currency
        quoted = [pair for pair in pairs.values() if pair.quote == base_currency]
        self._sources = {pair.base: pair for pair in quoted if pair.permits.value}
        self._gone = {pair.base: pair for pair in quoted if not pair.permits.value}

    def value(self, asset: str, amount: Decimal) -> AssetValuation:
        """Return what ``amount`` of an asset is worth."""
        if asset == self._base_currency:
            return AssetValuation(asset, amount, amount, None, ValuationStatus.VALUED)
        source = self._sources.get(asset)
        if source is None:
            gone = self._gone.get(asset)
            # What is too little for an order was worth next to nothing before.
            if gone is not None and abs(amount) >= gone.order_min:
                return AssetValuation(asset, amount, ZERO, gone.canonical, ValuationStatus.DELISTED)
            return AssetValuation(asset, amount, ZERO, None, ValuationStatus.UNVALUED)
        mark = self._prices.get(source.canonical)
        if mark is None:
            return AssetValuation(asset, amount, ZERO, source.canonical, ValuationStatus.UNVALUED)
        status = ValuationStatus.VALUED if mark.fresh else ValuationStatus.STALE
        return AssetValuation(asset, amount, amount * mark.price, source.canonical, status)


def value(
    state: LedgerState,
    prices: Mapping[str, PriceMark],
    pairs: Mapping[str, PairMetadata],
    base_currency: str,
) -> Valuation:
    """Value the books at these prices; ``prices`` and ``pairs`` by canonical pair name."""
    valuer = Valuer(prices, pairs, base_currency)
    assets = tuple(valuer.value(asset, amount) for asset, amount in sorted(state.balances.items()) if amount)
    positions = {
        position.pair: PositionValuation(
            pair=position.pair,
            price=mark.price,
            value=position.size * mark.price,
            unrealized_pnl=position.size * mark.price - position.cost,
            fresh=mark.fresh,
        )
        for position in state.positions.values()
        if position.size and (mark := prices.get(position.pair)) is not None
    }
    return Valuation(
        equity=sum((asset.value for asset in assets), ZERO),
        cash=state.balances.get(base_currency, ZERO),
        realized_pnl=state.realized_pnl,
        unrealized_pnl=sum((position.unrealized_pnl for position in positions.values()), ZERO),
        fees_paid=state.fees_paid,
        assets=assets,
        positions=positions,
    )
