"""An account's balances and holds, and what a trade does to them.

Invariants, whatever is asked: no balance is negative, and the holds of an asset never exceed its
balance. Amounts are at the asset's ledger scale.
"""

from collections.abc import Mapping
from decimal import ROUND_UP, Decimal

import msgspec

from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.precision import at_scale, half_up

_UNPAYABLE = Decimal(10) ** 17
"""More of anything than an account has; it and its decimals still fit into 28 digits."""


class Movement(msgspec.Struct, frozen=True):
    """One change of one balance: balance after = balance before + amount - fee."""

    asset: str
    amount: Decimal
    fee: Decimal
    balance: Decimal


class Hold(msgspec.Struct, frozen=True):
    """What an open order keeps back."""

    asset: str
    amount: Decimal


class Account:
    """Balances and holds by normalised asset name; ``scales`` are the assets' ledger decimals."""

    def __init__(self, scales: Mapping[str, int]) -> None:
        self._scales = scales
        self._balances: dict[str, Decimal] = {}
        self._holds: dict[str, Hold] = {}
        self._held: dict[str, Decimal] = {}

    @property
    def balances(self) -> Mapping[str, Decimal]:
        """Every asset that was ever held, zeros included."""
        return self._balances

    def balance(self, asset: str) -> Decimal:
        """What is owned, held back or not."""
        return self._balances.get(asset, at_scale(ZERO, self._scales[asset]))

    def held(self, asset: str) -> Decimal:
        """What open orders keep back."""
        return self._held.get(asset, at_scale(ZERO, self._scales[asset]))

    def available(self, asset: str) -> Decimal:
        """What a new order may use."""
        return self.balance(asset) - self.held(asset)

    def restore(self, balances: Mapping[str, Decimal]) -> None:
        """Put stored balances back."""
        self._balances.update(balances)

    def deposit(self, asset: str, amount: Decimal) -> Movement:
        """Add money from outside."""
        return self._move(asset, at_scale(amount, self._scales[asset]), ZERO)

    def move(self, asset: str, amount: Decimal, fee: Decimal) -> Movement:
        """Move money in or out (signed) less a fee, both at the ledger's scale and available."""
        assert self.available(asset) + amount - fee >= ZERO, f"{asset} {amount} - {fee} is not available"
        return self._move(asset, amount, fee)

    def needed(
        self, pair: PairMetadata, side: Side, volume: Decimal, cost: Decimal, percent: Decimal
    ) -> Hold:
        """Return what an order must hold: the base it sells, or the most it can cost with its fee."""
        if side is Side.SELL:
            return Hold(pair.base, at_scale(volume, self._scales[pair.base], ROUND_UP))
        most = min(cost * (HUNDRED + percent) / HUNDRED, _UNPAYABLE)
        return Hold(pair.quote, at_scale(most, self._scales[pair.quote], ROUND_UP))

    def affords(self, hold: Hold, freed: Decimal = ZERO) -> bool:
        """Say whether an order may hold this, when so much of the asset is given back for it."""
        return hold.amount <= self.available(hold.asset) + freed

    def hold(self, order_id: str, hold: Hold) -> Decimal:
        """Set what an order holds and return it; never more than is there, whatever rounding says."""
        self.release(order_id)
        amount = min(hold.amount, self.available(hold.asset))
        self._holds[order_id] = Hold(hold.asset, amount)
        self._held[hold.asset] = self.held(hold.asset) + amount
        return amount

    def release(self, order_id: str) -> None:
        """Drop an order's hold, if it has one."""
        hold = self._holds.pop(order_id, None)
        if hold is not None:
            self._held[hold.asset] -= hold.amount

    def settle(
        self,
        pair: PairMetadata,
        side: Side,
        volume: Decimal,
        cost: Decimal,
        fee: Decimal,
        *,
        in_base: bool = False,
    ) -> tuple[Movement, Movement]:
        """Book a trade, its fee in quote or in base; the order's own hold must have been released before.

        Returns the quote and the base movement. What rounding to the ledger's scale would take
        beyond what is available is waived, the fee first. A fee in base must be there in base.
        """
        scale = self._scales[pair.quote]
        available = self.available(pair.quote)
        quote_fee, base_fee = (ZERO, fee) if in_base else (fee, ZERO)
        if side is Side.BUY:
            paid = min(half_up(cost, scale), available)
            charged = min(half_up(quote_fee, scale), available - paid)
            quote = self._move(pair.quote, -paid, charged)
        else:
            got = half_up(cost, scale)
            quote = self._move(pair.quote, got, min(half_up(quote_fee, scale), available + got))
        signed = volume if side is Side.BUY else -volume
        return quote, self._move(pair.base, at_scale(signed, self._scales[pair.base]), base_fee)

    def _move(self, asset: str, amount: Decimal, fee: Decimal) -> Movement:
        fee = at_scale(fee, self._scales[asset])
        balance = self.balance(asset) + amount - fee
        assert balance >= ZERO, f"{asset} would fall to {balance}"
        self._balances[asset] = balance
        return Movement(asset, amount, fee, balance)
