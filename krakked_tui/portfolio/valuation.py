"""What the books are worth at given prices.

The base currency is worth itself; any other asset what the pair configured for it says, else its pair with
the base currency (a stablecoin too: it is worth what is paid for it, not 1). What is staked or bonded is
worth the same as what can be sold. A price that is too old still counts and is marked; an asset without a
usable price counts as zero and is marked, so that equity is never flattered by a guess. What is held of a
delisted pair makes equity as doubtful as a price that is too old does: its zero is no loss.

Assets that are excluded are looked at as if they lay elsewhere: they are no part of equity or exposure, what
is paid for them is money that left, and what they bring is money that came in.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import StrEnum

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import at_scale
from krakked_tui.portfolio.accounts import Account
from krakked_tui.portfolio.ledger import LedgerState
from krakked_tui.portfolio.lots import COST_DECIMALS
from krakked_tui.portfolio.settings import PortfolioSettings


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


class Excluded(msgspec.Struct, frozen=True):
    """The line of what is not looked at: the assets held, and what those with a price are worth."""

    assets: tuple[str, ...] = ()
    value: Decimal = ZERO


class Valuation(msgspec.Struct, frozen=True):
    """Equity and what it is made of, in base currency. ``positions`` holds those with a price.

    equity = realized_pnl + unrealized_pnl + flow_cost, exactly, as long as no asset that cost something is
    unvalued. ``flow_value`` is what came in and went out at market, to judge a performance by: flows that
    have no value of their own yet count at the present price. Both take what moved between the assets
    looked at and the excluded ones for flows.
    """

    equity: Decimal
    cash: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    fees_paid: Decimal
    assets: tuple[AssetValuation, ...]
    positions: dict[str, PositionValuation]
    flow_cost: Decimal = ZERO
    flow_value: Decimal = ZERO
    excluded: Excluded = Excluded()
    flow_known: Decimal = ZERO
    """The part of ``flow_value`` that has a value of its own."""
    flow_unvalued: dict[str, Decimal] = {}
    """The amounts, by asset, of the flows that have none."""

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
    """Prices assets in the base currency by one rule. Made for one set of prices, then thrown away.

    A configured pair may be quoted in another asset than the base currency: that one is then valued in its
    turn, by its own pair; ``source_pair`` is the first pair of the chain.
    """

    def __init__(
        self, prices: Mapping[str, PriceMark], pairs: Mapping[str, PairMetadata], settings: PortfolioSettings
    ) -> None:
        self._prices = prices
        self._base_currency = settings.base_currency
        quoted = [pair for pair in pairs.values() if pair.quote == settings.base_currency]
        self._sources = {pair.base: pair for pair in quoted if pair.permits.value}
        self._gone = {pair.base: pair for pair in quoted if not pair.permits.value}
        for asset, name in settings.valuation_pairs.items():
            pair = pairs.get(name)
            if pair is not None and pair.permits.value and asset in (pair.base, pair.quote):
                self._sources[asset] = pair

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
        mark = self._mark(asset, frozenset())
        if mark is None:
            return AssetValuation(asset, amount, ZERO, source.canonical, ValuationStatus.UNVALUED)
        status = ValuationStatus.VALUED if mark.fresh else ValuationStatus.STALE
        return AssetValuation(asset, amount, amount * mark.price, source.canonical, status)

    def _mark(self, asset: str, behind: frozenset[str]) -> PriceMark | None:
        """Return the price of an asset, following pairs until the base currency; None round in a circle."""
        if asset == self._base_currency:
            return PriceMark(Decimal(1), fresh=True)
        source = self._sources.get(asset)
        mark = self._prices.get(source.canonical) if source else None
        if source is None or mark is None or asset in behind or not mark.price:
            return None
        sold = asset == source.base
        other = self._mark(source.quote if sold else source.base, behind | {asset})
        if other is None:
            return None
        price = mark.price * other.price if sold else at_scale(other.price / mark.price, COST_DECIMALS)
        return PriceMark(price, mark.fresh and other.fresh)


def value(
    state: LedgerState,
    prices: Mapping[str, PriceMark],
    pairs: Mapping[str, PairMetadata],
    settings: PortfolioSettings,
) -> Valuation:
    """Value the books at these prices; ``prices`` and ``pairs`` by canonical pair name."""
    valuer = Valuer(prices, pairs, settings)
    accounts = {asset: a for asset, a in state.accounts.items() if settings.includes(asset)}
    outside = {asset: a for asset, a in state.accounts.items() if not settings.includes(asset)}
    held = sorted(asset for asset, account in accounts.items() if account.size)
    assets = tuple(valuer.value(asset, accounts[asset].size) for asset in held)
    # What the excluded assets took from the others, and have not given back.
    lent = sum((a.cost - a.flow_cost - a.realized for a in outside.values()), ZERO)
    cash = accounts.get(settings.base_currency)
    flow_known = sum((account.flow_value for account in accounts.values()), ZERO) - lent
    flow_unvalued = {asset: account.unvalued for asset, account in accounts.items() if account.unvalued}
    return Valuation(
        equity=sum((asset.value for asset in assets), ZERO),
        cash=cash.size if cash else ZERO,
        realized_pnl=sum((account.realized for account in accounts.values()), ZERO),
        unrealized_pnl=sum(
            (a.value - accounts[a.asset].cost for a in assets if not _nothing_known(a)),
            ZERO,
        ),
        fees_paid=sum((account.fees for account in accounts.values()), ZERO),
        assets=assets,
        positions=_positions(state, valuer, settings),
        flow_cost=sum((account.flow_cost for account in accounts.values()), ZERO) - lent,
        flow_value=flow_known + sum((valuer.value(*each).value for each in flow_unvalued.items()), ZERO),
        excluded=_excluded(outside, valuer),
        flow_known=flow_known,
        flow_unvalued=flow_unvalued,
    )


def _positions(
    state: LedgerState, valuer: Valuer, settings: PortfolioSettings
) -> dict[str, PositionValuation]:
    found = {}
    for position in state.positions.values():
        worth = valuer.value(position.base, position.size)
        if not position.size or not settings.includes(position.base) or _nothing_known(worth):
            continue
        found[position.pair] = PositionValuation(
            pair=position.pair,
            price=valuer.value(position.base, Decimal(1)).value,
            value=worth.value,
            unrealized_pnl=worth.value - position.cost,
            fresh=worth.status is ValuationStatus.VALUED,
        )
    return found


def _nothing_known(worth: AssetValuation) -> bool:
    return worth.status in WITHOUT_VALUE


def _excluded(accounts: Mapping[str, Account], valuer: Valuer) -> Excluded:
    held: Iterable[str] = sorted(asset for asset, account in accounts.items() if account.size)
    worth = [valuer.value(asset, accounts[asset].size) for asset in held]
    return Excluded(tuple(each.asset for each in worth), sum((each.value for each in worth), ZERO))
