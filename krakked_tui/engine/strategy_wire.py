"""What the engine and the worker process say to each other: messages with their length in front.

Frames go as Arrow IPC, everything else as MessagePack. What comes from the worker is believed by nobody:
its size is bounded and its shape is checked here, its content by ``strategy_output``.
"""

import io
from datetime import datetime
from decimal import Decimal
from typing import BinaryIO

import msgspec
import polars as pl

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.strategy_evaluation import Evaluated, last_bars
from krakked_tui.strategies.base import StrategyContext
from krakked_tui.strategies.loaded import Origin
from krakked_tui.strategies.settings import StrategySettings

ANSWER_MAX = 8_000_000
"""Bytes of an answer: many times what one intent for every pair there is takes."""
READY = b"ready"
"""What the worker says before anything else, once it can take requests."""
_LENGTH_BYTES = 8


class WireContext(msgspec.Struct, frozen=True):
    """A ``StrategyContext`` on its way; ``frame`` is an Arrow IPC stream."""

    now: datetime
    timeframe: Timeframe
    candle_time: datetime
    frame: bytes
    pairs: dict[str, PairMetadata]
    held: dict[str, Timeframe]
    worth_usd: dict[str, Decimal]


class Request(msgspec.Struct, frozen=True):
    """Evaluate this strategy, which is made of its origin and settings unless it is there already."""

    origin: Origin
    settings: StrategySettings
    contexts: tuple[WireContext, ...]


class Reply(msgspec.Struct, frozen=True):
    """What came of it, and how many bytes of memory the worker has now (0: not known)."""

    evaluated: Evaluated
    resident: int = 0


_requests = msgspec.msgpack.Decoder(Request)
_replies = msgspec.msgpack.Decoder(Reply)
_encoder = msgspec.msgpack.Encoder()


def pack(context: StrategyContext, bars: int) -> WireContext:
    """Make a context ready to be sent, with the newest ``bars`` candles of its pairs."""
    buffer = io.BytesIO()
    last_bars(context.frame, context.pairs, context.candle_time, bars).write_ipc_stream(buffer)
    return WireContext(
        now=context.now,
        timeframe=context.timeframe,
        candle_time=context.candle_time,
        frame=buffer.getvalue(),
        pairs=dict(context.pairs),
        held=dict(context.held),
        worth_usd=dict(context.worth_usd),
    )


def unpack(context: WireContext) -> StrategyContext:
    """Make a context of what was sent."""
    return StrategyContext(
        now=context.now,
        timeframe=context.timeframe,
        candle_time=context.candle_time,
        frame=pl.read_ipc_stream(io.BytesIO(context.frame)),
        pairs=context.pairs,
        held=context.held,
        worth_usd=context.worth_usd,
    )


def encode(message: Request | Reply) -> bytes:
    """Write a message."""
    return _encoder.encode(message)


def decode_request(payload: bytes) -> Request:
    """Read a message of the engine."""
    return _requests.decode(payload)


def decode_reply(payload: bytes) -> Reply:
    """Read a message of the worker. Raises ``msgspec.MsgspecError`` for anything else."""
    return _replies.decode(payload)


def send(pipe: BinaryIO, payload: bytes) -> None:
    """Write a message to an unbuffered pipe, and wait until it is taken. Raises ``OSError``."""
    for part in (len(payload).to_bytes(_LENGTH_BYTES, "big"), payload):
        left = memoryview(part)
        while left:
            left = left[pipe.write(left) :]


def receive(pipe: BinaryIO, most: int | None = None) -> bytes | None:
    """Wait for a message on an unbuffered pipe; None at its end.

    Raises ``OSError``, ``EOFError`` when it ends within a message, and ``ValueError`` for one longer than
    ``most`` bytes.
    """
    head = _read(pipe, _LENGTH_BYTES)
    if not head:
        return None
    length = int.from_bytes(head, "big")
    if len(head) < _LENGTH_BYTES or (most is not None and length > most):
        raise ValueError(f"a message of {length} bytes: allowed are {most}")
    payload = _read(pipe, length)
    if len(payload) < length:
        raise EOFError
    return payload


def _read(pipe: BinaryIO, length: int) -> bytes:
    found = bytearray()
    while len(found) < length and (part := pipe.read(min(length - len(found), 1 << 20))):
        found += part
    return bytes(found)
