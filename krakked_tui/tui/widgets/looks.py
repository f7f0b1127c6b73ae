"""How each look looks: one hidden widget takes the styles from the theme for all others."""

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from krakked_tui.tui.rows.line import Line, Look


class Looks(Widget):
    """Lives unseen on the app's first screen.

    One widget with a component class per look instead of all of them on every widget: a framework
    style update costs in proportion to their number.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"look--{look}" for look in Look}

    def style(self, look: Look) -> Style:
        """Return what a look adds to the style below it."""
        return self.get_component_rich_style(f"look--{look}", partial=True)


def paint(widget: Widget, line: Line, width: int, *components: str) -> Strip:
    """Turn a line into a strip in the widget's colours; styles of ``components`` lie below the looks."""
    looks = widget.app.screen_stack[0].get_child_by_type(Looks)
    base = widget.rich_style
    for name in components:
        base += widget.get_component_rich_style(name, partial=True)
    runs: list[tuple[str, Style]] = []
    for span in line:
        style = base + looks.style(span.look)
        if runs and _joins(span.text, style, runs[-1][1]):
            runs[-1] = (runs[-1][0] + span.text, runs[-1][1])
        else:
            runs.append((span.text, style))
    return Strip([Segment(*run) for run in runs]).adjust_cell_length(width, base)


def _joins(text: str, style: Style, before: Style) -> bool:
    """Say whether text may take over the style before it unseen; every change of style costs bytes."""
    if style == before:
        return True
    plain = not (style.reverse or style.underline or before.reverse or before.underline)
    return plain and text.isspace() and style.bgcolor == before.bgcolor
