"""Closing a holding: never more than is there, never twice at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.decision.effects import Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.parts import Barred, joined
from krakked_tui.decision.placing import FLATTEN_TAG, Wish, place, tag_of
from krakked_tui.decision.state import State
from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.fills import apportion
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import LocalOrder, Purpose, Side
from krakked_tui.domain.pairs import PairMetadata, PairStatus
from krakked_tui.domain.plans import ActionShare
from krakked_tui.domain.precision import step_up, volume_down
from krakked_tui.execution.holdings import Holding, shares_of
from krakked_tui.execution.router import MARKET_PURPOSES, goes_at_market

COST_ROOM = Decimal("1.05")
"""By so much more than the exchange's least value is sold when that is what is missing."""
BARRED_SECONDS = 60.0
"""Between tries of a close that must happen and that a status forbids: the status may be out of date."""


class CloseCause(msgspec.Struct, frozen=True, kw_only=True):
    """Why shares of a holding are sold, and which.

    ``parts`` says of which strategies, and how much of each: None for all of its share. Without any, all of
    the holding is sold. ``stops`` are the stops that were hit, by strategy.
    """

    purpose: Purpose
    plan_id: str = ""
    signal_time: datetime | None = None
    timeframe: Timeframe | None = None
    parts: Mapping[str, Decimal | None] = {}
    stops: Mapping[str, Decimal | None] = {}

    @property
    def partial(self) -> bool:
        """Whether something of a share is to be kept."""
        return any(part is not None for part in self.parts.values())


class NotClosed(msgspec.Struct, frozen=True):
    """Why a holding is not being closed. ``for_now`` means that waiting may help.

    ``by_exchange``: a status forbids it, so that it would be refused.
    """

    reason: str
    for_now: bool
    by_exchange: bool = False


def close_holding(
    state: State, out: Outcome, pair: str, cause: CloseCause, at: datetime
) -> LocalOrder | NotClosed:
    """Sell shares of a holding, or say why not.

    Where the exchange's minimum order is more than these, as much as is missing is taken from the pair's
    other shares; where it is more than what would be left, all of the pair is sold.
    What a status of the exchange forbids waits in ``state.barred``, and is made as soon as it is allowed: a
    decision to get out of a share holds, and is an urgent one by then. A stop or a flatten is tried all
    the same every minute, unless the pair is gone.
    """
    price = state.reference_price(pair)
    sold = _sellable(state, pair, cause, price)
    if isinstance(sold, NotClosed):
        if sold.by_exchange:
            _wait_for_exchange(state, out, pair, cause, sold)
        return sold
    assert price is not None
    if pair in state.barred:
        state.barred[pair] = msgspec.structs.replace(
            state.barred[pair], next_wall=state.wall + BARRED_SECONDS
        )
    _tell_others(out, pair, cause, sold)
    wish = Wish(
        pair=pair,
        side=Side.SELL,
        shares=sold,
        purpose=cause.purpose,
        mid=_limit_base(state, pair, cause, price),
        plan_id=cause.plan_id,
        tag=FLATTEN_TAG if cause.purpose is Purpose.FLATTEN else tag_of(state, sold),
        timeframe=cause.timeframe or sold[0].timeframe,
        signal_time=cause.signal_time,
    )
    return place(state, out, wish, at)


def leaving(state: State, sale: LocalOrder) -> dict[str, None]:
    """Return the strategies for which a live sale leaves nothing that could be sold."""
    holding, pair = state.holdings.get(sale.request.pair), state.known[sale.request.pair]
    shares = shares_of(sale)
    parts = apportion(sale.remaining, [share.size for share in shares], pair.volume_decimals)
    found: dict[str, None] = {}
    for share, part in zip(shares, parts, strict=True):
        held = holding.of(share.strategy_id) if holding else None
        if held is not None and held.size - part < pair.order_min:
            found[share.strategy_id] = None
    return found


def _tell_others(out: Outcome, pair: str, cause: CloseCause, sold: Sequence[ActionShare]) -> None:
    """Tell when something is sold of those too who did not ask for it."""
    others = [share for share in sold if cause.parts and share.strategy_id not in cause.parts]
    if not others:
        return
    told = ", ".join(f"{share.size:f} of {share.strategy_id}" for share in others)
    out.log(
        Level.WARNING, "sold_with_others",
        f"{pair}: {told} is sold too: the exchange's minimum order allows no less", pair=pair, others=told,
        purpose=str(cause.purpose),
    )  # fmt: skip


def _wait_for_exchange(state: State, out: Outcome, pair: str, cause: CloseCause, refusal: NotClosed) -> None:
    urgent = state.urgent.get(pair)
    if cause.partial and urgent is not None and all(urgent.of(each) for each in cause.parts):
        return  # all of it is being sold
    if cause.purpose is Purpose.EXIT and not cause.partial:
        state.urgent[pair] = joined(urgent, dict.fromkeys(cause.parts))
    before, prospect = state.barred.get(pair), _prospect(cause, refusal)
    if before is not None and (before.reason, before.prospect) == (refusal.reason, prospect):
        return
    next_wall = before.next_wall if before else state.wall + BARRED_SECONDS
    state.barred[pair] = Barred(refusal.reason, prospect, next_wall)
    out.log(
        Level.WARNING, "close_waits", f"{pair}: not sold, {refusal.reason}: {prospect}", pair=pair,
        reason=refusal.reason, purpose=str(cause.purpose),
    )  # fmt: skip


