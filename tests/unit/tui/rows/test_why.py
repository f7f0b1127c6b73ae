"""The chain behind a decision, complete and in order."""

from datetime import UTC

import msgspec

from krakked_tui.control.risk_view import Explanation
from krakked_tui.tui.rows.line import Line, Look, text_of, width_of
from krakked_tui.tui.rows.why import LINES_MAX, why_lines
from tests.fakes.risk import explanation

WIDTH = 71


def shown(lines: list[Line]) -> list[str]:
    assert all(width_of(line) <= WIDTH for line in lines)
    return [text_of(line).rstrip() for line in lines]


def test_the_chain_is_complete() -> None:
    lines = shown(why_lines(explanation(notes=("one feed was late",)), UTC, WIDTH))
    for text in (
        " BLOCKED 1",
        "! DOGEUSD trend_following: blocked by max_spread_bps",
        "Candle        2026-11-20 10:59:00 UTC  1h, 4h",
        "one feed was late",
        "  sma_20 63811.4  sma_50 62990.25  atr_20 1459.8",
        "  became: bought 0.03127711",
        " OPEN XBTUSD  0 → 0.03127711",
        "  shares: breakout 0.01, trend_following 0.02127711",
        "buy 0.03127711 XBTUSD limit for entry",
        "  11:59:00.387  open: Kraken took it as OSBX01-AAAAA-000001",
        "2026-11-20 11:59:51 UTC  0.03127711 at 64,520, fee 5.25 USD",
        "  made +2.11",
        "Together +2.11 in base currency",
        "drawdown      0.35 %",
    ):
        assert text in lines, text


def test_what_was_blocked_comes_before_everything() -> None:
    first, second, *_ = why_lines(explanation(), UTC, WIDTH)
    assert first[0].look is Look.ALARM
    assert "blocked by max_spread_bps" in text_of(second)
    calm = explanation(actions=explanation().actions[:1])
    assert shown(why_lines(calm, UTC, WIDTH))[0].startswith("Plan")


def test_a_decision_that_came_to_nothing_says_so_at_every_step() -> None:
    lines = shown(why_lines(Explanation(plan_id="p"), UTC, WIDTH))
    for text in ("No strategy wanted anything.", "Risk had nothing to decide.", "No order came of it."):
        assert text in lines
    assert "Decided       -" in lines


def test_a_problem_is_all_there_is() -> None:
    found = msgspec.structs.replace(explanation(), problem="no such decision")
    assert shown(why_lines(found, UTC, WIDTH)) == ["no such decision"]


def test_a_decision_on_hundreds_of_pairs_is_cut_and_says_where_the_rest_is() -> None:
    lines = shown(why_lines(explanation(actions=explanation().actions * 300), UTC, WIDTH))
    assert len(lines) <= LINES_MAX + 2
    assert "krakked-tui explain 20261120T1159-001" in " ".join(lines[-2:])


def test_of_an_order_that_is_asked_for_only_its_pair_is_told() -> None:
    found = explanation(focus="kk-7f3a-000001", actions=explanation().actions * 300)
    lines = shown(why_lines(found, UTC, WIDTH, most=None))
    assert "Asked for     order kk-7f3a-000001" in lines
    assert "▶ buy 0.03127711 XBTUSD limit for entry" in lines
    assert "2026-11-20 11:59:51 UTC  0.03127711 at 64,520, fee 5.25 USD" not in lines, "of another order"
    assert not any("DOGE" in line for line in lines)
    assert "1 wish on other pairs: krakked-tui explain 20261120T1159-001" in lines
    assert len(lines) > LINES_MAX, "all of them, when that is wanted"
