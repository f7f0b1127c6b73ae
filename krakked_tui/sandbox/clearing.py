"""What an execution does to the books: trade, fee, balances, ledger rows, the order's new state."""

from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import Fee, LedgerEntry, Trade
from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.precision import at_scale, half_up
from krakked_tui.sandbox.books import Books
from krakked_tui.sandbox.catalog import Catalog, Listing
from krakked_tui.sandbox.clock import micros_of
from krakked_tui.sandbox.ids import DEPOSIT, LEDGER, TRADE, make_id
from krakked_tui.sandbox.orders import Draft, ExchangeEvent, LedgerWritten, Order, OrderTraded
from krakked_tui.sim.account import Account, Hold, Movement
from krakked_tui.sim.fees import TradedVolume, cost_of, fee_in_quote, fee_of, fee_percent
from krakked_tui.sim.market import Market


class Clearing:
    """Keeps the account in step with the books. The events it returns are booked but not yet stored."""

    def __init__(self, catalog: Catalog, market: Market, books: Books) -> None:
        self.account = Account(catalog.scales)
        self._catalog = catalog
        self._market = market
        self._books = books
        self._traded = TradedVolume()
        self._restore()
        for trade in books.trades.values():
            self._count_volume(trade)

    def _restore(self) -> None:
        """Put together the balances from all rows: what no row tells of is not in them."""
        balances: dict[str, Decimal] = {}
        for entry in self._books.entries:
            asset = self._catalog.find_balance(entry.asset)
            assert asset is not None, f"never booked: {entry.asset}"
            before = balances.get(asset.name, at_scale(ZERO, asset.decimals))
            balances[asset.name] = before + entry.amount - entry.fee
        self.account.restore(balances)

    def deposit(self, asset: str, amount: Decimal, at: datetime) -> ExchangeEvent:
        """Book money from outside."""
        return self.write(self.account.deposit(asset, amount), self.new_refid(), "deposit", at)

    def new_refid(self) -> str:
        """Return the id that ties together the ledger rows of one funding event."""
        return make_id(self._market.seed, DEPOSIT, len(self._books.entries) + 1)

    def needed(self, draft: Draft, volume: Decimal, cost: Decimal, at: datetime) -> Hold:
        """Return what an order must hold for so much of it, at ``cost`` before its fee."""
        listing = self._catalog.listings[draft.pair]
        percent = ZERO if draft.fee_in_base else self._percent(listing, at, maker=False)
        return self.account.needed(listing.pair, draft.side, volume, cost, percent)

    def settle(
        self, order: Order, price: Decimal, volume: Decimal, at: datetime, *, maker: bool
    ) -> tuple[Order, list[ExchangeEvent]]:
        """Book one execution; return the order as it leaves it, holding what its rest needs."""
        draft = order.draft
        pair = self._catalog.listings[draft.pair].pair
        cost = cost_of(pair, price, volume)
        self.account.release(order.order_id)
        fee = self._fee(order, cost, volume, at, maker=maker)
        movements = self.account.settle(
            pair, draft.side, volume, cost, fee.amount, in_base=fee.asset == pair.base
        )
        trade = Trade(
            trade_id=make_id(self._market.seed, TRADE, len(self._books.trades) + 1),
            kraken_order_id=order.order_id,
            pair=draft.pair,
            side=draft.side,
            price=price,
            volume=volume,
            cost=cost,
            fees=(fee,),
            time=at,
            maker=maker,
            cl_ord_id=draft.cl_ord_id,
        )
        order = _filled(order, trade, fee_in_quote(pair, fee, price))
        self._books.add_trade(trade)
        self._count_volume(trade)
        rows = [self.write(movement, trade.trade_id, "trade", at) for movement in movements]
        if order.remaining:
            order = self.hold(order, at)
        self._books.put_order(order)
        return order, [OrderTraded(order, trade), *rows]

    def hold(self, order: Order, at: datetime) -> Order:
        """Make an open order hold what its rest needs, and return it with that written down."""
        held = self.account.hold(order.order_id, self.need(order, at))
        return msgspec.structs.replace(order, held=held)

    def need(self, order: Order, at: datetime) -> Hold:
        """Return what the rest of an open order needs, at its limit or else its trigger price."""
        draft = order.draft
        if draft.in_quote:  # a market order: nothing of it outlives its arrival
            return self.needed(draft, ZERO, order.remaining, at)
        price = draft.price if draft.price is not None else draft.trigger
        return self.needed(draft, order.remaining, order.remaining * (price or ZERO), at)

    def restore_hold(self, order: Order) -> None:
        """Let an order hold what it held when it was stored."""
        pair = self._catalog.listings[order.draft.pair].pair
        asset = pair.quote if order.draft.side is Side.BUY else pair.base
        self.account.hold(order.order_id, Hold(asset, order.held))

    def usd_value(self, asset: str, amount: Decimal, at: datetime) -> Decimal:
        """Value an amount, in whatever form, at its pair's last price; at par without a pair with USD."""
        name = f"{asset.partition('.')[0]}USD"
        if name not in self._catalog.listings:
            return amount
        return amount * self._market.grids[name].price(self._market.quote(name, micros_of(at)).last)

    def _fee(self, order: Order, cost: Decimal, volume: Decimal, at: datetime, *, maker: bool) -> Fee:
        """The fee of one execution: in base when asked for and the base can pay, else in quote."""
        listing = self._catalog.listings[order.draft.pair]
        pair = listing.pair
        percent = self._percent(listing, at, maker=maker)
        if order.draft.fee_in_base:
            fee = half_up(volume * percent / HUNDRED, listing.base.decimals)
            # What the rest of a sell will deliver is not there to pay fees with.
            bought = volume if order.draft.side is Side.BUY else -order.remaining
            if fee <= self.account.available(pair.base) + bought:
                return Fee(pair.base, fee)
        return Fee(pair.quote, fee_of(pair, cost, percent))

    def _percent(self, listing: Listing, at: datetime, *, maker: bool) -> Decimal:
        ladder = listing.pair.fees_maker if maker else listing.pair.fees_taker
        return fee_percent(ladder, self._traded.total(at))

    def _count_volume(self, trade: Trade) -> None:
        quote = self._catalog.listings[trade.pair].pair.quote
        self._traded.add(trade.time, self.usd_value(quote, trade.cost, trade.time))

    def write(
        self, movement: Movement, refid: str, kind: str, at: datetime, subtype: str = ""
    ) -> ExchangeEvent:
        """Write the ledger row of a movement that has been made."""
        entry = LedgerEntry(
            entry_id=make_id(self._market.seed, LEDGER, len(self._books.entries) + 1),
            refid=refid,
            time=at,
            type=kind,
            subtype=subtype,
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
