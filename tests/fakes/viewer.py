"""Somebody who looks closely at one pair."""

import asyncio
from collections.abc import Callable, Sequence

from krakked_tui.domain.depth import BookTop, PublicTrade


class Viewer:
    """Implements ``FocusSink``: everything it saw, and somebody waiting for it."""

    def __init__(self) -> None:
        self.books: list[BookTop] = []
        self.trades: list[PublicTrade] = []
        self._changed = asyncio.Event()

    def on_book(self, book: BookTop) -> None:
        self.books.append(book)
        self._changed.set()

    def on_trades(self, trades: Sequence[PublicTrade]) -> None:
        self.trades += trades
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def valid(self, pair: str = "XBTUSD") -> None:
        """Wait for a right book from now on."""
        seen = len(self.books)
        await self.until(lambda: any(book.valid and book.pair == pair for book in self.books[seen:]))

    async def invalid(self, since: int) -> None:
        """Wait for a wrong book among those from ``since`` on."""
        await self.until(lambda: any(not book.valid for book in self.books[since:]))
