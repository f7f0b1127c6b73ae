"""A secret shows nowhere."""

import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from io import StringIO

import msgspec
import pytest
import structlog

from krakked_tui.domain.secret import MASK, Secret

PLAIN = "hunter2-hunter2"
SECRET = Secret(PLAIN)


@dataclass
class Holder:
    inner: Secret


class FrozenHolder(msgspec.Struct, frozen=True):
    inner: Secret


SHOWN: tuple[Callable[[Secret], str], ...] = (
    str,
    repr,
    ascii,
    format,
    "{}".format,
    "{!r:>20}".format,
    lambda secret: f"{secret} {secret!s} {secret!r} {secret:>12}",
    lambda secret: "%s %r" % (secret, secret),  # noqa: UP031 - it is what is tested
    lambda secret: repr([secret, {"a": secret}, (secret,)]),
    lambda secret: repr(Holder(secret)),
    lambda secret: repr(FrozenHolder(secret)),
    lambda secret: pprint.pformat(Holder(secret)),
    lambda secret: repr(dataclasses.asdict(Holder(secret))),
    lambda secret: repr(msgspec.structs.asdict(FrozenHolder(secret))),
    lambda secret: repr(msgspec.to_builtins(FrozenHolder(secret), enc_hook=str)),
    lambda secret: json.dumps({"a": secret}, default=str),
    lambda secret: repr(ValueError(secret)),
)


@pytest.mark.parametrize("shown", SHOWN, ids=map(str, range(len(SHOWN))))
def test_no_way_to_print_it_shows_it(shown: Callable[[Secret], str]) -> None:
    text = shown(SECRET)
    assert MASK in text
    assert PLAIN not in text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_refuses_to_be_pickled(protocol: int) -> None:
    for holder in (SECRET, Holder(SECRET), [SECRET]):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(holder, protocol)


def test_it_gives_no_state_to_serialisers() -> None:
    with pytest.raises(TypeError, match="not pickled"):
        SECRET.__getstate__()
    assert not hasattr(SECRET, "__dict__")
    for encode in (msgspec.to_builtins, msgspec.json.encode, msgspec.msgpack.encode, json.dumps):
        with pytest.raises(TypeError) as refused:
            encode(SECRET)
        assert PLAIN not in str(refused.value)


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda secret: copy.deepcopy([secret])[0]],
    ids=["copy", "deepcopy", "nested"],
)
def test_copies_are_no_second_place_where_it_lies(copied: Callable[[Secret], Secret]) -> None:
    assert copied(SECRET) is SECRET


def test_logging_shows_the_mask() -> None:
    output = StringIO()
    logger = logging.Logger("a")  # noqa: LOG001 - one that nobody else gets
    logger.addHandler(logging.StreamHandler(output))
    logger.error("%s %r", SECRET, {"password": SECRET})
    assert MASK in output.getvalue()
    assert PLAIN not in output.getvalue()


@pytest.mark.parametrize(
    "renderer",
    [
        structlog.processors.JSONRenderer(),
        structlog.processors.JSONRenderer(default=str),
        structlog.processors.KeyValueRenderer(),
        structlog.dev.ConsoleRenderer(colors=False),
    ],
    ids=["json", "json of str", "key and value", "console"],
)
def test_structlog_shows_the_mask(renderer: structlog.typing.Processor) -> None:
    logger = structlog.wrap_logger(structlog.testing.CapturingLogger(), processors=[renderer])
    logger.error("event", password=SECRET, nested={"a": [SECRET]})
    (call,) = logger._logger.calls
    assert MASK in repr(call)
    assert PLAIN not in repr(call)


def test_a_traceback_with_local_variables_shows_the_mask() -> None:
    def fails(password: Secret) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no") as caught:
        fails(SECRET)
    told = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert f"password = {MASK}" in told
    assert PLAIN not in told


def test_it_is_used_by_revealing_and_compared_as_text() -> None:
    assert SECRET.reveal() == PLAIN
    assert Secret(PLAIN) == SECRET
    assert Secret("other") != SECRET
    assert SECRET != PLAIN
    assert not Secret("")
    assert Secret("\udcff\u00e9") == Secret("\udcff\u00e9")
    with pytest.raises(TypeError, match="unhashable"):
        hash(SECRET)
