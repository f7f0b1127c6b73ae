"""The single consumer: events -> step -> commit -> effects -> publish.

Nothing else changes the core's state. What is queued when a turn starts is committed in one
transaction, and no effect of a turn happens before its commit; when the commit fails, no order of
the turn is sent, whatever its purpose, since an order is recorded before it is sent. All other
effects, cancels and answers among them, still happen.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from krakked_tui.decision.effects import Answer, Effect, Level, Log, Submit
from krakked_tui.decision.events import StorageChanged, SubmitWithheld
from krakked_tui.decision.state import State
from krakked_tui.decision.step import step
from krakked_tui.domain.errors import JournalError
from krakked_tui.domain.records import (
    DayStartSaved,
    DecisionSaved,
    FlattenSaved,
    HistoryMarked,
    KillSwitchSaved,
    PausedSaved,
    Record,
    SnapshotSaved,
    SnapshotsPruned,
)
from krakked_tui.engine.inbox import Inbox
from krakked_tui.ports import Clock, Journal

TURN_EVENTS = 64
TURN_SECONDS = 0.005
"""A turn takes in at most this much, so that an urgent event never waits long behind a backlog."""
BACKLOG_LIMIT = 20_000
"""Records kept for the next attempt while the journal refuses them."""
_NICE_TO_HAVE = DecisionSaved | SnapshotSaved | SnapshotsPruned
_SAFETY = KillSwitchSaved | PausedSaved | DayStartSaved | FlattenSaved
"""Each replaces what is stored, so of each only the newest matters."""


class Performer(Protocol):
    """Starts effects; never waits for the world."""

    def perform(self, effect: Effect) -> None:
        """Start one effect."""
        ...


class Runner:
    """Owns the state and the order in which things happen to it."""

    def __init__(
        self,
        *,
        state: State,
        inbox: Inbox,
        journal: Journal,
        performer: Performer,
        clock: Clock,
        published: Callable[[State], None],
    ) -> None:
        self._state = state
        self._inbox = inbox
        self._journal = journal
        self._performer = performer
        self._clock = clock
        self._published = published
        self._backlog: list[Record] = []
        self._trouble = ""
        self._overflowed = False
        self._lost = False
        """Whether rows of a history have been given up: its stored mark must not move past them."""
        self._busy = False

    @property
    def idle(self) -> bool:
        """Whether nothing is queued and everything that was is committed and carried out."""
        return not self._busy and not len(self._inbox)

    async def run(self) -> None:
        """Process events until cancelled."""
        while True:
            await self._inbox.wait_for_event()
            self._busy = True
            await self.turn()
            self._busy = False
            # A turn without records never waits: a long queue must not keep the loop to itself.
            await asyncio.sleep(0)

    async def turn(self) -> bool:
        """Process what is queued now, within the bounds of a turn. Returns whether anything was."""
        records: list[Record] = []
        effects: list[Effect] = []
        started = self._clock.monotonic()
        taken = 0
        while taken < TURN_EVENTS and (event := self._inbox.pop()) is not None:
            outcome = step(self._state, event)
            records += outcome.records
            effects += outcome.effects
            taken += 1
            if self._clock.monotonic() - started > TURN_SECONDS:
                break
        if not taken:
            return False
        stored = await self._commit(records)
        for effect in effects:
            self._start(effect, stored=stored)
        self._published(self._state)
        return True

    async def _commit(self, records: Sequence[Record]) -> bool:
        self._backlog += self._keepable(records)
        if not self._backlog:
            return True
        try:
            await self._journal.commit(self._backlog)
        except JournalError as error:
            self._report_trouble(str(error))
            if len(self._backlog) > BACKLOG_LIMIT:
                self._shorten_backlog()
            return False
        self._backlog.clear()
        self._overflowed = False
        self._report_trouble("")
        return True

    def _shorten_backlog(self) -> None:
        """Give up what matters least.

        That is decisions and the equity curve, then the newest facts: the exchange is asked for
        everything after the stored mark of each history when the profile is opened again, and those
        marks stay where they are until then. The newest safety state always stays.
        """
        facts: list[Record] = [record for record in self._backlog if not isinstance(record, _NICE_TO_HAVE)]
        if len(facts) > BACKLOG_LIMIT:
            self._lost = True
            facts = self._keepable(facts)
        safety = {type(record): record for record in facts[BACKLOG_LIMIT:] if isinstance(record, _SAFETY)}
        dropped = len(self._backlog)
        self._backlog = [*facts[:BACKLOG_LIMIT], *safety.values()]
        dropped -= len(self._backlog)
        if dropped and not self._overflowed:
            self._overflowed = True
            message = f"the journal has failed for so long that records are lost ({self._trouble}): restart"
            self._performer.perform(Log(Level.CRITICAL, "records_lost", {"reason": self._trouble}, message))

    def _keepable(self, records: Sequence[Record]) -> list[Record]:
        return [each for each in records if not (self._lost and isinstance(each, HistoryMarked))]

    def _report_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            self._trouble = trouble
            self._inbox.put(StorageChanged(self._clock.now(), trouble))

    def _start(self, effect: Effect, *, stored: bool) -> None:
        if not stored and isinstance(effect, Submit):
            cl_ord_id = effect.order.cl_ord_id
            self._inbox.put(
                SubmitWithheld(self._clock.now(), cl_ord_id, "not recorded, so not sent: see the log")
            )
            return
        if not stored and isinstance(effect, Answer) and effect.accepted:
            message = f"{effect.message} (in force, but not stored: {self._trouble})"
            effect = Answer(effect.ticket, accepted=True, message=message)
        self._performer.perform(effect)
