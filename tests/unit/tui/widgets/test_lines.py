"""Which cells are repainted."""

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.tui.rows.line import Line, Look, Span, width_of
from krakked_tui.tui.widgets.lines import changed_cells

lines = st.lists(
    st.builds(Span, st.text("ab ", max_size=6), st.sampled_from([Look.PLAIN, Look.GAIN])), max_size=4
).map(tuple)


def cells(line: Line, width: int) -> list[tuple[str, Look]]:
    painted = [(character, span.look) for span in line for character in span.text]
    return painted + [(" ", Look.PLAIN)] * (width - len(painted))


@given(lines, lines)
def test_exactly_the_span_of_differences_is_repainted(old: Line, new: Line) -> None:
    width = max(width_of(old), width_of(new))
    before, after = cells(old, width), cells(new, width)
    start, end = changed_cells(old, new)
    assert before[:start] == after[:start]
    assert before[end:] == after[end:]
    if before != after:
        assert before[start] != after[start]
        assert before[end - 1] != after[end - 1]


def test_one_digit_of_a_clock_is_one_cell() -> None:
    assert changed_cells((Span("12:00:01"),), (Span("12:00:02"),)) == (7, 8)


def test_a_new_look_is_a_change() -> None:
    assert changed_cells((Span("1.0"),), (Span("1.0", Look.LOSS),)) == (0, 3)
