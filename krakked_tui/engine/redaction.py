"""The last thing that happens to a line of text before anyone can read it: secrets become ``***``.

It works on rendered text, so it does not matter what produced it: a message, a field, an exception
with its notes, the source line in a traceback, another library's logger. Two things are masked:

- secrets it was told, in every spelling a program gives them: plain, percent-encoded, escaped as JSON
  or by ``repr`` (once more each time text is put into text), hexadecimal, base64 at any alignment;
- what the text itself calls a secret: ``API-Key`` and ``API-Sign`` values, ``token``, ``otp`` and
  ``password`` fields, ``Authorization`` headers, user and password in a URL, and everything behind the
  scheme of a URL of an alert service (its path is the password).

Time is linear in the length of the line, whatever is in it.
"""

import base64
import binascii
import json
import re
import threading
from collections import deque
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from krakked_tui.domain.secret import MASK, Secret

LENGTH_MIN = 8
"""Shorter secrets are not looked for: masking them would blank out the log. No password is shorter."""
PASSING_MAX = 32
"""Secrets that are replaced by others in time, such as tokens, that are remembered."""
_BYTES_MIN = 16
"""A decoded secret shorter than this may be there by chance."""

_PLAIN_SCHEMES = frozenset({"http", "https", "ws", "wss", "file", "unix"})
_VALUE = r"""(?:[^\s"'\\,;&)}\]]|\\/)+"""
_QUOTE = r"""(?:\\{0,7}["'])?"""
_BYTES = r"""(?:b(?=["'\\]))?"""
_QUOTED = "|".join(
    [
        # Inside text that is itself quoted the closing quote has a backslash, as the opening one has.
        *(rf"{quote_}(?:[^{quote_}\\\n]|\\.)*" for quote_ in "\"'"),
        *(rf"\\{{1,7}}{quote_}(?:[^{quote_}\\\n]|\\[^{quote_}])*" for quote_ in "\"'"),
    ]
)
_BETWEEN = rf"{_QUOTE}\s{{0,4}}[:=,]\s{{0,4}}{_BYTES}{_QUOTE}"
_HEADER = re.compile(rf"(api[-_](?:key|sign|secret){_BETWEEN}){_VALUE}", re.IGNORECASE | re.ASCII)
_AUTHORIZATION = re.compile(
    rf"(authorization{_BETWEEN}(?:(?:basic|bearer)\s{{1,4}})?){_VALUE}", re.IGNORECASE | re.ASCII
)
_FIELD = re.compile(
    rf"((?:token|otp|password|passphrase|secret)(?P<quote>{_QUOTE})"
    rf"""(?:=|(?<=["'])\s{{0,4}}(?P<colon>:)|(?<=["'])\s{{0,4}},)\s{{0,4}}{_BYTES})"""
    rf"(?P<value>{_QUOTED}|{_VALUE})",
    re.IGNORECASE | re.ASCII,
)
_OPENING = re.compile(_QUOTE)
_URL = re.compile(r"""\b([a-z][a-z0-9+.\-]{0,30})(://)([^\s"'<>\\]+)""", re.IGNORECASE | re.ASCII)


