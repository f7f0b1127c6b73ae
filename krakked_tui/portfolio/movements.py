"""What an event moved, asset by asset, before anybody asks what it was worth."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import PairMetadata


class Movement(msgspec.Struct, frozen=True, gc=False):
    """What an event did to our balance of one asset: ``amount`` (signed, before the fee) less ``fee``."""

    amount: Decimal = ZERO
    fee: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        """The change of the balance."""
        return self.amount - self.fee

    def __add__(self, other: "Movement") -> "Movement":
        return Movement(self.amount + other.amount, self.fee + other.fee)


NOTHING = Movement()


def true_movements(
    trade: Trade, pair: PairMetadata, settled: dict[str, Movement] | None
) -> Mapping[str, Movement]:
    """Return, by name, what a trade moved: what its ledger rows say, else what it says itself.

    The same rows give the same order of names, whenever they came (of two, the order means nothing).
    """
    if settled is None:
        return expected_movements(trade, pair)
    two = len(settled) == 2 and pair.base in settled and pair.quote in settled
    if two and all(fee.asset in settled for fee in trade.fees):
        return settled
    moved = expected_movements(trade, pair) | settled
    others = sorted(moved.keys() - {pair.base, pair.quote})
    return {name: moved[name] for name in (pair.base, pair.quote, *others)}


def expected_movements(trade: Trade, pair: PairMetadata) -> dict[str, Movement]:
    """Return, by asset, what the trade row alone says; its scale is coarser than the ledger's."""
    bought = trade.side == Side.BUY
    moved = {
        pair.base: Movement(trade.volume if bought else -trade.volume),
        pair.quote: Movement(-trade.cost if bought else trade.cost),
    }
    for fee in trade.fees:
        before = moved.get(fee.asset, NOTHING)
        moved[fee.asset] = Movement(before.amount, before.fee + fee.amount)
    return moved
