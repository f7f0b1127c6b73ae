"""The strategies pane: all strategies above; below, the one under the cursor closely."""

from collections.abc import Set
from datetime import tzinfo

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from krakked_tui.control.strategy_view import (
    HeldLine,
    IntentLine,
    ParameterLine,
    StrategiesView,
    StrategyLine,
)
from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.pane_parts import BELOW, StrategyPart
from krakked_tui.tui.rows import strategies as rows
from krakked_tui.tui.rows.line import crop
from krakked_tui.tui.rows.parts import part_line
from krakked_tui.tui.rows.strategy_detail import about_lines, made_lines
from krakked_tui.tui.store import Topic
from krakked_tui.tui.widgets.facts import Facts
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.table import LiveTable

_LIST, _ABOUT = "strategy-list", "strategy-about"
_NAMES = {
    _LIST: StrategyPart.LIST,
    _ABOUT: StrategyPart.ABOUT,
    "strategy-held": StrategyPart.HELD,
    "strategy-intents": StrategyPart.INTENTS,
    "strategy-parameters": StrategyPart.PARAMETERS,
}
_IDS = {part: name for name, part in _NAMES.items()}
_SCROLLBAR = 1


class StrategiesPane(Vertical):
    """Takes pictures of the strategies in and paints them."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__(id=PaneName.STRATEGIES, classes=f"-{StrategyPart.ABOUT}")
        self.zone = zone
        self.part = StrategyPart.ABOUT
        self._in_use = StrategyPart.LIST
        self._view = StrategiesView()
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """The list; problems of files; the parts of one strategy."""
        yield Lines("strategy-problems")
        yield LiveTable(_LIST, rows.STRATEGY_COLUMNS, "STRATEGY", rows.LOADING)
        yield Lines("strategy-parts")
        with Horizontal(id="strategy-overview"):
            with Facts(id=_ABOUT):
                yield Lines("about-lines")
            yield Lines("strategy-made")
        yield LiveTable(_IDS[StrategyPart.HELD], rows.HELD_COLUMNS, "HELD", rows.NO_HELD)
        yield LiveTable(_IDS[StrategyPart.INTENTS], rows.INTENT_COLUMNS, "WANTED", rows.NO_INTENTS)
        yield LiveTable(
            _IDS[StrategyPart.PARAMETERS], rows.PARAMETER_COLUMNS, "PARAMETER", rows.NO_PARAMETERS
        )

    def take(self, view: StrategiesView) -> None:
        """Take the newest picture, to be shown with the next update; it is clean."""
        self._view = view

    def update(self, _view: EngineView, _dirty: Set[Topic]) -> None:
        """Show everything; the widgets repaint what differs."""
        problems = self.query_one("#strategy-problems", Lines)
        self.set_class(bool(self._view.problems), "-problems")
        problems.show(rows.problem_lines(self._view.problems, self.size.width))
        table = self._table(StrategyPart.LIST)
        table.empty = rows.LOADING if self._view.at is None else rows.NO_STRATEGIES
        table.show(rows.strategy_rows(self._view.strategies, self.zone))
        self._show_closely()

    @on(LiveTable.Moved)
    def _show_closely(self) -> None:
        """Show the strategy under the cursor."""
        line, zone = self.selected, self.zone
        parts = self.query_one("#strategy-parts", Lines)
        counts = (None, len(line.held), len(line.intents), len(line.parameters)) if line else (None,) * 4
        named = [(str(part), count) for part, count in zip(BELOW, counts, strict=True)]
        parts.show([crop(part_line(named, BELOW.index(self.part)), parts.size.width)])
        facts, made = self.query_one(f"#{_ABOUT}", Facts), self.query_one("#strategy-made", Lines)
        shown = (line, zone, facts.size, made.size)
        if self._shown == shown:
            return
        self._shown = shown
        self.query_one("#about-lines", Lines).show(
            about_lines(line, zone, max(0, facts.size.width - _SCROLLBAR))
        )
        made.show(made_lines(line.equity, *made.size) if line else ())
        self._table(StrategyPart.HELD).show(rows.held_rows(line.held if line else (), zone))
        self._table(StrategyPart.INTENTS).show(rows.intent_rows(line.intents if line else (), zone))
        self._table(StrategyPart.PARAMETERS).show(rows.parameter_rows(line.parameters if line else ()))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember the table in use: an unfocused terminal takes the focus away."""
        self._in_use = _NAMES.get(event.widget.id or "", self._in_use)

    @property
    def table(self) -> StrategyPart:
        """The table that keys go to."""
        return self._in_use

    @property
    def selected(self) -> StrategyLine | None:
        """The strategy under the cursor."""
        key = self._table(StrategyPart.LIST).selected
        return next((line for line in self._view.strategies if line.id == key), None)

    @property
    def selected_held(self) -> HeldLine | None:
        """The holding under the cursor."""
        line, key = self.selected, self._table(StrategyPart.HELD).selected
        return next((held for held in (line.held if line else ()) if held.pair == key), None)

    @property
    def selected_intent(self) -> IntentLine | None:
        """The intent under the cursor."""
        line, table = self.selected, self._table(StrategyPart.INTENTS)
        found = line.intents if line else ()
        return found[table.cursor] if table.selected is not None and table.cursor < len(found) else None

    @property
    def selected_parameter(self) -> ParameterLine | None:
        """The parameter under the cursor."""
        line, key = self.selected, self._table(StrategyPart.PARAMETERS).selected
        return next((each for each in (line.parameters if line else ()) if each.key == key), None)

    def next_part(self) -> None:
        """Show the next part; the keys stay with the strategies while they are there."""
        self.part = BELOW[(BELOW.index(self.part) + 1) % len(BELOW)]
        for part in BELOW:
            self.set_class(part is self.part, f"-{part}")
        if self._in_use is not StrategyPart.LIST:
            self._in_use = self.part
            self.query_one(f"#{_IDS[self.part]}").focus()

    def _table(self, part: StrategyPart) -> LiveTable:
        return self.query_one(f"#{_IDS[part]}", LiveTable)
