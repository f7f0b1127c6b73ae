"""Do the books and the exchange agree on what we hold? And if they do not: make them."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import AssetBalance, LedgerEntry
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.portfolio.accounts import Account
from krakked_tui.portfolio.flows import FEE_CREDITS, OWN_ROW
from krakked_tui.portfolio.forms import Forms
from krakked_tui.portfolio.ledger import LedgerState
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.valuation import WITHOUT_VALUE, PriceMark, Valuer

AFTERWARDS = timedelta(microseconds=1)


class DriftFinding(msgspec.Struct, frozen=True):
    """One asset on which the books (``expected``) and the exchange (``actual``) disagree, over all forms.

    ``value`` is the size of the difference in base currency, None when the asset has no price.
    """

    asset: str
    expected: Decimal
    actual: Decimal
    value: Decimal | None

    @property
    def message(self) -> str:
        """One sentence for the operator."""
        return f"the books hold {self.expected:f} {self.asset}, the exchange {self.actual:f}"


def find_drift(
    state: LedgerState,
    balances: Mapping[str, AssetBalance],
    prices: Mapping[str, PriceMark],
    pairs: Mapping[str, PairMetadata],
    settings: PortfolioSettings,
) -> tuple[DriftFinding, ...]:
    """Compare the books with the exchange's totals (holds included), asset by asset over all its forms.

    A difference is drift when it is worth more than the tolerance; without a price, when an order could be
    made of it or no pair says how much that takes. The exchange's own fee credit is worth nothing to
    anybody else, so it never is. Excluded assets are compared like all others. The two sides must be of the
    same moment: no fill between reading one and the other.
    """
    valuer = Valuer(prices, pairs, settings)
    forms = Forms.of_pairs(pairs.values())
    booked = _sums(state.balances.items(), forms)
    held = _sums(((name, balance.total) for name, balance in balances.items()), forms)
    findings = []
    for asset in sorted(booked.keys() | held.keys()):
        expected, actual = booked.get(asset, ZERO), held.get(asset, ZERO)
        if expected == actual or asset in FEE_CREDITS:
            continue
        difference = valuer.value(asset, abs(actual - expected))
        worth = None if difference.status in WITHOUT_VALUE else difference.value
        if worth is None:
            drifts = abs(actual - expected) >= _order_min(asset, pairs)
        else:
            drifts = worth > settings.reconciliation_tolerance
        if drifts:
            findings.append(DriftFinding(asset, expected, actual, worth))
    return tuple(findings)


def _order_min(asset: str, pairs: Mapping[str, PairMetadata]) -> Decimal:
    """Return the least that an order for an asset takes on any pair; zero without one."""
    return min((pair.order_min for pair in pairs.values() if pair.base == asset), default=ZERO)


def accept_balances(
    state: LedgerState, balances: Mapping[str, AssetBalance], forms: Forms, at: datetime
) -> tuple[LedgerEntry, ...]:
    """Return the adjustments that make the books hold what the exchange says, however small.

    They are ledger rows of our own (``OWN_ROW``): to be stored and applied like the exchange's. Those of
    one asset are one event, so that what only lies in another form than the books thought keeps its
    cost. What is still missing or on its way afterwards is settled by two rows that cancel out. Flows
    that need a price are in ``Books.wanted_rates`` afterwards.
    """
    rows, net = [], dict[str, Decimal]()
    for name in sorted(state.balances.keys() | balances.keys()):
        actual = balances[name].total if name in balances else ZERO
        difference = actual - state.balances.get(name, ZERO)
        asset = forms.asset(name)
        net[asset] = net.get(asset, ZERO) + difference
        if difference:
            rows.append(_own_row(name, asset, difference, at))
    for asset, account in sorted(state.accounts.items()):
        loose = _left_open(account, net.get(asset, ZERO))
        if loose:
            rows.append(_own_row(asset, f"{asset}-settled-in", loose, at + AFTERWARDS))
            rows.append(_own_row(asset, f"{asset}-settled-out", -loose, at + AFTERWARDS))
    return tuple(rows)


def _left_open(account: Account, change: Decimal) -> Decimal:
    """Return what an adjustment by ``change`` leaves missing or on its way (see ``Posting.cover``)."""
    missing, transit = account.missing, account.transit
    if change > ZERO:
        missing = max(missing - change, ZERO)
        change -= account.missing - missing
    if transit * change > ZERO:
        transit -= change if abs(change) < abs(transit) else transit
    return missing + abs(transit)


def _own_row(name: str, event: str, amount: Decimal, at: datetime) -> LedgerEntry:
    stamp = f"accepted-{at:%Y%m%dT%H%M%S.%f}"
    return LedgerEntry(
        entry_id=f"{stamp}-{event}-{name}",
        refid=f"{stamp}-{event}",
        time=at,
        type="adjustment",
        subtype=OWN_ROW,
        asset=name,
        amount=amount,
        fee=ZERO,
        balance=ZERO,
    )


def _sums(amounts: Iterable[tuple[str, Decimal]], forms: Forms) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for name, amount in amounts:
        asset = forms.asset(name)
        sums[asset] = sums.get(asset, ZERO) + amount
    return sums
