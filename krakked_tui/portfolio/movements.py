"""What an event moved, asset by asset, before anybody asks what it was worth."""

from collections.abc import Mapping, Sequence
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


class Settled(Movement, frozen=True, gc=False):
    """What the ledger rows of a trade say it did to our balance of one name."""

    name: str = ""


def settle(settled: tuple[Settled, ...], name: str, amount: Decimal, fee: Decimal) -> tuple[Settled, ...]:
    """Return these and what another row says; those of a name together."""
    for number, one in enumerate(settled):
        if one.name == name:
            both = Settled(one.amount + amount, one.fee + fee, name)
            return (*settled[:number], both, *settled[number + 1 :])
    return (*settled, Settled(amount, fee, name))


def tell_all(settled: Sequence[Settled], trade: Trade, pair: PairMetadata) -> bool:
    """Say whether a trade's ledger rows tell of nothing but its two assets, and of all it tells of itself."""
    if len(settled) != 2:
        return False
    names = (settled[0].name, settled[1].name)
    if pair.base not in names or pair.quote not in names:
        return False
    for fee in trade.fees:  # noqa: SIM110 - asked of every trade, and twice as fast
        if (fee.asset or pair.quote) not in names:
            return False
    return True


def true_movements(trade: Trade, pair: PairMetadata, settled: Sequence[Settled]) -> Mapping[str, Movement]:
    """Return, by name, what a trade moved: what its ledger rows say, else what it says itself.

    The same rows give the same order of names, whenever they came (of two, the order means nothing).
    """
    if not settled:
        return expected_movements(trade, pair)
    by_name: dict[str, Movement] = {one.name: one for one in settled}
    if trade.margin or tell_all(settled, trade, pair):
        return by_name
    moved = expected_movements(trade, pair) | by_name
    others = sorted(moved.keys() - {pair.base, pair.quote})
    return {name: moved[name] for name in (pair.base, pair.quote, *others)}


def expected_movements(trade: Trade, pair: PairMetadata) -> dict[str, Movement]:
    """Return, by asset, what the trade row alone says; its scale is coarser than the ledger's.

    A trade on margin says nothing of balances. A fee without an asset's name is in the quote.
    """
    if trade.margin:
        return {}
    bought = trade.side == Side.BUY
    moved = {
        pair.base: Movement(trade.volume if bought else -trade.volume),
        pair.quote: Movement(-trade.cost if bought else trade.cost),
    }
    for fee in trade.fees:
        asset = fee.asset or pair.quote
        before = moved.get(asset, NOTHING)
        moved[asset] = Movement(before.amount, before.fee + fee.amount)
    return moved
