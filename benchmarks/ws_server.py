"""A WebSocket server that greets, waits for a request and then sends everything as fast as it can.

Run with seed and number of messages; prints its port. Messages are framed beforehand, so that it is
the client that is measured.
"""

import asyncio
import struct
import sys

from websockets.asyncio.server import ServerConnection, serve

from benchmarks.ws_messages import Exchange

STATUS = '{"channel":"status","type":"update","data":[{"system":"online"}]}'
CHUNK_BYTES = 256 * 1024


def _framed(message: bytes) -> bytes:
    length = len(message)
    header = struct.pack("!BB", 0x81, length) if length < 126 else struct.pack("!BBH", 0x81, 126, length)
    return header + message


async def main(seed: int, count: int) -> None:
    burst = b"".join(_framed(message) for message in Exchange(seed).messages(count))

    async def send(connection: ServerConnection) -> None:
        await connection.send(STATUS)
        await connection.recv()
        for start in range(0, len(burst), CHUNK_BYTES):
            connection.transport.write(burst[start : start + CHUNK_BYTES])
            await connection.drain()
        await connection.wait_closed()

    async with serve(send, "127.0.0.1", 0, ping_interval=None) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
