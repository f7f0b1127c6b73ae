"""The accounts of the books, one for each asset over all its forms, and a posting that changes them."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.portfolio import CashFlow, Disposal, FlowKind, Lot
from krakked_tui.portfolio.findings import FindingKind, LedgerFinding
from krakked_tui.portfolio.lots import AverageLots, Lots, part_of


class Account(msgspec.Struct, frozen=True, gc=False):
    """One asset. Money is in base currency, sums are over the whole history.

    What is held always adds up: size = balance over all forms + ``transit`` + ``missing``.

    - ``realized`` and ``fees``: what its sales made net of fees, and those fees.
    - ``flowed``: how much of it came and went without a trade, net.
    - ``flow_cost`` and ``flow_value``: the same at cost and at market (see ``flows``).
    - ``unvalued``: the part of ``flowed`` that has no value yet.
    - ``transit``: what left one form and has not arrived in another; negative the other way round.
    - ``missing``: what left without having been held, so that the balance is below zero by that.
    """

    lots: Lots
    realized: Decimal = ZERO
    fees: Decimal = ZERO
    flowed: Decimal = ZERO
    flow_cost: Decimal = ZERO
    flow_value: Decimal = ZERO
    unvalued: Decimal = ZERO
    transit: Decimal = ZERO
    missing: Decimal = ZERO

    @property
    def size(self) -> Decimal:
        """How much is held; below zero for the base currency only."""
        return self.lots.size

    @property
    def cost(self) -> Decimal:
        """What it cost; the base currency costs itself."""
        return self.lots.cost

    @property
    def opened_at(self) -> datetime | None:
        """Since when it is held, None when it is not."""
        return self.lots.opened_at


Accounts = Mapping[str, Account]
"""By asset. Never changed in place by what reads them."""


NEVER_HELD = "left without having been held"


class WantedRate(msgspec.Struct, frozen=True, gc=False):
    """A price the books lack: of ``asset``, or of ``instead``, in base currency, at a time.

    Answered by a ``Rate`` with this ``event_id``.
    """

    event_id: str
    at: datetime
    asset: str
    instead: str | None = None


class Disposed(msgspec.Struct, frozen=True, gc=False):
    """Some of an asset that an event sold, spent or paid as a fee, with the ``lots`` it took.

    ``proceeds`` and ``fee``, in base currency, are those of all together.
    """

    event_id: str
    asset: str
    at: datetime
    proceeds: Decimal
    fee: Decimal
    lots: tuple[Lot, ...]

    def by_lot(self) -> Iterator[Disposal]:
        """Share proceeds and fee out among the lots by their size; the last one gets what is left."""
        proceeds, fee, quantity = self.proceeds, self.fee, sum([lot.size for lot in self.lots], ZERO)
        for lot in self.lots:
            here, paid = part_of(proceeds, lot.size, quantity), part_of(fee, lot.size, quantity)
            yield Disposal(
                self.event_id, self.asset, lot.size, lot.acquired_at, self.at, here, lot.cost, paid
            )
            proceeds, fee, quantity = proceeds - here, fee - paid, quantity - lot.size


class Booking(msgspec.Struct, frozen=True, gc=False):
    """What an event made, net of its ``fee``, in base currency; and what is to be told of it.

    ``event_id`` is the trade's, or the (first) ledger row's.
    """

    pnl: Decimal = ZERO
    fee: Decimal = ZERO
    disposed: tuple[Disposed, ...] = ()
    flows: tuple[CashFlow, ...] = ()
    findings: tuple[LedgerFinding, ...] = ()
    wanted: tuple[WantedRate, ...] = ()
    event_id: str = ""

    @property
    def disposals(self) -> tuple[Disposal, ...]:
        """The same as ``disposed``, lot by lot."""
        return tuple([each for whole in self.disposed for each in whole.by_lot()])


class Terms(msgspec.Struct, frozen=True):
    """In which currency the books are kept, and how what is held is sold (``none`` is nothing held)."""

    base_currency: str
    none: Lots


class Posting(msgspec.Struct):
    """What one event does to the accounts, gathered. ``accounts`` stay as they are; see ``changed``.

    ``subject`` is what findings name the event by.
    """

    accounts: Accounts
    terms: Terms
    base_currency: str
    event_id: str
    at: datetime
    subject: str
    changed: dict[str, Account] = {}
    pnl: Decimal = ZERO
    fee: Decimal = ZERO
    disposed: tuple[Disposed, ...] = ()
    flows: tuple[CashFlow, ...] = ()
    findings: tuple[LedgerFinding, ...] = ()
    wanted: tuple[WantedRate, ...] = ()

    def booking(self) -> Booking:
        """Return what is to be kept of the event."""
        return Booking(
            self.pnl, self.fee, self.disposed, self.flows, self.findings, self.wanted, self.event_id
        )  # fmt: skip

    def account(self, asset: str) -> Account:
        """Return an account as it is now."""
        account = self.changed.get(asset) or self.accounts.get(asset)
        if account is None:
            account = Account(AverageLots() if asset == self.base_currency else self.terms.none)
        return account

    def put(self, asset: str, quantity: Decimal, cost: Decimal) -> None:
        """Add to what is held of an asset."""
        self._hold(asset, self.account(asset).lots.acquire(Lot(self.at, quantity, cost)))

    def buy(self, asset: str, quantity: Decimal, cost: Decimal, fee: Decimal) -> None:
        """Put and realize the fee in one step; nothing else is booked of the event."""
        self.pnl = -fee
        self.fee = fee
        old = self.account(asset)
        self.changed[asset] = Account(
            old.lots.acquire(Lot(self.at, quantity, cost)), old.realized - fee, old.fees + fee, old.flowed,
            old.flow_cost, old.flow_value, old.unvalued, old.transit, old.missing,
        )  # fmt: skip

    def sell(self, asset: str, quantity: Decimal, proceeds: Decimal, fee: Decimal) -> None:
        """Dispose of what is held and realize the gain in one step; nothing else is booked of the event."""
        old = self.account(asset)
        left, gone = old.lots.dispose(quantity)
        self.pnl = made = proceeds - fee - (old.lots.cost - left.cost)
        self.fee = fee
        self.disposed = (Disposed(self.event_id, asset, self.at, proceeds, fee, gone),)
        self.changed[asset] = Account(
            left, old.realized + made, old.fees + fee, old.flowed, old.flow_cost, old.flow_value,
            old.unvalued, old.transit, old.missing,
        )  # fmt: skip

    def cash(self, change: Decimal) -> None:
        """Change the base currency, which costs itself and may be below zero."""
        size = self.account(self.base_currency).lots.size + change
        self._hold(self.base_currency, AverageLots(size, size))

    def take(self, asset: str, quantity: Decimal) -> tuple[tuple[Lot, ...], Decimal, Decimal]:
        """Take from what is held: the lots that go, their cost, and what is lacking."""
        lots = self.account(asset).lots
        held = quantity if quantity <= lots.size else lots.size
        left, gone = lots.dispose(held)
        self._hold(asset, left)
        return gone, lots.cost - left.cost, quantity - held

    def realize(self, asset: str, gain: Decimal, fee: Decimal = ZERO) -> None:
        """Add to what an asset's sales made, before this fee, and to its fees."""
        self.pnl += gain - fee
        self.fee += fee
        old = self.account(asset)
        self.changed[asset] = Account(
            old.lots, old.realized + gain - fee, old.fees + fee, old.flowed, old.flow_cost, old.flow_value,
            old.unvalued, old.transit, old.missing,
        )  # fmt: skip

    def dispose(self, asset: str, quantity: Decimal, proceeds: Decimal, fee: Decimal) -> Decimal:
        """Sell some for ``proceeds`` and return the gain before the fee, which the disposals carry.

        What is not held came from where nobody knows: a flow at its part of the proceeds, which so makes
        neither profit nor loss.
        """
        gone, share, lacking = self.take(asset, quantity)
        if lacking:
            value = part_of(proceeds, lacking, quantity)
            self.lack(asset, lacking, value)
            self._note_flow(FlowKind.ADJUSTMENT, asset, lacking, value, value, NEVER_HELD)
            gone += (Lot(self.at, lacking, value),)
            share += value
        if gone:
            self.disposed += (Disposed(self.event_id, asset, self.at, proceeds, fee, gone),)
        return proceeds - share

    def flow(
        self,
        kind: FlowKind,
        asset: str,
        amount: Decimal,
        cost: Decimal,
        value: Decimal | None,
        note: str = "",
    ) -> None:
        """Note that some came or went without a trade."""
        self._note_flow(kind, asset, amount, cost, value, note)
        old = self.account(asset)
        self.changed[asset] = msgspec.structs.replace(
            old, flowed=old.flowed + amount, unvalued=old.unvalued + (amount if value is None else ZERO)
        )

    def lack(self, asset: str, lacking: Decimal, value: Decimal = ZERO, *, told: bool = False) -> None:
        """Note that more left than was held; ``told`` when another finding says it already."""
        old = self.account(asset)
        self.changed[asset] = msgspec.structs.replace(old, missing=old.missing + lacking)
        if not told:
            self.find(FindingKind.OVERSOLD, asset, lacking, value)

    def cover(self, asset: str, amount: Decimal, *, arrival: bool) -> Decimal:
        """Let an adjustment first make up for what is missing; returns what of it did.

        With ``arrival``, for what is on its way too: otherwise the other side of that is still to come.
        """
        old = self.account(asset)
        missing, transit = min(max(amount, ZERO), old.missing), ZERO
        if arrival and amount > ZERO:
            transit = min(amount - missing, max(old.transit, ZERO))
        elif arrival:
            transit = max(amount, min(old.transit, ZERO))
        self.changed[asset] = msgspec.structs.replace(
            old, missing=old.missing - missing, transit=old.transit - transit
        )
        return missing + transit

    def send(self, asset: str, net: Decimal) -> None:
        """Move some between forms: one side only, the other one is an event of its own."""
        old = self.account(asset)
        self.changed[asset] = msgspec.structs.replace(old, transit=old.transit - net)

    def find(self, kind: FindingKind, asset: str, amount: Decimal, value: Decimal = ZERO) -> None:
        """Report something odd."""
        found = LedgerFinding(kind, self.event_id, self.subject, self.at, asset, amount, value)
        self.findings += (found,)

    def want(self, asset: str, instead: str | None = None) -> None:
        """Ask for a price."""
        self.wanted += (WantedRate(self.event_id, self.at, asset, instead),)

    def _hold(self, asset: str, lots: Lots) -> None:
        old = self.account(asset)
        self.changed[asset] = Account(
            lots, old.realized, old.fees, old.flowed, old.flow_cost, old.flow_value, old.unvalued,
            old.transit, old.missing,
        )  # fmt: skip

    def _note_flow(
        self,
        kind: FlowKind,
        asset: str,
        amount: Decimal,
        cost: Decimal,
        value: Decimal | None,
        note: str,
    ) -> None:
        """Keep a flow; of several of one event the first bears its id, the others a number too."""
        flow_id = f"{self.event_id}/{len(self.flows) + 1}" if self.flows else self.event_id
        self.flows += (CashFlow(flow_id, self.at, asset, amount, kind, value, note, cost),)
        old = self.account(asset)
        self.changed[asset] = msgspec.structs.replace(
            old, flow_cost=old.flow_cost + cost, flow_value=old.flow_value + (value or ZERO)
        )
