"""What an execution does to a paper account: trade, fee, balances, ledger rows."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from krakked_tui.domain.fills import AssetBalance, Fee, LedgerEntry, Trade
from krakked_tui.domain.money import ZERO
from krakked_tui.domain.orders import Side
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.paper.ids import DEPOSIT, LEDGER, TRADE, make_id
from krakked_tui.paper.market import PaperMarket
from krakked_tui.paper.orders import PaperOrder
from krakked_tui.sim.account import Account, Hold, Movement
from krakked_tui.sim.fees import TradedVolume, cost_of, fee_of, fee_percent


class Clearing:
    """Keeps balances, holds and the volume that the fee tier counts. Nothing of it is stored here.

    ``trades`` and ``entries`` are those booked since they were taken last.
    """

    def __init__(self, account_id: str, market: PaperMarket, fee_volume_usd: Decimal) -> None:
        """``fee_volume_usd`` is a 30-day volume that the account is credited with besides its own."""
        self.account = Account(market.scales)
        self.trades: list[tuple[Trade, Decimal]] = []
        self.entries: list[LedgerEntry] = []
        self._account_id = account_id
        self._market = market
        self._fee_volume_usd = fee_volume_usd
        self._volume = TradedVolume()
        self._trade_count = 0
        self._entry_count = 0

    def restore(
        self,
        balances: Mapping[str, Decimal],
        turnover: Sequence[tuple[datetime, Decimal]],
        trade_count: int,
        entry_count: int,
    ) -> None:
        """Put a stored account back."""
        self.account.restore(balances)
        for at, usd in turnover:
            self._volume.add(at, usd)
        self._trade_count, self._entry_count = trade_count, entry_count

    def open(self, balances: Mapping[str, Decimal], at: datetime) -> None:
        """Deposit what a new account begins with."""
        for asset, amount in balances.items():
            refid = make_id(self._account_id, DEPOSIT, self._entry_count + 1, at)
            self._write(self.account.deposit(asset, amount), refid, "deposit", at)

    def balances(self) -> dict[str, AssetBalance]:
        """Return holdings with what open orders keep back."""
        account = self.account
        return {
            asset: AssetBalance(asset, total, account.held(asset))
            for asset, total in account.balances.items()
        }

    def needed(self, pair: PairMetadata, side: Side, volume: Decimal, cost: Decimal, at: datetime) -> Hold:
        """Return what an order must hold for so much of it, at ``cost`` before its fee."""
        return self.account.needed(pair, side, volume, cost, self._percent(pair, at, maker=False))

    def hold(self, order: PaperOrder, pair: PairMetadata, at: datetime) -> PaperOrder:
        """Make an open order hold what its rest needs, and return it with that written down."""
        price = order.limit if order.limit is not None else order.trigger
        hold = self.needed(pair, order.request.side, order.remaining, order.remaining * (price or ZERO), at)
        return self.hold_this(order, hold)

    def hold_this(self, order: PaperOrder, hold: Hold) -> PaperOrder:
        """Make an order hold this, and return it with that written down."""
        return msgspec.structs.replace(order, held=self.account.hold(order.order_id, hold))

    def restore_hold(self, order: PaperOrder) -> None:
        """Let an order hold what it held when it was stored."""
        self.account.hold(order.order_id, Hold(order.hold_asset, order.held))

    def settle(
        self, order: PaperOrder, pair: PairMetadata, price: Decimal, volume: Decimal, at: datetime, *,
        maker: bool,
    ) -> tuple[PaperOrder, Trade]:  # fmt: skip
        """Book one execution; return the order as it leaves it, holding what its rest needs."""
        side = order.request.side
        cost = cost_of(pair, price, volume)
        fee = fee_of(pair, cost, self._percent(pair, at, maker=maker))
        self.account.release(order.order_id)
        self._trade_count += 1
        trade = Trade(
            trade_id=make_id(self._account_id, TRADE, self._trade_count, at),
            kraken_order_id=order.order_id,
            pair=order.pair,
            side=side.value,
            price=price,
            volume=volume,
            cost=cost,
            fees=(Fee(pair.quote, fee),) if fee else (),
            time=at,
            maker=maker,
            cl_ord_id=order.request.cl_ord_id,
        )
        for movement in self.account.settle(pair, side, volume, cost, fee):
            self._write(movement, trade.trade_id, "trade", at)
        usd = self._market.usd(pair.quote, cost)
        self._volume.add(at, usd)
        self.trades.append((trade, usd))
        order = msgspec.structs.replace(
            order, filled=order.filled + volume, cost=order.cost + cost, fee=order.fee + fee, held=ZERO
        )
        return (self.hold(order, pair, at) if order.remaining else order), trade

    def taker_fees(self, pairs: Iterable[str], at: datetime) -> dict[str, Decimal]:
        """Return what takers pay now, in percent, by canonical pair, of those that are known."""
        known = ((name, self._market.pair(name)) for name in pairs)
        return {name: self._percent(pair, at, maker=False) for name, pair in known if pair is not None}

    def _percent(self, pair: PairMetadata, at: datetime, *, maker: bool) -> Decimal:
        ladder = pair.fees_maker if maker else pair.fees_taker
        return fee_percent(ladder, self._volume.total(at) + self._fee_volume_usd)

    def _write(self, movement: Movement, refid: str, kind: str, at: datetime) -> None:
        self._entry_count += 1
        self.entries.append(
            LedgerEntry(
                entry_id=make_id(self._account_id, LEDGER, self._entry_count, at),
                refid=refid,
                time=at,
                type=kind,
                subtype="",
                asset=movement.asset,
                amount=movement.amount,
                fee=movement.fee,
                balance=movement.balance,
            )
        )
