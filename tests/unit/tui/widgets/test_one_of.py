"""A list to choose from that shows only part of itself."""

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.tui.rows.line import text_of
from krakked_tui.tui.widgets.one_of import OneOf, Option


@given(count=st.integers(1, 30), rows=st.integers(1, 12), data=st.data())
def test_the_chosen_option_is_always_in_sight(count: int, rows: int, data: st.DataObject) -> None:
    options = [Option(str(number), f"option {number}") for number in range(count)]
    chosen = data.draw(st.integers(0, count - 1))
    widget = OneOf("some", options, str(chosen), rows)
    assert widget.value == str(chosen)
    shown = range(widget._top, widget._top + min(rows, count))
    assert chosen in shown
    assert shown.stop <= count


def test_what_is_not_there_is_not_chosen() -> None:
    assert OneOf("some", [Option("a", "A")], "z").value == "a"


def test_the_choice_has_a_sign() -> None:
    widget = OneOf("some", [Option("a", "A"), Option("b", "B")], "b")
    assert text_of(widget._line(0)).startswith("  ( ) A")
    assert text_of(widget._line(1)).startswith("  (•) B")
