"""A WebSocket connection that hands over messages in bulk.

The library's own ``recv`` takes a task switch or two per message; under a burst that costs more
than decoding it. Here messages gather in the order they arrive and are taken all at once. While
many wait, the socket is not read: the peer feels it, our memory does not.

Nearly every frame is a whole text message of less than 64 KiB. Those are cut out of what the socket
delivers right here; from the first frame that is anything else on, the library takes over until it
is between two frames again.
"""

import asyncio

from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode
from websockets.protocol import Event, State

from krakked_tui.kraken.frames import Payload

QUEUE_MAX = 4_000
"""Messages that may wait before the socket is left unread."""

_WHOLE_TEXT = 0x81
"""First byte of a frame: final, text, no extension."""
_TWO_LENGTH_BYTES = 126
"""Second byte: not masked, two length bytes follow; anything below is the length itself."""
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class BulkConnection(ClientConnection):
    """A client connection whose messages are read with ``messages``; ``recv`` is not for use."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._messages: list[Payload] = []
        self._fragments = bytearray()
        self._arrived = asyncio.Event()
        self._partial = b""
        """The beginning of a message that has not arrived in full."""
        self._reading_paused = False
        self._deaf = False

    async def messages(self) -> list[Payload]:
        """Wait for messages and take all there are, oldest first.

        Raises ``ConnectionClosed`` once the connection is closed and everything has been taken.
        """
        while not self._messages:
            if self.state is State.CLOSED:
                await self.recv(decode=False)
            self._arrived.clear()
            await self._arrived.wait()
        taken, self._messages = self._messages, []
        self._read_on()
        return taken

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close; what still arrives is dropped."""
        self._deaf = True
        self._messages.clear()
        self._read_on()
        await super().close(code, reason)

    def data_received(self, data: bytes) -> None:
        """Cut out whole text messages; leave all else to the library."""
        protocol = self.protocol
        between_frames = not protocol.reader.buffer and protocol.current_size is None
        if self.response is None or protocol.state is not State.OPEN or not between_frames:
            super().data_received(data)
            return
        if self._partial:
            data, self._partial = self._partial + data, b""
        end = self._cut(data)
        if end == len(data):
            return
        if _is_text(data, end):
            self._partial = data[end:]
        else:
            super().data_received(data[end:])

    def process_event(self, event: Event) -> None:
        """Keep messages for ``messages``; leave all else to the library."""
        if isinstance(event, Frame) and event.opcode in _DATA:
            self._take(event)
        else:
            super().process_event(event)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake up whoever waits for messages that will not come."""
        super().connection_lost(exc)
        self._arrived.set()

    def _cut(self, data: bytes) -> int:
        """Keep the whole text messages that data begins with; return where they end."""
        messages: list[Payload] = []
        at, size = 0, len(data)
        while at + 2 <= size and data[at] == _WHOLE_TEXT:
            length = data[at + 1]
            start = at + 2
            if length >= _TWO_LENGTH_BYTES:
                if length > _TWO_LENGTH_BYTES or at + 4 > size:
                    break
                length = data[start] << 8 | data[start + 1]
                start += 2
            if start + length > size:
                break
            at = start + length
            messages.append(data[start:at])
        if messages and not self._deaf:
            self._messages += messages
            self._announce()
        return at

    def _take(self, frame: Frame) -> None:
        if self._deaf:
            return
        if frame.fin and frame.opcode is not Opcode.CONT:
            self._messages.append(frame.data)
        else:
            # The library has checked the order of fragments and the size of the whole.
            self._fragments += frame.data
            if not frame.fin:
                return
            self._messages.append(bytes(self._fragments))
            self._fragments.clear()
        self._announce()

    def _announce(self) -> None:
        self._arrived.set()
        if len(self._messages) >= QUEUE_MAX and not self._reading_paused:
            self._reading_paused = True
            self.transport.pause_reading()

    def _read_on(self) -> None:
        if self._reading_paused:
            self._reading_paused = False
            self.transport.resume_reading()


def _is_text(data: bytes, at: int) -> bool:
    """Say whether what begins here, and is not all there, can only be a text message that we cut."""
    return data[at] == _WHOLE_TEXT and (len(data) == at + 1 or data[at + 1] <= _TWO_LENGTH_BYTES)


class Connect(connect):
    """Opens a connection; never follows a redirect: a token must reach no host but the configured one."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Fail instead of following."""
        return exc
