"""Strategies that want the same pair: how much of it is bought for each.

Each wish is sized by itself; the pair gets their mean, weighted by weight x confidence, so that agreeing does
not multiply the risk of a pair: size_i = T_i x w_i c_i / sum(w c). Every cap grows in proportion to the size
and each T_i satisfies it, hence so does the mean; rounding every part down to the lot keeps it so.
"""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.plans import LimitCheck, Verdict
from krakked_tui.domain.precision import volume_down
from krakked_tui.risk.candidate import Candidate, Pricing
from krakked_tui.risk.minimums import sellable
from krakked_tui.risk.sizing import Sized


class Wish(msgspec.Struct, frozen=True):
    """An entry that may be made, with what it would buy by itself."""

    entry: Candidate
    sized: Sized
    pricing: Pricing
    permissions: tuple[LimitCheck, ...]

    @property
    def strategy_id(self) -> str:
        """Whose it is."""
        return self.entry.intent.strategy_id

    @property
    def voice(self) -> Decimal:
        """Weight x confidence."""
        return self.entry.strategy.weight * self.entry.intent.confidence


class Part(msgspec.Struct, frozen=True):
    """What an entry buys for one strategy."""

    wish: Wish
    size: Decimal


def blend(wishes: Sequence[Wish]) -> tuple[list[Part], list[Wish]]:
    """Share one order among strategies; return their parts by id, and who is left out.

    Left out is, one after the other, the least voice among those whose part could not be sold by itself
    again at its stop. What is left is never nothing: each wish could be made alone.
    """
    asking = sorted(wishes, key=lambda wish: wish.strategy_id)
    left_out: list[Wish] = []
    while True:
        parts = _parts(asking)
        too_small = [part.wish for part in parts if len(parts) > 1 and not _can_be_sold(part)]
        if not too_small:
            return parts, left_out
        least = min(reversed(too_small), key=lambda wish: wish.voice)
        asking.remove(least)
        left_out.append(least)


def _parts(wishes: Sequence[Wish]) -> list[Part]:
    if len(wishes) == 1:
        return [Part(wishes[0], wishes[0].sized.size)]
    voices = [wish.voice for wish in wishes]
    total = sum(voices, ZERO)
    if not total:  # nobody is sure of anything
        voices = [wish.entry.strategy.weight for wish in wishes]
        total = sum(voices, ZERO)
    return [
        Part(wish, volume_down(wish.sized.size * voice / total, wish.entry.state.metadata))
        for wish, voice in zip(wishes, voices, strict=True)
    ]


def _can_be_sold(part: Part) -> bool:
    return sellable(part.wish.entry.state.metadata, part.size, part.wish.pricing.sold_at)


def joint_checks(parts: Sequence[Part]) -> tuple[LimitCheck, ...]:
    """Return the checks of a whole order: those of its parts once each, the caps for their sum.

    A cap that cut a part stays ``clamped``, in the sentence of that part.
    """
    if len(parts) == 1:
        return (*parts[0].wish.permissions, *parts[0].wish.sized.checks)
    checks: dict[LimitCheck, None] = {}
    sums = _sums(parts)
    for part in parts:
        for check in (*part.wish.permissions, *part.wish.sized.checks):
            if check.limit not in sums:
                checks[_named(check, part) if check.reason else check] = None
            elif check.verdict is Verdict.CLAMPED:
                sums[check.limit] = msgspec.structs.replace(
                    sums[check.limit], verdict=Verdict.CLAMPED, reason=_named(check, part).reason
                )
    return (*checks, *sums.values())


def _sums(parts: Sequence[Part]) -> dict[str, LimitCheck]:
    added: dict[str, Decimal] = {}
    caps = {}
    for part in parts:
        for cap in part.wish.sized.caps:
            caps[cap.limit] = cap
            added[cap.limit] = added.get(cap.limit, ZERO) + part.size * cap.per_base
    equity = parts[0].wish.entry.context.equity
    return {limit: cap.check(added[limit], equity) for limit, cap in caps.items()}


def _named(check: LimitCheck, part: Part) -> LimitCheck:
    """Say whose check it is."""
    return msgspec.structs.replace(check, reason=f"{part.wish.strategy_id}: {check.reason}")
