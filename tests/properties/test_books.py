"""The books of random histories: trades of all kinds, flows, conversions, transfers, some without rates."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from krakked_tui.domain.fills import AssetBalance, LedgerEntry, Trade
from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.portfolio import CostBasis
from krakked_tui.portfolio.findings import FindingKind
from krakked_tui.portfolio.forms import holdings
from krakked_tui.portfolio.ledger import Books
from krakked_tui.portfolio.reconcile import accept_balances, find_drift
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.valuation import PriceMark, value
from tests.properties.random_books import PAIRS, QUOTES, Event, History, apply, booked, new_books
from tests.unit.portfolio.statements import START

D = Decimal
MARKS = {pair: PriceMark(D(price), fresh=True) for pair, price in QUOTES.items()} | {
    "USDCHF": PriceMark(D("0.8"), fresh=True)
}
PRICES = {pair.removesuffix("USD"): D(price) for pair, price in QUOTES.items()} | {
    "USD": ONE,
    "CHF": D("1.25"),
}
SETTINGS = PortfolioSettings(valuation_pairs={"CHF": "USDCHF"})
WITHOUT = (
    SETTINGS,
    PortfolioSettings(valuation_pairs={"CHF": "USDCHF"}, exclude_assets=("ETH", "CHF")),
    PortfolioSettings(include_assets=("XBT",)),
)
METHODS = tuple(CostBasis)

RESULTS = ("margin", "rollover", "settled")
SHORT, LONG = 330, 10_000


def seeds(count: int) -> list[range]:
    """Ten runs of as many histories together."""
    return [range(start, start + count // 10) for start in range(0, count, count // 10)]


RUNS = [*seeds(SHORT), *(pytest.param(run, marks=pytest.mark.long) for run in seeds(LONG))]


def check_identity(books: Books) -> None:
    """Equity is what was realized, is unrealized, and came in: to the last digit."""
    state = books.state
    kfee = state.accounts["KFEE"].cost if "KFEE" in state.accounts else ZERO  # has no price, may have a cost
    valuation = value(state, MARKS, PAIRS, SETTINGS)
    equity = sum((a.size * PRICES.get(asset, ZERO) for asset, a in state.accounts.items()), ZERO)
    assert valuation.equity == equity
    assert equity + kfee == valuation.realized_pnl + valuation.unrealized_pnl + valuation.flow_cost
    for settings in WITHOUT[1:]:
        part = value(state, MARKS, PAIRS, settings)
        spared = kfee if settings.includes("KFEE") else ZERO
        assert part.equity + spared == part.realized_pnl + part.unrealized_pnl + part.flow_cost


def check_accounts(books: Books) -> None:
    """Sizes explain balances; lots, flows and disposals explain sums."""
    state = books.state
    totals: dict[str, Decimal] = {}
    for name, balance in state.balances.items():
        asset = books.forms.asset(name)
        totals[asset] = totals.get(asset, ZERO) + balance
    for asset in totals.keys() | state.accounts.keys():
        account = state.accounts.get(asset)
        total = totals.get(asset, ZERO)
        if account is None:
            assert total == ZERO
            continue
        assert account.size == total + account.transit + account.missing
        if asset != "USD":
            lots = books.lots(asset)
            assert account.size >= ZERO
            assert account.size == sum((lot.size for lot in lots), ZERO)
            assert account.cost == sum((lot.cost for lot in lots), ZERO)
            assert account.size or not account.cost
    assert state.realized_pnl == sum((made.pnl for made in books.realized_records()), ZERO)
    assert state.fees_paid == sum((made.fee for made in books.realized_records()), ZERO)
    assert len({flow.id for flow in books.flows}) == len(books.flows)
    assert state.flow_cost == sum((flow.cost for flow in books.flows), ZERO)
    assert state.flow_value == sum((flow.value or ZERO for flow in books.flows), ZERO)
    unvalued = {finding.event_id for finding in state.findings if finding.kind in ("flow_unvalued",)}
    assert unvalued <= {wanted.event_id for wanted in books.wanted_rates}


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_equity_is_realized_plus_unrealized_plus_cash_flows_to_the_last_digit(run: range) -> None:
    for seed in run:
        history = History(seed)
        books = new_books(METHODS[seed % 4])
        for count, event in enumerate(history.late):
            apply(books, event)
            if count % 5 == 0:
                check_identity(books)
        check_identity(books)
        check_accounts(books)


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_order_of_arrival_repeats_and_when_one_looks_change_nothing(run: range) -> None:
    for seed in run:
        history, random = History(seed, 60), Random(seed)
        method = METHODS[seed % 4]
        whole = booked(history.events, method)
        books = new_books(method)
        for event in history.late:
            apply(books, event)
            if random.random() < 0.3:
                assert books.state is books.state
            if random.random() < 0.2:
                assert apply(books, event) is False
        assert books.state == whole.state
        assert (books.flows, books.disposals) == (whole.flows, whole.disposals)
        assert (books.wanted_rates, [*books.realized_records()]) == (
            whole.wanted_rates,
            [*whole.realized_records()],
        )


def with_disposals(events: list[Event]) -> Iterator[Event]:
    """Leave out what makes or loses something without a sale of anything: margin, and amounts of nothing."""
    trades = {event.trade_id: event for event in events if isinstance(event, Trade) and event.cost}
    for event in events:
        match event:
            case Trade(trade_id=trade_id) | LedgerEntry(type="trade", refid=trade_id):
                left_out = trade_id not in trades
            case LedgerEntry(type=kind):
                left_out = kind in RESULTS
            case _:
                left_out = False
        if not left_out:
            yield event


@pytest.mark.parametrize("run", RUNS, ids=str)
def test_what_single_events_made_adds_up(run: range) -> None:
    told = 0
    for seed in run:
        history = History(seed)
        books = booked(list(with_disposals(history.events)), METHODS[seed % 4])
        gains = sum((disposal.gain for disposal in books.disposals), ZERO)
        fees = sum((disposal.fee for disposal in books.disposals), ZERO)
        state = books.state
        if not any(finding.kind is FindingKind.RATE_MISSING for finding in state.findings):
            # What no disposal carries are the fees of purchases.
            told += 1
            assert state.realized_pnl - gains == fees - state.fees_paid
    assert told > len(run) // 10


@pytest.mark.parametrize("seed", range(100))
def test_accepted_balances_are_what_the_books_then_say(seed: int) -> None:
    history, random = History(seed), Random(seed)
    books = booked(history.events, METHODS[seed % 4])
    said = {name: max(balance, ZERO) for name, balance in books.state.balances.items()}
    said |= {
        name: D(random.randrange(500)) / 100
        for name in ("XBT", "XBT.M", "DOT", "USD")
        if random.random() < 0.5
    }
    balances = {name: AssetBalance(name, total) for name, total in said.items()}
    settings = PortfolioSettings(reconciliation_tolerance=ZERO)
    at = START + timedelta(days=1)
    for entry in accept_balances(books.state, balances, books.forms, at):
        assert books.apply_entry(entry)
    assert find_drift(books.state, balances, {}, PAIRS, settings) == ()
    assert accept_balances(books.state, balances, books.forms, at) == ()
    held = {asset: holding.total for asset, holding in holdings(balances, books.forms).items()}
    for asset, account in books.state.accounts.items():
        assert (account.size, account.missing, account.transit) == (held.get(asset, ZERO), ZERO, ZERO)
    check_identity(books)
    check_accounts(books)
