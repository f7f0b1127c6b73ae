"""A paper account read from its books, or opened in new ones."""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.errors import StorageError
from krakked_tui.paper.books import PaperBooks, order_of
from krakked_tui.paper.clearing import Clearing
from krakked_tui.paper.floor import PaperFloor
from krakked_tui.paper.market import PaperMarket
from krakked_tui.paper.terms import PaperTerms
from krakked_tui.sim.fees import TIER_WINDOW

_log = logging.getLogger(__name__)
_OPENING = msgspec.json.Decoder(dict[str, Decimal])


class PaperAccount:
    """Reads the account as often as it is asked to; opens it the first time."""

    def __init__(self, account_id: str, books: PaperBooks, terms: PaperTerms, market: PaperMarket) -> None:
        self._account_id = account_id
        self._books = books
        self._terms = terms
        self._market = market
        self._opening: Mapping[str, Decimal] = terms.starting_balances

    async def claim(self) -> None:
        """Make new books this account's; an account that exists keeps what it was opened with.

        Raises ``AccountMismatchError`` or another ``StorageError``.
        """
        wanted = _text(self._terms.starting_balances)
        stored = await self._books.claim(self._account_id, wanted)
        if stored != wanted:
            _log.info(
                "The paper account %s was opened with %s and keeps its balances: starting_balances, now %s,"
                " counts for new accounts only",
                self._account_id, stored, wanted,
            )  # fmt: skip
        try:
            self._opening = _OPENING.decode(stored)
        except msgspec.DecodeError as error:
            raise StorageError(f"The opening balances in the paper account make no sense: {error}") from error

    async def load(self, now: datetime) -> tuple[PaperFloor, datetime | None]:
        """Return the floor with all that is stored, and the time of the newest ledger row.

        A new account gets its opening deposits, dated ``now``, which are still to be stored. Raises
        ``StorageError``.
        """
        books = self._books
        order_count, trade_count, entry_count = await books.counts()
        clearing = Clearing(self._account_id, self._market, self._terms.fee_volume_usd)
        turnover = await books.turnover(now - TIER_WINDOW)
        clearing.restore(await books.balances(), turnover, trade_count, entry_count)
        floor = PaperFloor(self._account_id, self._market, clearing)
        floor.restore(map(order_of, await books.open_orders()), order_count)
        if not entry_count:
            clearing.open(self._opening, now)
        return floor, await books.last_time()


def _text(balances: Mapping[str, Decimal]) -> str:
    """Return balances as text that two equal ones share."""
    return json.dumps({asset: f"{amount.normalize():f}" for asset, amount in sorted(balances.items())})
