import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.portfolio import FlowKind, Rate
from krakked_tui.kraken import wire
from krakked_tui.kraken.decode import ledger_entry
from krakked_tui.kraken.symbols import SymbolMap
from krakked_tui.portfolio.accounts import WantedRate
from krakked_tui.portfolio.findings import FindingKind
from krakked_tui.portfolio.flows import MEANINGS, OWN_ROW
from krakked_tui.portfolio.ledger import Books
from tests.unit.portfolio.statements import MINUTE, PAIRS, START, books_of

D = Decimal
REST = Path(__file__).parents[2] / "fixtures/kraken/rest.ndjson"
DOCUMENTED = (
    "trade", "deposit", "withdrawal", "transfer", "margin", "adjustment", "rollover", "credit", "settled",
    "staking", "dividend", "sale", "nft_rebate", "spend", "receive", "reward", "conversion", "earn",
    "custodytransfer", "nfttrade", "nftcreatorfee", "nftrebate", "none",
)  # fmt: skip


def kinds(books: Books) -> list[FindingKind]:
    return [finding.kind for finding in books.state.findings]


def flows(books: Books) -> list[tuple[str, Decimal, Decimal, Decimal | None]]:
    """Kind, amount, cost, value."""
    return [(flow.kind, flow.amount, flow.cost, flow.value) for flow in books.flows]


def row(
    number: int, kind: str, asset: str, amount: str, *, refid: str = "R", subtype: str = "", fee: str = "0"
) -> LedgerEntry:
    at = START + number * MINUTE
    return LedgerEntry(f"L{number}", refid, at, kind, subtype, asset, D(amount), D(fee), D(0))


def booked(*rows: LedgerEntry, after: str = "") -> Books:
    books = books_of(after)
    for each in rows:
        assert books.apply_entry(each)
    return books


def test_a_deposit_of_an_asset_costs_what_it_is_worth_then() -> None:
    books = books_of("deposit 0.5 XBT at 40000")
    assert flows(books) == [(FlowKind.DEPOSIT, D("0.5"), D(20000), D(20000))]
    assert books.state.positions["XBTUSD"].cost == D(20000)
    assert kinds(books) == []


def test_without_a_price_it_costs_nothing_until_there_is_one() -> None:
    books = books_of("deposit 0.5 XBT")
    assert flows(books) == [(FlowKind.DEPOSIT, D("0.5"), D(0), None)]
    assert kinds(books) == [FindingKind.FLOW_UNVALUED]
    assert books.wanted_rates == (WantedRate("L1", START, "XBT"),)
    books.apply_rate(Rate("L1", "XBT", D(40000), "candle XBTUSD"))
    assert books.state == books_of("deposit 0.5 XBT at 40000").state


def test_a_withdrawal_takes_its_cost_along_and_realizes_nothing() -> None:
    books = books_of("buy 1 XBTUSD @ 20000\nwithdrawal 0.4 XBT fee 0.1 at 60000")
    assert flows(books) == [(FlowKind.WITHDRAWAL, D("-0.5"), D(-10000), D(-30000))]
    assert (books.state.realized_pnl, books.disposals) == (D(0), ())
    assert books.state.positions["XBTUSD"].cost == D(10000)
    assert (books.state.flow_cost, books.state.flow_value) == (D(-10000), D(-30000))


def test_a_withdrawal_of_what_is_not_held_is_no_flow_of_money() -> None:
    books = books_of("buy 1 XBTUSD @ 20000\nwithdrawal 3 XBT at 60000")
    assert flows(books) == [
        (FlowKind.WITHDRAWAL, D(-1), D(-20000), D(-60000)),
        (FlowKind.WITHDRAWAL, D(-2), D(0), D(0)),
    ]
    assert kinds(books) == [FindingKind.OVERSOLD]


def test_cash_is_worth_itself() -> None:
    books = books_of("deposit 1000 USD\nwithdrawal 100 USD fee 5")
    assert flows(books) == [
        (FlowKind.DEPOSIT, D(1000), D(1000), D(1000)),
        (FlowKind.WITHDRAWAL, D(-105), D(-105), D(-105)),
    ]


@pytest.mark.parametrize(
    "line", ["staking 0.1 ETH at 2000", "reward 0.1 ETH at 2000", "dividend 0.1 ETH at 2000"]
)
def test_a_reward_costs_what_it_is_worth(line: str) -> None:
    books = books_of(line)
    assert flows(books) == [(FlowKind.REWARD, D("0.1"), D(200), D(200))]


