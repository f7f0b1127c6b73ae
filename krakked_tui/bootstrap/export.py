"""The books of a profile from its journal, without an engine, and beside one that runs.

Nothing is written, no key is read and the exchange is not asked: what its pairs are comes from the list that
the engine keeps for its next start.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.profiles import check_profile_name
from krakked_tui.config.places import places
from krakked_tui.config.schema import AppConfig
from krakked_tui.domain.errors import NoDataError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import CostBasis, Disposal
from krakked_tui.domain.records import HistoryMark, StoredState
from krakked_tui.engine.attribution import Attribution
from krakked_tui.portfolio.acquired import dated
from krakked_tui.portfolio.figures import Figures
from krakked_tui.portfolio.findings import LedgerFinding
from krakked_tui.portfolio.ledger import Books
from krakked_tui.portfolio.tables import ExportBooks
from krakked_tui.storage.journal_reader import read_journal
from krakked_tui.storage.universe_cache import UniverseFile

UNIVERSES = "universe-*.json"


def read_books(
    *,
    profile: str,
    config: Path | None,
    cost_basis: CostBasis | None,
    until: datetime | None,
    environment: Mapping[str, str],
) -> ExportBooks:
    """Return the books of a profile, as of ``until``, kept by ``cost_basis`` (None: as configured).

    Raises ``UsageError``, ``ConfigError``, ``NoDataError`` when there are no books or no list of pairs yet,
    and ``StorageError``.
    """
    check_profile_name(profile)
    where = places(profile, environment, config)
    loaded = read_configuration(Sources(where, profile, environment))
    stored = read_journal(where.database)
    if stored is None:
        raise NoDataError(
            f"profile {profile} has no books yet ({where.database}): name another one with --profile, or"
            " start Krakked on it first"
        )
    return rebuild(_until(stored, until), _pairs(where.data, stored), loaded.config, cost_basis)


def rebuild(
    stored: StoredState,
    pairs: Mapping[str, PairMetadata],
    config: AppConfig,
    cost_basis: CostBasis | None = None,
) -> ExportBooks:
    """Keep the books anew from what is stored; ``pairs`` by canonical name."""
    settings = config.portfolio
    method = cost_basis or settings.cost_basis_method
    books = _kept(stored, pairs, settings.base_currency, method)
    unknown = Counter(trade.pair for trade in stored.trades if trade.pair not in pairs)
    attribution = Attribution(
        stored.orders,
        instance=stored.instance_id,
        tags={each.tag: each.id for each in config.strategies.configs.values()},
        userrefs={each.kraken_order_id: each.userref for each in stored.foreign_orders},
        strategy_tags=settings.strategy_tags,
    )
    figures = Figures(books.booked(), attribution)
    state = books.state
    return ExportBooks(
        base_currency=settings.base_currency,
        trades=stored.trades,
        records=figures.records,
        flows=figures.flows,
        positions=tuple(each for each in state.positions.values() if settings.includes(each.base)),
        snapshots=stored.snapshots,
        disposals=_disposals(stored, pairs, settings.base_currency, method, figures),
        average_cost=method is CostBasis.WAC,
        warnings=(*_unread(stored.history), *_unbooked(unknown), *_doubts(state.findings)),
    )


def _kept(
    stored: StoredState, pairs: Mapping[str, PairMetadata], base_currency: str, method: CostBasis
) -> Books:
    """Keep books of everything but trades on pairs that are not known."""
    books = Books(base_currency, method, pairs.values())
    for rate in stored.rates:
        books.apply_rate(rate)
    for entry in stored.entries:
        books.apply_entry(entry)
    for trade in stored.trades:
        pair = pairs.get(trade.pair)
        if pair is not None:
            books.apply_trade(trade, pair)
    return books


def _disposals(
    stored: StoredState, pairs: Mapping[str, PairMetadata], base_currency: str, method: CostBasis,
    figures: Figures,
) -> list[Disposal]:  # fmt: skip
    """Return what was disposed of, with dates of acquisition that mean something under average cost too."""
    if method is not CostBasis.WAC:
        return figures.disposals
    first_in = _kept(stored, pairs, base_currency, CostBasis.FIFO).booked().bookings
    return dated(figures.disposed, (each for booking in first_in for each in booking.disposed))


def _until(stored: StoredState, until: datetime | None) -> StoredState:
    if until is None:
        return stored
    return msgspec.structs.replace(
        stored,
        trades=tuple(each for each in stored.trades if each.time < until),
        entries=tuple(each for each in stored.entries if each.time < until),
        snapshots=tuple(each for each in stored.snapshots if each.at < until),
    )


def _pairs(data: Path, stored: StoredState) -> dict[str, PairMetadata]:
    """Return every pair that this profile's engine has read from an exchange, the latest word on each.

    A profile has a list for every exchange that it was on; its account is on one of them.
    """
    read = (asyncio.run(UniverseFile(path).load()) for path in sorted(data.glob(UNIVERSES)))
    lists = sorted((listed for listed in read if listed is not None), key=lambda listed: listed.at)
    if not lists and (stored.trades or stored.entries):
        raise NoDataError(
            f"there is no list of the exchange's pairs in {data} ({UNIVERSES}), without which nobody knows"
            " what was traded for what: start Krakked on the profile once, which reads it"
        )
    return {pair.canonical: pair for listed in lists for pair in listed.pairs}


def _unread(history: Iterable[HistoryMark]) -> Iterator[str]:
    for mark in history:
        if not mark.done:
            total = "" if mark.total is None else f" of {mark.total}"
            yield (
                f"the history of {mark.kind} is read in part only ({mark.read}{total} rows):"
                " numbers are those of that part"
            )


def _unbooked(unknown: Counter[str]) -> Iterator[str]:
    for pair, trades in sorted(unknown.items()):
        yield (
            f"{trades} trade{'' if trades == 1 else 's'} on {_plain(pair)}, a pair that the list of pairs"
            " does not have, made nothing: only their ledger rows are booked, as conversions"
        )


def _doubts(findings: Sequence[LedgerFinding]) -> Iterator[str]:
    """Say, for each kind of doubt, how often there is one, and which the first is."""
    kinds = Counter(finding.kind for finding in findings)
    for kind, found in kinds.items():
        first = next(_plain(finding.message) for finding in findings if finding.kind is kind)
        yield first if found == 1 else f"{first} (and {found - 1} more like this)"


def _plain(text: str) -> str:
    """Return a text of the exchange's as a terminal may show it."""
    return "".join(one if one.isprintable() else "?" for one in text)
