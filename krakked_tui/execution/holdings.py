"""Who holds what: the shares of strategies in a pair, derived from the fills of their orders.

A fill is split among the shares of its order, exactly, and by nothing but the two: so it does not matter
what was known of the order's other fills.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.fills import Trade, apportion
from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.domain.orders import LocalOrder, Purpose
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import NET, ActionShare

MANUAL = "manual"
"""Whose what is bought by hand is."""
_FEE_DECIMALS = 10
_DUST = 100
"""A share below this part of the least order is what rounding left."""


class Share(msgspec.Struct, frozen=True):
    """What one strategy holds of a pair. ``size`` in base; ``cost`` is what it cost with fees, in quote.

    ``highest`` is the highest price known since ``opened_at``. It is sold when the price reaches
    ``exit_below`` or ``take_profit_price``, or at ``sell_by``; each may be None.
    """

    strategy_id: str
    timeframe: Timeframe | None
    size: Decimal
    cost: Decimal
    opened_at: datetime
    highest: Decimal
    stop_price: Decimal | None = None
    take_profit_price: Decimal | None = None
    trailing_stop_pct: Decimal | None = None
    max_holding_minutes: int | None = None

    @property
    def trailing_stop(self) -> Decimal | None:
        """Where the trailing stop is now."""
        if self.trailing_stop_pct is None:
            return None
        return self.highest * (HUNDRED - self.trailing_stop_pct) / HUNDRED

    @property
    def exit_below(self) -> Decimal | None:
        """The higher one of the stop and the trailing stop."""
        return max((stop for stop in (self.stop_price, self.trailing_stop) if stop is not None), default=None)

    @property
    def sell_by(self) -> datetime | None:
        """When it is sold whatever it does."""
        if self.max_holding_minutes is None:
            return None
        return self.opened_at + timedelta(minutes=self.max_holding_minutes)


class Holding(msgspec.Struct, frozen=True):
    """What strategies hold of a pair: at least one share, by strategy id."""

    pair: str
    shares: tuple[Share, ...]

    @property
    def size(self) -> Decimal:
        """All of it, in base."""
        return sum((share.size for share in self.shares), ZERO)

    @property
    def cost(self) -> Decimal:
        """What all of it cost with fees, in quote."""
        return sum((share.cost for share in self.shares), ZERO)

    @property
    def strategy_id(self) -> str:
        """Whose it is; ``NET`` when it is several strategies'."""
        return self.shares[0].strategy_id if len(self.shares) == 1 else NET

    @property
    def stop_price(self) -> Decimal | None:
        """The stop that is hit first, trailing ones included."""
        return max((s.exit_below for s in self.shares if s.exit_below is not None), default=None)

    @property
    def opened_at(self) -> datetime:
        """When the first of it was bought."""
        return min(share.opened_at for share in self.shares)

    def of(self, strategy_id: str) -> Share | None:
        """What a strategy holds of it."""
        return next((share for share in self.shares if share.strategy_id == strategy_id), None)

    def worthwhile(self, pair: PairMetadata) -> tuple[Share, ...]:
        """Return the shares that are more than dust: what is left by rounding is in nobody's way."""
        if self.size < pair.order_min:
            return ()
        return tuple(share for share in self.shares if share.size * _DUST >= pair.order_min)


class Sold(msgspec.Struct, frozen=True):
    """What a fill sold of a share. ``cost`` is what that had cost, ``proceeds`` net of fees; in quote."""

    strategy_id: str
    size: Decimal
    cost: Decimal
    proceeds: Decimal


def shares_of(order: LocalOrder) -> tuple[ActionShare, ...]:
    """Return for whom an order is; one that was made without shares is for its one strategy."""
    if order.shares:
        return order.shares
    return (
        ActionShare(
            MANUAL if order.purpose is Purpose.MANUAL else order.strategy_id,
            order.request.volume,
            order.timeframe,
            order.signal_time,
            order.stop_price,
        ),
    )


def buy(holding: Holding | None, order: LocalOrder, trade: Trade, pair: PairMetadata) -> Holding | None:
    """Return the holding after a fill of a buy order; None when its fee takes all of it."""
    shares = shares_of(order)
    volumes = apportion(trade.volume, [share.size for share in shares], pair.volume_decimals)
    base_fees = apportion(_fees(trade, pair.base), volumes, _FEE_DECIMALS)
    costs = apportion(trade.cost + _fees(trade, pair.quote), volumes, _FEE_DECIMALS)
    held = _by_id(holding)
    for share, volume, fee, cost in zip(shares, volumes, base_fees, costs, strict=True):
        if volume > fee:
            before = held.get(share.strategy_id)
            held[share.strategy_id] = _added(before, share, trade, pair, (volume - fee, cost))
    return _holding(trade.pair, held)


