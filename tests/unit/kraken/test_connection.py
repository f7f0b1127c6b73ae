"""Messages in bulk, however the bytes arrive."""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from krakked_tui.kraken import connection as connection_module
from krakked_tui.kraken.connection import BulkConnection, Connect

TEXT, BINARY, CONTINUATION, PING = 0x1, 0x2, 0x0, 0x9


def frame(opcode: int, payload: bytes, *, final: bool = True) -> bytes:
    first, length = opcode | (0x80 if final else 0), len(payload)
    if length < 126:
        return struct.pack("!BB", first, length) + payload
    if length < 65536:
        return struct.pack("!BBH", first, 126, length) + payload
    return struct.pack("!BBQ", first, 127, length) + payload


@asynccontextmanager
async def connected(chunks: Sequence[bytes], *, close: bool = True) -> AsyncIterator[BulkConnection]:
    """A connection whose peer writes these bytes as they are, then says good-bye."""

    async def peer(server: ServerConnection) -> None:
        for chunk in chunks:
            server.transport.write(chunk)
            await asyncio.sleep(0)
        if close:
            await server.close()
        else:
            await server.wait_closed()

    async with serve(peer, "127.0.0.1", 0, ping_interval=None) as server:
        url = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        connection = await Connect(
            url, create_connection=BulkConnection, compression=None, ping_interval=None, proxy=None,
            close_timeout=1,
        )  # fmt: skip
        assert isinstance(connection, BulkConnection)
        try:
            yield connection
        finally:
            await connection.close()


async def everything(connection: BulkConnection) -> list[bytes]:
    taken: list[bytes] = []
    while True:
        try:
            taken += [bytes(message) for message in await connection.messages()]
        except ConnectionClosed:
            return taken


SPLIT = [
    frame(TEXT, b"first half, ", final=False),
    frame(PING, b"x"),
    frame(CONTINUATION, b"second half"),
]
payloads = st.one_of(st.binary(max_size=10), st.sampled_from([125, 126, 127, 300, 65_535, 65_536]).map(bytes))
wire = st.lists(
    st.one_of(
        payloads.map(lambda p: ([p], frame(TEXT, p))),
        payloads.map(lambda p: ([p], frame(BINARY, p))),
        st.just(([], frame(PING, b"are you there"))),
        st.just(([b"first half, second half"], b"".join(SPLIT))),
    ),
    max_size=12,
)


@settings(max_examples=40, deadline=None)
@given(wire, st.lists(st.integers(1, 400), max_size=20))
def test_messages_arrive_whole_and_in_order_however_they_are_cut(
    sent: list[tuple[list[bytes], bytes]], cuts: list[int]
) -> None:
    stream, chunks = b"".join(data for _, data in sent), []
    for size in cuts:
        chunks.append(stream[:size])
        stream = stream[size:]

    async def play() -> list[bytes]:
        async with connected([*chunks, stream]) as connection:
            return await everything(connection)

    assert asyncio.run(play()) == [message for messages, _ in sent for message in messages]


async def test_a_socket_is_not_read_while_too_many_messages_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "QUEUE_MAX", 10)
    async with connected([frame(TEXT, b"%d" % n) for n in range(200_000)]) as connection:
        for _ in range(50):
            await asyncio.sleep(0)
        waiting = len(connection._messages)
        assert 10 <= waiting < 200_000
        assert await everything(connection) == [b"%d" % n for n in range(200_000)]


async def test_closing_drops_what_still_comes() -> None:
    async with connected([frame(TEXT, b"x" * 100)] * 1_000, close=False) as connection:
        await connection.messages()
        await connection.close()
        assert connection._messages == []
        with pytest.raises(ConnectionClosed):
            await connection.messages()


async def test_a_message_that_is_too_long_ends_the_connection() -> None:
    async with connected([struct.pack("!BBQ", 0x81, 127, 2**40)], close=False) as connection:
        assert await everything(connection) == []
