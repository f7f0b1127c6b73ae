"""One pair closely: what was asked for, what has come of it, and the words for what is missing."""

from decimal import Decimal
from typing import NamedTuple

from krakked_tui.control.market_view import FocusView
from krakked_tui.domain.candles import Timeframe
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, crop, spread, width_of, wrap


class Closeup(NamedTuple):
    """What is wanted and what is there. ``focus`` may still be another pair's; ``now`` is monotonic.

    Decimals and ``last`` are those of the pair in ``focus``; None is no price.
    """

    pair: str
    timeframe: Timeframe
    focus: FocusView
    price_decimals: int = 2
    volume_decimals: int = 8
    last: Decimal | None = None
    now: float = 0.0
    overlays: bool = True
    """Whether indicators and fills are drawn."""

    @property
    def late(self) -> bool:
        """Whether what is there is not of the wanted pair."""
        return self.focus.pair != self.pair

    @property
    def chart_late(self) -> bool:
        """Whether what is there is not the wanted chart."""
        return self.late or self.focus.timeframe is not self.timeframe


def heading(left: Line, width: int, *rights: Line) -> Line:
    """Return the first line of a part: its name, and at the right the first text that fits.

    Where none fits, the last one stays and the name gives way.
    """
    room = width - width_of(left) - 1
    right = next((each for each in rights if width_of(each) <= room), rights[-1] if rights else EMPTY)
    return crop(spread(left, right, width), width)


def loading(shown: str) -> tuple[Line, ...]:
    """Return words, longest first, on the way to what is wanted; ``shown`` is there meanwhile."""
    words = (f"loading, still {shown}", f"still {shown}", "loading") if shown else ("loading",)
    return tuple((Span(each, Look.WARN),) for each in words)


def missing_lines(closeup: Closeup, what: str, width: int) -> list[Line]:
    """Return why there is nothing to show: trouble, no pair, or nothing yet."""
    if closeup.focus.trouble and closeup.focus.pair in {"", closeup.pair}:
        return wrap(f"! {closeup.focus.trouble}", width, Look.WARN)
    if not closeup.pair:
        return wrap("No pair is selected.", width, Look.MUTED)
    return wrap(f"Loading {what} of {closeup.pair}.", width, Look.MUTED)
