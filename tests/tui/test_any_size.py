"""Every line builder copes with every size, down to nothing: widgets have none before their layout."""

from collections.abc import Callable
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.control.views import EngineView
from krakked_tui.tui.rows.banner import banner_lines
from krakked_tui.tui.rows.chart import equity_lines
from krakked_tui.tui.rows.dashboard import account_lines, allocation_lines, event_lines
from krakked_tui.tui.rows.dialogs import flatten_progress_lines, flatten_warnings, order_lines, sale_lines
from krakked_tui.tui.rows.line import place, row_line
from krakked_tui.tui.rows.start import start_lines
from krakked_tui.tui.rows.tables import POSITION_COLUMNS, position_rows
from krakked_tui.tui.rows.topbar import bar_lines
from tests.fakes.controller import disconnected, empty, killed, normal, start_failed, starting

VIEWS = (normal(), killed(), disconnected(), empty(), starting(), start_failed())
BUILDERS: dict[str, Callable[[EngineView, int, int], object]] = {
    "banner": lambda view, width, height: banner_lines(view, width, height, UTC),
    "bar": lambda view, width, _: bar_lines(view, width, 0.0),
    "chart": lambda view, width, height: equity_lines(view.equity_curve, width, height),
    "account": lambda view, width, _: account_lines(view, width),
    "allocation": lambda view, width, height: allocation_lines(view.allocation, width, height),
    "events": lambda view, width, height: event_lines(view.messages, width, height),
    "start": lambda view, width, _: start_lines(view, width),
    "flatten": lambda view, width, _: flatten_progress_lines(view, UTC, width),
    "warnings": lambda view, width, _: flatten_warnings(view, width),
    "sales": lambda view, width, _: sale_lines(view.positions, width),
    "order": lambda view, width, _: [order_lines(each, UTC, width) for each in view.recent_orders],
    "positions": lambda view, width, _: [
        row_line(row, place(POSITION_COLUMNS, width)) for row in position_rows(view.positions)
    ],
}


@pytest.mark.parametrize("name", BUILDERS)
@given(view=st.sampled_from(VIEWS), width=st.integers(0, 130), height=st.integers(0, 45))
def test_a_builder_copes_with_any_size(name: str, view: EngineView, width: int, height: int) -> None:
    lines = BUILDERS[name](view, width, height)
    assert isinstance(lines, list | tuple)
