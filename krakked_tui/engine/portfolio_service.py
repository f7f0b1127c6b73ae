"""Answers about the account: what we hold, what it cost, what it made, and whether to believe it.

Facts are taken on the engine's loop, by copying references; everything else is worked out from them in
whatever thread asks. A service is about one moment; the next one takes over what has not changed.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from operator import attrgetter
from threading import Lock
from typing import TypeVar

import msgspec

from krakked_tui.decision.events import Mark
from krakked_tui.decision.state import State
from krakked_tui.decision.syncs import SyncSummary
from krakked_tui.domain.errors import PositionNotFoundError
from krakked_tui.domain.fills import AssetBalance
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import LocalOrder, OrderReport
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.portfolio import CashFlow
from krakked_tui.domain.records import HistoryMark, SnapshotSaved
from krakked_tui.engine.attribution import Attribution
from krakked_tui.execution.holdings import Holding
from krakked_tui.market.freshness import GOOD_FOR_VALUATION
from krakked_tui.portfolio.booked import Booked
from krakked_tui.portfolio.crossing import crossing
from krakked_tui.portfolio.figures import Figures
from krakked_tui.portfolio.growth import Curve
from krakked_tui.portfolio.ledger import LedgerState, Position
from krakked_tui.portfolio.performance import Performance, performance
from krakked_tui.portfolio.reconcile import DriftFinding
from krakked_tui.portfolio.reports import (
    EquityView,
    PairResult,
    PortfolioSnapshot,
    SpotPosition,
    TradeMade,
    part_of,
)
from krakked_tui.portfolio.sales import SaleFigures, SaleSum, sale_figures
from krakked_tui.portfolio.settings import PortfolioSettings
from krakked_tui.portfolio.snapshots import equity_curve
from krakked_tui.portfolio.summary import (
    ALL,
    MANUAL,
    AssetExposure,
    Bounds,
    Breakdown,
    Chosen,
    FeeSummary,
    Period,
    PnLSummary,
    RealizedRecord,
    StrategyExposure,
    StrategyHolding,
    Tally,
    asset_exposure,
    bounds,
    strategy_exposure,
    sum_up,
    sum_up_fees,
)
from krakked_tui.portfolio.valuation import AssetValuation, PriceMark, Valuation, Valuer

Item = TypeVar("Item")

LIMIT = 100
"""Rows of an answer unless more are asked for."""


class Orders(msgspec.Struct, frozen=True):
    """Whose trades are whose: our orders, and what the ids of other ones tell. See ``Attribution``.

    ``unattributed`` is how many trades wait for news of their order.
    """

    orders: tuple[LocalOrder, ...] = ()
    instance: str = ""
    tags: dict[str, str] = {}
    userrefs: dict[str, int | None] = {}
    strategy_tags: dict[str, str] = {}
    unattributed: int = 0

    def attribution(self) -> Attribution:
        """Return what answers for a trade."""
        return Attribution(
            self.orders,
            instance=self.instance,
            tags=self.tags,
            userrefs=self.userrefs,
            strategy_tags=self.strategy_tags,
        )


class PortfolioFacts(msgspec.Struct, frozen=True):
    """Everything that is known of the account at one moment; nothing in it ever changes.

    ``state`` and ``booked`` are the same objects for as long as the books say the same; so is ``orders``.
    ``drift``, ``balances`` and ``foreign_orders`` (open ones that are not ours) are as of the last sync, and
    ``last_sync`` says what it brought.
    """

    at: datetime
    state: LedgerState
    booked: Booked
    orders: Orders
    settings: PortfolioSettings = PortfolioSettings()
    valuation: Valuation | None = None
    balances: Mapping[str, AssetBalance] = {}
    drift: tuple[DriftFinding, ...] = ()
    holdings: Mapping[str, Holding] = {}
    known: Mapping[str, PairMetadata] = {}
    marks: Mapping[str, Mark] = {}
    snapshots: tuple[SnapshotSaved, ...] = ()
    history: tuple[HistoryMark, ...] = ()
    last_sync: SyncSummary | None = None
    open_orders: tuple[LocalOrder, ...] = ()
    foreign_orders: tuple[OrderReport, ...] = ()


def take_facts(state: State, at: datetime, before: PortfolioFacts | None = None) -> PortfolioFacts:
    """Take the facts of now, sharing with those taken ``before`` what is the same. Engine's loop."""
    ledger = state.books.state
    orders = _orders(state, before)
    same = before is not None and before.state is ledger
    return PortfolioFacts(
        at=at,
        state=ledger,
        booked=before.booked if before is not None and same else state.books.booked(),
        orders=orders,
        settings=state.settings.portfolio,
        valuation=state.valuation,
        balances=state.account.balances,
        drift=state.account.drift,
        holdings=state.holdings.copy(),
        known=state.known.copy(),
        marks=state.marks.copy(),
        snapshots=tuple(state.snapshots),
        history=tuple(state.history.values()),
        last_sync=state.last_sync,
        open_orders=tuple(state.orders.live()),
        foreign_orders=state.account.foreign,
    )


