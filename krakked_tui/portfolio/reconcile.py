"""Do the books and the exchange agree on what we hold?"""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import AssetBalance
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.portfolio.ledger import LedgerState
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.valuation import WITHOUT_VALUE, PriceMark, Valuer


class DriftFinding(msgspec.Struct, frozen=True):
    """One asset on which the books (``expected``) and the exchange (``actual``) disagree.

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
    """Compare the books with the exchange's totals (holds included), asset by asset.

    A difference is drift when it is worth more than the tolerance, or when its worth is unknown.
    The two sides must be of the same moment: no fill between reading one and the other.
    """
    valuer = Valuer(prices, pairs, settings.base_currency)
    findings = []
    for asset in sorted(state.balances.keys() | balances.keys()):
        expected = state.balances.get(asset, ZERO)
        actual = balances[asset].total if asset in balances else ZERO
        if expected == actual:
            continue
        difference = valuer.value(asset, abs(actual - expected))
        worth = None if difference.status in WITHOUT_VALUE else difference.value
        if worth is None or worth > settings.reconciliation_tolerance:
            findings.append(DriftFinding(asset, expected, actual, worth))
    return tuple(findings)
