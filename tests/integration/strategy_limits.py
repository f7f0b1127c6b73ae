"""The limits of risk, gone over again from the journal, the exchange's candles and its rules alone.

Nothing of the risk package is used. Where the journal does not say what a price was, the lowest of its minute
counts: what is found to be over a limit was over it at every price there was.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from krakked_tui.domain.orders import LocalOrder, Purpose, Side
from tests.integration.processes import SandboxProcess
from tests.integration.strategy_books import ZERO, Books

ROOM = Decimal("1.01")
"""Prices of a decision are those of its moment, not of its minute."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits that hold; percentages of equity."""

    risk_per_trade_pct: Decimal
    portfolio_risk_pct: Decimal
    open_positions: int
    per_asset_pct: Decimal
    per_strategy_pct: Mapping[str, Decimal]
    positions: Mapping[str, int]
    entries_per_day: int


class Market:
    """What the exchange says about its pairs: least orders, and the prices of every minute."""

    def __init__(self, sandbox: SandboxProcess, books: Books) -> None:
        pairs = {each["altname"]: each for each in sandbox.public("AssetPairs").values()}
        traded = sorted({fill.trade.pair for fill in books.fills})
        self.least = {pair: Decimal(pairs[pair]["ordermin"]) for pair in traded}
        self.bases = {pair: pairs[pair]["base"] for pair in traded}
        self._lows = {pair: _lows(sandbox.public("OHLC", pair=pair, interval=1)) for pair in traded}

    def low(self, pair: str, at: datetime) -> Decimal:
        """The lowest price of a minute, and of the one before, in which a decision may have seen it."""
        minute = int(at.timestamp()) // 60 * 60
        lows = self._lows[pair]
        return min(lows[minute - 60], lows.get(minute, lows[minute - 60]))


def _lows(answer: dict[str, Any]) -> dict[int, Decimal]:
    rows = next(rows for name, rows in answer.items() if name != "last")
    return {int(row[0]): Decimal(row[3]) for row in rows}


