"""Operator commands waiting for their answer, across threads."""

import threading
from concurrent.futures import Future, InvalidStateError

from krakked_tui.decision.effects import Answer


class Answers:
    """Tickets handed out to whoever asks, resolved by the interpreter. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[int, Future[Answer]] = {}
        self._last = 0

    def open(self) -> tuple[int, Future[Answer]]:
        """Return a new ticket and the future its answer will arrive in."""
        with self._lock:
            self._last += 1
            future: Future[Answer] = Future()
            self._waiting[self._last] = future
            return self._last, future

    def resolve(self, answer: Answer) -> None:
        """Deliver an answer; one nobody waits for any more is dropped."""
        with self._lock:
            future = self._waiting.pop(answer.ticket, None)
        if future is not None:
            try:
                future.set_result(answer)
            except InvalidStateError:
                return  # the asker gave up waiting; the command itself stands

    def refuse_all(self, reason: str) -> None:
        """Answer everything that still waits: the engine is gone."""
        with self._lock:
            tickets = list(self._waiting)
        for ticket in tickets:
            self.resolve(Answer(ticket, accepted=False, message=reason))
