"""What is worked out of the books once, for whatever is asked of them: records, sales, flows, by time.

After a change only what was booked anew is worked out again.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import is_

import msgspec

from krakked_tui.domain.fills import Fee, Trade, apportion
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import NET
from krakked_tui.domain.portfolio import CashFlow, Disposal
from krakked_tui.domain.precision import at_scale
from krakked_tui.portfolio.accounts import Booking, Disposed
from krakked_tui.portfolio.booked import Booked, disposals_of, flows_of, made_something, same_from_the_start
from krakked_tui.portfolio.by_day import ByDay
from krakked_tui.portfolio.findings import FindingKind
from krakked_tui.portfolio.lots import COST_DECIMALS
from krakked_tui.portfolio.movements import NOTHING, true_movements
from krakked_tui.portfolio.sales import Sale, SaleSum, sale_of, sums_of
from krakked_tui.portfolio.summary import MANUAL, Bounds, RealizedRecord, Tally, tally

Whose = str | tuple[tuple[str, Decimal], ...]
"""A strategy, ``MANUAL`` when none that is known made a trade; or several, each with its weight above 0."""

Owner = Callable[[Trade], tuple[Whose, int | None]]
"""Says who made a trade, and its order's userref."""

_SPLIT_DECIMALS = 10

Passes = Callable[[RealizedRecord], bool]
"""Says whether somebody wants to know of what was made, by its pair, strategy, side and asset alone."""


