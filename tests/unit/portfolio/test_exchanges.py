from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.fills import Fee, Trade
from krakked_tui.domain.portfolio import CostBasis, Disposal, FlowKind, Rate
from krakked_tui.portfolio.accounts import WantedRate
from krakked_tui.portfolio.findings import FindingKind
from krakked_tui.portfolio.ledger import Books
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.valuation import PriceMark, value
from tests.unit.portfolio.statements import MINUTE, START, books_of, make_entry, make_pair, make_trade

D = Decimal


def account(books: Books, asset: str = "XBT") -> tuple[Decimal, ...]:
    """Size, cost, realized, fees."""
    found = books.state.accounts[asset]
    return found.size, found.cost, found.realized, found.fees


def made(books: Books) -> list[tuple[Decimal, Decimal]]:
    """PnL and fee of every trade."""
    return [(trade.pnl, trade.fee) for trade in books.realized_records()]


def kinds(books: Books) -> list[FindingKind]:
    return [finding.kind for finding in books.state.findings]


def test_one_buy_one_sell() -> None:
    books = books_of(
        """
        buy  0.5 XBTUSD @ 20000  fee 40 USD
        sell 0.5 XBTUSD @ 22000  fee 44 USD
        """
    )
    assert made(books) == [(D(-40), D(40)), (D(1000 - 44), D(44))]
    assert account(books) == (D(0), D(0), D(1000 - 44 - 40), D(84))
    assert books.disposals == (
        Disposal("T2", "XBT", D("0.5"), START, START + MINUTE, D(11000), D(10000), D(44)),
    )


def test_several_buys_and_partial_sells_use_the_average() -> None:
    books = books_of(
        """
        buy  1   XBTUSD @ 20000
        buy  3   XBTUSD @ 24000
        sell 1   XBTUSD @ 25000
        sell 2   XBTUSD @ 22000
        buy  1   XBTUSD @ 27000
        sell 2   XBTUSD @ 30000
        """
    )
    # 4 at 92000, 23000 each; in the end 2 at 50000, 25000 each
    assert [pnl for pnl, _ in made(books)] == [0, 0, D(2000), D(-2000), 0, D(10000)]
    assert account(books) == (D(0), D(0), D(10000), D(0))


def test_a_fee_in_the_asset_bought_reduces_what_is_held_at_the_trades_price() -> None:
    books = books_of("buy 1 XBTUSD @ 20000 fee 0.004 XBT")
    assert account(books) == (D("0.996"), D(19920), D(-80), D(80))


def test_a_fee_in_the_asset_sold_is_a_disposal_too() -> None:
    books = books_of(
        """
        buy  1     XBTUSD @ 20000  fee 0.004 XBT
        sell 0.992 XBTUSD @ 21000  fee 0.004 XBT
        """
    )
    # 20832 came in, 84 went as the fee; 0.996 left, which had cost 19920.
    assert account(books) == (D(0), D(0), D(20832 - 19920 - 80), D(164))
    [sale] = books.disposals
    assert (sale.quantity, sale.proceeds, sale.fee, sale.gain) == (D("0.996"), D(20916), D(84), D(912))


def test_a_rebate_adds_to_the_pnl() -> None:
    assert account(books_of("buy 1 XBTUSD @ 20000 fee -2 USD")) == (D(1), D(20000), D(2), D(-2))
    books = books_of("buy 1 XBTUSD @ 20000 fee -3 DOT at 5 DOT")
    assert account(books) == (D(1), D(20000), D(15), D(-15))
    assert account(books, "DOT") == (D(3), D(15), D(0), D(0))


def test_selling_more_than_held_never_goes_short() -> None:
    books = books_of("buy 1 XBTUSD @ 20000\nsell 1.5 XBTUSD @ 22000 fee 33 USD")
    assert account(books) == (D(0), D(0), D(2000 - 33), D(33))
    [finding] = books.state.findings
    assert (finding.kind, finding.amount, finding.value) == (FindingKind.OVERSOLD, D("0.5"), D(11000))
    assert finding.message == "0.5 XBT more left in XBTUSD T2 than the books hold"
    [flow] = books.flows
    assert (flow.kind, flow.amount, flow.value, flow.cost) == (
        FlowKind.ADJUSTMENT, D("0.5"), D(11000), D(11000),
    )  # fmt: skip
    # The tax table shows all that was sold, the unknown part without a gain.
    assert [(each.quantity, each.gain) for each in books.disposals] == [(D(1), D(1978)), (D("0.5"), D(-11))]
    assert books.state.accounts["XBT"].missing == D("0.5")