class Checker:
    """Finds where the journal shows more than the limits allow."""

    def __init__(self, books: Books, market: Market, limits: Limits) -> None:
        self._books = books
        self._market = market
        self._limits = limits

    def violations(self) -> list[str]:
        """Return every violation in words, at every buy for a strategy and at every snapshot."""
        buys = [order for order in self._books.orders if order.purpose is Purpose.ENTRY]
        found = [problem for order in buys for problem in self._at_buy(order)]
        found += [problem for each in self._books.snapshots for problem in self._at_snapshot(each.at)]
        return found + list(self._days(buys))

    def cash(self, at: datetime) -> Decimal:
        """Return what there was of dollars."""
        rows = (row for row in self._books.entries if row.asset == "USD" and row.time <= at)
        return sum((row.amount - row.fee for row in rows), ZERO)

    def equity(self, at: datetime) -> Decimal:
        """Return what everything was worth, at the lowest prices of the minute."""
        held = self._books.positions(at)
        return self.cash(at) + sum((self._worth(pair, size, at) for pair, size in held.items()), ZERO)

    def _worth(self, pair: str, size: Decimal, at: datetime) -> Decimal:
        return size * self._market.low(pair, at) if size else ZERO

    def _wanted(self, order: LocalOrder) -> dict[str, dict[str, Decimal]]:
        """Return what every strategy has of each pair when a buy is made, all that is at work included."""
        at = order.created_at
        found = {pair: dict(parts) for pair, parts in self._books.shares(at).items()}
        at_work = [(other, rest) for other, rest in self._books.live_buys(at) if other is not order]
        for other, rest in [*at_work, (order, order.request.volume)]:
            for share in other.shares:
                parts = found.setdefault(other.request.pair, {})
                size = rest * share.size / other.request.volume
                parts[share.strategy_id] = parts.get(share.strategy_id, ZERO) + size
        return found

    def _at_buy(self, order: LocalOrder) -> Iterator[str]:
        at, limits, pair = order.created_at, self._limits, order.request.pair
        percent = self.equity(at) * ROOM / 100
        wanted = self._wanted(order)
        where = f"{order.cl_ord_id} {pair} at {at:%H:%M:%S}"
        yield from self._counts(wanted, where, {share.strategy_id for share in order.shares})
        if self._worth(pair, sum(wanted[pair].values(), ZERO), at) > limits.per_asset_pct * percent:
            yield f"{where}: max_per_asset_pct"
        for share in order.shares:
            most = limits.per_strategy_pct.get(share.strategy_id)
            at_work = sum(
                (self._worth(each, parts.get(share.strategy_id, ZERO), at) for each, parts in wanted.items()),
                ZERO,
            )
            if most is not None and at_work > most * percent:
                yield f"{where}: max_per_strategy_pct.{share.strategy_id}"
            if share.stop_price is None:
                yield f"{where}: {share.strategy_id} has no stop"
                continue
            risk = share.size * (self._market.low(pair, at) - share.stop_price)
            if risk > limits.risk_per_trade_pct * percent:
                yield f"{where}: max_risk_per_trade_pct of {share.strategy_id}"
        if self._risk(wanted, at) > limits.portfolio_risk_pct * percent:
            yield f"{where}: max_portfolio_risk_pct"
        if self.cash(at) < order.request.volume * (order.request.price or ZERO):
            yield f"{where}: cash"

    def _counts(
        self, wanted: Mapping[str, Mapping[str, Decimal]], where: str, buying: set[str]
    ) -> Iterator[str]:
        held = [
            pair for pair, parts in wanted.items() if sum(parts.values(), ZERO) >= self._market.least[pair]
        ]
        if len(held) > self._limits.open_positions:
            yield f"{where}: max_open_positions, {len(held)}"
        for strategy_id in buying:
            count = sum(
                wanted[pair].get(strategy_id, ZERO) * 100 >= self._market.least[pair] for pair in held
            )
            if count > self._limits.positions[strategy_id]:
                yield f"{where}: max_positions of {strategy_id}, {count}"

    def _risk(self, wanted: Mapping[str, Mapping[str, Decimal]], at: datetime) -> Decimal:
        """Return what is lost when all stops are hit; of several stops of a share the highest counts."""
        stops: dict[tuple[str, str], Decimal] = {}
        for order in self._books.orders:
            if order.request.side is Side.BUY and order.created_at <= at:
                for share in order.shares:
                    key = order.request.pair, share.strategy_id
                    stops[key] = max(stops.get(key, ZERO), share.stop_price or ZERO)
        total = ZERO
        for pair, parts in wanted.items():
            for strategy_id, size in parts.items():
                if size:
                    stop = stops.get((pair, strategy_id), ZERO)
                    total += max(ZERO, size * (self._market.low(pair, at) - stop))
        return total

    def _at_snapshot(self, at: datetime) -> Iterator[str]:
        where = f"snapshot at {at:%H:%M:%S}"
        if self.cash(at) < ZERO:
            yield f"{where}: cash is {self.cash(at)}"
        yield from self._counts(self._books.shares(at), where, set(self._limits.positions))
        # What has risen since it was bought may be worth more than the limit; it was not then.
        highest = max(each.equity for each in self._books.snapshots)
        for pair, size in self._books.positions(at).items():
            paid = [
                f.trade.price
                for f in self._books.fills
                if f.trade.pair == pair and f.trade.time <= at and f.trade.side == Side.BUY
            ]
            if size * paid[-1] > self._limits.per_asset_pct * highest * ROOM / 100:
                yield f"{where}: max_per_asset_pct of {pair}"

    def _days(self, buys: list[LocalOrder]) -> Iterator[str]:
        days: dict[datetime, int] = {}
        for order in buys:
            if order.filled:
                day = order.created_at.replace(hour=0, minute=0, second=0, microsecond=0)
                days[day] = days.get(day, 0) + 1
        for day, count in days.items():
            if count > self._limits.entries_per_day:
                yield f"{day:%Y-%m-%d}: max_entries_per_day, {count}"
