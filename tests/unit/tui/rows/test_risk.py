"""The Risk screen as rows and lines."""

from datetime import UTC, timedelta
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.risk_view import RiskView
from krakked_tui.tui.rows.line import Line, Look, text_of, width_of
from krakked_tui.tui.rows.risk import (
    bar,
    decision_rows,
    exposure_rows,
    head_lines,
    limit_lines,
    limit_rows,
    protection_lines,
    protection_rows,
    used_look,
    used_text,
)
from tests.fakes.risk import LIMITS, NOON, OK, PROTECTIONS, decision, killed, limit


def head(view: RiskView, width: int = 80) -> list[str]:
    lines = head_lines(view, NOON, UTC, width)
    assert all(width_of(line) <= width for line in lines)
    return [text_of(line).rstrip() for line in lines]


def texts(lines: list[Line]) -> list[str]:
    return [text_of(line).rstrip() for line in lines]


@pytest.mark.parametrize(
    ("share", "text", "look"),
    [
        (None, "-", Look.SHAPE),
        (0.0, "0%", Look.SHAPE),
        (0.799, "80%", Look.SHAPE),
        (0.8, "80%", Look.WARN),
        (1.0, "! 100%", Look.ALARM),
        (1.5, "! 150%", Look.ALARM),
        (1e9, "! 9999%", Look.ALARM),
        (float("inf"), "-", Look.SHAPE),
        (float("nan"), "-", Look.SHAPE),
    ],
)
def test_how_much_is_used_is_said_in_numbers_and_signs(share: float | None, text: str, look: Look) -> None:
    assert used_text(share) == text
    assert used_look(share) is look
    assert len(bar(share, 10)) in {0, 10}


def test_a_bar_is_full_from_the_limit_on() -> None:
    assert bar(0.5, 10) == "█████     "
    assert bar(1.0, 10) == bar(7.0, 10) == "█" * 10


def test_a_limit_without_a_present_value_has_dashes() -> None:
    row = limit_rows([limit("max_spread_bps", "spread", "", "100", "bps")])[0]
    assert [cell.text for cell in row.cells] == ["spread", "-", "100 bps", "-", "", "-", ""]
    row = limit_rows(LIMITS)[5]
    assert [cell.text for cell in row.cells][1:4] == ["10.29%", "10.00%", "! 103%"]


def test_the_head_says_whether_anything_may_be_opened() -> None:
    assert head(OK)[0] == " RISK OK  kill switch off, new positions are allowed"
    assert (
        head(msgspec.structs.replace(OK, refusal="prices are stale"))[0] == " NO NEW RISK  prices are stale"
    )
    assert "Waiting" in head(RiskView())[0]


def test_the_head_of_a_kill_is_never_cut() -> None:
    lines = head(killed())
    assert lines[0].startswith(" KILL SWITCH ON  since 11:58:00 by engine")
    assert lines[0].endswith("a, then FORCE, clears it")
    assert lines[1] == "Set by drawdown: the day's loss is 10.42 % of equity, the limit 10.00 %"
    assert lines[2] == "It goes on: the day's loss is still 10.42 %, the limit 10.00 %"
    over = head(killed(persists=False))
    assert over[0].endswith("a, then ARM, clears it")
    assert over[2] == "What set it does not go on."
    long = head(msgspec.structs.replace(killed(), kill_reason="word " * 40))
    assert sum("word" in line for line in long) == 3


def test_the_head_counts_what_it_has_no_room_for() -> None:
    many = msgspec.structs.replace(OK, without_stop=tuple(f"PAIR{number}USD" for number in range(9)))
    lines = head(many)
    assert "NO STOP 9: PAIR0USD PAIR1USD +7" in lines[2]
    assert lines[3].endswith("SOL 10.29% +2")
    assert lines[4] == "Entries paused 2: cooldown DOGEUSD 41:00 +1"
    assert "losses in a row mean_reversion 12:00:00" in head(OK, 120)[4]
    unsure = head(
        msgspec.structs.replace(OK, include_manual_positions=False, without_stop=(), protections=())
    )
    assert "manual positions do NOT count" in unsure[3]
    assert "every position has a stop" in unsure[2]
    assert unsure[4] == "No protection holds entries back now."


def test_protections_count_down() -> None:
    (first, _) = protection_rows(PROTECTIONS, NOON + timedelta(minutes=40), UTC)
    assert [cell.text for cell in first.cells][:4] == ["cooldown", "DOGEUSD", "12:41:00", "1:00"]
    assert "Until         2026-11-20 12:41:00 UTC, in 41:00" in texts(
        protection_lines(PROTECTIONS[0], NOON, UTC, 71)
    )


def test_exposures_are_of_everything_then_assets_then_strategies() -> None:
    kinds = [row.cells[1].text for row in exposure_rows(OK)]
    assert kinds == ["all", "asset", "asset", "asset", "strategy", "strategy"]
    assert exposure_rows(RiskView()) == []


def test_a_decision_shows_how_many_were_blocked() -> None:
    (row,) = decision_rows([decision(3)], UTC)
    assert [cell.text for cell in row.cells] == [
        "2026-11-20 09:00:00",
        "20261120T0900-003",
        "1h",
        "3",
        "0",
        "1",
    ]


def test_a_limit_in_full_names_its_setting_and_its_meaning() -> None:
    lines = texts(limit_lines(LIMITS[3], 71))
    assert "Setting       risk.max_per_asset_pct" in lines
    assert "Most that may be held of one asset, in percent of equity." in lines
    assert "XBT" in lines
    bare = texts(limit_lines(limit("", "cash", "", "1", "USD", threshold=Decimal(1)), 71))
    assert "Setting       none: it cannot be set" in bare
    assert not any(line.startswith("Used") for line in bare)
