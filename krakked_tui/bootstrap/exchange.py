"""The connection to an exchange, put together from its parts."""

import random
import time
from dataclasses import dataclass

from krakked_tui.bootstrap.profiles import nonce_path
from krakked_tui.config.places import Places
from krakked_tui.execution.settings import Transport
from krakked_tui.kraken.broker import KrakenBroker
from krakked_tui.kraken.feed import KrakenFeed
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.link import Mask, unmasked
from krakked_tui.kraken.listing import Listing
from krakked_tui.kraken.nonce import NonceSource
from krakked_tui.kraken.order_entry import StreamOrderEntry
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.session import DEFAULT_PACE, Pace
from krakked_tui.kraken.settings import ConnectionSettings
from krakked_tui.kraken.stream import KrakenStream
from krakked_tui.kraken.tokens import TokenSource
from krakked_tui.market.settings import FeedSettings
from krakked_tui.ports import Clock
from krakked_tui.storage.nonces import NonceFile

DEFAULT_FEED = FeedSettings()


@dataclass(frozen=True, slots=True)
class KrakenLink:
    """One way to one exchange. Without a key it can read public data only."""

    settings: ConnectionSettings
    ws: FeedSettings
    clock: Clock
    rest: KrakenRest
    listing: Listing
    key: ApiKey | None

    def feed(self) -> KrakenFeed:
        """Return its market data."""
        pace = Pace(self.ws.batch_size, self.ws.ping_seconds)
        stream = self._stream("market", self.settings.ws_public_url, pace=pace)
        return KrakenFeed(self.rest, self.listing, stream, self.clock)

    def broker(self, account_id: str, transport: Transport) -> KrakenBroker:
        """Return its account. Orders placed with it are the exchange's, so whoever calls this decides."""
        account = self._stream("account", self.settings.ws_private_url, _without(self.key))
        entry = None
        if transport is Transport.WEBSOCKET:
            tokens = TokenSource(self.rest, self.clock)
            entry = StreamOrderEntry(account, self.listing, tokens, self.rest, self.clock)
        return KrakenBroker(account_id, self.rest, self.listing, account, entry)

    def _stream(self, name: str, url: str, mask: Mask = unmasked, pace: Pace = DEFAULT_PACE) -> KrakenStream:
        rng = random.Random()  # noqa: S311 - jitter of reconnects
        return KrakenStream(name, url, self.clock, rng, self.rest.limiter, mask=mask, pace=pace)


def _without(key: ApiKey | None) -> Mask:
    """Return what keeps a key out of what the exchange says."""
    if key is None:
        return unmasked
    return lambda messages: [key.masked(bytes(message)) for message in messages]


def open_link(
    settings: ConnectionSettings, clock: Clock, where: Places, key: ApiKey | None,
    ws: FeedSettings = DEFAULT_FEED,
) -> KrakenLink:  # fmt: skip
    """Prepare a link; nothing is connected yet. Call it on the loop that uses it.

    Raises ``StorageError`` when the nonces of the key cannot be kept.
    """
    nonces = None
    if key is not None:
        nonces = NonceSource(time.time_ns, NonceFile(nonce_path(where, key)))
    rest = KrakenRest(settings, clock, key=key, nonces=nonces)
    return KrakenLink(settings, ws, clock, rest, Listing(rest), key)
