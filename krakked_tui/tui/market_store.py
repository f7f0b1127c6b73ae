"""The screen's own copy of the market: cleaned, at a cost that does not grow with what moves."""

import msgspec

from krakked_tui.control.market_view import ChartLine, FocusView, MarketRow, MarketView
from krakked_tui.tui.store import cleaned
from krakked_tui.tui.text import clean


class MarketStore:
    """Holds the newest market. ``view`` is clean: every text in it may be shown as it is."""

    def __init__(self) -> None:
        self.view = MarketView()
        self._raw = self.view
        self._names: dict[str, str] = {}

    def apply(self, view: MarketView) -> None:
        """Take a view in."""
        if view is self._raw:
            return
        self._raw = view
        self._names = {clean(row.pair): row.pair for row in view.rows if clean(row.pair) != row.pair}
        self.view = msgspec.structs.replace(
            view,
            rows=tuple(map(_clean_row, view.rows)),
            focus=_clean_focus(view.focus),
            data=cleaned(view.data),
        )

    def name_at_the_engine(self, pair: str) -> str:
        """Return the pair that is shown as ``pair``, as the engine calls it."""
        return self._names.get(pair, pair)


def _clean_row(row: MarketRow) -> MarketRow:
    pair, freshness, status = clean(row.pair), clean(row.freshness), clean(row.status)
    if (pair, freshness, status) == (row.pair, row.freshness, row.status):
        return row
    return msgspec.structs.replace(row, pair=pair, freshness=freshness, status=status)


def _clean_focus(focus: FocusView) -> FocusView:
    """Clean the texts that are shown; bars, levels and trades are numbers beside the name."""
    return msgspec.structs.replace(
        focus, pair=clean(focus.pair), trouble=clean(focus.trouble), lines=_clean_lines(focus.lines)
    )


def _clean_lines(lines: tuple[ChartLine, ...]) -> tuple[ChartLine, ...]:
    if all(clean(line.name) == line.name for line in lines):
        return lines
    return tuple(msgspec.structs.replace(line, name=clean(line.name)) for line in lines)
