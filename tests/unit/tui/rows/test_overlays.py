"""Indicators and fills on a chart: where they are drawn, and what they leave alone."""

from datetime import UTC, datetime, timedelta

from krakked_tui.control.market_view import ChartFill, ChartLine, FocusView, MarketBar
from krakked_tui.tui.rows.line import Look, text_of
from krakked_tui.tui.rows.overlays import draw_overlays, legend
from krakked_tui.tui.rows.scale import Grid, Scale

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SCALE = Scale(low=0.0, high=3.0, rows=3, step=1.0)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def drawn(focus: FocusView, before: str = "    ", *, muted: bool = False) -> tuple[list[str], Grid]:
    """What is on a grid of three equal rows afterwards."""
    grid: Grid = [[(character, Look.GAIN) for character in before] for _ in range(3)]
    draw_overlays(grid, focus, NOON, SCALE, muted=muted)
    return ["".join(text for text, _ in row) for row in grid], grid


def focus(*values: tuple[float | None, ...], fills: tuple[ChartFill, ...] = ()) -> FocusView:
    bars = tuple(MarketBar(at(minute), 1, 1, 1, 1, 1) for minute in range(4))
    lines = tuple(ChartLine(f"line {number}", each) for number, each in enumerate(values))
    return FocusView(pair="XBTUSD", bars=bars, lines=lines, fills=fills)


def test_a_line_has_three_steps_to_a_row() -> None:
    assert drawn(focus((0.1, 0.5, 0.9, 1.1)))[0] == ["    ", "   _", "_-¯ "]


def test_each_line_has_a_shape_and_a_colour_of_its_own() -> None:
    texts, grid = drawn(focus((2.5,) * 4, (1.5,) * 4, (0.5,) * 4))
    assert texts == ["----", "····", "~~~~"]
    assert [row[0][1] for row in grid] == [Look.CURVE, Look.CURVE2, Look.CURVE]
    assert {cell[1] for row in drawn(focus((2.5,) * 4), muted=True)[1] for cell in row} == {
        Look.MUTED, Look.GAIN,
    }  # fmt: skip


def test_candles_are_left_as_they_are_and_the_first_line_wins() -> None:
    assert drawn(focus((1.5,) * 4, (1.5,) * 4), before="║ █ ")[0][1] == "║-█-"


def test_what_is_missing_or_outside_is_not_drawn() -> None:
    assert drawn(focus((None, 3.5, -0.5, float("nan"))))[0] == ["    "] * 3
    assert drawn(focus((1.5, 1.5)))[0] == ["    ", "--  ", "    "], "fewer values than bars"


def test_a_fill_stands_at_its_bar_and_price_above_all_else() -> None:
    fills = (ChartFill(at(1.5), "buy", 0.5), ChartFill(at(3), "sell", 99.0))
    texts, grid = drawn(focus((0.5,) * 4, fills=fills), before="████")
    assert texts == ["███▼", "████", "█▲██"]
    assert grid[2][1][1] is Look.STRONG


def test_both_sides_at_one_place_are_one_mark() -> None:
    fills = (ChartFill(at(1), "buy", 0.5), ChartFill(at(1), "sell", 0.5), ChartFill(at(1), "sell", 0.5))
    assert drawn(focus(fills=fills))[0][2] == " ±  "
    twice = (ChartFill(at(1), "buy", 0.5), ChartFill(at(1), "buy", 0.5))
    assert drawn(focus(fills=twice))[0][2] == " ▲  "


def test_what_happened_before_or_after_the_chart_is_not_drawn() -> None:
    fills = (ChartFill(at(-1), "buy", 0.5), ChartFill(at(4), "sell", 0.5))
    assert drawn(focus(fills=fills))[0] == ["    "] * 3


def test_the_legend_names_what_is_there() -> None:
    assert text_of(legend(focus())) == ""
    assert text_of(legend(focus((1.0,), (2.0,)))).rstrip() == "_-¯ line 0   .·' line 1"
    bought = (ChartFill(at(1), "buy", 0.5),)
    assert text_of(legend(focus(fills=bought))) == "▲ bought ▼ sold"
