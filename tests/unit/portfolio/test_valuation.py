from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.pairs import PairStatus
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.valuation import (
    AssetValuation,
    Excluded,
    PositionValuation,
    PriceMark,
    Valuation,
    ValuationStatus,
    value,
)
from tests.unit.portfolio.statements import PAIRS, books_of

D = Decimal
SETTINGS = PortfolioSettings()
STATEMENT = """
    deposit  50000 USD
    buy      0.5   XBTUSD @ 20000  fee 40 USD
    buy      2     ETHUSD @ 1500   fee 12 USD
"""
FRESH = {"XBTUSD": PriceMark(D(21000), fresh=True), "ETHUSD": PriceMark(D(1400), fresh=True)}


def valued(statement: str, prices: dict[str, PriceMark]) -> Valuation:
    return value(books_of(statement).state, prices, PAIRS, SETTINGS)


def test_everything_has_a_fresh_price() -> None:
    valuation = valued(STATEMENT, FRESH)
    assert valuation.assets == (
        AssetValuation("ETH", D(2), D(2800), "ETHUSD", ValuationStatus.VALUED),
        AssetValuation("USD", D(36948), D(36948), None, ValuationStatus.VALUED),
        AssetValuation("XBT", D("0.5"), D(10500), "XBTUSD", ValuationStatus.VALUED),
    )
    assert (valuation.equity, valuation.cash) == (D(50248), D(36948))
    assert (valuation.realized_pnl, valuation.unrealized_pnl, valuation.fees_paid) == (D(-52), D(300), D(52))
    assert valuation.positions["XBTUSD"] == PositionValuation(
        "XBTUSD", D(21000), D(10500), D(500), fresh=True
    )
    assert (valuation.stale, valuation.unvalued) == (False, ())


def test_an_old_price_still_counts_and_is_marked() -> None:
    valuation = valued(STATEMENT, FRESH | {"XBTUSD": PriceMark(D(21000), fresh=False)})
    assert valuation.equity == D(50248)
    assert valuation.assets[2].status is ValuationStatus.STALE
    assert not valuation.positions["XBTUSD"].fresh
    assert valuation.stale


def test_a_price_that_has_not_arrived_counts_as_zero_and_makes_equity_stale() -> None:
    valuation = valued(STATEMENT, {"ETHUSD": FRESH["ETHUSD"]})
    assert valuation.equity == D(36948 + 2800)
    assert valuation.assets[2] == AssetValuation("XBT", D("0.5"), D(0), "XBTUSD", ValuationStatus.UNVALUED)
    assert (valuation.unrealized_pnl, set(valuation.positions)) == (D(-200), {"ETHUSD"})
    assert (valuation.stale, valuation.unvalued) == (True, ("XBT",))


def test_an_asset_without_a_pair_counts_as_zero_for_good() -> None:
    valuation = valued("deposit 100 USD\nreward 7 KFEE", FRESH)
    assert valuation.equity == D(100)
    assert valuation.assets[0] == AssetValuation("KFEE", D(7), D(0), None, ValuationStatus.UNVALUED)
    assert (valuation.stale, valuation.unvalued) == (False, ("KFEE",))


def test_a_pair_that_may_not_be_valued_gives_no_value() -> None:
    delisted = msgspec.structs.replace(PAIRS["XBTUSD"], status=PairStatus.DELISTED)
    valuation = value(books_of(STATEMENT).state, FRESH, PAIRS | {"XBTUSD": delisted}, SETTINGS)
    assert valuation.unvalued == valuation.delisted == ("XBT",)
    assert valuation.equity == D(36948 + 2800)
    assert valuation.stale, "its zero is no loss"


def test_dust_of_a_delisted_pair_spoils_nothing() -> None:
    delisted = msgspec.structs.replace(PAIRS["XBTUSD"], status=PairStatus.DELISTED, order_min=D("0.6"))
    valuation = value(books_of(STATEMENT).state, FRESH, PAIRS | {"XBTUSD": delisted}, SETTINGS)
    assert (valuation.stale, valuation.unvalued, valuation.delisted) == (False, ("XBT",), ())


@pytest.mark.parametrize("prices", [FRESH, {}])
def test_what_is_no_longer_held_is_not_listed(prices: dict[str, PriceMark]) -> None:
    valuation = valued("buy 1 XBTUSD @ 20000\nsell 1 XBTUSD @ 20500", prices)
    assert [asset.asset for asset in valuation.assets] == ["USD"]
    assert (valuation.positions, valuation.realized_pnl) == ({}, D(500))


