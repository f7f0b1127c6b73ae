"""An intent under examination."""

from decimal import Decimal

from tests.unit.risk.builders import (
    facts,
    make_candidate,
    make_context,
    make_holding,
    make_intent,
    make_pricing,
    make_share,
)


def test_only_the_strategys_own_share_is_its_own() -> None:
    context = make_context(
        holdings={"XBTUSD": make_holding(make_share("3", "other", "90"), make_share("2", "trend", "80"))}
    )
    entry = make_candidate(make_intent(), context)
    assert facts(entry.own_size, entry.own_stop) == (2, 80)
    entry = make_candidate(make_intent(strategy_id="third"), context)
    assert facts(entry.own_size, entry.own_stop) == (0, None)


def test_a_share_without_a_stop_has_none() -> None:
    entry = make_candidate(context=make_context(holdings={"XBTUSD": make_holding(make_share("2"))}))
    assert facts(entry.own_size, entry.own_stop) == (2, None)


def test_of_what_is_not_held_nothing_is_its_own() -> None:
    assert facts(make_candidate().own_size, make_candidate().own_stop) == (0, None)


def test_the_distance_is_what_a_unit_loses_at_the_stop() -> None:
    assert make_pricing(price="100.5", stop="98").distance == Decimal("2.5")


def test_without_a_stop_it_is_sold_at_its_price() -> None:
    assert make_pricing(price="100", stop="98").sold_at == 98
    assert make_pricing(price="100", stop="0").sold_at == 100
