from decimal import Decimal

import pytest

from krakked_tui.domain.fills import AssetBalance
from krakked_tui.domain.portfolio import FlowKind
from krakked_tui.portfolio.reconcile import DriftFinding, accept_balances, find_drift
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.valuation import PriceMark
from tests.unit.portfolio.statements import MINUTE, PAIRS, START, books_of, make_entry

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
    assert drift(AGREED | {"GHOST": "0.1"}) == (DriftFinding("GHOST", D(0), D("0.1"), None),)


def test_the_exchanges_own_fee_credit_is_never_drift() -> None:
    assert drift(AGREED | {"KFEE": "6.9", "FEE": "10000"}) == ()


def test_without_a_price_it_is_drift_from_the_least_order_on() -> None:
    least = PAIRS["XBTUSD"].order_min
    assert drift(AGREED | {"XBT": str(1 + least - D("1e-8"))}, prices=()) == ()
    assert len(drift(AGREED | {"XBT": str(1 + least)}, prices=())) == 1


def test_an_asset_only_one_side_knows_is_compared_with_zero() -> None:
    assert drift({"XBT": "1", "KFEE": "7", "ETH": "1"}, ("XBTUSD", "ETHUSD")) == (
        DriftFinding("ETH", D(0), D(1), D(20000)),
        DriftFinding("USD", D(10000), D(0), D(10000)),
    )


def test_the_message_has_both_numbers() -> None:
    [finding] = drift(AGREED | {"XBT": "0.9"})
    assert finding.message == "the books hold 1 XBT, the exchange 0.9"


def balances_of(**totals: str) -> dict[str, AssetBalance]:
    names = {name.replace("_", "."): D(total) for name, total in totals.items()}
    return {name: AssetBalance(name, total) for name, total in names.items()}


STAKED = "deposit 30000 USD\nbuy 1 XBTUSD @ 20000"


def test_an_asset_in_another_form_than_the_books_thought_is_no_drift() -> None:
    state = books_of(STAKED).state
    held = balances_of(USD="10000", XBT="0.4", XBT_M="0.5", XBT_F="0.1")
    assert find_drift(state, held, {}, PAIRS, PortfolioSettings()) == ()
    held = balances_of(USD="10000", XBT="0.4", XBT_M="0.5")
    [finding] = find_drift(state, held, {}, PAIRS, PortfolioSettings())
    assert (finding.asset, finding.expected, finding.actual) == ("XBT", D(1), D("0.9"))


def test_excluded_assets_are_reconciled_too() -> None:
    settings = PortfolioSettings(exclude_assets=("XBT",))
    assert find_drift(books_of(STAKED).state, balances_of(USD="10000"), {}, PAIRS, settings)


def test_drift_appears_and_clears_by_itself() -> None:
    books = books_of(STAKED)
    held = balances_of(USD="10000", XBT="0.6")
    assert find_drift(books.state, held, {}, PAIRS, PortfolioSettings())
    books.apply_entry(make_entry("L9", "XBT", "-0.4", refid="W", kind="withdrawal", at=START + MINUTE * 5))
    assert find_drift(books.state, held, {}, PAIRS, PortfolioSettings()) == ()


def test_accepting_balances_writes_flows_that_make_the_books_agree() -> None:
    books = books_of(STAKED)
    held = balances_of(USD="9000", XBT="0.75", ETH="2")
    at = START + MINUTE * 9
    entries = accept_balances(books.state, held, books.forms, at)
    assert [(entry.asset, entry.amount, entry.type, entry.subtype) for entry in entries] == [
        ("ETH", D(2), "adjustment", "accepted"),
        ("USD", D(-1000), "adjustment", "accepted"),
        ("XBT", D("-0.25"), "adjustment", "accepted"),
    ]
    for entry in entries:
        assert books.apply_entry(entry)
    assert find_drift(books.state, held, {}, PAIRS, PortfolioSettings()) == ()
    assert [(flow.kind, flow.asset, flow.amount, flow.cost) for flow in books.flows[1:]] == [
        (FlowKind.ADJUSTMENT, "ETH", D(2), D(0)),
        (FlowKind.ADJUSTMENT, "USD", D(-1000), D(-1000)),
        (FlowKind.ADJUSTMENT, "XBT", D("-0.25"), D(-5000)),
    ]
    assert books.state.realized_pnl == D(0)
    assert {wanted.asset for wanted in books.wanted_rates} == {"ETH", "XBT"}
    assert books.last_entry_time == START, "the exchange does not know of them"


def test_accepting_another_form_keeps_the_cost() -> None:
    books = books_of(STAKED)
    for entry in accept_balances(
        books.state, balances_of(USD="10000", XBT="0.4", XBT_M="0.6"), books.forms, START
    ):
        books.apply_entry(entry)
    assert (books.balance("XBT"), books.balance("XBT.M")) == (D("0.4"), D("0.6"))
    assert books.state.positions["XBTUSD"].cost == D(20000)
    assert len(books.flows) == 1


def test_accepting_makes_up_for_what_was_sold_without_being_held() -> None:
    books = books_of("sell 1 XBTUSD @ 20000")
    for entry in accept_balances(books.state, balances_of(USD="20000"), books.forms, START + MINUTE):
        books.apply_entry(entry)
    account = books.state.accounts["XBT"]
    assert (account.size, account.missing, books.balance("XBT")) == (D(0), D(0), D(0))
    assert (books.state.flow_cost, books.state.realized_pnl) == (D(20000), D(0))
