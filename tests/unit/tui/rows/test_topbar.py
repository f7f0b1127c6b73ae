"""The top bar: complete at 80 columns, whatever the state."""

from decimal import Decimal
from itertools import product

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.control.views import EngineView
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.tui.rows.line import Look, text_of, width_of
from krakked_tui.tui.rows.topbar import SILENCE_SECONDS, bar_lines, is_live, mode_word
from tests.fakes.controller import normal, starting, status


def shown(view: EngineView, width: int = 80, silence: float = 0.0) -> str:
    return "\n".join(text_of(line) for line in bar_lines(view, width, silence))


def with_status(**changes: object) -> EngineView:
    return msgspec.structs.replace(normal(), status=status(**changes))


STATES = list(
    product(
        ("demo", "paper", "dry_run", "live"),
        ("live", "polling", "stale", "down", "starting"),
        ("up", "partial", "down"),
        (True, False),
    )
)


@pytest.mark.parametrize(("mode", "data", "link", "bad"), STATES)
def test_every_fact_is_there_in_full_at_80_columns(mode: str, data: str, link: str, bad: bool) -> None:
    view = with_status(
        mode=mode,
        data=data,
        connection=link,
        kill_switch=KillSwitch(active=bad),
        drift=bad,
        paused=bad,
        speed=600.0 if bad else 1.0,
        equity=Decimal("1234567.89"),
        day_pnl=Decimal("-12345.67"),
        drawdown_pct=Decimal("10.01"),
    )
    text = shown(view)
    assert "…" not in text
    for fact in (
        mode.replace("_", " ").upper(),
        "KILL ON" if bad else "kill off",
        "DRIFT" if bad else "drift none",
        {
            "live": "data live",
            "polling": "data POLL",
            "stale": "data STALE",
            "down": "data DOWN",
            "starting": "data wait",
        }[data],
        {"up": "link up", "partial": "link PART", "down": "link DOWN"}[link],
        "12:00:00 UTC",
        "equity $1,234,567.89",
        "day -$12,345.67 -0.99%",
        "drawdown 10.01%/10.00%!",
    ):
        assert fact in text
    assert ("PAUSED x600" in text) == bad


@given(st.integers(80, 200), st.sampled_from(STATES), st.floats(0, 1e6))
def test_both_lines_are_exactly_as_wide_as_the_screen(
    width: int, state: tuple[str, str, str, bool], silence: float
) -> None:
    mode, data, link, paused = state
    view = with_status(mode=mode, data=data, connection=link, paused=paused)
    assert [width_of(line) for line in bar_lines(view, width, silence)] == [width, width]


def test_live_says_real_money() -> None:
    view = with_status(mode="live", other_host="", profile="live")
    assert is_live(view.status)
    assert "LIVE  REAL MONEY" in shown(view)
    badge = bar_lines(view, 80, 0.0)[0][0]
    assert badge.look is Look.LIVE


def test_another_host_shows_even_in_live_mode() -> None:
    assert "127.0.0.1:43211" in shown(with_status(mode="live"))


def test_a_profile_shows_when_it_is_not_the_modes_own() -> None:
    assert "second" in shown(with_status(mode="paper", profile="second", other_host=""))
    assert shown(with_status(mode="paper", profile="paper", other_host="")).count("paper") == 0
    assert mode_word(status(mode="dry_run")) == "DRY RUN"


def test_an_engine_that_says_nothing_is_called_silent() -> None:
    assert "SILENT" not in shown(normal(), silence=SILENCE_SECONDS - 0.1)
    text = shown(normal(), silence=83.0)
    assert "SILENT 1m23s" in text
    assert "UTC" not in text


def test_unknown_money_is_a_dash_not_a_zero() -> None:
    text = shown(starting())
    assert "equity -" in text
    assert "$0.00" not in text
    assert "STARTING" in text


def test_drawdown_warns_before_the_limit_and_says_so_without_colour() -> None:
    near, over = (with_status(drawdown_pct=Decimal(value)) for value in ("8.00", "10.00"))
    assert "drawdown 8.00%/10.00%!" in shown(near)
    looks = [bar_lines(view, 80, 0.0)[1] for view in (near, over)]
    assert [next(s.look for s in line if "!" in s.text) for line in looks] == [Look.WARN, Look.ALARM]
    assert "!" not in shown(with_status(drawdown_pct=Decimal("7.99")))
    assert "!" not in shown(with_status(drawdown_limit_pct=Decimal(0)))


@pytest.mark.parametrize(("speed", "text"), [(60.0, "x60"), (0.0, "x0"), (0.5, "x0.5"), (1.0, "")])
def test_the_speed_shows_when_it_is_not_real_time(speed: float, text: str) -> None:
    line = shown(with_status(speed=speed)).splitlines()[1]
    assert line.rstrip().endswith(text or "10.00%")


def test_a_state_from_a_newer_engine_is_shown_as_it_is() -> None:
    assert "data odd" in shown(with_status(data="odd"))


def test_wide_screens_spell_it_out() -> None:
    text = shown(normal(), width=120)
    assert "kill switch off" in text
    assert "0.35% of limit 10.00%" in text
    assert "2026-11-20 12:00:00 UTC" in text