def test_rewards_are_events_of_their_own_even_under_one_reference() -> None:
    books = booked(
        row(0, "staking", "ETH2.S", "0.1"), row(1, "earn", "XBT.M", "0.001", subtype="reward"),
        row(2, "staking", "DOT28.S", "1"),
    )  # fmt: skip
    assert [(flow.id, flow.asset, flow.kind) for flow in books.flows] == [
        ("L0", "ETH", "reward"), ("L1", "XBT", "reward"), ("L2", "DOT", "reward"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "subtypes"),
    [
        ("transfer", ("spottostaking", "stakingfromspot")),
        ("earn", ("allocation", "allocation")),
        ("transfer", ("", "")),
    ],
)
def test_moving_between_forms_keeps_lots_and_cost(kind: str, subtypes: tuple[str, str]) -> None:
    books = booked(
        row(5, kind, "DOT", "-40", subtype=subtypes[0]), row(6, kind, "DOT28.S", "40", subtype=subtypes[1]),
        after="buy 100 DOTUSD @ 5",
    )  # fmt: skip
    assert (books.balance("DOT"), books.balance("DOT28.S")) == (D(60), D(40))
    account = books.state.accounts["DOT"]
    assert (account.size, account.cost, account.opened_at) == (D(100), D(500), START)
    assert (flows(books), kinds(books), books.disposals) == ([], [], ())


def test_the_two_sides_of_a_transfer_find_each_other_by_the_asset_too() -> None:
    left = row(5, "transfer", "DOT", "-40", refid="A", subtype="spottostaking")
    arrived = row(6, "transfer", "DOT.S", "40", refid="B", subtype="stakingfromspot")
    books = booked(left, after="buy 100 DOTUSD @ 5")
    [finding] = books.state.findings
    assert (finding.kind, finding.amount) == (FindingKind.IN_TRANSIT, D(40))
    assert books.state.accounts["DOT"].size == D(100), "on its way it is still ours"
    books.apply_entry(arrived)
    assert (kinds(books), books.state.accounts["DOT"].cost) == ([], D(500))


def test_an_adjustment_by_the_exchange_is_not_the_arrival_of_what_is_on_its_way() -> None:
    books = booked(
        row(1, "deposit", "DOT", "100"),
        row(2, "transfer", "DOT", "-22", refid="A", subtype="spottostaking"),
        row(3, "adjustment", "DOT", "22.5", refid="C"),
        row(4, "transfer", "DOT.S", "22", refid="B", subtype="stakingfromspot"),
    )
    account = books.state.accounts["DOT"]
    assert (account.size, account.transit) == (D("122.5"), D(0))
    assert sum(books.state.balances.values()) == D("122.5")


@pytest.mark.parametrize("sign", [1, -1])
def test_what_an_operator_accepts_makes_up_for_what_is_on_its_way(sign: int) -> None:
    moved = row(2, "transfer", "DOT", str(-22 * sign), refid="A", subtype="spottostaking")
    accepted = row(3, "adjustment", "DOT", str(22 * sign), refid="C", subtype=OWN_ROW)
    books = booked(row(1, "deposit", "DOT", "100"), moved, accepted)
    account = books.state.accounts["DOT"]
    assert (account.size, account.transit) == (D(100), D(0))


def test_what_was_made_up_for_is_no_finding_any_more() -> None:
    books = booked(row(1, "withdrawal", "DOT", "-5"))
    assert FindingKind.OVERSOLD in kinds(books)
    books.apply_entry(row(2, "adjustment", "DOT", "5", refid="B", subtype=OWN_ROW))
    assert FindingKind.OVERSOLD not in kinds(books)
    books.apply_entry(row(3, "withdrawal", "DOT", "-1", refid="C"))
    assert kinds(books).count(FindingKind.OVERSOLD) == 2, "it is missing again"


def test_a_transfer_from_futures_comes_from_outside() -> None:
    books = booked(row(1, "transfer", "DOT", "3", subtype="spotfromfutures"))
    assert flows(books) == [(FlowKind.TRANSFER, D(3), D(0), None)]


def test_a_withdrawal_that_failed_comes_to_nothing() -> None:
    books = booked(
        row(5, "withdrawal", "XBT", "-0.5", fee="0.1"), row(9, "withdrawal", "XBT", "0.5", fee="-0.1"),
        after="buy 1 XBTUSD @ 20000",
    )  # fmt: skip
    assert (flows(books), kinds(books), books.state.positions["XBTUSD"].cost) == ([], [], D(20000))


def test_a_deposit_on_hold_is_one_deposit() -> None:
    books = booked(
        row(1, "deposit", "USD.HOLD", "100"), row(2, "transfer", "USD.HOLD", "-100"),
        row(3, "transfer", "USD", "100"),
    )  # fmt: skip
    assert flows(books) == [(FlowKind.DEPOSIT, D(100), D(100), D(100))]
    assert books.state.accounts["USD"].size == D(100)


