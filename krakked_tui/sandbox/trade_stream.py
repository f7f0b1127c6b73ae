"""The ``trade`` channel of one pair."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.clock import instant_of, micros_of
from krakked_tui.sandbox.coarse import snapped
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.topics import Option, Topic
from krakked_tui.sandbox.trades import MarketTrade, latest_trades
from krakked_tui.sandbox.wire import fixed, price_text, rfc3339

SNAPSHOT_TRADES: Final = 50
"""Trades a new subscriber is told about when it asks for a snapshot."""

UPDATE_MAX: Final = 100
"""Trades of one update; when time runs faster than that the older ones are left out."""


class TradeStream(Topic):
    """One pair's trades, those between two ticks in one message."""

    def __init__(
        self, exchange: Exchange, listing: Listing, option: Option, at: datetime, *, full_rate: bool
    ) -> None:
        super().__init__(exchange, listing, option, at, full_rate=full_rate)
        self._sent_until = micros_of(at)

    def admit(self, at: datetime) -> None:
        """Send the others the trades so far: who comes now gets only later ones."""
        self.tick(at)

    def snapshot(self, at: datetime) -> str:
        """Return the last trades, oldest first."""
        trades = latest_trades(self.exchange, self.listing.name, micros_of(at), SNAPSHOT_TRADES)
        return self._message("snapshot", trades)

    def tick(self, at: datetime) -> None:
        """Send the trades since the last tick, if any."""
        micros = micros_of(at)
        if not self.pulse.traded(micros):
            return
        after = self._sent_until * 1000 + 999
        self._sent_until = micros
        trades = latest_trades(self.exchange, self.listing.name, micros, UPDATE_MAX, after)
        self.publish(self._message("update", trades))

    def _message(self, kind: str, trades: Iterable[MarketTrade]) -> str:
        rows = ",".join(map(self._row, trades))
        return f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'

    def _row(self, row: MarketTrade) -> str:
        pair, trade = self.listing.pair, row.trade
        grid, per = self.exchange.market.grids[pair.canonical], self.exchange.floor.ticks_per(pair.canonical)
        price = snapped(trade.price, per, up=trade.buy)
        return (
            f'{{"symbol":"{pair.ws_symbol}","side":"{"buy" if trade.buy else "sell"}",'
            f'"price":{price_text(price, grid, pair.price_decimals)},'
            f'"qty":{fixed(trade.volume, grid.volume_decimals, pair.volume_decimals)},'
            f'"ord_type":"{"market" if trade.market else "limit"}","trade_id":{row.number},'
            f'"timestamp":"{rfc3339(instant_of(row.nanos // 1000))}"}}'
        )
