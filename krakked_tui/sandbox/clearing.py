"""What an execution does to the books: trade, fee, balances, ledger rows, the order's new state."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.sandbox.books import Books
from krakked_tui.sandbox.catalog import Catalog, Listing
from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.ids import DEPOSIT, LEDGER, TRADE, make_id
from krakked_tui.sandbox.orders import Draft, ExchangeEvent, LedgerWritten, Order, OrderTraded
from krakked_tui.sim.account import Account, Hold, Movement
from krakked_tui.sim.fees import TradedVolume, cost_of, fee_of, fee_percent
from krakked_tui.sim.market import Market


class Clearing:
    """Keeps the account in step with the books. The events it returns are booked but not yet stored."""

    def __init__(self, catalog: Catalog, market: Market, books: Books) -> None:
        self.account = Account(catalog.scales)
        self._catalog = catalog
        self._market = market
        self._books = books
        self._traded = TradedVolume()
        self.account.restore({entry.asset: entry.balance for entry in books.entries})
        for trade in books.trades.values():
            self._count_volume(trade)

    def deposit(self, asset: str, amount: Decimal, at: datetime) -> ExchangeEvent:
        """Book money from outside."""
        refid = make_id(self._market.seed, DEPOSIT, len(self._books.entries) + 1)
        return self._write(self.account.deposit(asset, amount), refid, "deposit", at)

    def needed(self, draft: Draft, volume: Decimal, cost: Decimal, at: datetime) -> Hold:
        """Return what an order must hold for so much of it, at ``cost`` before its fee."""
        listing = self._catalog.listings[draft.pair]
        percent = self._percent(listing, at, maker=False)
        return self.account.needed(listing.pair, draft.side, volume, cost, percent)

    def settle(
        self, order: Order, price: Decimal, volume: Decimal, at: datetime, *, maker: bool
    ) -> tuple[Order, list[ExchangeEvent]]:
        """Book one execution; return the order as it leaves it, holding what its rest needs."""
        draft = order.draft
        listing = self._catalog.listings[draft.pair]
        cost = cost_of(listing.pair, price, volume)
        fee = fee_of(listing.pair, cost, self._percent(listing, at, maker=maker))
        self.account.release(order.order_id)
        movements = self.account.settle(listing.pair, draft.side, volume, cost, fee)
        trade = Trade(
            trade_id=make_id(self._market.seed, TRADE, len(self._books.trades) + 1),
            kraken_order_id=order.order_id,
            pair=draft.pair,
            side=draft.side,
            price=price,
            volume=volume,
            cost=cost,
            fees=(Fee(listing.pair.quote, fee),),
            time=at,
            maker=maker,
            cl_ord_id=draft.cl_ord_id,
        )
        order = _filled(order, trade, fee)
        self._books.put_order(order)
        self._books.add_trade(trade)
        self._count_volume(trade)
        rows = [self._write(movement, trade.trade_id, "trade", at) for movement in movements]
        if order.remaining:
            self.hold(order, at)
        return order, [OrderTraded(order, trade), *rows]

    def hold(self, order: Order, at: datetime) -> None:
        """Make an open order hold what its rest needs."""
        cost = order.remaining * (order.draft.price or ZERO)
        self.account.hold(order.order_id, self.needed(order.draft, order.remaining, cost, at))

    def usd_value(self, asset: str, amount: Decimal, at: datetime) -> Decimal:
        """Value an amount at its pair's last price; at par when it has no pair with USD."""
        name = f"{asset}USD"
        if name not in self._catalog.listings:
            return amount
        return amount * self._market.grids[name].price(self._market.quote(name, micros_of(at)).last)

    def _percent(self, listing: Listing, at: datetime, *, maker: bool) -> Decimal:
        ladder = listing.pair.fees_maker if maker else listing.pair.fees_taker
        return fee_percent(ladder, self._traded.total(at))

    def _count_volume(self, trade: Trade) -> None:
        quote = self._catalog.listings[trade.pair].pair.quote
        self._traded.add(trade.time, self.usd_value(quote, trade.cost, trade.time))

    def _write(self, movement: Movement, refid: str, kind: str, at: datetime) -> ExchangeEvent:
        entry = LedgerEntry(
            entry_id=make_id(self._market.seed, LEDGER, len(self._books.entries) + 1),
            refid=refid,
            time=at,
            type=kind,
            subtype="",
            asset=movement.asset,
            amount=movement.amount,
            fee=movement.fee,
            balance=movement.balance,
        )
        self._books.add_entry(entry)
        return LedgerWritten(entry)


def _filled(order: Order, trade: Trade, fee: Decimal) -> Order:
    return msgspec.structs.replace(
        order,
        filled=order.filled + trade.volume,
        cost=order.cost + trade.cost,
        fee=order.fee + fee,
        trade_ids=(*order.trade_ids, trade.trade_id),
    )
