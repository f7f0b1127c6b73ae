"""Dialogs of the risk pane: one line in full, and a buy that is only asked about."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from krakked_tui.control.risk_view import WhatIf
from krakked_tui.control.views import EngineView
from krakked_tui.domain.money import ZERO
from krakked_tui.tui.command import Desk
from krakked_tui.tui.dialogs.base import TEXT_WIDTH
from krakked_tui.tui.dialogs.reading import LongDialog
from krakked_tui.tui.inquiry import Inquiry
from krakked_tui.tui.pane_parts import RiskPart
from krakked_tui.tui.rows.changes import ASKING
from krakked_tui.tui.rows.checks import what_if_lines
from krakked_tui.tui.rows.line import Line, Look, Span, wrap
from krakked_tui.tui.rows.risk import limit_lines, protection_lines
from krakked_tui.tui.text import clean
from krakked_tui.tui.widgets.choice import Choice
from krakked_tui.tui.widgets.lines import Lines

TYPED_MAX = 40
_HELP = "What every limit would say to buying a pair now. Nothing is bought. Enter goes on and then asks."


class RiskLineDialog(LongDialog):
    """One limit or one pause of entries in full, as it was when the dialog opened."""

    TITLE_TEXT = "IN FULL"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        pane = desk.risk_pane
        limit, protection = pane.selected_limit, pane.selected_protection
        self._lines: list[Line] = []
        if pane.table is RiskPart.PROTECTIONS and protection is not None:
            self._lines = protection_lines(protection, desk.view.status.at, desk.zone, TEXT_WIDTH)
        elif limit is not None:
            self._lines = limit_lines(limit, TEXT_WIDTH)

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Show all of it."""
        return self._lines


class LabelledInput(Horizontal):
    """A field with its name before it."""

    def __init__(self, name: str, field: Input) -> None:
        super().__init__(classes="labelled")
        self._label = Lines(f"{field.id}-label", [(Span(name, Look.MUTED),)])
        self._field = field

    def compose(self) -> ComposeResult:
        """Name, then field."""
        yield self._label
        yield self._field


class WhatIfDialog(LongDialog):
    """A pair, dollars and perhaps a stop; then each limit's verdict."""

    TITLE_TEXT = "WHAT IF"
    AUTO_FOCUS = "#pair"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.pair, self.usd, self.stop = (
            Input(placeholder=hint, id=name, compact=True, max_length=TYPED_MAX)
            for name, hint in (("pair", "such as XBTUSD"), ("usd", "such as 500"), ("stop", "risk's own"))
        )
        self._found: Inquiry[WhatIf] | None = None
        self._trouble = ""

    def questions(self) -> Sequence[Widget]:
        """What to buy, for how much, sold at which price."""
        fields = (("Pair", self.pair), ("Dollars", self.usd), ("Stop price", self.stop))
        return tuple(LabelledInput(name, field) for name, field in fields)

    def choices(self) -> Sequence[Choice]:
        """The way out first."""
        return (Choice("cancel", "Close"), Choice("confirm", "Ask"))

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Show what to type, what is wrong with it, or the answer."""
        found = self._found
        if self._trouble:
            return wrap(self._trouble, TEXT_WIDTH, Look.WARN)
        if found is None:
            return wrap(_HELP, TEXT_WIDTH)
        if found.pending:
            return wrap(ASKING, TEXT_WIDTH, Look.WARN)
        if found.answer is None:
            return wrap(found.trouble, TEXT_WIDTH, Look.WARN)
        return what_if_lines(found.answer, TEXT_WIDTH)

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Enter goes to the next field, then asks."""
        following = {self.pair: self.usd, self.usd: self.stop}.get(message.input)
        if following is not None:
            self.set_focus(following)  # at once: what is typed next must not go to the first
        else:
            self.action_confirm()

    def action_confirm(self) -> None:
        """Ask, or say what is missing."""
        pair = clean(self.pair.value.strip())
        usd, stop = parse_amount(self.usd.value), parse_amount(self.stop.value)
        if not pair:
            self._complain("Type a pair first, such as XBTUSD.")
        elif usd is None:
            self._complain("Dollars are a number above zero, such as 500 or 1250.50.")
        elif self.stop.value.strip() and stop is None:
            self._complain("A stop price is a number above zero; leave it empty for the one risk would set.")
        else:
            self._trouble = ""
            self._found = self.desk.ask.what_if(pair, usd, stop)
            self.update(self.desk.view)

    def _complain(self, text: str) -> None:
        self._trouble = text
        self.update(self.desk.view)


def parse_amount(text: str) -> Decimal | None:
    """Return a typed number above zero, None for anything else. Commas may group its digits."""
    try:
        value = Decimal(text.strip().replace(",", ""))
    except InvalidOperation:
        return None
    return value if value.is_finite() and value > ZERO else None
