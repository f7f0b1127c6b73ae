"""python-kraken-sdk, pointed at a local Kraken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from websockets import ConnectionClosed

from tests.interop.local_kraken import PATIENCE, LocalKraken

REASON = "python-kraken-sdk is not installed: pip install -e .[interop]"
spot: Any = pytest.importorskip("kraken.spot", reason=REASON)
base: Any = pytest.importorskip("kraken.base_api", reason=REASON)
errors: Any = pytest.importorskip("kraken.exceptions", reason=REASON)

Message = dict[str, Any]


def market(kraken: LocalKraken) -> Any:
    return spot.Market(url=kraken.rest)


def user(kraken: LocalKraken, **changes: str) -> Any:
    return spot.User(**({"key": kraken.api_key, "secret": kraken.api_secret, "url": kraken.rest} | changes))


def trade(kraken: LocalKraken, **changes: str) -> Any:
    return spot.Trade(**({"key": kraken.api_key, "secret": kraken.api_secret, "url": kraken.rest} | changes))


class Conversation:
    """One of the stranger's WebSocket clients and everything that came to its callback, in order."""

    def __init__(self) -> None:
        self.client: Any = None
        self.heard: list[Message] = []
        self._came = asyncio.Event()
        self._requests = 0

    async def hear(self, message: Message) -> None:
        """Take a message; what the client calls."""
        self.heard.append(message)
        self._came.set()

    async def until(self, wanted: Callable[[list[Message]], Any]) -> Any:
        """Wait until ``wanted`` finds something in what was heard; return what it finds."""
        async with asyncio.timeout(PATIENCE):
            while not (found := wanted(self.heard)):
                self._came.clear()
                await self._came.wait()
        return found

    async def ask(self, method: str, replies: int = 1, /, **params: object) -> list[Message]:
        """Send a request, and return the replies that carry its number."""
        self._requests += 1
        number = self._requests
        await self.client.send_message({"method": method, "params": params, "req_id": number})

        def answers(heard: list[Message]) -> list[Message]:
            found = [message for message in heard if message.get("req_id") == number]
            return found if len(found) >= replies else []

        return list(await self.until(answers))

    async def end(self) -> None:
        """Close the client: it looks whether it should only when something comes, so something is sent."""
        stir: Message = {"method": "ping"}
        if self.client._is_auth:
            stir = {"method": "unsubscribe", "params": {"channel": "balances"}}
        async with asyncio.TaskGroup() as tasks:
            closing = tasks.create_task(self.client.close())
            while not closing.done():
                with suppress(ConnectionClosed):
                    await self.client.send_message(stir)
                await asyncio.wait([closing], timeout=0.05)

    async def first(self, channel: str, kind: str, symbol: str | None = None) -> Message:
        """Return the first message of a channel of that type."""
        found: Message = (await self.until(lambda heard: rows(heard, channel, kind, symbol)))[0]
        return found


def rows(
    heard: list[Message], channel: str, kind: str | None = None, symbol: str | None = None
) -> list[Message]:
    """Return the messages of a channel."""
    return [
        message
        for message in heard
        if message.get("channel") == channel
        and kind in (None, message["type"])
        and (symbol is None or message["data"][0]["symbol"] == symbol)
    ]


def acks(heard: list[Message], channel: str) -> list[Message]:
    """Return what acknowledged subscriptions to a channel."""
    return [
        m for m in heard if m.get("method") == "subscribe" and m.get("result", {}).get("channel") == channel
    ]


@asynccontextmanager
async def talking(kraken: LocalKraken, *, signed: bool) -> AsyncIterator[Conversation]:
    """Connect to the private or the public address."""
    conversation = Conversation()
    conversation.client = spot.SpotWSClient(
        key=kraken.api_key if signed else "",
        secret=kraken.api_secret if signed else "",
        callback=conversation.hear,
        no_public=signed,
        rest_url=kraken.rest,
        ws_url=kraken.ws_public.removesuffix("/v2"),
        auth_ws_url=kraken.ws_private.removesuffix("/v2"),
    )
    await conversation.client.start()
    try:
        yield conversation
    finally:
        await conversation.end()
