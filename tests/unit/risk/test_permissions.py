"""Limits that an entry passes or not, whatever its size."""

from decimal import Decimal

import pytest

from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.plans import Verdict
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.market.freshness import Freshness
from krakked_tui.risk import permissions
from krakked_tui.risk.candidate import Room
from krakked_tui.risk.settings import RiskSettings
from tests.unit.risk.builders import (
    make_candidate,
    make_context,
    make_holding,
    make_intent,
    make_state,
    money,
)

OK, BLOCKED = Verdict.OK, Verdict.BLOCKED


def room(holders: dict[str, str], *, buying: set[str] | None = None, leaving: set[str] | None = None) -> Room:
    return Room(Decimal(0), holders, frozenset(buying or ()), frozenset(leaving or ()))


def test_kill_switch() -> None:
    killed = make_context(kill_switch=KillSwitch(active=True, reason="set by tui"))
    check = permissions.kill_switch(make_candidate(context=killed))
    assert (check.verdict, check.reason) == (BLOCKED, "the kill switch is on (set by tui)")
    assert permissions.kill_switch(make_candidate()).verdict is OK


def test_no_new_risk() -> None:
    drifting = make_context(blocked_reason="balances differ from the ledger")
    check = permissions.no_new_risk(make_candidate(context=drifting))
    assert (check.verdict, check.reason) == (BLOCKED, "balances differ from the ledger")
    assert permissions.no_new_risk(make_candidate()).verdict is OK


def test_pair_blocked() -> None:
    context = make_context(
        make_state("XBTUSD"), make_state("ETHUSD"), blocked_pairs={"ETHUSD": "an order is unknown"}
    )
    assert permissions.pair_blocked(make_candidate(context=context)).verdict is OK
    check = permissions.pair_blocked(make_candidate(make_intent("ETHUSD"), context))
    assert (check.verdict, check.reason) == (BLOCKED, "an order is unknown")


@pytest.mark.parametrize("status", PairStatus)
def test_pair_status(status: PairStatus) -> None:
    check = permissions.pair_status(make_candidate(context=make_context(make_state(status=status))))
    assert check.verdict is (OK if status is PairStatus.ONLINE else BLOCKED)
    assert (str(status) in check.reason) is (status is not PairStatus.ONLINE)


@pytest.mark.parametrize(
    ("freshness", "reason"),
    [
        (Freshness.FRESH, ""),
        (Freshness.CHECKED, ""),
        (
            Freshness.QUIET,
            "the price of XBTUSD is quiet, 95 s old, and a request for the exchange's ticker has not"
            " confirmed it",
        ),
        (Freshness.STALE, "the price of XBTUSD is stale, 95 s old"),
        (Freshness.NEVER, "no price of XBTUSD has arrived"),
    ],
)
def test_price_freshness(freshness: Freshness, reason: str) -> None:
    context = make_context(make_state(freshness=freshness, price_age=95.4))
    check = permissions.price_freshness(make_candidate(context=context))
    assert (check.verdict, check.reason) == (BLOCKED if reason else OK, reason)


def test_one_stale_pair_stops_only_its_own_entries() -> None:
    context = make_context(make_state("XBTUSD", freshness=Freshness.STALE), make_state("ETHUSD"))
    assert permissions.price_freshness(make_candidate(context=context)).verdict is BLOCKED
    assert permissions.price_freshness(make_candidate(make_intent("ETHUSD"), context)).verdict is OK


def test_a_missing_price_is_not_fresh() -> None:
    context = make_context(make_state(price=None, freshness=Freshness.NEVER))
    check = permissions.price_freshness(make_candidate(context=context))
    assert check.reason == "no price of XBTUSD has arrived"


@pytest.mark.parametrize(("confidence", "verdict"), [("0.5999", BLOCKED), ("0.6", OK), ("0.6001", OK)])
def test_min_signal_confidence(confidence: str, verdict: Verdict) -> None:
    check = permissions.min_signal_confidence(make_candidate(make_intent(confidence=confidence)))
    assert check.verdict is verdict
    assert (check.current, check.threshold) == (Decimal(confidence), Decimal("0.6"))


@pytest.mark.parametrize(
    ("intent_type", "where", "reason"),
    [
        (IntentType.ENTER, room({}), ""),
        (IntentType.ENTER, room({"ETHUSD": "other"}, buying={"ETHUSD"}), ""),
        (IntentType.ENTER, room({"XBTUSD": "other"}), "XBTUSD is held by other"),
        (IntentType.ENTER, room({"XBTUSD": "trend"}), "XBTUSD is held already"),
        (IntentType.INCREASE, room({"XBTUSD": "trend"}), ""),
        (IntentType.INCREASE, room({"XBTUSD": "other"}), "XBTUSD is held by other"),
        (
            IntentType.INCREASE,
            room({"XBTUSD": "trend"}, buying={"XBTUSD"}),
            "a buy of XBTUSD for trend is open or planned already",
        ),
        (
            IntentType.INCREASE,
            room({"XBTUSD": "trend"}, leaving={"XBTUSD"}),
            "XBTUSD is being sold by this plan",
        ),
    ],
)
def test_one_holder(intent_type: IntentType, where: Room, reason: str) -> None:
    check = permissions.one_holder(make_candidate(make_intent(intent_type=intent_type), room=where))
    assert check.reason == reason
    assert check.verdict is (BLOCKED if reason else OK)


@pytest.mark.parametrize(("held", "verdict"), [(4, OK), (5, OK), (6, BLOCKED), (7, BLOCKED)])
def test_max_positions_counts_the_strategys_own_pairs(held: int, verdict: Verdict) -> None:
    holders = {f"P{n}USD": "trend" for n in range(held)} | {f"Q{n}USD": "other" for n in range(9)}
    check = permissions.max_positions(make_candidate(room=room(holders)))
    assert check.verdict is verdict
    assert (check.current, check.would_be, check.threshold) == money(held, held + 1, 6)


@pytest.mark.parametrize(("held", "verdict"), [(1, OK), (2, OK), (3, BLOCKED)])
def test_max_open_positions_counts_everybodys(held: int, verdict: Verdict) -> None:
    holders = {f"P{n}USD": "manual" for n in range(held)}
    settings = RiskSettings(max_open_positions=3)
    check = permissions.max_open_positions(make_candidate(settings=settings, room=room(holders)))
    assert check.verdict is verdict
    assert (check.current, check.would_be, check.threshold) == money(held, held + 1, 3)


def test_increasing_a_held_pair_takes_no_further_place() -> None:
    context = make_context(holdings={"XBTUSD": make_holding()}, max_positions=1)
    entry = make_candidate(
        make_intent(intent_type=IntentType.INCREASE), context, RiskSettings(max_open_positions=1)
    )
    assert permissions.max_positions(entry).verdict is OK
    assert permissions.max_open_positions(entry).verdict is OK