class Figures:
    """Lists by time, never changed once they are made. Worked out on demand from ``booked``.

    ``owner`` is asked about every trade whenever it is another than that of ``before``.
    """

    def __init__(self, booked: Booked, owner: Owner, before: "Figures | None" = None) -> None:
        self._booked = booked
        self._bookings = booked.bookings
        self._owner = owner
        self.records: list[RealizedRecord] = []
        self.sales: list[Sale] = []
        # The number of the booking that each of them is of.
        self._record_numbers: list[int] = []
        self._sale_numbers: list[int] = []
        # The index of the first record of each sale's event, below 0 when it made nothing.
        self._sale_records: list[int] = []
        start = same = 0
        if before is not None:
            start = same_from_the_start(before._bookings, booked.bookings)
            same = self._take_over(before, start)
        same_sales = len(self.sales)
        for number in range(start, len(booked.bookings)):
            self._work_out(number)
        self._tallied: ByDay[RealizedRecord, Tally] = ByDay(
            self.records, _time, tally, before._tallied if before else None, same
        )
        self._sold: ByDay[Sale, SaleSum] = ByDay(
            self.sales, _sold_at, sums_of, before._sold if before else None, same_sales
        )
        self.flows: list[CashFlow] = flows_of(booked.bookings)

    @property
    def disposals(self) -> list[Disposal]:
        """Every part of a lot that was sold, spent or paid as a fee, by time of sale. Made at every call."""
        return disposals_of(self._bookings)

    @property
    def disposed(self) -> Iterator[Disposed]:
        """The same, the lots of an asset that an event took together."""
        return (each for booking in self._bookings for each in booking.disposed)

    def records_of(self, trade_id: str) -> tuple[RealizedRecord, ...]:
        """Return what a trade, or another event, did, second fees too; empty when it is not known."""
        trade = self._booked.trades.get(trade_id)
        if trade is None:
            return tuple(record for record in self.records if record.trade_id == trade_id)[:1]
        first = bisect_left(self.records, trade.time, key=_time)
        last = first
        while last < len(self.records) and self.records[last].time == trade.time:
            last += 1
        return tuple(record for record in self.records[first:last] if record.trade_id == trade_id)

    def booking_of(self, record: RealizedRecord) -> Booking | None:
        """Return what the event of a record was booked as."""
        keys = self._booked.keys
        number = bisect_left(keys, (record.time, 0, ""))
        while number < len(keys) and keys[number][0] == record.time:
            if record.trade_id in (keys[number][2], self._bookings[number].event_id):
                return self._bookings[number]
            number += 1
        return None

    def between(self, within: Bounds) -> tuple[int, int]:
        """Return which records are of a period: from the first number on, before the second."""
        return self._tallied.between(within)

    def tallies(self, within: Bounds) -> list[Tally]:
        """Return the tallies of a period: of whole days as they are kept, of parts of days made anew."""
        return self._tallied.sums(within)

    def sale_sums(self, within: Bounds) -> list[SaleSum]:
        """Return the sales of a period, added up."""
        return self._sold.sums(within)

    def chosen_sales(self, within: Bounds, passes: Passes) -> list[SaleSum]:
        """Return those sales of a period, added up, whose (first) record passes."""
        chosen: dict[date, list[Sale]] = {}
        verdicts: dict[tuple[str, str, str, str], bool] = {}
        first, last = self._sold.between(within)
        for sale, at in zip(self.sales[first:last], self._sale_records[first:last], strict=True):
            if at < 0:
                continue
            record = self.records[at]
            alike = (record.pair, record.strategy_tag, record.side, record.asset)
            verdict = verdicts.get(alike)
            if verdict is None:
                verdict = verdicts[alike] = passes(record)
            if verdict:
                chosen.setdefault(sale.at.astimezone(UTC).date(), []).append(sale)
        return [one for sales in chosen.values() for one in sums_of(sales)]

    def _take_over(self, before: "Figures", count: int) -> int:
        """Take over what is of the first bookings; return how many records are the same as they were."""
        records = bisect_left(before._record_numbers, count)
        sales = bisect_left(before._sale_numbers, count)
        self.records = before.records[:records]
        self._record_numbers = before._record_numbers[:records]
        self.sales = before.sales[:sales]
        self._sale_numbers = before._sale_numbers[:sales]
        self._sale_records = before._sale_records[:sales]
        if self._owner is not before._owner and not self._ask_again():
            self._sale_records = [self._first_record(number) for number in self._sale_numbers]
            return 0
        return records

    def _first_record(self, number: int) -> int:
        """Return which record is the first of a booking, below zero when it has none."""
        at = bisect_left(self._record_numbers, number)
        return at if at < len(self.records) and self._record_numbers[at] == number else -1

    def _ask_again(self) -> bool:
        """Ask about every trade whose it is; says whether nothing has changed by that."""
        kept, numbers = self.records, self._record_numbers
        self.records, self._record_numbers = [], []
        first = 0
        while first < len(kept):
            last = first + 1
            while last < len(kept) and numbers[last] == numbers[first]:
                last += 1
            made = self._owned(numbers[first], kept[first:last])
            self.records += made
            self._record_numbers += [numbers[first]] * len(made)
            first = last
        return len(kept) == len(self.records) and all(map(is_, kept, self.records))

    def _owned(self, number: int, made: list[RealizedRecord]) -> Sequence[RealizedRecord]:
        """Return the records of one booking as its owner has it; the same ones where nothing has changed."""
        trade = self._booked.trades.get(made[0].trade_id)
        if trade is None:
            return made
        whose, userref = owner = self._owner(trade)
        strategies = {whose} if isinstance(whose, str) else {strategy for strategy, _ in whose}
        if userref == made[0].raw_userref and strategies == {record.strategy_tag for record in made}:
            return made
        return _trade_records(self._booked, trade, self._bookings[number], owner)

    def _work_out(self, number: int) -> None:
        booking = self._bookings[number]
        at, _, identity = self._booked.keys[number]
        trade = self._booked.trades.get(identity)
        made: Sequence[RealizedRecord] = ()
        if trade is not None:
            made = _trade_records(self._booked, trade, booking, self._owner(trade))
        elif made_something(booking):
            made = (_other_record(booking, at, self._booked.base_currency),)
        self.records += made
        self._record_numbers += [number] * len(made)
        if booking.disposed:
            order_id = "" if trade is None else trade.kraken_order_id
            self.sales.append(sale_of(booking.disposed, order_id))
            self._sale_numbers.append(number)
            self._sale_records.append(len(self.records) - len(made) if made else -1)


