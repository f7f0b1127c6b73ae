"""The chain of a decision from a profile's journal, without an engine, and beside one that runs.

Nothing is written, no key is read and the exchange is not asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from krakked_tui.bootstrap.export import read_books
from krakked_tui.bootstrap.profiles import check_profile_name
from krakked_tui.config.places import places
from krakked_tui.control.explanation_picture import explanation_of, unknown
from krakked_tui.control.risk_view import Explanation
from krakked_tui.domain.errors import NoDataError
from krakked_tui.domain.orders import OrderTransition
from krakked_tui.domain.plans import DecisionRecord
from krakked_tui.engine.chains import Traded, find_chain
from krakked_tui.portfolio.summary import RealizedRecord
from krakked_tui.storage.journal_reader import read_decision, read_decisions, read_journal, read_transitions


class JournalFile:
    """Implements ``engine.chains.JournalLook`` by a journal's file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def decisions(self, limit: int, before: datetime | None = None) -> Sequence[DecisionRecord]:
        """Return the newest decisions, newest first; of those made before a time, when one is given."""
        return read_decisions(self._path, limit, before)

    def decision(self, plan_id: str) -> DecisionRecord | None:
        """Return the decision of a plan; None when there is none of that id."""
        return read_decision(self._path, plan_id)

    def transitions(self, cl_ord_id: str) -> Sequence[OrderTransition]:
        """Return the history of an order, oldest first."""
        return read_transitions(self._path, cl_ord_id)


def explain(*, name: str, profile: str, config: Path | None, environment: Mapping[str, str]) -> Explanation:
    """Tell the whole chain of a plan, an order or a trade of a profile.

    Raises ``UsageError``, ``ConfigError``, ``StorageError``, and ``NoDataError`` when there is none.
    """
    check_profile_name(profile)
    where = places(profile, environment, config)
    stored = read_journal(where.database)
    if stored is None:
        raise NoDataError(
            f"profile {profile} has no journal yet ({where.database}): name another one with --profile"
        )
    traded = Traded(stored.orders, stored.trades, _Made(profile, config, environment))
    chain = find_chain(name, traded, JournalFile(where.database))
    if chain is None:
        raise NoDataError(f"{unknown(name).problem}; {profile} is the profile, --profile names another")
    return explanation_of(chain)


class _Made:
    """Says what trades made; keeps the books anew for the first that is asked for."""

    def __init__(self, profile: str, config: Path | None, environment: Mapping[str, str]) -> None:
        self._where = (profile, config, environment)
        self._records: dict[str, list[RealizedRecord]] | None = None

    def __call__(self, trade_id: str) -> Iterable[RealizedRecord]:
        """Return what a trade made; nothing when nobody knows the pairs it was on."""
        if self._records is None:
            self._records = {}
            for record in self._read():
                self._records.setdefault(record.trade_id, []).append(record)
        return self._records.get(trade_id, ())

    def _read(self) -> Iterable[RealizedRecord]:
        profile, config, environment = self._where
        try:
            books = read_books(
                profile=profile, config=config, cost_basis=None, until=None, environment=environment
            )
        except NoDataError:
            return ()  # without a list of pairs there are no books; what was recorded is told all the same
        return books.records
