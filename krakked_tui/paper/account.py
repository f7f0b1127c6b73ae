"""A paper account read from its books, or opened in new ones."""

import json
import logging
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.money import ZERO
from krakked_tui.paper.books import MEND, PaperBooks, order_of
from krakked_tui.paper.clearing import Clearing
from krakked_tui.paper.depth import LARGEST
from krakked_tui.paper.floor import PaperFloor
from krakked_tui.paper.market import PaperMarket
from krakked_tui.paper.terms import PaperTerms
from krakked_tui.sim.fees import TIER_WINDOW

_log = logging.getLogger(__name__)
_OPENING = msgspec.json.Decoder(dict[str, Decimal])


class PaperAccount:
    """Reads the account as often as it is asked to; opens it the first time. To be claimed first."""

    def __init__(self, owner: str, books: PaperBooks, terms: PaperTerms, market: PaperMarket) -> None:
        """``owner`` is whose account it is; which of the owner's is known once it is claimed."""
        self.account_id = owner
        self._owner = owner
        self._books = books
        self._terms = terms
        self._market = market
        self._opening: Mapping[str, Decimal] = terms.starting_balances

    async def claim(self) -> None:
        """Open an account in new books; one that exists keeps its id and what it was opened with.

        Raises ``AccountMismatchError`` or another ``StorageError``.
        """
        wanted = _text(self._terms.starting_balances)
        self.account_id, stored = await self._books.claim(self._owner, wanted)
        if stored != wanted:
            _log.info(
                "The paper account %s was opened with %s and keeps its balances: starting_balances, now %s,"
                " counts for new accounts only",
                self.account_id, stored, wanted,
            )  # fmt: skip
        self._opening = _opening(stored)

    async def load(self, now: datetime) -> tuple[PaperFloor, datetime | None]:
        """Return the floor with all that is stored, and the time of the newest ledger row.

        A new account gets its opening deposits, dated ``now``, which are still to be stored. Raises
        ``StorageError``.
        """
        books = self._books
        order_count, trade_count, entry_count = await books.counts()
        clearing = Clearing(self.account_id, self._market, self._terms.fee_volume_usd)
        turnover = await books.turnover(now - TIER_WINDOW)
        clearing.restore(await books.balances(), turnover, trade_count, entry_count)
        floor = PaperFloor(self.account_id, self._market, clearing)
        floor.restore(map(order_of, await books.open_orders()), order_count)
        if not entry_count:
            clearing.open(self._opening, now)
        return floor, await books.last_time()


def _opening(text: str) -> Mapping[str, Decimal]:
    """Undo ``_text``. Raises ``StorageError`` for what are no balances."""
    try:
        balances = _OPENING.decode(text)
    except msgspec.DecodeError as error:
        raise StorageError(
            f"The opening balances in the paper account make no sense ({error}): {MEND}"
        ) from error
    if not all(amount.is_finite() and ZERO < amount < LARGEST for amount in balances.values()):
        raise StorageError(f"The opening balances in the paper account are out of bounds: {MEND}")
    return balances


def _text(balances: Mapping[str, Decimal]) -> str:
    """Return balances as text that two equal ones share."""
    return json.dumps({asset: f"{amount.normalize():f}" for asset, amount in sorted(balances.items())})