def _time(record: RealizedRecord) -> datetime:
    return record.time


def _sold_at(sale: Sale) -> datetime:
    return sale.at


def _trade_records(
    booked: Booked, trade: Trade, booking: Booking, owner: tuple[Whose, int | None]
) -> tuple[RealizedRecord, ...]:
    """Return what a trade did: one record, and one more for every fee in another asset.

    All of them once for each strategy that it was made for, which add up to the trade's exactly.
    """
    whose, userref = owner
    if isinstance(whose, str):
        return _records(booked, trade, booking, whose, userref)
    together = _records(booked, trade, booking, MANUAL, userref)
    parts = [_split(record, whose) for record in together]
    return tuple(record for of_one in zip(*parts, strict=True) for record in of_one)


def whole(records: Sequence[RealizedRecord]) -> RealizedRecord:
    """Return what a trade did as one record, of its first fee, under ``NET`` when several made it."""
    first = records[0]
    parts = [record for record in records if record.fee_asset == first.fee_asset]
    if len({record.strategy_tag for record in parts}) == 1:
        return first
    worths = [record.fee_base for record in parts]
    known = [worth for worth in worths if worth is not None]
    return msgspec.structs.replace(
        first, strategy_tag=NET,
        base_delta=sum((record.base_delta for record in parts), ZERO),
        quote_delta=sum((record.quote_delta for record in parts), ZERO),
        fee_amount=sum((record.fee_amount for record in parts), ZERO),
        pnl_quote=sum((record.pnl_quote for record in parts), ZERO),
        pnl_base=sum((record.pnl_base for record in parts), ZERO),
        fee_base=sum(known, ZERO) if len(known) == len(worths) else None,
    )  # fmt: skip


def _split(record: RealizedRecord, whose: tuple[tuple[str, Decimal], ...]) -> list[RealizedRecord]:
    """Return a record for each strategy; every amount in it is split exactly."""
    weights = [weight for _, weight in whose]
    base, quote, fee, pnl_quote, pnl = (
        apportion(amount, weights, _SPLIT_DECIMALS)
        for amount in (
            record.base_delta, record.quote_delta, record.fee_amount, record.pnl_quote, record.pnl_base,
        )
    )  # fmt: skip
    fee_base = None if record.fee_base is None else apportion(record.fee_base, weights, _SPLIT_DECIMALS)
    return [
        msgspec.structs.replace(
            record, strategy_tag=strategy, base_delta=base[n], quote_delta=quote[n], fee_amount=fee[n],
            pnl_quote=pnl_quote[n], pnl_base=pnl[n], fee_base=fee_base[n] if fee_base else None,
        )
        for n, (strategy, _) in enumerate(whose)
    ]  # fmt: skip


def _records(
    booked: Booked, trade: Trade, booking: Booking, strategy: str, userref: int | None
) -> tuple[RealizedRecord, ...]:
    pair = booked.pairs[trade.pair]
    base_delta, quote_delta, (fee, *others) = _moved(booked, trade, pair)
    unpriced, unvalued = _unknown(booking) if booking.findings else (frozenset[str](), False)
    quote_rate = _quote_rate(booked, trade, pair)
    worths = [None if each.asset in unpriced else _worth(booked, trade, pair, each) for each in others]
    first = None if fee.asset in unpriced else booking.fee
    if others and first is not None:
        first -= sum([worth for worth in worths if worth is not None], ZERO)
    record = RealizedRecord(
        trade.trade_id,
        trade.kraken_order_id,
        trade.pair,
        trade.time,
        trade.side,
        base_delta,
        quote_delta,
        fee.asset,
        fee.amount,
        _in_quote(booking.pnl, quote_rate),
        booking.pnl,
        first,
        strategy,
        userref,
        trade.cl_ord_id,
        unvalued,
        _bearer(trade, pair, booked.base_currency),
    )
    if not others:
        return (record,)
    nothing = msgspec.structs.replace(
        record, base_delta=ZERO, quote_delta=ZERO, pnl_quote=ZERO, pnl_base=ZERO
    )
    return (
        record,
        *(
            msgspec.structs.replace(nothing, fee_asset=each.asset, fee_amount=each.amount, fee_base=worth)
            for each, worth in zip(others, worths, strict=True)
        ),
    )


