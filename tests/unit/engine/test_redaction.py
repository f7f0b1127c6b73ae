"""No secret in any line, wherever it stands and however it is written."""

import base64
import json
import os
import re
import time
import traceback
from collections.abc import Callable
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.secret import Secret
from krakked_tui.engine.redaction import LENGTH_MIN, PASSING_MAX, Redactor

KEY = base64.b64encode(os.urandom(64)).decode()
PASSWORD = "it's \"no\\body's\" päss/wörd +1"
TEXTS = [pytest.param(KEY, id="key"), pytest.param(PASSWORD, id="password")]


class Shy(str):
    """A text that shows something else than it holds."""

    __slots__ = ()

    def __str__(self) -> str:
        return "nothing"

    def __contains__(self, part: object) -> bool:
        return False

    def replace(self, *_arguments: object) -> str:
        return str.__str__(self)


def _traceback(text: str) -> str:
    error = ValueError(f"refused {text}")
    error.add_note(f"it was {text!r}")
    try:
        raise error
    except ValueError:
        return traceback.format_exc()


def _source_line(text: str) -> str:
    """A traceback whose source line holds the secret."""
    try:
        exec(compile(f"raise ValueError({text!r})", "<secret>", "exec"))
    except ValueError as error:
        frame = traceback.FrameSummary("client.py", 7, "connect", line=f"connect({text!r})")
        return "".join(traceback.StackSummary.from_list([frame]).format()) + repr(error)
    raise AssertionError


POSITIONS: dict[str, Callable[[str], str]] = {
    "message": lambda text: f"sent{text}off",
    "field name": lambda text: json.dumps({text: 1}),
    "field value": lambda text: json.dumps({"x": text}),
    "readable JSON": lambda text: json.dumps({"x": text}, ensure_ascii=False),
    "JSON with escaped slashes": lambda text: json.dumps({"x": text}).replace("/", "\\/"),
    "nested JSON": lambda text: json.dumps({"a": [{"b": json.dumps({"c": text})}]}),
    "repr": lambda text: f"connect({text!r})",
    "repr in JSON": lambda text: json.dumps({"x": repr(text)}),
    "bytes": lambda text: repr(text.encode()),
    "bytes in JSON": lambda text: json.dumps({"x": repr(text.encode())}),
    "exception with notes": _traceback,
    "traceback in JSON": lambda text: json.dumps({"exception": _traceback(text)}),
    "source line": _source_line,
    "percent-encoded": lambda text: quote(text, safe=""),
    "percent-encoded path": quote,
    "percent-encoded in small letters": lambda text: re.sub(
        "%..", lambda found: found.group().lower(), quote(text, safe="")
    ),
    "form": lambda text: urlencode({"nonce": 1, "x": text}),
    "form, twice": quote_plus,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a pair": lambda text: base64.b64encode(f"u:{text}".encode()).decode(),
    "base64 of a pair, shifted": lambda text: base64.b64encode(f"us:{text}!".encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "HEX": lambda text: text.encode().hex().upper(),
    "subclass": lambda text: Shy(f"x{text}"),
}


def _pieces(text: str) -> list[str]:
    """Return what must not be seen: long pieces of every spelling, so that half a secret counts too."""
    spellings = [
        text, quote(text, safe=""), quote_plus(text), json.dumps(text)[1:-1], repr(text)[1:-1],
        repr(text.encode())[2:-1], text.encode().hex(),
        *(base64.b64encode(b"\0" * shift + text.encode()).decode()[4:-4] for shift in range(3)),
    ]  # fmt: skip
    return [piece for spelling in spellings for piece in (spelling[:14], spelling[8:22], spelling[-14:])]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("position", POSITIONS)
def test_a_secret_shows_nowhere(position: str, text: str) -> None:
    redactor = Redactor()
    redactor.protect(Secret(text))
    line = POSITIONS[position](text)
    cleaned = redactor.clean(line)
    assert "***" in cleaned
    assert [piece for piece in _pieces(text) if piece in cleaned] == []
    assert redactor.clean(cleaned) == cleaned


@pytest.mark.parametrize("spelling", [bytes.hex, repr])
def test_what_a_key_decodes_to_is_as_secret(spelling: Callable[[bytes], str]) -> None:
    redactor = Redactor()
    redactor.protect(Secret(KEY))
    assert redactor.clean(f"signing with {spelling(base64.b64decode(KEY))} now").count("***") == 1


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        (
            "https://hooks.example.org/services/T00000000/B1111111/abcdefgh12345",
            "/services/T00000000/B1111111",
        ),
        ("tgram://123456789:abcdefGHIJK/42", "POST /bot123456789:abcdefGHIJK/send"),
        ("mailtos://me:geheim-geheim@example.org", "login with geheim-geheim"),
    ],
)
def test_parts_of_an_alert_url_are_masked_by_themselves(url: str, seen: str) -> None:
    redactor = Redactor()
    redactor.protect(Secret(url))
    cleaned = redactor.clean(seen)
    for part in ("T00000000", "B1111111", "123456789", "abcdefGHIJK", "geheim-geheim"):
        assert part not in cleaned
    assert redactor.clean("hooks.example.org is down") == "hooks.example.org is down"