def _orders(state: State, before: PortfolioFacts | None) -> Orders:
    """Take the orders anew only when a trade may have found its one."""
    unattributed = sum(len(each.trades) for each in state.unattributed.values())
    tags = {each.tag: each.id for each in state.settings.strategies}
    if before is not None and before.state is state.books.state:
        old = before.orders
        known = (len(state.orders), len(state.foreign), unattributed)
        same = known == (len(old.orders), len(old.userrefs), old.unattributed)
        if same and tags == old.tags:
            return old
    return Orders(
        orders=tuple(state.orders),
        instance=state.instance,
        tags=tags,
        userrefs=state.foreign.copy(),
        strategy_tags=_strategies_by_userref(state) | state.settings.portfolio.strategy_tags,
        unattributed=unattributed,
    )


def _strategies_by_userref(state: State) -> dict[str, str]:
    return {str(each.userref): each.id for each in state.settings.strategies if each.userref is not None}


class PortfolioService:
    """Answers about one moment. Any thread.

    The first question about new books works out all records (a second for 100,000 trades), later ones and
    later services what has changed since.
    """

    def __init__(self, facts: PortfolioFacts, before: "PortfolioService | None" = None) -> None:
        self.facts = facts
        self._lock = Lock()
        self._figures: Figures | None = None
        self._earlier: Figures | None = None
        self._owner: Attribution | None = None
        self._valuer: Valuer | None = None
        self._curve: Curve | None = None
        self._earlier_curve: Curve | None = None
        if before is not None:
            same_orders = before.facts.orders is facts.orders
            self._owner = before._owner if same_orders else None
            self._earlier = before._figures or before._earlier
            self._earlier_curve = before._curve or before._earlier_curve
            if same_orders and before.facts.booked is facts.booked:
                self._figures = before._figures

    @property
    def last_sync(self) -> SyncSummary | None:
        """What the last reading of the account brought; None before the first."""
        return self.facts.last_sync

    @property
    def figures(self) -> Figures:
        """The records, sales and flows behind all answers."""
        with self._lock:
            if self._figures is None:
                if self._owner is None:
                    self._owner = self.facts.orders.attribution()
                self._figures = Figures(self.facts.booked, self._owner, self._earlier)
            self._earlier = None
            return self._figures

    def bounds(self, period: Period, custom: Bounds | None = None) -> Bounds:
        """Return where a period begins and ends. Raises ``UsageError``; see ``summary.bounds``."""
        return bounds(period, self.facts.at, custom)

    def get_equity(self) -> EquityView | None:
        """Return what everything is worth; None while there are no prices at all."""
        valuation = self.facts.valuation
        if valuation is None:
            return None
        return EquityView(
            equity_base=valuation.equity,
            cash_base=valuation.cash,
            realized_pnl_base_total=valuation.realized_pnl,
            unrealized_pnl_base_total=valuation.unrealized_pnl,
            drift_flag=bool(self.facts.drift),
            drift=self.facts.drift,
            unvalued_assets=valuation.unvalued,
            stale=valuation.stale,
            as_of=self.facts.at,
        )

    def get_pnl_summary(
        self,
        period: Period = Period.ALL,
        *,
        include_manual: bool | None = None,
        by: Breakdown | None = None,
        custom: Bounds | None = None,
    ) -> PnLSummary:
        """Sum up what a period made. Manual trades count as ``track_manual_trades`` says, unless told.

        Raises ``UsageError`` for bounds that make no sense.
        """
        if include_manual is None:
            include_manual = self.facts.settings.track_manual_trades
        within = self.bounds(period, custom)
        tallies = self.tallies(within, Chosen(manual=include_manual))
        return sum_up(tallies, within, include_manual=include_manual, by=by)

    def get_positions(self) -> tuple[SpotPosition, ...]:
        """Return what is held, by pair; not what is excluded."""
        includes = self.facts.settings.includes
        held = (each for each in self.facts.state.positions.values() if each.size and includes(each.base))
        return tuple(self._position(each) for each in sorted(held, key=attrgetter("pair")))

    def get_position(self, pair: str) -> SpotPosition:
        """Return one position, also one that is closed or excluded.

        Raises ``PositionNotFoundError`` when nothing was ever held under that pair.
        """
        position = self.facts.state.positions.get(pair)
        if position is None:
            raise PositionNotFoundError(
                f"nothing was ever held under {pair[:40]!r}: positions bear the name of the asset's pair with"
                f" {self.facts.settings.base_currency}"
            )
        return self._position(position)

    def value(self, asset: str, amount: Decimal) -> AssetValuation:
        """Return what some of an asset is worth now, by the rule that values the books."""
        if self._valuer is None:
            facts = self.facts
            prices = {
                pair: PriceMark(mark.quote.price, fresh=mark.freshness in GOOD_FOR_VALUATION)
                for pair, mark in facts.marks.items()
            }
            self._valuer = Valuer(prices, facts.known, facts.settings)
        return self._valuer.value(asset, amount)

    def get_asset_exposure(self) -> tuple[AssetExposure, ...]:
        """Return how equity is spread over what is held, the base currency included, the largest first."""
        valuation = self.facts.valuation
        return () if valuation is None else asset_exposure(valuation.assets, valuation.equity)

    def get_strategy_exposure(self) -> tuple[StrategyExposure, ...]:
        """Return what each strategy has at work, the largest first; ``MANUAL`` is what nobody answers for."""
        valuation = self.facts.valuation
        if valuation is None:
            return ()
        parts = (part for position in self.get_positions() for part in position.strategies)
        return strategy_exposure(parts, valuation.equity)

    def tallies(self, within: Bounds, chosen: Chosen = ALL) -> list[Tally]:
        """Return what a period made, added up; never what is excluded."""
        tallies = self.figures.tallies(within)
        if chosen == ALL and not self._excludes:
            return tallies
        return [one for one in tallies if self._counts(one) and chosen.passes(one, one.strategy)]

    def excluded_tallies(self, within: Bounds, chosen: Chosen = ALL) -> list[Tally]:
        """Return what excluded assets made in a period, added up."""
        if not self._excludes:
            return []
        tallies = self.figures.tallies(within)
        return [one for one in tallies if not self._counts(one) and chosen.passes(one, one.strategy)]

    def records(
        self, within: Bounds, chosen: Chosen = ALL, limit: int | None = LIMIT
    ) -> tuple[RealizedRecord, ...]:
        """Return the newest records of a period, newest first (None: all): one for each trade, and others.

        Never those of what is excluded.
        """
        return _newest(self._records(within, chosen), limit)

    def sales(self, within: Bounds, chosen: Chosen = ALL) -> SaleFigures:
        """Return how the sales of a period turned out; never those of what is excluded."""
        return sale_figures(self._sale_sums(within, chosen))

    def _records(self, within: Bounds, chosen: Chosen) -> Iterator[RealizedRecord]:
        for record in self._every_record(within):
            if self._counts(record) and chosen.passes(record, record.strategy_tag):
                yield record

    def _every_record(self, within: Bounds) -> Iterator[RealizedRecord]:
        """Go through what each event of a period made, the newest first."""
        first, last = self.figures.between(within)
        for record in map(self.figures.records.__getitem__, range(last - 1, first - 1, -1)):
            if record.base_delta or not record.pair:
                yield record

    def _sale_sums(self, within: Bounds, chosen: Chosen = ALL) -> list[SaleSum]:
        if chosen == ALL and not self._excludes:
            return self.figures.sale_sums(within)
        return self.figures.chosen_sales(
            within, lambda record: self._counts(record) and chosen.passes(record, record.strategy_tag)
        )

    def _counts(self, one: RealizedRecord | Tally) -> bool:
        """Say whether what was made is in an asset that is looked at."""
        return not one.asset or self.facts.settings.includes(one.asset)

    def get_trade_history(
        self,
        pair: str | None = None,
        strategy: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = LIMIT,
        *,
        include_manual: bool = True,
    ) -> tuple[TradeMade, ...]:
        """Return the newest trades, newest first (None: all), from ``since`` on and before ``until``.

        Raises ``UsageError`` for bounds that make no sense.
        """
        chosen = Chosen(pair or "", strategy or "", manual=include_manual)
        trades = self.facts.booked.trades
        found = (
            TradeMade(part_of(trades[record.trade_id], record), record)
            for record in self._records(Bounds(since, until), chosen)
            if record.pair
        )
        return _newest(found, limit)

    def get_fee_summary(
        self,
        period: Period = Period.ALL,
        *,
        include_manual: bool | None = None,
        custom: Bounds | None = None,
    ) -> FeeSummary:
        """Sum up the fees of a period. Manual trades count as ``track_manual_trades`` says, unless told.

        Raises ``UsageError`` for bounds that make no sense.
        """
        if include_manual is None:
            include_manual = self.facts.settings.track_manual_trades
        return sum_up_fees(self.tallies(self.bounds(period, custom), Chosen(manual=include_manual)))

    def get_cash_flows(
        self, since: datetime | None = None, until: datetime | None = None, limit: int | None = LIMIT
    ) -> tuple[CashFlow, ...]:
        """Return the newest cash flows, newest first (None: all), from ``since`` on and before ``until``.

        Raises ``UsageError`` for bounds that make no sense.
        """
        within = Bounds(since, until)
        found = [flow for flow in self.figures.flows if flow.time in within]
        newest = found if limit is None else found[len(found) - min(max(limit, 0), len(found)) :]
        return tuple(reversed(newest))

    def create_snapshot(self) -> PortfolioSnapshot | None:
        """Return the account as it is, None while there are no prices. The engine stores its own points."""
        valuation = self.facts.valuation
        if valuation is None:
            return None
        positions = self.facts.state.positions
        worth = valuation.positions
        return PortfolioSnapshot(
            timestamp=self.facts.at,
            equity_base=valuation.equity,
            cash_base=valuation.cash,
            asset_valuations=valuation.assets,
            realized_pnl_base_total=valuation.realized_pnl,
            unrealized_pnl_base_total=valuation.unrealized_pnl,
            per_pair=tuple(
                PairResult(
                    pair, positions[pair].realized_pnl, worth[pair].unrealized_pnl if pair in worth else None
                )
                for pair in sorted(positions)
                if self.facts.settings.includes(positions[pair].base)
            ),
        )

    def get_snapshots(
        self, since: datetime | None = None, limit: int | None = LIMIT
    ) -> tuple[SnapshotSaved, ...]:
        """Return the newest stored points of the equity curve (None: all), in time order."""
        points = self.facts.snapshots
        found = points[bisect_left(points, since, key=_at) :] if since is not None else points
        return found if limit is None else found[len(found) - min(max(limit, 0), len(found)) :]

    def get_equity_curve(self, resolution: timedelta) -> tuple[SnapshotSaved, ...]:
        """Return the last stored point of each stretch of this length; see ``snapshots.equity_curve``."""
        return equity_curve(self.facts.snapshots, resolution)

    def performance(self, period: Period = Period.ALL, custom: Bounds | None = None) -> Performance:
        """Work out how well the money worked in a period.

        Excluded assets are no part of it: what is paid for them is a withdrawal, what they bring a deposit.
        Raises ``UsageError`` for bounds that make no sense.
        """
        within = self.bounds(period, custom)
        return performance(self._whole_curve(), within, self._sale_sums(within), self.facts.at)

    @property
    def _excludes(self) -> bool:
        return bool(self.facts.settings.include_assets or self.facts.settings.exclude_assets)

    def _whole_curve(self) -> Curve:
        """Return the curve of all that is stored, worked out once."""
        if self._curve is None:
            flows = self.figures.flows
            if self._excludes:
                includes = self.facts.settings.includes
                crossed = crossing(self.facts.booked, self._every_record(Bounds()), includes)
                flows = [*(each for each in flows if includes(each.asset)), *crossed]
            self._curve = Curve(self.facts.snapshots, flows, self._earlier_curve)
            self._earlier_curve = None
        return self._curve

    def _position(self, position: Position) -> SpotPosition:
        facts = self.facts
        worth = facts.valuation.positions.get(position.pair) if facts.valuation else None
        price = worth.price if worth else None
        return SpotPosition(
            pair=position.pair,
            base_asset=position.base,
            quote_asset=facts.settings.base_currency,
            base_size=position.size,
            avg_entry_price=position.avg_entry_price,
            realized_pnl_base=position.realized_pnl,
            fees_paid_base=position.fees_paid,
            current_price=price,
            current_value_base=worth.value if worth else None,
            unrealized_pnl_base=worth.unrealized_pnl if worth else None,
            strategies=self._parts(position, price or ZERO),
        )

    def _parts(self, position: Position, price: Decimal) -> tuple[StrategyHolding, ...]:
        """Split a position by who answers for it; what strategies think they hold is never more than it."""
        parts: dict[str, Decimal] = {}
        left = position.size
        for pair, holding in sorted(self.facts.holdings.items()):
            known = self.facts.known.get(pair)
            for share in holding.shares if known is not None and known.base == position.base else ():
                size = min(share.size, left)
                if size > ZERO:
                    parts[share.strategy_id] = parts.get(share.strategy_id, ZERO) + size
                    left -= size
        if left:
            parts[MANUAL] = parts.get(MANUAL, ZERO) + left
        return tuple(
            StrategyHolding(strategy, position.base, size, size * price)
            for strategy, size in sorted(parts.items())
        )


def _newest(found: Iterator[Item], limit: int | None) -> tuple[Item, ...]:
    return tuple(found if limit is None else islice(found, max(limit, 0)))


def _at(point: SnapshotSaved) -> datetime:
    return point.at
