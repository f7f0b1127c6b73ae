"""How sure a strategy is, and how many positions there are."""

from decimal import Decimal

import pytest

from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.plans import Verdict
from krakked_tui.risk import places
from krakked_tui.risk.room import Room
from krakked_tui.risk.settings import RiskSettings
from tests.unit.risk.builders import (
    SETTINGS,
    make_candidate,
    make_context,
    make_holding,
    make_intent,
    make_share,
    make_strategy,
    money,
)

OK, BLOCKED = Verdict.OK, Verdict.BLOCKED


def room(**held: set[str]) -> Room:
    found = Room.at_start(make_context(), SETTINGS)
    for strategy_id, pairs in held.items():
        found.strategy_pairs[strategy_id] = pairs
        found.places |= pairs
    return found


@pytest.mark.parametrize(("confidence", "verdict"), [("0.5999", BLOCKED), ("0.6", OK), ("0.6001", OK)])
def test_min_signal_confidence(confidence: str, verdict: Verdict) -> None:
    check = places.min_signal_confidence(make_candidate(make_intent(confidence=confidence)))
    assert check.verdict is verdict
    assert (check.current, check.threshold) == (Decimal(confidence), Decimal("0.6"))


@pytest.mark.parametrize(("held", "verdict"), [(4, OK), (5, OK), (6, BLOCKED), (7, BLOCKED)])
def test_max_positions_counts_the_strategys_own_pairs(held: int, verdict: Verdict) -> None:
    where = room(trend={f"P{n}USD" for n in range(held)}, other={f"Q{n}USD" for n in range(9)})
    check = places.max_positions(make_candidate(room=where))
    assert check.verdict is verdict
    assert (check.current, check.would_be, check.threshold) == money(held, held + 1, 6)
    assert check.reason == ("" if verdict is OK else f"trend uses {held} of max_positions, 6")


@pytest.mark.parametrize(("held", "verdict"), [(1, OK), (2, OK), (3, BLOCKED)])
def test_max_open_positions_counts_everybodys(held: int, verdict: Verdict) -> None:
    where = room(other={f"P{n}USD" for n in range(held)})
    check = places.max_open_positions(make_candidate(settings=RiskSettings(max_open_positions=3), room=where))
    assert check.verdict is verdict
    assert (check.current, check.would_be, check.threshold) == money(held, held + 1, 3)


def test_increasing_a_held_pair_takes_no_further_place() -> None:
    context = make_context(
        holdings={"XBTUSD": make_holding()}, strategies={"trend": make_strategy(max_positions=1)}
    )
    entry = make_candidate(
        make_intent(intent_type=IntentType.INCREASE), context, RiskSettings(max_open_positions=1)
    )
    assert places.max_positions(entry).verdict is OK
    assert places.max_open_positions(entry).verdict is OK


def test_a_pair_of_another_strategy_takes_no_further_place_of_the_account_but_one_of_ones_own() -> None:
    context = make_context(holdings={"XBTUSD": make_holding(make_share("1", "other"))})
    entry = make_candidate(context=context)
    assert places.max_positions(entry).would_be == 1
    assert places.max_open_positions(entry).would_be == 1
