"""The session token of private WebSocket requests, renewed before it is too old."""

import asyncio

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.errors import KrakenError
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.wire import WebSocketsToken
from krakked_tui.ports import Clock

USE_SECONDS = 720.0
"""Kraken wants a token used within 15 minutes, and no two sources agree on what happens later."""
RENEW_SECONDS = 600.0
RETRY_SECONDS = 15.0
"""Between attempts to renew."""


class TokenSource:
    """Keeps one token at hand. Seconds are wall seconds."""

    def __init__(self, rest: KrakenRest, clock: Clock) -> None:
        self._rest = rest
        self._clock = clock
        self._token: WebSocketsToken | None = None
        self._asked_at = 0.0
        self._asking = asyncio.Lock()

    async def current(self) -> WebSocketsToken:
        """Return a token that is young enough, a new one if need be. Raises ``KrakenError``."""
        return await self._younger_than(USE_SECONDS)

    def refused(self, token: WebSocketsToken) -> None:
        """Forget a token the exchange did not accept."""
        if self._token is token:
            self._token = None

    async def keep_fresh(self) -> None:
        """Renew the token every ten minutes, so that no order waits for one. Runs until cancelled."""
        while True:
            try:
                await self._younger_than(RENEW_SECONDS)
            except KrakenError:
                # Whoever needs the token asks again and reports what is wrong.
                await self._clock.sleep(RETRY_SECONDS)
            else:
                await self._clock.sleep(max(self._asked_at + RENEW_SECONDS - self._clock.monotonic(), 1.0))

    async def _younger_than(self, seconds: float) -> WebSocketsToken:
        async with self._asking:
            if self._token is None or self._clock.monotonic() - self._asked_at >= seconds:
                asked_at = self._clock.monotonic()
                self._token = await self._rest.call(endpoints.GET_WEBSOCKETS_TOKEN)
                self._asked_at = asked_at
            return self._token
