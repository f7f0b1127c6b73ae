from decimal import Decimal

import pytest

from krakked_tui.domain.fills import AssetBalance
from krakked_tui.portfolio.reconcile import DriftFinding, find_drift
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.valuation import PriceMark
from tests.unit.portfolio.statements import PAIRS, books_of

D = Decimal
STATE = books_of("deposit 30000 USD\nbuy 1 XBTUSD @ 20000\nreward 7 KFEE").state
AGREED = {"USD": "10000", "XBT": "1", "KFEE": "7"}


def drift(
    exchange: dict[str, str], prices: tuple[str, ...] = ("XBTUSD",), fresh: bool = True
) -> tuple[DriftFinding, ...]:
    return find_drift(
        STATE,
        {asset: AssetBalance(asset, D(total)) for asset, total in exchange.items()},
        {pair: PriceMark(D(20000), fresh) for pair in prices},
        PAIRS,
        PortfolioSettings(reconciliation_tolerance=D(2)),
    )


def test_agreement_is_no_drift() -> None:
    assert drift(AGREED) == ()


def test_holds_at_the_exchange_are_no_drift() -> None:
    balances = {asset: AssetBalance(asset, D(total), reserved=D(1)) for asset, total in AGREED.items()}
    assert find_drift(STATE, balances, {}, PAIRS, PortfolioSettings()) == ()


@pytest.mark.parametrize(("xbt", "found"), [("1.0001", False), ("0.9999", False), ("0.9998", True)])
def test_a_difference_is_drift_when_it_is_worth_more_than_the_tolerance(xbt: str, found: bool) -> None:
    findings = drift(AGREED | {"XBT": xbt})
    assert findings == ((DriftFinding("XBT", D(1), D("0.9998"), D(4)),) if found else ())


def test_an_old_price_is_good_enough_to_judge_a_difference() -> None:
    assert drift(AGREED | {"XBT": "1.0001"}, fresh=False) == ()


def test_any_difference_of_unknown_worth_is_drift() -> None:
    assert drift(AGREED | {"XBT": "1.0001"}, prices=()) == (DriftFinding("XBT", D(1), D("1.0001"), None),)
    assert drift(AGREED | {"KFEE": "6.9"}) == (DriftFinding("KFEE", D(7), D("6.9"), None),)


def test_an_asset_only_one_side_knows_is_compared_with_zero() -> None:
    assert drift({"XBT": "1", "KFEE": "7", "ETH": "1"}, ("XBTUSD", "ETHUSD")) == (
        DriftFinding("ETH", D(0), D(1), D(20000)),
        DriftFinding("USD", D(10000), D(0), D(10000)),
    )


def test_the_message_has_both_numbers() -> None:
    [finding] = drift(AGREED | {"XBT": "0.9"})
    assert finding.message == "the books hold 1 XBT, the exchange 0.9"
