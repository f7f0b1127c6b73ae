"""What is held and being bought, share by share."""

import pytest

from krakked_tui.risk.context import MANUAL
from krakked_tui.risk.stakes import asset_of, stakes
from tests.unit.risk.builders import (
    facts,
    make_context,
    make_holding,
    make_pending,
    make_share,
    make_state,
    make_strategy,
)


@pytest.mark.parametrize(
    ("stop", "atr", "strategy_id", "risk"),
    [
        ("90", "7", "trend", 20),  # the stop is what counts
        ("100", "7", "trend", 0),
        ("120", None, "trend", 0),  # a stop above the price is hit already
        ("-5", None, "trend", 200),  # nothing loses more than it is worth
        (None, "7", "trend", 42),  # its own strategy's three ranges
        (None, "7", MANUAL, 28),  # two ranges of what is nobody's strategy's
        (None, "60", MANUAL, 200),
        (None, None, "trend", 200),
        (None, "0", "trend", 200),
    ],
)
def test_what_a_share_may_lose(stop: str | None, atr: str | None, strategy_id: str, risk: int) -> None:
    context = make_context(
        make_state(atr=atr),
        strategies={"trend": make_strategy(atr_multiple="3")},
        holdings={"XBTUSD": make_holding(make_share("2", strategy_id, stop))},
    )
    (stake,) = stakes(context)
    assert facts(stake.risk_usd, stake.value_usd, stake.has_stop) == (risk, 200, stop is not None)
    assert stake.manual is (strategy_id == MANUAL)


def test_held_ones_come_first_then_those_being_bought_by_pair() -> None:
    context = make_context(
        make_state("XBTUSD"),
        make_state("ETHUSD"),
        holdings={"XBTUSD": make_holding(), "ETHUSD": make_holding()},
        pending={"ETHUSD": make_pending(make_share("1", "other", "95"), price="110")},
    )
    found = [facts(stake.pair, stake.asset, stake.pending, stake.risk_usd) for stake in stakes(context)]
    assert found == [
        ("ETHUSD", "ETH", False, 100),
        ("XBTUSD", "XBT", False, 100),
        ("ETHUSD", "ETH", True, 15),
    ]


def test_a_pair_that_is_not_known_stands_for_its_asset() -> None:
    context = make_context(holdings={"QQQUSD": make_holding(make_share("1"))})
    assert asset_of("QQQUSD", context) == "QQQUSD"
    assert [stake.risk_usd for stake in stakes(context)] == [100]