def _added(
    before: Share | None,
    share: ActionShare,
    trade: Trade,
    pair: PairMetadata,
    bought: tuple[Decimal, Decimal],
) -> Share:
    """Return a strategy's share after it bought some; ``bought`` is size and cost. Dust begins anew."""
    size, cost = bought
    if before is None or before.size * _DUST < pair.order_min:
        return Share(
            strategy_id=share.strategy_id,
            timeframe=share.timeframe,
            size=size + (before.size if before else ZERO),
            cost=cost + (before.cost if before else ZERO),
            opened_at=trade.time,
            highest=trade.price,
            stop_price=share.stop_price,
            take_profit_price=share.take_profit_price,
            trailing_stop_pct=share.trailing_stop_pct,
            max_holding_minutes=share.max_holding_minutes,
        )
    return msgspec.structs.replace(
        before,
        size=before.size + size,
        cost=before.cost + cost,
        highest=max(before.highest, trade.price),
        stop_price=share.stop_price or before.stop_price,
        take_profit_price=share.take_profit_price or before.take_profit_price,
        trailing_stop_pct=share.trailing_stop_pct or before.trailing_stop_pct,
        max_holding_minutes=share.max_holding_minutes or before.max_holding_minutes,
    )


def sell(
    holding: Holding | None, order: LocalOrder, trade: Trade, pair: PairMetadata
) -> tuple[Holding | None, tuple[Sold, ...]]:
    """Return the holding after a fill of a sell order, and what that sold of each share.

    Of a share no more is sold than it has: what is over is taken from the order's other shares, then from
    whoever holds the pair.
    """
    held = _by_id(holding)
    gone = trade.volume + _fees(trade, pair.base)
    taken = _taken(held, shares_of(order), gone, pair)
    proceeds = trade.cost - _fees(trade, pair.quote)
    if not taken:
        return holding, ()
    nobodys = gone - sum(taken.values(), ZERO)
    parts = apportion(proceeds, (*taken.values(), nobodys), _FEE_DECIMALS)
    sold = []
    for (strategy_id, size), brought in zip(taken.items(), parts[:-1], strict=True):
        share = held.pop(strategy_id)
        whole = size == share.size
        cost = share.cost if whole else apportion(share.cost, (size, share.size - size), _FEE_DECIMALS)[0]
        sold.append(Sold(strategy_id, size, cost, brought))
        if not whole:
            held[strategy_id] = msgspec.structs.replace(share, size=share.size - size, cost=share.cost - cost)
    return _holding(trade.pair, held), tuple(sold)


def _taken(
    held: Mapping[str, Share], shares: Iterable[ActionShare], gone: Decimal, pair: PairMetadata
) -> dict[str, Decimal]:
    """Say how much of each share is sold, above zero, in the order of the ids."""
    if len(held) == 1:
        return {strategy_id: min(gone, share.size) for strategy_id, share in held.items()}
    asked = {share.strategy_id: share.size for share in shares if share.strategy_id in held}
    taken: dict[str, Decimal] = {}
    if asked:
        parts = apportion(gone, tuple(asked.values()), pair.volume_decimals)
        taken = {each: min(part, held[each].size) for each, part in zip(asked, parts, strict=True)}
    over = gone - sum(taken.values(), ZERO)
    for strategy_id in (*asked, *sorted(held.keys() - asked.keys())):
        more = min(over, held[strategy_id].size - taken.get(strategy_id, ZERO))
        taken[strategy_id] = taken.get(strategy_id, ZERO) + more
        over -= more
    return {strategy_id: size for strategy_id, size in sorted(taken.items()) if size > ZERO}


def _by_id(holding: Holding | None) -> dict[str, Share]:
    return {share.strategy_id: share for share in holding.shares} if holding else {}


def _holding(pair: str, held: Mapping[str, Share]) -> Holding | None:
    return Holding(pair, tuple(held[strategy_id] for strategy_id in sorted(held))) if held else None


def _fees(trade: Trade, asset: str) -> Decimal:
    return sum((fee.amount for fee in trade.fees if fee.asset == asset), ZERO)
