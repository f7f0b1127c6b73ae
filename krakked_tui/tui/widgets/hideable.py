"""Widgets that can be hidden and come back with what they hold now."""

from textual.geometry import Size
from textual.widget import Widget


class Hideable(Widget):
    """Keeps its size while it is hidden, and is painted from what it holds when it comes back.

    The framework gives a hidden widget no size: what is made for it would fit nothing and marks of
    changed cells would hit nothing. Yet it paints such a widget, when it comes back, from what it
    painted last.
    """

    @property
    def size(self) -> Size:
        """Size of the content; while hidden, the one it had last."""
        return super().size or self.outer_size.region.shrink(self.styles.gutter).size

    def on_hide(self) -> None:
        """Have everything made anew for the next time."""
        self.refresh()
