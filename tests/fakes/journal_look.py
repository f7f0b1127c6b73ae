"""What a stage has recorded, as those see it who look at the journal beside the engine."""

from collections.abc import Sequence
from datetime import datetime

from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.orders import OrderTransition
from krakked_tui.domain.plans import DecisionRecord
from krakked_tui.domain.records import DecisionSaved, OrderSaved, Record


class RecordedLook:
    """``engine.chains.JournalLook`` over a list of records that may grow. ``failure`` refuses every look."""

    def __init__(self, records: list[Record]) -> None:
        self.records = records
        self.failure = ""
        self.read = 0
        """Decisions that were handed out."""

    def decisions(self, limit: int, before: datetime | None = None) -> Sequence[DecisionRecord]:
        if self.failure:
            raise StorageError(self.failure)
        found = [each.record for each in self.records if isinstance(each, DecisionSaved)]
        newest = sorted(found, key=lambda each: (each.time, each.plan_id), reverse=True)
        page = [each for each in newest if before is None or each.time < before][:limit]
        self.read += len(page)
        return page

    def decision(self, plan_id: str) -> DecisionRecord | None:
        found = (each.record for each in self.records if isinstance(each, DecisionSaved))
        return next((each for each in found if each.plan_id == plan_id), None)

    def transitions(self, cl_ord_id: str) -> Sequence[OrderTransition]:
        saved = (each.transition for each in self.records if isinstance(each, OrderSaved))
        return [each for each in saved if each is not None and each.cl_ord_id == cl_ord_id]