class Redactor:
    """Masks secrets in text. Safe to use from several threads; ``clean`` takes no lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[Secret] = []
        self._passing: deque[Secret] = deque(maxlen=PASSING_MAX)
        # Wrapped one by one: whatever prints a container would show plain ones.
        self._spellings: tuple[Secret, ...] = ()

    def protect(self, secret: Secret, *, passing: bool = False) -> None:
        """Mask a secret from now on; one of less than ``LENGTH_MIN`` characters is left alone.

        ``passing`` says that it will be replaced by another one before long: only the last
        ``PASSING_MAX`` of those are remembered, the others for ever. Doing it twice changes nothing.
        """
        with self._lock:
            told = self._passing if passing else self._kept
            if secret in told or len(secret.reveal()) < LENGTH_MIN:
                return
            told.append(secret)
            known = {
                spelling for each in (*self._kept, *self._passing) for spelling in _spellings(each.reveal())
            }
            # The longest first: a spelling may be part of another.
            longest_first = sorted(known, key=lambda spelling: (-len(spelling), spelling))
            self._spellings = tuple(map(Secret, longest_first))

    def clean(self, line: str) -> str:
        """Return text without the secrets; cleaning it again changes nothing."""
        line = str.__str__(line)  # a subclass may lie about what it holds
        for wrapped in self._spellings:
            spelling = wrapped.reveal()
            if spelling in line:
                line = line.replace(spelling, MASK)
        line = _HEADER.sub(rf"\g<1>{MASK}", line)
        line = _AUTHORIZATION.sub(rf"\g<1>{MASK}", line)
        line = _FIELD.sub(_masked_field, line)
        return _URL.sub(_masked_url, line) if "://" in line else line

    def __repr__(self) -> str:
        return f"Redactor({len(self._spellings)} spellings)"


def _masked_field(match: re.Match[str]) -> str:
    opening = _OPENING.match(match["value"])
    quoted = opening.group() if opening else ""
    # A bare value of JSON, such as a number: text in its place keeps the line readable for programs.
    added = match["quote"] if match["colon"] and not quoted else ""
    return f"{match[1]}{quoted}{added}{MASK}{added}"


def _masked_url(match: re.Match[str]) -> str:
    scheme, separator, rest = match.groups()
    if scheme.lower() not in _PLAIN_SCHEMES:
        return f"{scheme}{separator}{MASK}"
    authority, slash, path = rest.partition("/")
    if "@" in authority:
        authority = f"{MASK}@{authority.rpartition('@')[2]}"
    return f"{scheme}{separator}{authority}{slash}{path}"


def _spellings(text: str) -> frozenset[str]:
    """Return every way in which a secret may be written."""
    found: set[str] = set()
    for part in (text, *_parts(text)):
        if len(part) >= LENGTH_MIN:
            found |= _of_bytes(part.encode("utf-8", "surrogatepass"))
            found |= {part, quote(part, safe="", errors="replace"), quote_plus(part, errors="replace")}
            found |= {quote(part, errors="replace"), _repr(part)}
    decoded = _decoded(text)
    if len(decoded) >= _BYTES_MIN:
        found |= _of_bytes(decoded)
    found |= {_lower_percent(spelling) for spelling in found}
    # Text in text: a log line is JSON, and what it quotes may have been JSON or a repr before.
    for _ in range(2):
        found |= {escaped for spelling in found for escaped in _as_json(spelling)}
    return frozenset(spelling for spelling in found if len(spelling) >= LENGTH_MIN)


def _of_bytes(raw: bytes) -> set[str]:
    spellings = {raw.hex(), raw.hex().upper(), repr(raw)[2:-1]}
    for alignment in range(3):
        padded = b"\0" * alignment + raw
        # The characters at either end depend on the neighbours too.
        first, end = (0, 2, 3)[alignment], len(padded) * 8 // 6
        whole = base64.b64encode(padded).decode()[first:end]
        spellings |= {whole, whole.replace("+", "-").replace("/", "_")}
    return spellings


def _parts(text: str) -> Iterable[str]:
    """Return what is secret in a URL by itself: clients show path and query apart from the host."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        return
    authority, _, path = rest.partition("/")
    user, at, _host = authority.rpartition("@")
    if at or scheme.lower() in _PLAIN_SCHEMES:
        authority = user  # a host's name is no secret; an alert service's token may stand in its place
    rest = f"{authority}/{path}"
    yield from re.split(r"[/:@?&=]", rest)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _repr(text: str) -> str:
    return repr(text)[1:-1]


def _as_json(text: str) -> tuple[str, ...]:
    plain = json.dumps(text)[1:-1]
    readable = json.dumps(text, ensure_ascii=False)[1:-1]
    return plain, readable, plain.replace("/", "\\/")


def _lower_percent(text: str) -> str:
    return re.sub(r"%[0-9A-F]{2}", lambda match: match.group().lower(), text)