def test_selling_what_is_not_held_at_all_costs_only_its_fee() -> None:
    books = books_of("sell 1 XBTUSD @ 20000 fee 80 USD")
    assert account(books) == (D(0), D(0), D(-80), D(80))
    assert books.state.flow_value == D(20000)


def test_a_third_assets_fee_is_worth_its_rate_and_a_disposal_of_it() -> None:
    books = books_of(
        """
        buy 10 DOTUSD @ 4
        buy 1  XBTUSD @ 20000  fee 2 DOT  at 5 DOT
        """
    )
    assert made(books)[1] == (D(2 - 10), D(10)), "the fee was worth 10, the DOT made 2"
    assert account(books, "DOT") == (D(8), D(32), D(2), D(0))
    assert account(books) == (D(1), D(20000), D(-10), D(10))
    [fee] = books.disposals
    assert (fee.asset, fee.quantity, fee.proceeds, fee.cost, fee.gain) == ("DOT", D(2), D(10), D(8), D(2))


def test_a_third_assets_fee_without_a_rate_counts_with_its_cost_and_is_flagged() -> None:
    statement = "buy 10 DOTUSD @ 4\nbuy 1 XBTUSD @ 20000 fee 2 DOT"
    books = books_of(statement)
    assert made(books)[1] == (D(-8), D(8))
    assert kinds(books) == [FindingKind.FEE_UNVALUED]
    assert [*books.realized_records()][1].unvalued
    assert books.wanted_rates == (WantedRate("T2", START + MINUTE, "DOT"),)

    assert books.apply_rate(Rate("T2", "DOT", D(5), "candle DOTUSD"))
    assert books.state == books_of(statement + " at 5 DOT").state
    assert kinds(books) == []
    assert not books.wanted_rates


def test_fee_credits_cost_nothing() -> None:
    books = books_of("buy 1 XBTUSD @ 20000 fee 5 KFEE")
    assert account(books) == (D(1), D(20000), D(0), D(0))
    assert kinds(books) == [FindingKind.FEE_UNVALUED]


SWAP = """
    buy  1 XBTUSD @ 20000
    buy  4 ETHXBT @ 0.05
"""


def test_a_trade_of_crypto_for_crypto_is_a_sale_and_a_purchase() -> None:
    books = books_of(SWAP.rstrip() + "  fee 0.001 XBT  at 30000 XBT")
    # 0.2 XBT worth 6000 for the ETH, 0.001 worth 30 for the fee; 0.201 had cost 4020
    assert account(books) == (D("0.799"), D(15980), D(6000 - 4020), D(30))
    assert account(books, "ETH") == (D(4), D(6000), D(0), D(0))
    assert made(books)[1] == (D(1980), D(30))
    assert books.state.positions["ETHUSD"].avg_entry_price == D(1500)
    assert "ETHXBT" not in books.state.positions


def test_the_other_assets_rate_will_do() -> None:
    books = books_of(SWAP.rstrip() + "  fee 0.001 XBT  at 1500 ETH")
    # 4 ETH are worth 6000, so an XBT is worth 1500 / 0.05
    assert account(books) == (D("0.799"), D(15980), D(1980), D(30))


def test_without_a_rate_the_cost_goes_over_until_there_is_one() -> None:
    books = books_of(SWAP.rstrip() + "  fee 0.001 XBT")
    assert account(books) == (D("0.799"), D(15980), D(0), D(0))
    assert account(books, "ETH") == (D(4), D(4020), D(0), D(0))
    assert kinds(books) == [FindingKind.RATE_MISSING]
    assert books.wanted_rates == (WantedRate("T2", START + MINUTE, "XBT", "ETH"),)
    books.apply_rate(Rate("T2", "XBT", D(30000), "latest"))
    assert account(books)[2] == D(1980)
    assert kinds(books) == []


