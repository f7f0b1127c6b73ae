"""Strategies that want the same pair."""

from decimal import Decimal

import pytest

from krakked_tui.domain.plans import LimitCheck, Verdict
from krakked_tui.risk.context import RiskContext
from krakked_tui.risk.entries import judge
from krakked_tui.risk.netting import Part, Wish, blend, joint_checks
from krakked_tui.risk.room import Room
from krakked_tui.risk.settings import RiskSettings
from tests.unit.risk.builders import SETTINGS, facts, make_context, make_intent, make_state, make_strategy


def wish(
    strategy_id: str, context: RiskContext, *, stop: str = "80", confidence: str = "0.8",
    settings: RiskSettings = SETTINGS,
) -> Wish:  # fmt: skip
    intent = make_intent(strategy_id=strategy_id, stop=stop, confidence=confidence)
    judged = judge(intent, context, settings, Room.at_start(context, settings))
    assert isinstance(judged, Wish)
    return judged


def voices(order_min: str = "0.001", **weights: str) -> RiskContext:
    strategies = {name: make_strategy(min_confidence="0", weight=weight) for name, weight in weights.items()}
    return make_context(make_state(order_min=order_min), strategies=strategies)


def sizes(parts: list[Part]) -> dict[str, str]:
    return {part.wish.strategy_id: str(part.size) for part in parts}


def test_one_wish_is_all_of_it() -> None:
    parts, left_out = blend([wish("a", voices(a="1"))])
    assert (sizes(parts), left_out) == ({"a": "5.0000"}, [])


def test_the_mean_is_weighted_and_each_part_is_on_the_lot() -> None:
    context = voices(a="1", b="2", c="4")
    wishes = [wish("c", context), wish("a", context, stop="60"), wish("b", context, confidence="0.4")]
    parts, left_out = blend(wishes)
    # Voices 0.8, 0.8, 3.2 of 4.8; by themselves 2.5, 5, 5.
    assert sizes(parts) == {"a": "0.4166", "b": "0.8333", "c": "3.3333"}
    assert left_out == []
    assert sizes(blend(wishes[::-1])[0]) == sizes(parts)


def test_of_voices_that_are_sure_of_nothing_the_weights_count() -> None:
    context = voices(a="1", b="3")
    parts, _ = blend([wish(name, context, confidence="0") for name in "ab"])
    assert sizes(parts) == {"a": "1.2500", "b": "3.7500"}


def test_a_voice_that_is_sure_of_nothing_among_others_is_left_out() -> None:
    context = voices(a="1", b="3")
    parts, left_out = blend([wish("a", context), wish("b", context, confidence="0")])
    assert sizes(parts) == {"a": "5.0000"}
    assert [each.strategy_id for each in left_out] == ["b"]


def test_the_least_voices_are_left_out_one_after_the_other_until_each_part_can_be_sold() -> None:
    # Alone 5 each; a third of it could not be sold again, a half can.
    context = voices("2.5", a="1", b="1", c="1")
    parts, left_out = blend([wish(name, context) for name in "cab"])
    assert sizes(parts) == {"a": "2.5000", "b": "2.5000"}
    assert [each.strategy_id for each in left_out] == ["c"]
    context = voices("2.6", a="1", b="2", c="2")
    parts, left_out = blend([wish(name, context) for name in "abc"])
    assert sizes(parts) == {"b": "5.0000"}
    assert [each.strategy_id for each in left_out] == ["a", "c"]


def named(checks: tuple[LimitCheck, ...], limit: str) -> list[LimitCheck]:
    return [check for check in checks if check.limit == limit]


def test_joint_checks_hold_what_is_common_once_and_caps_for_the_sum() -> None:
    settings = RiskSettings(max_per_strategy_pct={"a": Decimal(2), "b": Decimal(9)})
    context = voices(a="1", b="1")
    wishes = [wish("a", context, settings=settings), wish("b", context, settings=settings)]
    parts, _ = blend(wishes)
    assert sizes(parts) == {"a": "1.0000", "b": "2.5000"}
    checks = joint_checks(parts)
    for once in ("kill_switch", "max_spread_bps", "max_open_positions", "cash", "max_per_asset_pct"):
        assert len(named(checks, once)) == 1
    (asset,) = named(checks, "max_per_asset_pct")
    assert (asset.would_be, asset.verdict) == (Decimal("3.5"), Verdict.OK)
    (own,) = named(checks, "max_per_strategy_pct.a")
    assert facts(own.would_be, own.verdict) == (1, Verdict.CLAMPED)
    assert own.reason == "a: 5.00 % is cut to max_per_strategy_pct.a, 2.00 %"
    (other,) = named(checks, "max_per_strategy_pct.b")
    assert (other.would_be, other.verdict) == (Decimal("2.5"), Verdict.OK)


@pytest.mark.parametrize("stops", [("80", "60"), ("60", "80"), ("99", "10")])
def test_the_mean_breaks_no_cap_that_its_parts_keep(stops: tuple[str, str]) -> None:
    context = voices(a="7", b="3")
    parts, _ = blend([wish(name, context, stop=stop) for name, stop in zip("ab", stops, strict=True)])
    assert {check.verdict for check in joint_checks(parts)} <= {Verdict.OK, Verdict.CLAMPED}
    assert sum(part.size * part.wish.pricing.distance for part in parts) <= 100
