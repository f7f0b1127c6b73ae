"""Derived fields of actions and decision records."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.plans import ActionType, DecisionRecord, LimitCheck, RiskAdjustedAction, Verdict


def action(*, blocked: bool) -> RiskAdjustedAction:
    return RiskAdjustedAction(
        "XBTUSD", "trend", ActionType.NONE, Decimal(0), Decimal(0), Decimal(0), "", blocked=blocked
    )


@pytest.mark.parametrize(("current", "headroom"), [(3, 7), (12, -2)])
def test_headroom_is_what_is_left(current: int, headroom: int) -> None:
    check = LimitCheck("l", Decimal(current), Decimal(20), Decimal(10), "positions", Verdict.BLOCKED)
    assert check.headroom == headroom


def test_a_record_counts_its_blocked_actions() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    record = DecisionRecord(
        plan_id="p",
        time=at,
        timeframes=(Timeframe.M1,),
        candle_time=at,
        intents=(),
        actions=(action(blocked=True), action(blocked=False), action(blocked=True)),
        kill_switch=False,
        equity_usd=Decimal(1),
        input_fingerprint="",
        duration_ms=0.0,
    )
    assert record.blocked_count == 2
