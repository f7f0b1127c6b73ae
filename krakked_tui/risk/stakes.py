"""What is held and being bought, share by share: what it is worth and what it may lose."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.risk.context import MANUAL, HeldShare, Holding, PendingBuy, RiskContext

STOP_ATR_MULTIPLE = Decimal(2)
"""Average true ranges that what nobody's strategy holds is taken to lose."""


class Stake(msgspec.Struct, frozen=True):
    """One share of a pair. ``risk_usd`` is lost from the present price when its stop is hit.

    Without a stop it is what ``PairState.atr`` tells. A pending one is bought at its worst price.
    """

    pair: str
    asset: str
    strategy_id: str
    value_usd: Decimal
    risk_usd: Decimal
    has_stop: bool
    pending: bool

    @property
    def manual(self) -> bool:
        """Whether it is nobody's strategy's."""
        return self.strategy_id == MANUAL


def stakes(context: RiskContext) -> Iterator[Stake]:
    """Yield every share held, then every share being bought, by pair."""
    yield from _of(context, context.holdings, pending=False)
    yield from _of(context, context.pending_buys, pending=True)


def asset_of(pair: str, context: RiskContext) -> str:
    """Return the base asset of a pair; the pair itself when nothing is known of it."""
    state = context.pairs.get(pair)
    return state.metadata.base if state else pair


def _of(
    context: RiskContext, stakes_by_pair: Mapping[str, Holding] | Mapping[str, PendingBuy], *, pending: bool
) -> Iterator[Stake]:
    for pair in sorted(stakes_by_pair):
        stake, asset = stakes_by_pair[pair], asset_of(pair, context)
        for share in stake.shares:
            yield Stake(
                pair=pair,
                asset=asset,
                strategy_id=share.strategy_id,
                value_usd=share.size * stake.price,
                risk_usd=share.size * _distance(context, pair, share, stake.price),
                has_stop=share.stop_price is not None,
                pending=pending,
            )


def _distance(context: RiskContext, pair: str, share: HeldShare, price: Decimal) -> Decimal:
    """Return what a unit of base loses when it is sold because it failed."""
    if share.stop_price is not None:
        return min(max(ZERO, price - share.stop_price), price)
    state, strategy = context.pairs.get(pair), context.strategies.get(share.strategy_id)
    if state is None or not state.atr:
        return price
    multiple = strategy.stop_atr_multiple if strategy else STOP_ATR_MULTIPLE
    return min(multiple * state.atr, price)
