"""Dialogs of the portfolio pane: a range of dates, a pair or strategy to pick, lines in full."""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import Desk, PaneName
from krakked_tui.tui.dialogs.base import TEXT_WIDTH, Dialog
from krakked_tui.tui.dialogs.reading import LongDialog
from krakked_tui.tui.portfolio_choice import Part, moment_text, parse_range
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, text_of, wrap
from krakked_tui.tui.rows.portfolio import pair_text
from krakked_tui.tui.rows.portfolio_detail import flow_lines, holding_lines, trade_lines
from krakked_tui.tui.rows.portfolio_head import export_line, note_lines
from krakked_tui.tui.text import clean
from krakked_tui.tui.widgets.choice import Choice

DATE_MAX = 32
_RANGE_HELP = (
    "Days or times of UTC, such as 2026-03-01 or 2026-03-01 12:00. Until itself is left out. "
    "Empty means no bound. Enter goes on, Esc keeps the period as it was."
)


class RangeDialog(Dialog):
    """From when until when."""

    TITLE_TEXT = "RANGE OF DATES"
    AUTO_FOCUS = "#since"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        query = desk.portfolio.question
        self.since, self.until = (
            Input(moment_text(at) if at else "", placeholder=hint, id=name, compact=True, max_length=DATE_MAX)
            for name, at, hint in (
                ("since", query.since, "from, such as 2026-03-01"),
                ("until", query.until, "until, such as 2026-04-01"),
            )
        )
        self._trouble = ""

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Say what to type, and what is wrong with what was typed."""
        lines = wrap(_RANGE_HELP, TEXT_WIDTH)
        return [*lines, EMPTY, *wrap(self._trouble, TEXT_WIDTH, Look.WARN)] if self._trouble else lines

    def questions(self) -> Sequence[Widget]:
        """Both bounds."""
        return (self.since, self.until)

    def choices(self) -> Sequence[Choice]:
        """The way out first."""
        return (Choice("cancel", "Keep"), Choice("confirm", "Show"))

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter goes to the second field, then on."""
        if message.input is self.since:
            self.set_focus(self.until)  # at once: what is typed next must not go to the first
        else:
            self.action_confirm()

    def action_confirm(self) -> None:
        """Take the range, or say why not."""
        found = parse_range(clean(self.since.value), clean(self.until.value))
        if isinstance(found, str):
            self._trouble = found
            self.update(self.desk.view)
        else:
            self.dismiss()
            self.desk.portfolio.want_range(*found)
            self.desk.show_pane(PaneName.PORTFOLIO)


