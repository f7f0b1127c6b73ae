"""Whether anything may be bought at all now, or in this pair."""

import pytest

from krakked_tui.domain.plans import Verdict
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.risk import safety
from krakked_tui.risk.room import Room
from tests.unit.risk.builders import (
    SETTINGS,
    make_candidate,
    make_context,
    make_intent,
    make_pending,
    make_state,
)

OK, BLOCKED = Verdict.OK, Verdict.BLOCKED
TWO = (make_state("XBTUSD"), make_state("ETHUSD"))


def test_kill_switch() -> None:
    killed = make_context(kill_switch=KillSwitch(active=True, reason="set by tui"))
    check = safety.kill_switch(make_candidate(context=killed))
    assert (check.verdict, check.reason) == (BLOCKED, "the kill switch is on (set by tui)")
    assert safety.kill_switch(make_candidate()).verdict is OK


def test_no_new_risk() -> None:
    drifting = make_context(blocked_reason="balances differ from the ledger")
    check = safety.no_new_risk(make_candidate(context=drifting))
    assert (check.verdict, check.reason) == (BLOCKED, "balances differ from the ledger")
    assert safety.no_new_risk(make_candidate()).verdict is OK


def test_pair_blocked() -> None:
    context = make_context(*TWO, blocked_pairs={"ETHUSD": "an order is unknown"})
    assert safety.pair_blocked(make_candidate(context=context)).verdict is OK
    check = safety.pair_blocked(make_candidate(make_intent("ETHUSD"), context))
    assert (check.verdict, check.reason) == (BLOCKED, "an order is unknown")


def test_what_the_plan_sells_it_does_not_buy() -> None:
    context = make_context(*TWO)
    room = Room.at_start(context, SETTINGS)
    room.sold.add("ETHUSD")
    assert safety.one_order(make_candidate(context=context, room=room)).verdict is OK
    check = safety.one_order(make_candidate(make_intent("ETHUSD"), context, room=room))
    assert (check.verdict, check.reason) == (BLOCKED, "this plan sells ETHUSD, so it buys nothing of it")


def test_one_buy_of_a_pair_at_a_time() -> None:
    context = make_context(*TWO, pending={"ETHUSD": make_pending()})
    assert safety.one_order(make_candidate(context=context)).verdict is OK
    check = safety.one_order(make_candidate(make_intent("ETHUSD"), context))
    assert (check.verdict, check.reason) == (BLOCKED, "a buy of ETHUSD is open already")


@pytest.mark.parametrize(("exposure", "verdict"), [(None, OK), ("0", OK), ("1", OK), ("-0.01", BLOCKED)])
def test_nothing_is_sold_short(exposure: str | None, verdict: Verdict) -> None:
    check = safety.long_only(make_candidate(make_intent(exposure=exposure)))
    assert check.verdict is verdict
    assert ("short sale" in check.reason) is (verdict is BLOCKED)
