from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.pairs import PairStatus
from krakked_tui.portfolio.valuation import (
    AssetValuation,
    PositionValuation,
    PriceMark,
    Valuation,
    ValuationStatus,
    value,
)
from tests.unit.portfolio.statements import PAIRS, books_of

D = Decimal
STATEMENT = """
    deposit  50000 USD
    buy      0.5   XBTUSD @ 20000  fee 40 USD
    buy      2     ETHUSD @ 1500   fee 12 USD
"""
FRESH = {"XBTUSD": PriceMark(D(21000), fresh=True), "ETHUSD": PriceMark(D(1400), fresh=True)}


def valued(statement: str, prices: dict[str, PriceMark]) -> Valuation:
    return value(books_of(statement).state, prices, PAIRS, "USD")


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
    valuation = value(books_of(STATEMENT).state, FRESH, PAIRS | {"XBTUSD": delisted}, "USD")
    assert valuation.unvalued == valuation.delisted == ("XBT",)
    assert valuation.equity == D(36948 + 2800)
    assert valuation.stale, "its zero is no loss"


def test_dust_of_a_delisted_pair_spoils_nothing() -> None:
    delisted = msgspec.structs.replace(PAIRS["XBTUSD"], status=PairStatus.DELISTED, order_min=D("0.6"))
    valuation = value(books_of(STATEMENT).state, FRESH, PAIRS | {"XBTUSD": delisted}, "USD")
    assert (valuation.stale, valuation.unvalued, valuation.delisted) == (False, ("XBT",), ())


@pytest.mark.parametrize("prices", [FRESH, {}])
def test_what_is_no_longer_held_is_not_listed(prices: dict[str, PriceMark]) -> None:
    valuation = valued("buy 1 XBTUSD @ 20000\nsell 1 XBTUSD @ 20500", prices)
    assert [asset.asset for asset in valuation.assets] == ["USD"]
    assert (valuation.positions, valuation.realized_pnl) == ({}, D(500))
