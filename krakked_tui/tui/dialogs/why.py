"""Why something was decided: the whole chain, from the candle to the P&L."""

from collections.abc import Sequence
from datetime import tzinfo

from krakked_tui.control.risk_view import Explanation
from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import Desk
from krakked_tui.tui.dialogs.base import TEXT_WIDTH
from krakked_tui.tui.dialogs.reading import LongDialog
from krakked_tui.tui.rows.line import Line, Look, wrap
from krakked_tui.tui.rows.why import why_lines


class WhyDialog(LongDialog):
    """One explanation, as it was when the dialog opened."""

    TITLE_TEXT = "WHY"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        name = desk.explainable
        assert name, "the command is available only with something to explain under the cursor"
        self._name = name
        self._found = desk.ask.explain(name)
        self._made: tuple[Explanation, tzinfo, list[Line]] | None = None

    def text(self, _view: EngineView) -> Sequence[Line]:
        """Show what has come by now."""
        found, zone = self._found.answer, self.desk.zone
        if self._found.pending:
            return wrap(f"Reading what is stored about {self._name}...", TEXT_WIDTH, Look.WARN)
        if found is None:
            return wrap(self._found.trouble, TEXT_WIDTH, Look.WARN)
        if self._made is None or self._made[:2] != (found, zone):
            self._made = (found, zone, why_lines(found, zone, TEXT_WIDTH))
        return self._made[2]
