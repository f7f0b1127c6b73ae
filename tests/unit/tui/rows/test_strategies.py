"""The Strategies screen as rows."""

from datetime import UTC

import msgspec
import pytest

from krakked_tui.tui.rows.line import Look, text_of
from krakked_tui.tui.rows.strategies import (
    exposed,
    held_rows,
    intent_rows,
    parameter_rows,
    problem_lines,
    strategy_rows,
)
from tests.fakes.risk import intent
from tests.fakes.strategies import HELD, PARAMETERS, normal, strategy


def test_a_strategy_in_every_state() -> None:
    rows = {row.key: [cell.text for cell in row.cells] for row in strategy_rows(normal().strategies, UTC)}
    assert rows["breakout"][:7] == ["breakout", "disabled", "1h", "0/6", "0.00", "-", "-"]
    assert rows["mean_reversion"][1] == "FAILED"
    assert "ZeroDivisionError" in rows["mean_reversion"][8]
    assert rows["momentum_rotation"][4] == "-"
    assert rows["trend_following"][2:7] == ["1h, 4h", "3/6", "+23.18", "11:59:00", "12:59:00"]


@pytest.mark.parametrize(("state", "look"), [("failed", Look.ALARM), ("new", Look.WARN)])
def test_states_that_need_attention_look_so(state: str, look: Look) -> None:
    (row,) = strategy_rows([strategy("x", state=state)], UTC)
    assert row.cells[1].look is look


def test_what_is_held_without_a_stop_is_marked() -> None:
    stops = [row.cells[4] for row in held_rows(HELD, UTC)]
    assert [cell.text for cell in stops] == ["59,695.8", "3,157.25", "-"]
    assert [cell.look for cell in stops] == [Look.PLAIN, Look.PLAIN, Look.WARN]
    assert not exposed(msgspec.structs.replace(HELD[2], trailing_pct=HELD[0].trailing_pct))


def test_intents_of_one_moment_keep_rows_of_their_own() -> None:
    rows = intent_rows([intent("XBTUSD"), intent("XBTUSD", "exit")], UTC)
    assert len({row.key for row in rows}) == 2
    assert rows[0].cells[7].text == "sma_20 63811.4  sma_50 62990.25  atr_20 1459.8"


def test_changeable_parameters_are_marked_and_changed_ones_stand_out() -> None:
    rows = {row.cells[0].text: row.cells for row in parameter_rows(PARAMETERS)}
    assert rows["ma_slow"][0].look is Look.STRONG
    assert rows["ma_fast"][0].look is Look.PLAIN
    assert (rows["ma_fast"][1].text, rows["tag"][1].text) == ("⏎", "")


def test_files_that_could_not_be_loaded_are_named_in_full_within_reason() -> None:
    assert problem_lines((), 80) == []
    one, *_ = problem_lines(("mine.py: broken",), 80)
    assert text_of(one) == "! mine.py: broken"
    assert "1 more" in text_of(problem_lines(("mine.py: broken", "b"), 80)[0])
    assert len(problem_lines(("word " * 200,), 80)) == 4