class PickDialog(Dialog):
    """A list of names that shrinks while part of one is typed; Enter takes the marked one."""

    AUTO_FOCUS = "#filter"
    ALL: ClassVar[str]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "previous", show=False),
        Binding("down", "move(1)", "next", show=False),
        Binding("pageup", "move(-10)", "page up", show=False),
        Binding("pagedown", "move(10)", "page down", show=False),
    ]
    ROWS: ClassVar[int] = 12

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._marked, self._filter = 0, ""

    def names(self) -> Sequence[str]:
        """Return what there is to pick from."""
        return ()

    def pick(self, name: str) -> None:
        """Take one; empty for all."""

    def questions(self) -> Sequence[Widget]:
        """The part of a name."""
        return (Input(placeholder="part of a name; Esc closes", id="filter", compact=True),)

    def choices(self) -> Sequence[Choice]:
        """Enter is the only one."""
        return ()

    def text(self, _view: EngineView) -> Sequence[Line]:
        """List what matches, around the marked one."""
        found = self._found()
        self._marked = min(max(0, self._marked), max(0, len(found) - 1))
        if not found:
            return [(Span("Nothing that was traded has that in its name.", Look.MUTED),)]
        top = min(max(0, self._marked - self.ROWS // 2), max(0, len(found) - self.ROWS))
        lines = [
            self._line(name, marked=top + index == self._marked)
            for index, name in enumerate(found[top : top + self.ROWS])
        ]
        below = len(found) - top - self.ROWS
        return [*lines, (Span(f"  {below} more below", Look.MUTED),)] if below > 0 else lines

    def _found(self) -> list[str]:
        wanted = self._filter.strip().casefold()
        named = [name for name in self.names() if name and wanted in pair_text(name).casefold()]
        return named if wanted else ["", *named]

    def _line(self, name: str, *, marked: bool) -> Line:
        mark = Span("▶ " if marked else "  ", Look.KEY)
        return (mark, Span(pair_text(name) or self.ALL, Look.STRONG if marked else Look.PLAIN))

    def action_move(self, rows: int) -> None:
        """Mark another one."""
        self._marked += rows
        self.update(self.desk.view)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Narrow the list."""
        self._filter, self._marked = message.value, 0
        self.update(self.desk.view)

    def on_input_submitted(self) -> None:
        """Take the marked one."""
        found = self._found()
        if found:
            self.dismiss()
            self.pick(found[self._marked])
            self.desk.show_pane(PaneName.PORTFOLIO)


class PickPairDialog(PickDialog):
    """Of one pair only."""

    TITLE_TEXT = "ONLY TRADES OF"
    ALL = "all pairs"

    def names(self) -> Sequence[str]:
        """Every pair ever traded."""
        report = self.desk.portfolio.report
        return report.pairs if report else ()

    def pick(self, name: str) -> None:
        """Take one."""
        self.desk.portfolio.want_pair(name)


class PickStrategyDialog(PickDialog):
    """Of one strategy only."""

    TITLE_TEXT = "ONLY TRADES BY"
    ALL = "all strategies"

    def names(self) -> Sequence[str]:
        """Every strategy that traded."""
        report = self.desk.portfolio.report
        return report.strategies if report else ()

    def pick(self, name: str) -> None:
        """Take one."""
        self.desk.portfolio.want_strategy(name)


class TradeDialog(LongDialog):
    """One trade with its ledger rows, lots and findings."""

    TITLE_TEXT = "TRADE"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        trade, report = desk.portfolio.selected_trade, desk.portfolio.report
        assert trade is not None, "the command is available only with a row under the cursor"
        assert report is not None, "it was a row of a report"
        self._trade, self._currency = trade, report.currency
        desk.portfolio.look_at(trade.trade_id)

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Show what is known by now."""
        portfolio = self.desk.portfolio
        detail = portfolio.detail
        trade = self._trade if detail is None else detail.trade
        return trade_lines(
            trade, detail, self._currency, self.desk.zone, TEXT_WIDTH, known=portfolio.detailed
        )

    def on_unmount(self) -> None:
        """Ask for it no more."""
        self.desk.portfolio.look_at("")


class LineDialog(LongDialog):
    """One cash flow or holding in full, as it was when the dialog opened."""

    TITLE_TEXT = "IN FULL"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        portfolio = desk.portfolio
        currency = portfolio.report.currency if portfolio.report else ""
        flow, holding = portfolio.selected_flow, portfolio.selected_holding
        self._lines: list[Line] = []
        if portfolio.table is Part.FLOWS and flow is not None:
            self._lines = flow_lines(flow, currency, desk.zone, TEXT_WIDTH)
        elif holding is not None:
            self._lines = holding_lines(holding, currency, TEXT_WIDTH)

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Show all of it."""
        return self._lines


class NotesDialog(LongDialog):
    """What makes the figures doubtful, and the whole command that exports them."""

    TITLE_TEXT = "NOTES ON THE BOOKS"

    def text(self, view: EngineView) -> Sequence[Line]:
        """Show all of it, as it is now."""
        portfolio = self.desk.portfolio
        command = text_of(
            export_line(portfolio.question, portfolio.report, portfolio.table, view, portfolio.config)
        )
        lines = note_lines(portfolio.report, view, TEXT_WIDTH)
        return [*lines, EMPTY, (Span("EXPORT", Look.TITLE),), *wrap(command, TEXT_WIDTH, Look.KEY)]
