"""The line that names the parts of a pane, the one in sight between brackets."""

from collections.abc import Sequence

from krakked_tui.tui.rows.line import Line, Look, Span


def part_line(parts: Sequence[tuple[str, int | None]], shown: int) -> Line:
    """Return names with the number of lines in each, None where lines are not counted."""
    spans: list[Span] = []
    for index, (name, number) in enumerate(parts):
        text, here = name if number is None else f"{name} {number:,}", index == shown
        spans.append(Span(f"[{text}]" if here else f" {text} ", Look.STRONG if here else Look.MUTED))
        spans.append(Span(" "))
    return tuple(spans)
