"""Dialogs of the strategies pane: lines in full, enabling and disabling, why a strategy is silent."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from krakked_tui.control.commands import EnableStrategy
from krakked_tui.control.risk_view import Silence
from krakked_tui.control.strategy_view import StrategyLine
from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import Desk
from krakked_tui.tui.dialogs.base import TEXT_WIDTH, Dialog
from krakked_tui.tui.dialogs.confirm import Confirm
from krakked_tui.tui.dialogs.reading import LongDialog
from krakked_tui.tui.inquiry import Inquiry
from krakked_tui.tui.pane_parts import StrategyPart
from krakked_tui.tui.rows.changes import ASKING
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, wrap
from krakked_tui.tui.rows.strategy_detail import (
    about_lines,
    held_lines,
    parameter_lines,
    runs,
    silence_lines,
    switch_sentences,
)
from krakked_tui.tui.rows.why import intent_lines
from krakked_tui.tui.widgets.choice import Choice

REFRESH_SECONDS = 1.0
"""How often the reason of a silence is asked for while it is shown."""
PAIRS_SHOWN = 5
FILTER_MAX = 20
_HELP = "Type part of a pair and press Enter; up and down choose among those that match."


class StrategyLineDialog(LongDialog):
    """One line of the pane in full, as it was when the dialog opened."""

    TITLE_TEXT = "IN FULL"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._lines = self._all(desk)

    @staticmethod
    def _all(desk: Desk) -> list[Line]:
        pane, zone = desk.strategy_pane, desk.zone
        held, intent, parameter = pane.selected_held, pane.selected_intent, pane.selected_parameter
        if pane.table is StrategyPart.HELD and held is not None:
            return held_lines(held, zone, TEXT_WIDTH)
        if pane.table is StrategyPart.INTENTS and intent is not None:
            return intent_lines(intent, zone, TEXT_WIDTH)
        if pane.table is StrategyPart.PARAMETERS and parameter is not None:
            return parameter_lines(parameter, TEXT_WIDTH)
        return about_lines(pane.selected, zone, TEXT_WIDTH)

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Show all of it."""
        return self._lines


class SwitchStrategyDialog(Confirm):
    """Enable or disable a strategy, after saying what stays watched."""

    TITLE_TEXT = "ENABLE OR DISABLE A STRATEGY"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._line = _selected(desk)
        self._enable = not runs(self._line)

    def choices(self) -> Sequence[Choice]:
        """No first, then yes."""
        word = "Enable it (y)" if self._enable else "Disable it (y)"
        return (Choice("cancel", self.NO), Choice("confirm", word))

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Say what it does."""
        sentences = switch_sentences(self._line)
        return [line for text, look in sentences for line in wrap(text, TEXT_WIDTH, look)]

    def action_confirm(self) -> None:
        """Send it."""
        self.dismiss()
        word = "enable" if self._enable else "disable"
        name = self.desk.name_at_the_engine(self._line.id)
        self.desk.submit(EnableStrategy(name, self._enable), f"{word} {self._line.id}")


class SilenceDialog(Dialog):
    """A pair to choose; then the first gate that failed, asked again while it is shown."""

    TITLE_TEXT = "WHY IT DOES NOT TRADE"
    AUTO_FOCUS = "#filter"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "previous", show=False),
        Binding("down", "move(1)", "next", show=False),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._strategy = _selected(desk)
        self._marked, self._filter = 0, ""
        self._pair = ""
        self._asked: Inquiry[Silence] | None = None
        self._shown: Inquiry[Silence] | None = None
        """The newest question that was answered; it stays in sight while the next one is on its way."""

    def questions(self) -> Sequence[Widget]:
        """The part of a name."""
        return (
            Input(placeholder="part of a pair; Esc closes", id="filter", compact=True, max_length=FILTER_MAX),
        )

    def choices(self) -> Sequence[Choice]:
        """Enter is the only one."""
        return ()

    def update(self, view: EngineView) -> None:
        """Take answers in, ask again when it is time, show the newest."""
        if self._asked is not None and not self._asked.pending:
            self._shown = self._asked
            if self.desk.ask.age(self._asked) >= REFRESH_SECONDS:
                self._ask()
        super().update(view)

    def text(self, _view: EngineView) -> Sequence[Line]:
        """List the pairs that match, then what is known about the chosen one."""
        found = self._found()
        self._marked = min(self._marked, max(0, len(found) - 1))
        top = min(max(0, self._marked - PAIRS_SHOWN // 2), max(0, len(found) - PAIRS_SHOWN))
        shown = list(enumerate(found))[top : top + PAIRS_SHOWN]
        lines: list[Line] = [self._line(name, marked=index == self._marked) for index, name in shown]
        if not found:
            lines = wrap(
                "No pair has that in its name; Enter asks for it as it is typed.", TEXT_WIDTH, Look.MUTED
            )
        elif len(found) > len(shown):
            lines.append((Span(f"  {len(found):,} pairs match", Look.MUTED),))
        return [*lines, EMPTY, *self._answer()]

    def _answer(self) -> Sequence[Line]:
        shown = self._shown
        if not self._pair:
            return wrap(_HELP, TEXT_WIDTH, Look.MUTED)
        if shown is None:
            return wrap(ASKING, TEXT_WIDTH, Look.WARN)
        if shown.answer is None:
            return wrap(shown.trouble, TEXT_WIDTH, Look.WARN)
        return silence_lines(shown.answer, self.desk.zone, TEXT_WIDTH)

    def _found(self) -> list[str]:
        wanted = self._filter.strip().casefold()
        line = self._strategy
        own = [held.pair for held in line.held] + [intent.pair for intent in line.intents]
        names = dict.fromkeys((*own, *self.desk.pairs))
        return [name for name in names if name and wanted in name.casefold()]

    def _line(self, name: str, *, marked: bool) -> Line:
        mark = Span("▶ " if marked else "  ", Look.KEY)
        return (mark, Span(name, Look.STRONG if marked else Look.PLAIN))

    def action_move(self, rows: int) -> None:
        """Mark another pair."""
        self._marked = max(0, self._marked + rows)
        self.update(self.desk.view)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Narrow the list."""
        self._filter, self._marked = message.value, 0
        self.update(self.desk.view)

    def on_input_submitted(self) -> None:
        """Ask about the marked pair, or about what is typed when none matches."""
        found = self._found()
        self._pair = found[self._marked] if found else self._filter.strip()
        if self._pair:
            self._shown = None
            self._ask()
            self.update(self.desk.view)

    def _ask(self) -> None:
        self._asked = self.desk.ask.explain_silence(self._strategy.id, self._pair)


def _selected(desk: Desk) -> StrategyLine:
    line = desk.strategy_pane.selected
    assert line is not None, "the command is available only with a row under the cursor"
    return line
