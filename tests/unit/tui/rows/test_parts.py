"""The names of parts."""

from krakked_tui.tui.rows.line import text_of
from krakked_tui.tui.rows.parts import part_line


def test_the_part_in_sight_stands_between_brackets_and_nothing_moves() -> None:
    parts = [("limits", 1300), ("about", None)]
    first, second = text_of(part_line(parts, 0)), text_of(part_line(parts, 1))
    assert first == "[limits 1,300]  about  "
    assert second == " limits 1,300  [about] "
    assert len(first) == len(second)
