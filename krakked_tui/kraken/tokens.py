"""The session token of private WebSocket requests, renewed before it is too old."""

import asyncio

from krakked_tui.kraken import endpoints
from krakked_tui.kraken.errors import KrakenError
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.wire import WebSocketsToken
from krakked_tui.ports import Clock

USE_SECONDS = 720.0
"""Kraken wants a token used within 15 minutes, and no two sources agree on what happens later."""
MARGIN_SECONDS = 60.0
"""A token that says when it expires is not used any more so long before."""
RENEW_SECONDS = 600.0
RENEW_SHARE = RENEW_SECONDS / USE_SECONDS
"""The part of a token's time of use after which it is renewed ahead of need."""
LEAST_SECONDS = 5.0
"""However soon a token says it expires, it is used for this long, or there would be no end of asking."""
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
        return await self._younger_than(1.0)

    def refused(self, token: WebSocketsToken) -> None:
        """Forget a token the exchange did not accept."""
        if self._token is token:
            self._token = None

    async def keep_fresh(self) -> None:
        """Renew the token well before it is too old, so that no order waits. Runs until cancelled."""
        while True:
            try:
                token = await self._younger_than(RENEW_SHARE)
            except KrakenError:
                # Whoever needs the token asks again and reports what is wrong.
                await self._clock.sleep(RETRY_SECONDS)
            else:
                renew_at = self._asked_at + _use_seconds(token) * RENEW_SHARE
                await self._clock.sleep(max(renew_at - self._clock.monotonic(), 1.0))

    async def _younger_than(self, share: float) -> WebSocketsToken:
        """Return a token of which less than this share of its time has passed."""
        async with self._asking:
            age = self._clock.monotonic() - self._asked_at
            if self._token is None or age >= _use_seconds(self._token) * share:
                asked_at = self._clock.monotonic()
                self._token = await self._rest.call(endpoints.GET_WEBSOCKETS_TOKEN)
                self._asked_at = asked_at
            return self._token


def _use_seconds(token: WebSocketsToken) -> float:
    """Return for how long after it was asked for a token is used."""
    return max(min(USE_SECONDS, token.expires - MARGIN_SECONDS), LEAST_SECONDS)
