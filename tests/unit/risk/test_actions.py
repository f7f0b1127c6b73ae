"""Actions that change nothing."""

from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.plans import ActionType, LimitCheck, Verdict
from krakked_tui.risk.actions import blocked_reasons, clamping, unchanged
from krakked_tui.risk.checks import flag
from tests.unit.risk.builders import make_context, make_holding, make_intent

CONTEXT = make_context(holdings={"XBTUSD": make_holding()})


def test_nothing_changes_and_the_reason_stands() -> None:
    action = unchanged(make_intent(), CONTEXT, "trend keeps XBTUSD as it is")
    assert (action.action_type, action.blocked, action.reason, action.shares) == (
        ActionType.NONE,
        False,
        "trend keeps XBTUSD as it is",
        (),
    )
    assert action.target_base_size == action.current_base_size == 2
    assert action.target_notional_usd == 200


def test_what_blocked_is_the_reason() -> None:
    checks = (flag("a", "the first"), flag("b", ""), flag("c", "the second"))
    action = unchanged(make_intent("ETHUSD"), CONTEXT, "", checks)
    assert action.blocked
    assert action.blocked_reasons == blocked_reasons(checks) == ("the first", "the second")
    assert action.reason == "no enter: the first; the second"
    assert action.checks == checks
    assert action.current_base_size == 0


def test_what_cut_is_named_in_turn() -> None:
    checks = [
        LimitCheck(name, ZERO, ONE, ONE, "USD", verdict)
        for name, verdict in (("a", Verdict.CLAMPED), ("b", Verdict.OK), ("c", Verdict.CLAMPED))
    ]
    assert clamping(checks) == ("a", "c")
