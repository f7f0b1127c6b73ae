"""A paper account: live prices, and an account that exists only here."""

import asyncio

from krakked_tui.bootstrap.exchange import KrakenLink, open_link
from krakked_tui.bootstrap.profiles import read_or_make_instance_id
from krakked_tui.bootstrap.settings import SettingsKeeper
from krakked_tui.bootstrap.unlock import Unlocking, exchange_name, look_at
from krakked_tui.config.places import Places
from krakked_tui.config.schema import AppConfig
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.paper.broker import PaperBroker
from krakked_tui.paper.tap import TappedFeed
from krakked_tui.paper.terms import PaperTerms
from krakked_tui.ports import Broker, Clock, MarketFeed
from krakked_tui.storage.paper_books import SqlitePaperBooks


class PaperAccount:
    """Connects without a key: nothing it sends could place an order."""

    def __init__(
        self, where: Places, config: AppConfig, keeper: SettingsKeeper, unlocking: Unlocking
    ) -> None:
        self._where = where
        self._config = config
        self._keeper = keeper
        self._unlocking = unlocking
        self._link: KrakenLink | None = None

    @property
    def rest(self) -> KrakenRest:
        """The way to the exchange, once connected."""
        assert self._link is not None
        return self._link.rest

    async def connect(self, clock: Clock) -> tuple[MarketFeed, Broker]:
        """Open the account and prepare the connection. Raises ``KrakkedError``."""
        config = self._config
        link = self._link = open_link(config.connection, clock, self._where, None, config.market_data.ws)
        feed = link.feed()
        books = await SqlitePaperBooks.open(self._where.paper_books)
        settings = config.execution.paper
        terms = PaperTerms(
            starting_balances=settings.balances,
            fee_volume_usd=settings.fee_volume_usd,
            latency_ms=settings.latency_ms,
            max_price_age=config.market_data.ws.stale_tolerance_seconds,
        )
        account_id = f"paper:{await asyncio.to_thread(read_or_make_instance_id, self._where)}"
        broker = await PaperBroker.open(account_id, books, clock, terms, feed.quotes)
        return TappedFeed(feed, broker), broker

    async def check_access(self) -> None:
        """Look whether a key is stored, for the Settings screen; paper needs none."""
        exchange = exchange_name(self._config.connection)
        found = await asyncio.to_thread(look_at, self._where, self._unlocking, exchange)
        self._keeper.credentials(found)