@pytest.mark.parametrize(
    ("line", "cleaned"),
    [
        ("API-Key: abc/+=\r\nAPI-Sign: def==", "API-Key: ***\r\nAPI-Sign: ***"),
        ("{'api-key': 'abc', 'x': 'y'}", "{'api-key': '***', 'x': 'y'}"),
        ("[(b'API-Key', b'abc'), (b'Host', b'h')]", "[(b'API-Key', b'***'), (b'Host', b'h')]"),
        ("GET /x?token=abc&n=1", "GET /x?token=***&n=1"),
        ("nonce=123&otp=456", "nonce=123&otp=***"),
        ('{"token":"abc","nonce":1}', '{"token":"***","nonce":1}'),
        ('{"token": "a\\/b \\" c", "x": 1}', '{"token": "***", "x": 1}'),
        ('{"otp": 123456, "x": 1}', '{"otp": "***", "x": 1}'),
        ('{"m": "{\\"token\\": \\"abc\\", \\"x\\": 1}"}', '{"m": "{\\"token\\": \\"***\\", \\"x\\": 1}"}'),
        ("WebSocketsToken(token='abc', expires=900)", "WebSocketsToken(token='***', expires=900)"),
        ("Authorization: Bearer abc", "Authorization: Bearer ***"),
        ("post to https://me:abc@host/x", "post to https://***@host/x"),
        ("tgram://abc/42 failed", "tgram://*** failed"),
    ],
)
def test_what_calls_itself_a_secret_is_masked_without_being_told(line: str, cleaned: str) -> None:
    assert Redactor().clean(line) == cleaned
    assert Redactor().clean(cleaned) == cleaned


@pytest.mark.parametrize(
    "line",
    [
        "the token was refused: it is too old",
        "Wrong password or corrupted secrets file",
        "https://api.kraken.com/0/public/Time?a=b@c",
        '{"nonce": 1616492376594, "api_key_name": "trading", "tokens": 3}',
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert Redactor().clean(line) == line


def test_a_short_secret_is_left_alone_lest_it_blank_out_the_log() -> None:
    redactor = Redactor()
    redactor.protect(Secret("1" * (LENGTH_MIN - 1)))
    assert redactor.clean("order 1111111 of 11111111") == "order 1111111 of 11111111"
    redactor.protect(Secret("1" * LENGTH_MIN))
    assert redactor.clean("order 1111111 of 11111111") == "order 1111111 of ***"


def test_passing_secrets_do_not_pile_up_and_lasting_ones_are_never_forgotten() -> None:
    redactor = Redactor()
    redactor.protect(Secret(KEY))
    redactor.protect(Secret(PASSWORD))
    for number in range(PASSING_MAX + 1):
        redactor.protect(Secret(f"passing-token-{number:04}"), passing=True)
        redactor.protect(Secret(f"passing-token-{number:04}"), passing=True)
    assert redactor.clean("passing-token-0000") == "passing-token-0000"
    assert redactor.clean(f"passing-token-0001 {KEY} {PASSWORD}") == "*** *** ***"


def test_it_shows_none_of_what_it_knows() -> None:
    redactor = Redactor()
    redactor.protect(Secret(KEY))
    assert repr(redactor).startswith("Redactor(")
    assert KEY not in repr(redactor)


_TRICKY = st.sampled_from(
    [
        "token",
        "otp",
        "API-Key",
        "authorization",
        "://",
        "a://",
        "\\",
        '"',
        "'",
        ":",
        "=",
        ",",
        "b",
        " ",
        "@",
        "/",
    ]
)


@given(st.lists(_TRICKY | st.text(max_size=5), max_size=40).map("".join))
def test_cleaning_twice_is_cleaning_once(line: str) -> None:
    once = Redactor().clean(line)
    assert Redactor().clean(once) == once


@given(st.text(min_size=LENGTH_MIN, max_size=60), st.text(max_size=20), st.text(max_size=20))
def test_any_secret_is_gone_from_any_log_line(text: str, before: str, after: str) -> None:
    redactor = Redactor()
    redactor.protect(Secret(text))
    assert text not in redactor.clean(before + text + after)
    rendered = json.dumps({"event": before + text + after})
    assert json.dumps(text)[1:-1] not in redactor.clean(rendered)


@pytest.mark.parametrize(
    "part",
    [
        "a",
        "\\",
        " ",
        "a.",
        "a://",
        'token"',
        "token=",
        "api_key:",
        'token="\\',
        "authorization: ",
        "x://" + "a" * 500,
    ],
)
def test_a_long_line_takes_no_longer_than_its_length(part: str) -> None:
    redactor = Redactor()
    redactor.protect(Secret(KEY))
    line = part * (1_000_000 // len(part))
    began = time.process_time()
    redactor.clean(line)
    assert time.process_time() - began < 2.0, "anything worse than linear takes minutes"
