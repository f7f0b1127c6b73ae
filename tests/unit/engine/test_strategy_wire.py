"""Messages arrive as they were sent, and nothing larger than it may be is read."""

import io
from decimal import Decimal

import msgspec
import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.strategy_evaluation import Evaluated
from krakked_tui.engine.strategy_wire import (
    Reply,
    Request,
    decode_reply,
    decode_request,
    encode,
    pack,
    receive,
    send,
    unpack,
)
from tests.unit.engine.strategy_builders import make_context, own


class Dribble(io.RawIOBase):
    """Takes and gives a few bytes at a time, as a pipe may."""

    def __init__(self, content: bytes = b"") -> None:
        self.content = bytearray(content)

    def write(self, data: object) -> int:
        part = bytes(data)[:3]  # type: ignore[call-overload]
        self.content += part
        return len(part)

    def read(self, size: int = -1) -> bytes:
        part = bytes(self.content[: min(size, 3)])
        del self.content[: len(part)]
        return part


def test_a_request_arrives_as_it_was_sent() -> None:
    context = msgspec.structs.replace(
        make_context(), held={"XBTUSD": Timeframe.H4}, worth_usd={"XBTUSD": Decimal("12.30")}
    )
    loaded = own("mine", "return []")
    settings = msgspec.structs.replace(
        loaded.strategy.settings, params={"a": 1, "b": 0.1, "c": "x", "d": True}, weight=Decimal("0.70")
    )
    request = Request(loaded.origin, settings, (pack(context, 40),))
    back = decode_request(encode(request))
    assert back == request
    (arrived,) = (unpack(each) for each in back.contexts)
    assert arrived.frame.equals(make_context(40).frame)
    for name in ("now", "timeframe", "candle_time", "pairs", "held", "worth_usd"):
        assert getattr(arrived, name) == getattr(context, name)


def test_a_reply_arrives_as_it_was_sent() -> None:
    reply = Reply(Evaluated(notes=("a",), failure="b", traceback="c", seconds=1.5), resident=7)
    assert decode_reply(encode(reply)) == reply
    with pytest.raises(msgspec.MsgspecError):
        decode_reply(b"\x80garbage")


def test_messages_go_through_a_pipe_that_takes_little_at_a_time() -> None:
    pipe = Dribble()
    send(pipe, b"one message")  # type: ignore[arg-type]
    send(pipe, b"")  # type: ignore[arg-type]
    assert receive(pipe) == b"one message"  # type: ignore[arg-type]
    assert receive(pipe) == b""  # type: ignore[arg-type]
    assert receive(pipe) is None  # type: ignore[arg-type]


def test_a_message_that_is_cut_off_or_too_long_is_not_taken() -> None:
    whole = Dribble()
    send(whole, b"12345")  # type: ignore[arg-type]
    with pytest.raises(EOFError):
        receive(Dribble(bytes(whole.content[:-1])))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="5 bytes: allowed are 4"):
        receive(Dribble(bytes(whole.content)), 4)  # type: ignore[arg-type]
    assert receive(Dribble(bytes(whole.content)), 5) == b"12345"  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="allowed"):
        receive(Dribble(b"123"))  # type: ignore[arg-type]