def test_what_is_quoted_in_another_currency_is_worth_its_rate() -> None:
    books = books_of(
        """
        deposit 10000 EUR               at 1.10
        buy     0.2 XBTEUR @ 40000      fee 10 EUR  at 1.25 EUR
        sell    0.2 XBTUSD @ 60000
        """
    )
    # 8010 of 10000 EUR that had cost 11000: 8811. They brought 10000 of XBT and paid 12.50.
    assert account(books, "EUR") == (D(1990), D(2189), D(10000 - 8811), D("12.5"))
    assert account(books) == (D(0), D(0), D(2000), D(0))


def test_a_conversion_is_a_sale_and_a_purchase_and_no_flow() -> None:
    books = books_of(
        """
        buy     2 ETHUSD @ 1500
        convert 1 ETH to 1800 USD
        convert 900 USD to 0.03 XBT
        """
    )
    assert account(books, "ETH") == (D(1), D(1500), D(300), D(0))
    assert account(books) == (D("0.03"), D(900), D(0), D(0))
    assert (books.flows, books.state.cash_flows) == ((), {})


def test_a_conversion_without_cash_needs_a_rate() -> None:
    statement = "buy 2 ETHUSD @ 1500\nconvert 1 ETH to 0.05 XBT"
    books = books_of(statement)
    assert account(books) == (D("0.05"), D(1500), D(0), D(0))
    assert kinds(books) == [FindingKind.RATE_MISSING]
    assert books.wanted_rates == (WantedRate("L1", START + MINUTE, "XBT", "ETH"),)
    books.apply_rate(Rate("L2", "ETH", D(1700), "candle"))  # by any row of it, of either asset
    assert (account(books), account(books, "ETH")[2]) == ((D("0.05"), D(1700), D(0), D(0)), D(200))


def test_a_dust_sweep_sells_many_for_one() -> None:
    books = books_of("buy 1 ETHUSD @ 10\nbuy 4 DOTUSD @ 5")
    rows = [("ETH", "-1"), ("DOT", "-4"), ("USD", "36")]
    for number, (asset, amount) in enumerate(rows):
        kind = "receive" if asset == "USD" else "spend"
        books.apply_entry(
            make_entry(f"L{number}", asset, amount, refid="R", kind=kind, at=START + 9 * MINUTE)
        )
    # Nothing says what each was worth: the 36 are shared out by what they had cost.
    assert (account(books, "ETH"), account(books, "DOT")) == (
        (D(0), D(0), D(2), D(0)),
        (D(0), D(0), D(4), D(0)),
    )


def test_a_fee_of_a_conversion_counts_at_its_own_price() -> None:
    books = Books(pairs=())
    for asset, amount, fee in (("USD", "-100", "0"), ("XBT", "0.004", "0.001")):
        kind = "spend" if amount.startswith("-") else "receive"
        books.apply_entry(make_entry("L" + asset, asset, amount, fee, refid="R", kind=kind))
    assert account(books) == (D("0.003"), D(75), D(-25), D(25))


@pytest.mark.parametrize("method", CostBasis)
def test_sides_that_arrive_one_by_one_wait_for_each_other(method: CostBasis) -> None:
    spent = make_entry("L1", "USD", "-100", refid="R", kind="spend")
    got = make_entry("L2", "XBT", "0.004", refid="R", kind="receive")
    for first, second in ((spent, got), (got, spent)):
        books = Books(method=method)
        books.apply_entry(first)
        assert kinds(books) == [FindingKind.IN_TRANSIT]
        assert (books.state.flow_cost, books.state.realized_pnl) == (D(0), D(0))
        books.apply_entry(second)
        assert account(books) == (D("0.004"), D(100), D(0), D(0))
        assert kinds(books) == []


def test_the_rows_of_a_trade_on_a_pair_that_is_not_listed_any_more_book_it() -> None:
    books = Books()
    books.apply_entry(make_entry("L1", "LUNA", "10", refid="T9"))
    books.apply_entry(make_entry("L2", "USD", "-500", "2", refid="T9"))
    assert account(books, "LUNA") == (D(10), D(500), D(-2), D(2))
    assert books.state.positions == {}


