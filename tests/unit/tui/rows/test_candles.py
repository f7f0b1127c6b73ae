"""Candles in box characters: what each shape means, where each price is, when the scale moves."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from krakked_tui.control.market_view import ChartFill, ChartLine, FocusView, MarketBar
from krakked_tui.domain.candles import Timeframe
from krakked_tui.tui.rows.candles import candle, chart_lines, time_axis
from krakked_tui.tui.rows.closeup import Closeup
from krakked_tui.tui.rows.line import Look, text_of, width_of
from krakked_tui.tui.rows.scale import Scale

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SCALE = Scale(low=0.0, high=4.0, rows=4, step=1.0)
"""Half rows of half a unit."""


def bar(opened: float, high: float, low: float, close: float, minute: int = 0) -> MarketBar:
    return MarketBar(NOON + timedelta(minutes=minute), opened, high, low, close, 1.0)


def column(each: MarketBar) -> str:
    """The candle from top to bottom."""
    cells = candle(each, SCALE)
    return "".join(cells.get(row, " ") for row in (3, 2, 1, 0))


def closeup(*bars: MarketBar, **changes: Any) -> Closeup:
    running = bars[-1] if bars else None
    focus = FocusView(pair="XBTUSD", bars=bars[:-1], running=running)
    return Closeup("XBTUSD", Timeframe.M1, focus, price_decimals=1)._replace(**changes)


def text(what: Closeup, width: int = 60, height: int = 12) -> list[str]:
    return [text_of(line) for line in chart_lines(what, width, height, UTC)]


def test_a_rise_is_hollow_and_a_fall_is_filled() -> None:
    assert column(bar(1, 3.9, 0, 2.9)) == "│║║│"
    assert column(bar(2.9, 3.9, 0, 1)) == "│██│"


def test_a_body_may_end_in_the_middle_of_a_cell() -> None:
    assert column(bar(1.5, 2.4, 1.5, 2.4)) == " ╥╨ "
    assert column(bar(2.4, 2.4, 1.5, 1.5)) == " ▄▀ "


def test_what_closes_where_it_opened_is_a_cross_or_a_dash() -> None:
    assert column(bar(2, 3, 1, 2)) == "│┼│ "
    assert column(bar(2, 2, 2, 2)) == " ─  "


def test_the_running_candle_is_at_the_right_edge_and_a_gap_in_time_is_a_gap() -> None:
    lines = text(closeup(bar(1, 2, 1, 2, 0), bar(2, 3, 2, 3, 3), last=Decimal(3)), 60, 8)
    plot = [line[: line.index(edge)] for line in lines[1:-1] for edge in "│┤◄" if edge in line[-8:]]
    used = {x for line in plot for x, cell in enumerate(line) if cell != " "}
    assert max(used) - min(used) == 3
    assert len(used) == 2


def test_prices_have_the_pairs_decimals_and_the_last_one_is_marked() -> None:
    found = closeup(bar(64000, 64300, 63900, 64200.5), last=Decimal("64200.5"))
    lines = chart_lines(found, 60, 14, UTC)
    marked = [line for line in lines if "◄" in text_of(line)]
    assert len(marked) == 1
    assert marked[0][-1].text == "◄ 64,200.5"
    assert marked[0][-1].look is Look.STRONG
    assert any(text_of(line).endswith("┤ 64,000.0") for line in lines)
    assert "O 64,000.0  H 64,300.0  L 63,900.0  C 64,200.5" in text_of(lines[1])


def test_the_timeframe_in_use_stands_in_brackets() -> None:
    found = closeup(bar(1, 2, 1, 2), timeframe=Timeframe.M15)
    assert "XBTUSD   1m  5m [15m] 30m " in text(found)[0]


def test_another_chart_on_its_way_leaves_the_old_one_dimmed() -> None:
    late = closeup(bar(1, 2, 1, 2), pair="ETHUSD")
    assert text(late, 100)[0].endswith("loading, still XBTUSD 1m")
    assert text(late)[0].endswith("loading")
    assert text(late)[1].startswith("XBTUSD 1m: O 1.0")
    looks = {span.look for line in chart_lines(late, 60, 12, UTC) for span in line}
    assert not looks & {Look.GAIN, Look.LOSS}


def test_without_candles_it_says_why() -> None:
    nothing = FocusView(pair="XBTUSD")
    assert text(closeup(focus=nothing))[1] == "Loading candles of XBTUSD."
    refused = FocusView(pair="XBTUSD", trouble="Kraken refused the candles: EQuery")
    assert text(closeup(focus=refused))[1] == "! Kraken refused the candles: EQuery"
    assert text(closeup(focus=FocusView(), pair=""))[1] == "No pair is selected."


def test_trouble_stands_above_what_there_is() -> None:
    found = closeup(bar(1, 2, 1, 2))
    troubled = FocusView(pair="XBTUSD", running=found.focus.running, trouble="the stream is down")
    assert text(found._replace(focus=troubled))[1] == "! the stream is down"


def test_numbers_that_are_none_are_left_out() -> None:
    assert text(closeup(bar(1, float("nan"), 1, 2)))[1] == "Loading candles of XBTUSD."


def test_times_stand_under_their_columns_and_days_are_dates() -> None:
    minutes = [NOON + timedelta(minutes=n) for n in range(25)]
    assert time_axis(minutes, UTC)[10:15] == "12:10"
    hours = [datetime(2026, 11, 20, 18, tzinfo=UTC) + timedelta(hours=n) for n in range(14)]
    assert time_axis(hours, UTC)[6:11] == "11-21"
    assert time_axis(hours, ZoneInfo("America/New_York"))[11:] == ""
    assert time_axis(minutes[:1], UTC) == ""


def overlaid(*, overlays: bool = True, fills: tuple[ChartFill, ...] = ()) -> Closeup:
    bars = [bar(2, 3, 1, 2, minute) for minute in range(8)]
    values = (None, None, 1.0, 1.5, 2.0, 2.5, 3.0)
    focus = FocusView(
        pair="XBTUSD", bars=tuple(bars[:-1]), running=bars[-1], lines=(ChartLine("sma 3", values),),
        fills=fills,
    )  # fmt: skip
    return Closeup("XBTUSD", Timeframe.M1, focus, price_decimals=1, overlays=overlays)


def test_a_legend_names_the_overlays_only_while_they_are_shown() -> None:
    bought = ChartFill(NOON + timedelta(minutes=3, seconds=20), "buy", 2.0)
    shown = text(overlaid(fills=(bought,)))
    assert shown[2] == "_-¯ sma 3   ▲ bought ▼ sold"
    assert "▲" in "".join(shown[3:])
    hidden = text(overlaid(overlays=False, fills=(bought,)))
    assert not any(mark in line for line in hidden for mark in ("sma", "▲", "¯"))
    assert len(hidden) == len(shown) == 12
    assert "sma" not in "".join(text(closeup(bar(1, 2, 1, 2))))


prices = st.floats(0.0001, 1e6)
anything = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(prices, prices, prices, prices), min_size=1, max_size=90),
       st.lists(anything, max_size=90), st.integers(30, 120), st.integers(4, 30))  # fmt: skip
def test_it_never_leaves_its_place(
    values: list[tuple[float, ...]], others: list[float], width: int, height: int
) -> None:
    bars = [bar(a, max(a, b, c, d), min(a, b, c, d), b, minute) for minute, (a, b, c, d) in enumerate(values)]
    found = closeup(*bars, last=Decimal(1))
    focus = replace(
        found.focus,
        lines=(ChartLine("sma 20", tuple(others)), ChartLine("x" * 200, tuple(others))),
        fills=tuple(
            ChartFill(NOON + timedelta(minutes=minute - 20), "buy", value)
            for minute, value in enumerate(others)
        ),
    )
    lines = chart_lines(found._replace(focus=focus), width, height, UTC)
    assert len(lines) == height
    assert max(width_of(line) for line in lines) <= width
