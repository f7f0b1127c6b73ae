"""The risk pane: the state of the kill switch and the account above, one of four tables below."""

from collections.abc import Set
from datetime import datetime, tzinfo

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical

from krakked_tui.control.risk_view import DecisionLine, LimitLine, ProtectionLine, RiskView
from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import PaneName
from krakked_tui.tui.pane_parts import RiskPart
from krakked_tui.tui.rows import risk as rows
from krakked_tui.tui.rows.line import crop
from krakked_tui.tui.rows.parts import part_line
from krakked_tui.tui.store import Topic
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.table import LiveTable

_TABLES = {part: f"risk-{part}" for part in RiskPart}
_ORDER = tuple(RiskPart)


class RiskPane(Vertical):
    """Takes pictures of the limits in and paints them."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__(id=PaneName.RISK, classes=f"-{RiskPart.LIMITS}")
        self.zone = zone
        self.part = RiskPart.LIMITS
        self._in_use = RiskPart.LIMITS
        self._risk = RiskView()
        self._decisions: tuple[DecisionLine, ...] = ()
        self._shown: tuple[object, ...] = ()

    def compose(self) -> ComposeResult:
        """What matters most above; the tables, of which one or two are in sight."""
        yield Lines("risk-head")
        yield Lines("risk-parts")
        yield LiveTable(_TABLES[RiskPart.LIMITS], rows.LIMIT_COLUMNS, "LIMIT", rows.LOADING)
        yield LiveTable(_TABLES[RiskPart.EXPOSURE], rows.EXPOSURE_COLUMNS, "EXPOSURE", rows.NO_EXPOSURE)
        yield LiveTable(_TABLES[RiskPart.PROTECTIONS], rows.PROTECTION_COLUMNS, "PAUSED", rows.NO_PROTECTIONS)
        yield LiveTable(_TABLES[RiskPart.DECISIONS], rows.DECISION_COLUMNS, "DECIDED", rows.NO_DECISIONS)

    def take(self, risk: RiskView, decisions: tuple[DecisionLine, ...]) -> None:
        """Take the newest picture, to be shown with the next update; both are clean."""
        self._risk, self._decisions = risk, decisions

    def update(self, view: EngineView, _dirty: Set[Topic]) -> None:
        """Show everything; the widgets repaint what differs."""
        risk, now = self._risk, view.status.at
        head, parts = self.query_one("#risk-head", Lines), self.query_one("#risk-parts", Lines)
        head.show(rows.head_lines(risk, now, self.zone, head.size.width))
        exposures = rows.exposure_rows(risk)
        counts = (len(risk.limits), len(exposures), len(risk.protections), len(self._decisions))
        named = [(str(part), count) for part, count in zip(_ORDER, counts, strict=True)]
        parts.show([crop(part_line(named, _ORDER.index(self.part)), parts.size.width)])
        self._show_tables(now)

    def _show_tables(self, now: datetime) -> None:
        risk, zone = self._risk, self.zone
        self._table(RiskPart.PROTECTIONS).show(rows.protection_rows(risk.protections, now, zone))
        shown = (risk, self._decisions, zone)
        if len(self._shown) == len(shown) and all(a is b for a, b in zip(self._shown, shown, strict=True)):
            return
        self._shown = shown
        self._table(RiskPart.LIMITS).show(rows.limit_rows(risk.limits))
        self._table(RiskPart.EXPOSURE).show(rows.exposure_rows(risk))
        self._table(RiskPart.DECISIONS).show(rows.decision_rows(self._decisions, zone))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Remember the table in use: an unfocused terminal takes the focus away."""
        found = [part for part, name in _TABLES.items() if name == event.widget.id]
        self._in_use = found[0] if found else self._in_use

    @property
    def table(self) -> RiskPart:
        """The table that keys go to."""
        return self._in_use

    @property
    def selected_limit(self) -> LimitLine | None:
        """The limit under the cursor."""
        key = self._table(RiskPart.LIMITS).selected
        return next((limit for limit in self._risk.limits if rows.limit_key(limit) == key), None)

    @property
    def selected_protection(self) -> ProtectionLine | None:
        """The pause of entries under the cursor."""
        table = self._table(RiskPart.PROTECTIONS)
        found = self._risk.protections
        return found[table.cursor] if table.selected is not None and table.cursor < len(found) else None

    @property
    def selected_decision(self) -> str:
        """Plan id of the decision under the cursor, empty without one."""
        return self._table(RiskPart.DECISIONS).selected or ""

    @property
    def explainable(self) -> str:
        """Plan id of the decision that keys are about, empty without one."""
        return self.selected_decision if self.table is RiskPart.DECISIONS else ""

    def next_part(self) -> None:
        """Show the next table."""
        self.part = _ORDER[(_ORDER.index(self.part) + 1) % len(_ORDER)]
        self._in_use = self.part
        self.set_classes(f"-{self.part}")
        self._table(self.part).focus()

    def _table(self, part: RiskPart) -> LiveTable:
        return self.query_one(f"#{_TABLES[part]}", LiveTable)
