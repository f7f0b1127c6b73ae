"""Requests other than subscriptions that wait for their answers."""

from collections.abc import Iterator

import msgspec

from krakked_tui.kraken.frames import Reply

PENDING_MAX = 1_000
"""Requests that may be out at a time."""

_ABOUT_ONE = ("EOrder:",)
"""Refusals of single orders; any other refusal answers a request as a whole."""


class Answered(msgspec.Struct, frozen=True):
    """All answers a request will get; ``complete`` is False when some did not come in time."""

    req_id: int
    replies: tuple[Reply, ...]
    complete: bool


class _Waiting(msgspec.Struct):
    method: str
    answers: int
    overdue_at: float
    replies: list[Reply]


class Pending:
    """What was asked and is not answered. Seconds are wall seconds."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, req_id: int, method: str, answers: int, overdue_at: float) -> None:
        """Expect this many answers (one per order for cancel_order) until an instant."""
        self._waiting[req_id] = _Waiting(method, answers, overdue_at, [])

    def answer(self, reply: Reply) -> tuple[bool, Answered | None]:
        """Take in an answer. Returns whether it was expected, and all answers once they are there."""
        waiting = self._waiting.get(reply.req_id or 0)
        if waiting is None or waiting.method != reply.method:
            return False, None
        waiting.replies.append(reply)
        whole = reply.failure is not None and not reply.failure.startswith(_ABOUT_ONE)
        if len(waiting.replies) < waiting.answers and not whole:
            return True, None
        return True, self._close(reply.req_id or 0, complete=True)

    def overdue(self, now: float) -> Iterator[Answered]:
        """Give up on what was not answered in time."""
        for req_id in [i for i, waiting in self._waiting.items() if now >= waiting.overdue_at]:
            yield self._close(req_id, complete=False)

    def _close(self, req_id: int, *, complete: bool) -> Answered:
        return Answered(req_id, tuple(self._waiting.pop(req_id).replies), complete)
