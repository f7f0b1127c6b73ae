"""Who holds what: positions by the strategy that opened them, derived from its orders' fills."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.fills import Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import LocalOrder, Purpose, Side


class Holding(msgspec.Struct, frozen=True):
    """A strategy's position in a pair: size in base, and the stop it is watched by."""

    pair: str
    strategy_id: str
    timeframe: Timeframe | None
    size: Decimal
    stop_price: Decimal | None
    opened_at: datetime


def apply(holding: Holding | None, order: LocalOrder, trade: Trade, base: str) -> Holding | None:
    """Return the holding of ``trade.pair`` after a fill of ``order``; None when nothing is left."""
    base_fee = sum((fee.amount for fee in trade.fees if fee.asset == base), ZERO)
    if trade.side == Side.SELL:
        size = (holding.size if holding else ZERO) - trade.volume - base_fee
        return msgspec.structs.replace(holding, size=size) if holding and size > ZERO else None
    bought = trade.volume - base_fee
    if holding is not None:
        return msgspec.structs.replace(
            holding, size=holding.size + bought, stop_price=order.stop_price or holding.stop_price
        )
    return Holding(
        pair=trade.pair,
        strategy_id="manual" if order.purpose is Purpose.MANUAL else order.strategy_id,
        timeframe=order.timeframe,
        size=bought,
        stop_price=order.stop_price,
        opened_at=trade.time,
    )
