"""Every line builder of risk and strategies copes with every size, down to nothing."""

from collections.abc import Callable
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.control.risk_view import RiskView, Silence
from krakked_tui.tui.rows.changes import form_lines, preview_lines, risk_fields
from krakked_tui.tui.rows.checks import check_lines
from krakked_tui.tui.rows.line import Column, Line, Row, place, row_line
from krakked_tui.tui.rows.risk import (
    DECISION_COLUMNS,
    EXPOSURE_COLUMNS,
    LIMIT_COLUMNS,
    PROTECTION_COLUMNS,
    decision_rows,
    exposure_rows,
    head_lines,
    limit_lines,
    limit_rows,
    protection_lines,
    protection_rows,
)
from krakked_tui.tui.rows.strategies import (
    HELD_COLUMNS,
    INTENT_COLUMNS,
    PARAMETER_COLUMNS,
    STRATEGY_COLUMNS,
    held_rows,
    intent_rows,
    parameter_rows,
    problem_lines,
    strategy_rows,
)
from krakked_tui.tui.rows.strategy_detail import (
    about_lines,
    held_lines,
    made_lines,
    parameter_lines,
    silence_lines,
)
from krakked_tui.tui.rows.why import why_lines
from tests.fakes import risk as fake_risk
from tests.fakes.risk import CHECKS, NOON, FakeRisk, explanation
from tests.fakes.settings import good
from tests.fakes.strategies import HELD, PARAMETERS, normal

RISK, STRATEGIES = fake_risk.OK, normal().strategies
FIELDS = risk_fields(good(), RISK.limits)
TABLES: dict[str, tuple[tuple[Column, ...], list[Row]]] = {
    "limits": (LIMIT_COLUMNS, limit_rows(RISK.limits)),
    "exposure": (EXPOSURE_COLUMNS, exposure_rows(RISK)),
    "protections": (PROTECTION_COLUMNS, protection_rows(RISK.protections, NOON, UTC)),
    "decisions": (DECISION_COLUMNS, decision_rows(FakeRisk().decisions, UTC)),
    "strategies": (STRATEGY_COLUMNS, strategy_rows(STRATEGIES, UTC)),
    "held": (HELD_COLUMNS, held_rows(HELD, UTC)),
    "intents": (INTENT_COLUMNS, intent_rows(STRATEGIES[3].intents, UTC)),
    "parameters": (PARAMETER_COLUMNS, parameter_rows(PARAMETERS)),
}
BUILDERS: dict[str, Callable[[int, int], list[Line]]] = {
    "head": lambda width, _: head_lines(RISK, NOON, UTC, width),
    "killed": lambda width, _: head_lines(fake_risk.killed(), NOON, UTC, width),
    "loading": lambda width, _: head_lines(RiskView(), NOON, UTC, width),
    "limit": lambda width, _: limit_lines(RISK.limits[0], width),
    "protection": lambda width, _: protection_lines(RISK.protections[0], NOON, UTC, width),
    "checks": lambda width, _: check_lines(CHECKS, width),
    "why": lambda width, _: why_lines(explanation(), UTC, width),
    "form": lambda width, height: form_lines(
        FIELDS, height % len(FIELDS), {FIELDS[0].key: "1"}, height, width
    ),
    "preview": lambda width, _: preview_lines(FakeRisk().from_preset("balanced"), width),
    "about": lambda width, height: about_lines(STRATEGIES[height % 4], UTC, width),
    "made": lambda width, height: made_lines(STRATEGIES[3].equity, width, height),
    "silence": lambda width, _: silence_lines(Silence("a", "b", "c", "d", "e", "f"), UTC, width),
    "holding": lambda width, height: held_lines(HELD[height % 3], UTC, width),
    "parameter": lambda width, _: parameter_lines(PARAMETERS[0], width),
    "problems": lambda width, _: problem_lines(("a file is broken", "another"), width),
}


@pytest.mark.parametrize("name", BUILDERS)
@given(width=st.integers(0, 130), height=st.integers(0, 45))
def test_a_builder_copes_with_any_size(name: str, width: int, height: int) -> None:
    assert isinstance(BUILDERS[name](width, height), list)


@pytest.mark.parametrize("name", TABLES)
@given(width=st.integers(0, 130))
def test_a_table_copes_with_any_size(name: str, width: int) -> None:
    columns, rows = TABLES[name]
    placed = place(columns, width)
    assert len({len("".join(span.text for span in row_line(row, placed))) for row in rows}) == 1
