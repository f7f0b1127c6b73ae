"""Who may call the private endpoints: API key, signature, nonce, WebSocket tokens."""

import hashlib
import hmac
import re
import secrets
import time
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Final

import msgspec

from krakked_tui.sandbox.faults import (
    INVALID_KEY,
    INVALID_NONCE,
    INVALID_SESSION,
    INVALID_SIGNATURE,
    PERMISSION_DENIED,
    ApiError,
)
from krakked_tui.sandbox.keys import Key, KeyRing
from krakked_tui.sandbox.lockout import Lockout
from krakked_tui.sandbox.permissions import require_all

TOKEN_SECONDS: Final = 900
_TOKENS_MAX: Final = 1000
_TOKENS_PER_KEY: Final = 100
_NONCE: Final = re.compile("[0-9]{1,20}")
_NONCE_BITS: Final = 64


def sign(secret: bytes, path: str, nonce: str, body: bytes) -> str:
    """Return Kraken's ``API-Sign``: HMAC-SHA512 over path and SHA256 of nonce and body, in base64."""
    digest = hashlib.sha256(nonce.encode() + body).digest()
    return b64encode(hmac.digest(secret, path.encode() + digest, "sha512")).decode()


class Rules(msgspec.Struct, frozen=True):
    """What Kraken does not tell about nonces and tokens, and how long bans last.

    ``window_inclusive``: a nonce exactly one window below the highest passes. ``nonce_strikes``
    nonces in a row that were used or too low lock a key out for ``lockout_seconds`` of wall time.
    ``tokens_extend``: a token that was used in time stays good until its key or the sandbox ends.
    """

    window_inclusive: bool = True
    nonce_strikes: int = 20
    lockout_seconds: float = 900.0
    tokens_extend: bool = False


class _Token(msgspec.Struct):
    """``used`` counts the uses of all tokens: 0 for one that was never used."""

    key: Key
    until: float
    used: int = 0


class Gatekeeper:
    """Checks keys, signatures and nonces, and issues WebSocket tokens (valid in wall time).

    ``now`` is exchange time, which decides whether a key has expired.
    """

    def __init__(
        self,
        ring: KeyRing,
        now: Callable[[], datetime],
        *,
        rules: Rules | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.ring = ring
        self._now = now
        self._rules = rules or Rules()
        self._monotonic = monotonic
        self._tokens: dict[str, _Token] = {}
        self._uses = 0
        self.nonce_lockout = Lockout(self._rules.nonce_strikes, self._rules.lockout_seconds)

    @property
    def api_key(self) -> str:
        """The main key."""
        return self.ring.main.record.api_key

    @property
    def api_secret(self) -> str:
        """The main key's secret, base64."""
        return self.ring.main.record.api_secret

    def check(self, path: str, api_key: str, signature: str, nonce: str | None, body: bytes) -> Key:
        """Return the key of a rightly signed call, or raise; only such a call uses up its nonce."""
        key = self._valid(self.ring.find(api_key))
        name = key.record.api_key
        self.nonce_lockout.check(name, self._monotonic())
        if nonce is None or not _NONCE.fullmatch(nonce):
            raise ApiError(INVALID_NONCE)
        if not hmac.compare_digest(signature.encode(), sign(key.secret, path, nonce, body).encode()):
            raise ApiError(INVALID_SIGNATURE)
        if not self._fresh(key, int(nonce)):
            self.nonce_lockout.strike(name, self._monotonic())
            raise ApiError(INVALID_NONCE)
        self.nonce_lockout.forgive(name)
        self.ring.use_nonce(key, int(nonce))
        key.last_used = self._now()
        return key

    def check_otp(self, key: Key, otp: str | None) -> None:
        """Let a call pass that carries its key's second password, if it has one, or raise."""
        wanted = key.record.otp
        if wanted is not None and not hmac.compare_digest(wanted.encode(), (otp or "").encode()):
            raise ApiError(PERMISSION_DENIED)

    def issue_token(self, key: Key | None = None) -> str:
        """Make a WebSocket token of a key (the main one), to be used within ``TOKEN_SECONDS``.

        Of too many, of one key or in all, the oldest that nobody used is dropped, then the one not
        used for longest.
        """
        owner, now = key or self.ring.main, self._monotonic()
        self._tokens = {
            name: token
            for name, token in self._tokens.items()
            if token.until > now and self.admits(token.key)
        }
        self._drop_one_of(
            [name for name, token in self._tokens.items() if token.key is owner], _TOKENS_PER_KEY
        )
        self._drop_one_of(list(self._tokens), _TOKENS_MAX)
        token = secrets.token_urlsafe(32)
        self._tokens[token] = _Token(owner, now + TOKEN_SECONDS)
        return token

    def admits(self, key: Key) -> bool:
        """Say whether a key may be used now: it is neither disabled nor expired."""
        until = key.record.valid_until
        return not key.record.disabled and (until is None or self._now() < until)

    def check_token(self, token: str, *needs: str) -> Key:
        """Return the key of a WebSocket request if it has all these permissions, or raise."""
        known = self._tokens.get(token)
        if known is None or known.until <= self._monotonic() or not self.admits(known.key):
            raise ApiError(INVALID_SESSION)
        require_all(known.key.record.permissions, needs)
        self._uses += 1
        known.used = self._uses
        if self._rules.tokens_extend:
            known.until = float("inf")
        return known.key

    def token_key(self, token: object) -> Key | None:
        """Return whose token this is, or was."""
        known = self._tokens.get(token) if isinstance(token, str) else None
        return None if known is None else known.key

    def _valid(self, key: Key | None) -> Key:
        if key is None or not self.admits(key):
            raise ApiError(INVALID_KEY)
        return key

    def _drop_one_of(self, names: list[str], most: int) -> None:
        if len(names) >= most:
            # Of equals the first: they are in the order they were issued.
            del self._tokens[min(names, key=lambda name: self._tokens[name].used)]

    def _fresh(self, key: Key, nonce: int) -> bool:
        if nonce >= 1 << _NONCE_BITS:
            return False
        window = key.record.nonce_window
        if not window:
            return nonce > key.last_nonce
        lowest = key.last_nonce - window
        reached = nonce >= lowest if self._rules.window_inclusive else nonce > lowest
        return reached and nonce not in key.recent_nonces
