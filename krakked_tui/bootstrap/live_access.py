"""A live account: its broker, and the last lock, which only the exchange can open."""

import asyncio

from krakked_tui.bootstrap.exchange import KrakenLink, open_link
from krakked_tui.bootstrap.live_gate import locks_of_key, refuse_unless_open
from krakked_tui.bootstrap.settings import SettingsKeeper
from krakked_tui.bootstrap.unlock import api_key, exchange_name, in_use
from krakked_tui.config.places import Places
from krakked_tui.config.schema import AppConfig
from krakked_tui.credentials.resolve import Credentials
from krakked_tui.kraken.key_audit import audit_key
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.ports import Broker, Clock, MarketFeed


class LiveAccess:
    """Connects with the operator's own key, and trades only when the key is fit for it."""

    def __init__(
        self, where: Places, config: AppConfig, keeper: SettingsKeeper, credentials: Credentials
    ) -> None:
        self._where = where
        self._config = config
        self._keeper = keeper
        self._credentials = credentials
        self._link: KrakenLink | None = None
        self._exchange = exchange_name(config.connection)
        keeper.credentials(in_use(credentials, None, self._exchange))

    @property
    def rest(self) -> KrakenRest:
        """The way to the exchange, once connected."""
        assert self._link is not None
        return self._link.rest

    async def connect(self, clock: Clock) -> tuple[MarketFeed, Broker]:
        """Prepare the connection. Raises ``KrakkedError``."""
        key = api_key(self._credentials)
        link = await asyncio.to_thread(
            open_link, self._config.connection, clock, self._where, key, self._config.market_data.ws
        )
        self._link = link
        return link.feed(), link.broker(f"kraken:{key.fingerprint}", self._config.execution.transport)

    async def check_access(self) -> None:
        """Ask what the key may do, and refuse unless that is what live trading needs, and no more."""
        assert self._link is not None
        audit = await audit_key(self._link.rest, self._link.clock.now)
        self._keeper.credentials(in_use(self._credentials, audit, self._exchange))
        refuse_unless_open(locks_of_key(audit, allow_withdraw_key=self._config.execution.allow_withdraw_key))
