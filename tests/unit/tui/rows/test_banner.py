"""The risk banner: in words, worst first."""

from datetime import UTC
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.control.commands import FlattenAll
from krakked_tui.control.views import DriftView, EngineView
from krakked_tui.tui.rows.banner import banner_lines, findings
from krakked_tui.tui.rows.line import text_of, width_of
from tests.fakes.controller import FakeController, disconnected, empty, killed, normal, status


def heads(view: EngineView) -> list[str]:
    return [finding.head for finding in findings(view, UTC)]


def shown(view: EngineView, height: int = 1, width: int = 80) -> list[str]:
    return [text_of(line) for line in banner_lines(view, width, height, UTC)]


def test_all_well_says_what_was_checked() -> None:
    assert shown(normal()) == [" RISK OK  new positions allowed: data live, balances match, kill switch off"]


def test_the_kill_switch_says_why_since_when_and_by_whom() -> None:
    assert heads(killed()) == ["KILL SWITCH ON", "PAUSED"]
    assert "operator at the terminal; since 12:00:00 by tui" in shown(killed(), height=2)[0]


def test_several_problems_are_all_named_on_one_line() -> None:
    (line,) = shown(disconnected())
    assert "DATA STALE" in line
    assert "LINK DOWN" in line
    assert len(line) <= 80


def test_a_running_flatten_comes_first() -> None:
    fake = FakeController(disconnected())
    fake.take_effect(FlattenAll("FLATTEN", "x"))
    assert heads(fake.current) == ["FLATTEN RUNNING", "DATA STALE", "LINK DOWN"]
    fake.finish_flatten()
    assert "FLATTEN RUNNING" not in heads(fake.current)


def test_drift_names_what_differs() -> None:
    view = normal()
    assert view.portfolio is not None
    drift = (DriftView("XBT", Decimal("0.20"), Decimal("0.1"), None),)
    portfolio = msgspec.structs.replace(view.portfolio, drift=drift)
    drifting = msgspec.structs.replace(view, status=status(drift=True), portfolio=portfolio)
    assert "XBT: books 0.2, exchange 0.1" in shown(drifting)[0]


def test_a_refusal_without_another_cause_is_shown_itself() -> None:
    refused = msgspec.structs.replace(empty(), status=status(no_new_risk="the account is not confirmed"))
    assert shown(refused)[0].startswith(" NO NEW RISK  the account is not confirmed")


@pytest.mark.parametrize("height", [1, 2, 3])
@pytest.mark.parametrize("view", [normal(), killed(), disconnected(), empty()])
def test_it_is_as_high_as_its_place_and_no_wider(view: EngineView, height: int) -> None:
    lines = banner_lines(view, 80, height, UTC)
    assert len(lines) == height
    assert all(width_of(line) <= 80 for line in lines)