def _moved(booked: Booked, trade: Trade, pair: PairMetadata) -> tuple[Decimal, Decimal, Sequence[Fee]]:
    """Return what a trade moved of its two assets, and its fees (at least one): as its ledger rows say."""
    settled = booked.settled.get(trade.trade_id)
    if not settled:
        bought = trade.side == Side.BUY
        volume, cost = (trade.volume, -trade.cost) if bought else (-trade.volume, trade.cost)
        return volume, cost, trade.fees or (Fee(pair.quote, ZERO),)
    moved = true_movements(trade, pair, settled)
    own = (pair.base, pair.quote)
    told = [fee.asset for fee in trade.fees]
    fees = []
    for asset in dict.fromkeys((*told, *own, *moved)):
        movement = moved.get(asset, NOTHING)
        paid = movement.fee if asset in own else movement.fee - movement.amount
        if paid:
            fees.append(Fee(asset, paid))
    base, quote = (moved.get(asset, NOTHING).amount for asset in own)
    return base, quote, fees or (Fee(pair.quote, ZERO),)


def _bearer(trade: Trade, pair: PairMetadata, base_currency: str) -> str:
    """Return the asset that bears what a trade made: what was sold, else what was bought."""
    sold, bought = (pair.quote, pair.base) if trade.side == Side.BUY else (pair.base, pair.quote)
    return bought if sold == base_currency else sold


def _unknown(booking: Booking) -> tuple[frozenset[str], bool]:
    """Return which fees have no price, and whether what was traded has none."""
    fees = {each.asset for each in booking.findings if each.kind is FindingKind.FEE_UNVALUED}
    return frozenset(fees), any(each.kind is FindingKind.RATE_MISSING for each in booking.findings)


def _other_record(booking: Booking, at: datetime, base_currency: str) -> RealizedRecord:
    return RealizedRecord(
        trade_id=booking.event_id, order_id="", pair="", time=at, side="", base_delta=ZERO, quote_delta=ZERO,
        fee_asset=base_currency, fee_amount=booking.fee, pnl_quote=booking.pnl, pnl_base=booking.pnl,
        fee_base=booking.fee, strategy_tag=MANUAL, unvalued=bool(booking.wanted),
        asset=booking.disposed[0].asset if booking.disposed else "",
    )  # fmt: skip


def _quote_rate(booked: Booked, trade: Trade, pair: PairMetadata) -> Decimal | None:
    """Return what one of the quote asset was worth, by its own price or by that of what was traded."""
    rate = booked.rate(trade.trade_id, pair.quote)
    if rate is None and trade.cost:
        base = booked.rate(trade.trade_id, pair.base)
        rate = None if base is None else at_scale(base * trade.volume / trade.cost, COST_DECIMALS)
    return rate


def _in_quote(pnl: Decimal, rate: Decimal | None) -> Decimal:
    if rate is None or not rate:
        return ZERO
    return pnl if rate == 1 else at_scale(pnl / rate, COST_DECIMALS)


def _worth(booked: Booked, trade: Trade, pair: PairMetadata, fee: Fee) -> Decimal | None:
    rate = booked.rate(trade.trade_id, fee.asset)
    if rate is None and fee.asset in (pair.base, pair.quote):
        quote = _quote_rate(booked, trade, pair)
        rate = quote if quote is None or fee.asset == pair.quote else quote * trade.price
    return None if rate is None else at_scale(fee.amount * rate, COST_DECIMALS)
