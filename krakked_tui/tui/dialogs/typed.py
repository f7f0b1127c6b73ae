"""Dialogs that want a word typed: clearing the kill switch, accepting balances, flattening."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.widget import Widget

from krakked_tui.control.commands import AcceptBalances, ClearKillSwitch, FlattenAll
from krakked_tui.control.views import EngineView
from krakked_tui.domain.safety import FlattenPhase
from krakked_tui.tui.command import Desk
from krakked_tui.tui.dialogs.base import TEXT_WIDTH, Dialog
from krakked_tui.tui.rows.dialogs import (
    arm_sentences,
    flatten_progress_lines,
    flatten_sentence,
    flatten_warnings,
    sale_lines,
)
from krakked_tui.tui.rows.line import EMPTY, Line, Look, wrap
from krakked_tui.tui.rows.portfolio_detail import drift_lines
from krakked_tui.tui.widgets.choice import Choice, WordField
from krakked_tui.tui.widgets.lines import Lines


class Typed(Dialog):
    """Does nothing until the word is there, exactly. The focus starts on the way out."""

    DANGEROUS = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "scroll(-1)", "up", show=False),
        Binding("down", "scroll(1)", "down", show=False),
        Binding("pageup", "scroll(-10)", "page up", show=False),
        Binding("pagedown", "scroll(10)", "page down", show=False),
    ]
    WORD: ClassVar[str]
    YES: ClassVar[str]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.field = WordField("word", self.WORD)
        self.mistake = Lines("mistake")

    @property
    def word(self) -> str:
        """The word that is wanted now."""
        return self.WORD

    def questions(self) -> Sequence[Widget]:
        """The word, and room for what is wrong with it."""
        return (self.field, self.mistake)

    def choices(self) -> Sequence[Choice]:
        """The way out first."""
        return (Choice("cancel", "Back (q)"), Choice("confirm", self.YES))

    def on_key(self, event: events.Key) -> None:
        """Typing the word works from the choices too."""
        if self.field.display and self.field.wants(event):
            event.stop()
            self.field.focus()
            self.field.take(event)

    def on_word_field_submitted(self) -> None:
        """Enter in the field is the same as the choice."""
        self.action_confirm()

    def action_confirm(self) -> None:
        """Submit when the word is right, else say what is missing."""
        if self.field.complete:
            self.submit()
        else:
            hint = f"Nothing was sent: type {self.word} in capitals first."
            self.mistake.show(wrap(hint, TEXT_WIDTH, Look.WARN))

    def submit(self) -> None:
        """Send it."""


class ArmDialog(Typed):
    """Clear the kill switch; by another word while what set it goes on."""

    TITLE_TEXT = "CLEAR THE KILL SWITCH"
    WORD = "ARM"
    FORCED: ClassVar[str] = "FORCE"
    YES = "Arm"

    @property
    def word(self) -> str:
        """The word that is wanted now."""
        return self.FORCED if self.desk.risk.kill_persists else self.WORD

    def update(self, view: EngineView) -> None:
        """Follow what the engine says about the cause."""
        self.field.want(self.word)
        super().update(view)

    def text(self, view: EngineView) -> Sequence[Line]:
        """Say why it was set and what clearing allows."""
        persists = self.desk.risk.kill_persists
        sentences = arm_sentences(view, self.desk.zone, persists)
        warn = Look.WARN if persists else Look.PLAIN
        looks = [Look.PLAIN, *[warn] * (len(sentences) - 1)]
        pairs = zip(sentences, looks, strict=True)
        return [line for sentence, look in pairs for line in wrap(sentence, TEXT_WIDTH, look)]

    def submit(self) -> None:
        """Send it."""
        self.desk.submit(ClearKillSwitch(self.word), "clear the kill switch")
        self.dismiss()


class AcceptBalancesDialog(Typed):
    """Book what the books do not know."""

    TITLE_TEXT = "ACCEPT THE EXCHANGE'S BALANCES"
    WORD = "ACCEPT"
    YES = "Accept"

    def text(self, view: EngineView) -> Sequence[Line]:
        """Show each asset, books against exchange, as it is now."""
        portfolio = view.portfolio
        if not view.status.drift or portfolio is None:
            return wrap("Books and exchange agree now: there is nothing to accept.", TEXT_WIDTH, Look.GOOD)
        sentences = (
            "Every difference is booked as an adjustment, small ones of other assets too. This cannot be "
            "undone. What came has the price of now as its cost; what went has made nothing.",
            "If you do not know where the difference comes from, find out first.",
        )
        lines = drift_lines(portfolio.drift, TEXT_WIDTH)
        return [*lines, EMPTY, *(line for text in sentences for line in wrap(text, TEXT_WIDTH))]

    def submit(self) -> None:
        """Send it, if there still is a difference."""
        if self.desk.view.status.drift:
            self.desk.submit(AcceptBalances(self.WORD), "accept balances")
        self.dismiss()


class FlattenDialog(Typed):
    """Sell everything; stays open to show how far it has come."""

    TITLE_TEXT = "FLATTEN: SELL EVERYTHING"
    WORD = "FLATTEN"
    YES = "Flatten"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        before = desk.view.flatten
        self._before = before.started_at if before is not None else None
        self._submitted = False

    def on_mount(self) -> None:
        """A flatten that runs already is shown instead of offered."""
        running = self.desk.view.flatten
        if running is not None and running.phase is not FlattenPhase.DONE:
            self._before = None
            self._show_progress()

    def text(self, view: EngineView) -> Sequence[Line]:
        """Say what would be sold, or how far selling has come."""
        if self._submitted:
            return self._progress(view)
        lines = wrap(flatten_sentence(view), TEXT_WIDTH, Look.STRONG)
        sales = sale_lines(view.positions, TEXT_WIDTH)
        return [*lines, *([EMPTY, *sales, EMPTY] if sales else []), *flatten_warnings(view, TEXT_WIDTH)]

    def _progress(self, view: EngineView) -> Sequence[Line]:
        started = view.flatten.started_at if view.flatten is not None else None
        if started is None or started == self._before:
            return wrap("Sent. Waiting for the engine to take it up.", TEXT_WIDTH, Look.WARN)
        return flatten_progress_lines(view, self.desk.zone, TEXT_WIDTH)

    def submit(self) -> None:
        """Send it, once."""
        if self._submitted:
            return
        self.desk.submit(FlattenAll(self.WORD, "operator at the terminal"), "flatten")
        self._show_progress()

    def _show_progress(self) -> None:
        self._submitted = True
        for part in (self.field, self.mistake, self.query_one("#confirm")):
            part.display = False
        self.query_one("#cancel").focus()
        self.update(self.desk.view)
