"""What a step asks for: durable records first, then effects."""

from dataclasses import dataclass, field

from krakked_tui.decision.effects import Answer, Effect, Level, Log
from krakked_tui.domain.records import OrderSaved, Record
from krakked_tui.execution.order_book import Change


@dataclass(slots=True)
class Outcome:
    """Collected while handling one event; ``records`` are committed before any effect happens."""

    records: list[Record] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def record(self, *records: Record) -> None:
        """Make these facts durable."""
        self.records += records

    def save(self, change: Change | None) -> None:
        """Make an order's change durable."""
        if change is not None:
            self.records.append(OrderSaved(change.order, change.transition))

    def do(self, *effects: Effect) -> None:
        """Ask for effects, in this order."""
        self.effects += effects

    def log(
        self, level: Level, event: str, message: str = "", **fields: str | int | float | bool | None
    ) -> None:
        """Write a log line; with ``message`` the operator sees it too."""
        self.effects.append(Log(level, event, fields, message))

    def answer(self, ticket: int | None, message: str, *, accepted: bool = True) -> None:
        """Answer an operator's command."""
        if ticket is not None:
            self.effects.append(Answer(ticket, accepted, message))