def test_a_stablecoin_is_worth_what_is_paid_for_it() -> None:
    valuation = valued("deposit 100 USDT at 1", {"USDTUSD": PriceMark(D("0.97"), fresh=True)})
    assert (valuation.equity, valuation.unrealized_pnl) == (D(97), D(-3))


def test_what_is_staked_is_worth_the_same() -> None:
    valuation = valued("buy 2 ETHUSD @ 1500\nmove 1.5 ETH to ETH2.S", FRESH)
    assert [(each.asset, each.amount, each.value) for each in valuation.assets] == [
        ("ETH", D(2), D(2800)), ("USD", D(-3000), D(-3000)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("pairs", "prices", "worth"),
    [
        ({"XBT": "XBTEUR"}, {"XBTEUR": "18000", "EURUSD": "1.1"}, "19800"),  # through another currency
        ({"XBT": "XBTEUR"}, {"XBTEUR": "18000"}, None),
        ({"XBT": "XBTEUR", "EUR": "XBTEUR"}, {"XBTEUR": "18000", "EURUSD": "1.1"}, None),  # in a circle
        ({"ETH": "ETHXBT"}, {"XBTUSD": "20000"}, "20000"),
        ({"XBT": "NOPE"}, {"XBTUSD": "20000"}, "20000"),
        ({"XBT": "ETHXBT"}, {"ETHXBT": "0.05", "ETHUSD": "1000"}, "20000"),  # the other way round
    ],
)
def test_a_configured_pair_comes_first(
    pairs: dict[str, str], prices: dict[str, str], worth: str | None
) -> None:
    marks = {pair: PriceMark(D(price), fresh=True) for pair, price in prices.items()}
    settings = PortfolioSettings(valuation_pairs=pairs)
    [asset] = value(books_of("deposit 1 XBT at 1").state, marks, PAIRS, settings).assets
    assert asset.value == (D(0) if worth is None else D(worth))
    assert asset.status is (ValuationStatus.UNVALUED if worth is None else ValuationStatus.VALUED)


def test_an_old_price_anywhere_on_the_way_makes_it_stale() -> None:
    marks = {"XBTEUR": PriceMark(D(18000), fresh=True), "EURUSD": PriceMark(D("1.1"), fresh=False)}
    settings = PortfolioSettings(valuation_pairs={"XBT": "XBTEUR"})
    assert value(books_of("deposit 1 XBT at 1").state, marks, PAIRS, settings).stale


EXCLUDING = PortfolioSettings(exclude_assets=("ETH",))


def test_excluded_assets_are_one_line_and_money_spent_on_them_has_left() -> None:
    valuation = value(books_of(STATEMENT).state, FRESH, PAIRS, EXCLUDING)
    assert (valuation.equity, valuation.cash) == (D(47448), D(36948))
    assert valuation.excluded == Excluded(("ETH",), D(2800))
    assert [each.asset for each in valuation.assets] == ["USD", "XBT"]
    assert set(valuation.positions) == {"XBTUSD"}
    # 50000 came in, 3012 left for ETH and its fee.
    assert (valuation.flow_cost, valuation.flow_value) == (D(46988), D(46988))
    assert (valuation.realized_pnl, valuation.unrealized_pnl, valuation.fees_paid) == (D(-40), D(500), D(40))
    assert valuation.equity == valuation.realized_pnl + valuation.unrealized_pnl + valuation.flow_cost


def test_what_excluded_assets_bring_has_come_in() -> None:
    state = books_of(STATEMENT + "\n sell 2 ETHUSD @ 1800").state
    valuation = value(state, FRESH, PAIRS, EXCLUDING)
    assert valuation.flow_value == D(50000 - 3012 + 3600)
    assert (valuation.excluded, valuation.realized_pnl) == (Excluded(), D(-40))


def test_excluded_assets_without_a_price_are_named_all_the_same() -> None:
    assert value(books_of(STATEMENT).state, {}, PAIRS, EXCLUDING).excluded == Excluded(("ETH",), D(0))


def test_flows_without_a_value_count_at_the_present_price() -> None:
    valuation = valued("deposit 1 XBT", FRESH)
    assert (valuation.flow_cost, valuation.flow_value) == (D(0), D(21000))
    assert (valuation.equity, valuation.unrealized_pnl) == (D(21000), D(21000))
    valuation = valued("buy 1 XBTUSD @ 20000\nwithdrawal 0.5 XBT", FRESH)
    assert (valuation.flow_cost, valuation.flow_value) == (D(-10000), D(-10500))
