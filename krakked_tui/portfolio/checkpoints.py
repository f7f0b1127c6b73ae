"""The accounts as they were before some of the events, so that a late one need not replay all of them."""

from krakked_tui.portfolio.accounts import Account

EVERY = 128
"""Events between two checkpoints, as long as they are recent."""
RECENT = 32
"""Checkpoints that are recent: most of what comes late is little late."""
SPARSE = 16
"""Of older ones every so many stay."""


class Checkpoints:
    """Accounts by the number of the event that they were before, in order. The first is of number 0."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, dict[str, Account]]] = []

    def note(self, number: int, accounts: dict[str, Account]) -> None:
        """Keep the accounts before this event, if it is time to; called for every event in order."""
        if number % EVERY:
            return
        self._kept.append((number, accounts.copy()))
        aged = len(self._kept) - 1 - RECENT
        if aged >= 0 and self._kept[aged][0] % (EVERY * SPARSE):
            del self._kept[aged]

    def back_to(self, number: int) -> tuple[int, dict[str, Account]]:
        """Forget all that came after this event; return the last one left and the accounts before it.

        What is returned is noted again when that event is.
        """
        while self._kept[-1][0] > number:
            self._kept.pop()
        return self._kept.pop()