def _prospect(cause: CloseCause, refusal: NotClosed) -> str:
    """Say what becomes of a close that is not made now."""
    if cause.partial:
        return "a reduction is decided again at the next candle"
    if refusal.for_now:
        return "it is sold as soon as that is possible"
    if cause.purpose is Purpose.FLATTEN:
        return "it cannot be sold any more"
    return "it is sold if the exchange lists the pair again"


def _limit_base(state: State, pair: str, cause: CloseCause, price: Decimal) -> Decimal:
    """Return what a limit is set off from: of one that must take, the best bid."""
    mark = state.marks.get(pair)
    forced = cause.purpose in MARKET_PURPOSES and not goes_at_market(state.known[pair], cause.purpose)
    return mark.quote.bid if forced and mark is not None and mark.quote.bid > ZERO else price


def _sellable(
    state: State, pair: str, cause: CloseCause, price: Decimal | None
) -> tuple[ActionShare, ...] | NotClosed:
    """Return what can be sold now, share by share: held, booked, on the lot, above the minimums."""
    holding, metadata = state.holdings.get(pair), state.known[pair]
    asked = _asked(holding, cause)
    if holding is None or price is None or not asked:
        return NotClosed("nothing is held", for_now=False)
    if any(order.request.side is Side.SELL for order in state.live_orders(pair)):
        return NotClosed("a sell order is at work", for_now=True)
    if state.fills_missing(pair):
        return NotClosed("fills that the exchange reported are not booked yet", for_now=True)
    if reason := _forbidden(state, metadata):
        delisted = metadata.status is PairStatus.DELISTED
        if delisted or not _tried_all_the_same(state, pair, cause):
            return NotClosed(reason, for_now=not delisted, by_exchange=True)
    balance = state.books.balance(metadata.base)
    volume = volume_down(min(sum(asked.values(), ZERO), balance), metadata)
    if _too_small(volume, price, metadata):
        asked = _topped_up(holding, asked, _least(price, metadata), metadata)
        volume = volume_down(min(sum(asked.values(), ZERO), balance), metadata)
    rest = min(holding.size, balance) - volume
    if rest > ZERO and _too_small(rest, price, metadata):
        asked = {share.strategy_id: share.size for share in holding.shares}
        volume = volume_down(min(holding.size, balance), metadata)
    if _too_small(volume, price, metadata):
        return NotClosed(f"{volume} {metadata.base} is below the pair's minimum order", for_now=False)
    return _shares(holding, asked, volume, cause, metadata)


def _asked(holding: Holding | None, cause: CloseCause) -> dict[str, Decimal]:
    """Say how much of each share is to be sold, above zero."""
    asked = {}
    for share in holding.shares if holding else ():
        part = cause.parts.get(share.strategy_id) if cause.parts else None
        if not cause.parts or share.strategy_id in cause.parts:
            asked[share.strategy_id] = share.size if part is None else min(part, share.size)
    return {strategy_id: size for strategy_id, size in asked.items() if size > ZERO}


def _topped_up(
    holding: Holding, asked: Mapping[str, Decimal], least: Decimal, pair: PairMetadata
) -> dict[str, Decimal]:
    """Take what is missing for the least order from the other shares, in proportion; all if that is less."""
    others = {share.strategy_id: share.size - asked.get(share.strategy_id, ZERO) for share in holding.shares}
    missing = least - sum(asked.values(), ZERO)
    if missing <= ZERO:
        return dict(asked)
    if missing >= sum(others.values(), ZERO):
        return {share.strategy_id: share.size for share in holding.shares}
    more = dict(zip(others, apportion(missing, tuple(others.values()), pair.volume_decimals), strict=True))
    return {each: asked.get(each, ZERO) + more[each] for each in others if asked.get(each) or more[each]}


def _least(price: Decimal, pair: PairMetadata) -> Decimal:
    """Return the least volume that the exchange takes, with some room for the price to fall."""
    return max(pair.order_min, step_up(pair.cost_min * COST_ROOM / price, pair.lot_size))


def _too_small(volume: Decimal, price: Decimal, pair: PairMetadata) -> bool:
    return volume < pair.order_min or volume * price < pair.cost_min


def _shares(
    holding: Holding, asked: Mapping[str, Decimal], volume: Decimal, cause: CloseCause, pair: PairMetadata
) -> tuple[ActionShare, ...]:
    """Split a sale among those it is for, in proportion to what each sells."""
    parts = apportion(volume, tuple(asked.values()), pair.volume_decimals)
    sizes = dict(zip(asked, parts, strict=True))
    return tuple(
        ActionShare(
            share.strategy_id, sizes[share.strategy_id], share.timeframe, cause.signal_time,
            cause.stops.get(share.strategy_id),
        )
        for share in holding.shares
        if sizes.get(share.strategy_id, ZERO) > ZERO
    )  # fmt: skip


def _forbidden(state: State, pair: PairMetadata) -> str:
    """Say why the exchange would refuse a close of a pair; empty when it would not."""
    if state.permits(pair.canonical).exit:
        return ""
    return state.system_refusal() if pair.permits.exit else f"the pair is {pair.status}"


def _tried_all_the_same(state: State, pair: str, cause: CloseCause) -> bool:
    barred = state.barred.get(pair)
    return cause.purpose in MARKET_PURPOSES and barred is not None and state.wall >= barred.next_wall