def test_a_migration_takes_the_cost_over() -> None:
    books = booked(
        row(5, "transfer", "DOT", "-100"), row(6, "transfer", "ETH", "7"), after="buy 100 DOTUSD @ 5"
    )
    assert books.state.accounts["ETH"].cost == D(500)
    assert (books.state.realized_pnl, flows(books), kinds(books)) == (D(0), [], [])


def test_fee_credits_are_a_kind_of_their_own() -> None:
    books = books_of("deposit 500 KFEE\nbuy 1 XBTUSD @ 20000 fee 5 KFEE")
    assert flows(books) == [(FlowKind.FEE_CREDIT, D(500), D(0), None)]
    assert books.state.accounts["KFEE"].size == D(495)
    assert books.state.realized_pnl == D(0)


def test_results_of_margin_are_realized_and_no_flows() -> None:
    books = booked(row(1, "margin", "USD", "25", fee="1"), row(2, "rollover", "USD", "0", fee="0.5"))
    assert (books.state.realized_pnl, books.state.fees_paid, flows(books)) == (D("23.5"), D("1.5"), [])


def test_a_fee_paid_in_coins_is_their_cost() -> None:
    books = booked(row(5, "rollover", "XBT", "0", fee="0.5"), after="buy 1 XBTUSD @ 20000")
    assert (books.state.realized_pnl, books.state.fees_paid) == (D(-10000), D(10000))
    books = booked(row(5, "margin", "XBT", "-0.5"), after="buy 1 XBTUSD @ 20000")
    assert (books.state.realized_pnl, books.state.fees_paid) == (D(-10000), D(0))
    books = booked(row(5, "margin", "XBT", "0.5"))
    books.apply_rate(Rate("L5", "XBT", D(20000), "latest"))
    assert (books.state.realized_pnl, books.state.accounts["XBT"].cost) == (D(10000), D(10000))


def test_an_adjustment_first_makes_up_for_what_is_missing() -> None:
    books = booked(row(9, "adjustment", "XBT", "0.7"), after="sell 0.5 XBTUSD @ 20000")
    books.apply_rate(Rate("L9", "XBT", D(30000), "latest"))
    account = books.state.accounts["XBT"]
    assert (account.size, account.missing, account.cost) == (D("0.2"), D(0), D(6000))
    assert flows(books)[1:] == [
        (FlowKind.ADJUSTMENT, D("0.5"), D(0), D(0)),
        (FlowKind.ADJUSTMENT, D("0.2"), D(6000), D(6000)),
    ]


def test_an_unknown_type_is_an_adjustment_with_a_finding() -> None:
    books = booked(row(1, "surprise", "USD", "5"))
    assert flows(books) == [(FlowKind.ADJUSTMENT, D(5), D(5), D(5))]
    [finding] = books.state.findings
    assert finding.message == "surprise L1 of 5 USD is of an unknown type: booked as an adjustment"


@pytest.mark.parametrize("kind", DOCUMENTED)
@pytest.mark.parametrize("amount", ["5", "-5"])
def test_every_documented_type_is_known(kind: str, amount: str) -> None:
    assert kind in MEANINGS
    for asset in ("USD", "XBT", "DOT.S", "KFEE"):
        books = booked(row(1, kind, asset, amount, fee="0.1"))
        assert FindingKind.UNKNOWN_TYPE not in kinds(books)


def test_what_is_staked_cannot_come_from_outside() -> None:
    books = booked(
        row(5, "transfer", "DOT", "-40", refid="A", subtype="spottostaking"),
        row(6, "deposit", "DOT.S", "40", refid="B"),
        after="buy 100 DOTUSD @ 5",
    )
    assert (flows(books), kinds(books)) == ([], [])


def test_rows_as_the_exchange_sends_them() -> None:
    lines = [json.loads(line) for line in REST.read_text().splitlines()]
    [recorded] = [e for e in lines if (e.get("endpoint"), e.get("source")) == ("Ledgers", "capture")]
    rows = msgspec.convert(recorded["body"]["result"], wire.Ledgers, strict=False).ledger
    assert len(rows) == 11
    books = Books(pairs=PAIRS.values())
    for entry_id, recorded_row in rows.items():
        assert books.apply_entry(ledger_entry(entry_id, recorded_row, SymbolMap({}, {})))
    assert FindingKind.UNKNOWN_TYPE not in kinds(books)
    assert {flow.kind for flow in books.flows} == {FlowKind.DEPOSIT, FlowKind.WITHDRAWAL, FlowKind.TRANSFER}