def test_a_trade_between_forms_of_one_asset_keeps_its_cost_but_for_what_is_lost_on_the_way() -> None:
    books = books_of("buy 1 ETHUSD @ 1500")
    trade = make_trade("sell 0.5 ETH2.SETH @ 0.998", "T9", START + MINUTE)
    books.apply_trade(trade, make_pair("ETH2.S", "ETH"))
    # 0.5 of the one became 0.499 of the other: both are ETH, of which 0.001 is gone.
    assert account(books, "ETH") == (D("0.999"), D("1498.5"), D("-1.5"), D(0))


def on_margin(line: str, trade_id: str) -> Trade:
    return msgspec.structs.replace(make_trade(line, trade_id), margin=True)


def test_a_margin_position_is_worth_what_its_own_rows_say() -> None:
    books = books_of("deposit 10000 USD")
    assert books.apply_trade(on_margin("buy 1 XBTUSD @ 30000 fee 48 USD", "TM"), make_pair("XBT"))
    books.apply_entry(make_entry("L8", "USD", "0", "48", refid="TM", kind="margin"))
    books.apply_entry(make_entry("L9", "USD", "100", "2", refid="TR", kind="rollover"))
    assert books.state.balances == {"USD": D(10_000 - 48 + 98)}
    assert (books.state.realized_pnl, books.state.fees_paid) == (D(50), D(50))
    assert kinds(books) == [FindingKind.MARGIN]
    assert "on margin" in books.state.findings[0].message


@pytest.mark.parametrize("rows", [{"XBT": "1", "USD": "-30000"}, {"XBT": "1"}, {"USD": "-30000"}])
def test_a_margin_position_that_is_settled_in_kind_keeps_the_accounts_at_the_balances(
    rows: dict[str, str],
) -> None:
    books = books_of("deposit 40000 USD")
    books.apply_trade(on_margin("buy 1 XBTUSD @ 30000", "TM"), make_pair("XBT"))
    for asset, amount in rows.items():
        books.apply_entry(make_entry(f"L{asset}", asset, amount, refid="TM", kind="trade"))
    for asset, found in books.state.accounts.items():
        assert found.size == books.balance(asset) + found.transit + found.missing


AMOUNTS = st.sampled_from(
    ["0", "1E-30", "0.00000001", "1", "123.456", "1E10", "999999999999999999", "-1", "-999999999999999999.9"]
).map(D)
ASSETS = st.sampled_from(["USD", "XBT", "XBT.S", "KFEE", ""])
KINDS = st.sampled_from(
    ["deposit", "withdrawal", "spend", "receive", "staking", "margin", "trade", "transfer", ""]
)


@given(
    st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS, ASSETS, st.booleans(), st.booleans()), max_size=3),
    st.lists(st.tuples(KINDS, ASSETS, AMOUNTS, AMOUNTS, st.integers(0, 3)), max_size=6),
    AMOUNTS,
    st.sampled_from(CostBasis),
)
def test_no_number_that_is_read_can_break_the_books(
    trades: list[tuple[Decimal, Decimal, Decimal, str, bool, bool]],
    rows: list[tuple[str, str, Decimal, Decimal, int]],
    price: Decimal,
    method: CostBasis,
) -> None:
    pair = make_pair("XBT", "EUR")
    books = Books("USD", method, [pair, make_pair("XBT"), make_pair("EUR")])
    for number, (paid, volume, fee, asset, bought, margin) in enumerate(trades):
        side = "buy" if bought else "sell"
        books.apply_trade(
            Trade(f"R{number}", "O", "XBTEUR", side, abs(paid), abs(volume), abs(paid), (Fee(asset, fee),),
                  START, maker=False, margin=margin),
            pair,
        )  # fmt: skip
        books.apply_rate(Rate(f"R{number}", "EUR", abs(price), "candle"))
    for number, (kind, asset, amount, fee, event) in enumerate(rows):
        entry = make_entry(f"L{number}", asset, str(amount), str(fee), refid=f"R{event}", kind=kind)
        books.apply_entry(entry)
        books.apply_rate(Rate(f"L{number}", "XBT", abs(price), "candle"))
    prices = {"XBTUSD": PriceMark(D("999999999999999999.9"), fresh=True)}
    assert value(books.state, prices, {"XBTUSD": make_pair("XBT")}, PortfolioSettings()).equity.is_finite()
