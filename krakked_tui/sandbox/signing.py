"""Who may call the private endpoints: API key, signature, nonce, WebSocket tokens."""

import hashlib
import hmac
import re
import secrets
import time
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable

from krakked_tui.domain.errors import UsageError
from krakked_tui.sandbox.faults import (
    INVALID_KEY,
    INVALID_NONCE,
    INVALID_SESSION,
    INVALID_SIGNATURE,
    ApiError,
)

TOKEN_SECONDS = 900
_TOKENS_MAX = 1000
_NONCE = re.compile("[0-9]{1,20}")
_NONCE_BITS = 64


def make_key() -> str:
    """Make up an API key as long as Kraken's."""
    return b64encode(secrets.token_bytes(42)).decode()


def make_secret() -> str:
    """Make up an API secret as long as Kraken's."""
    return b64encode(secrets.token_bytes(64)).decode()


def sign(secret: bytes, path: str, nonce: str, body: bytes) -> str:
    """Return Kraken's ``API-Sign``: HMAC-SHA512 over path and SHA256 of nonce and body, in base64."""
    digest = hashlib.sha256(nonce.encode() + body).digest()
    return b64encode(hmac.digest(secret, path.encode() + digest, "sha512")).decode()


class Gatekeeper:
    """Checks keys, signatures and nonces, and issues WebSocket tokens (valid in wall time)."""

    def __init__(
        self,
        api_key: str,
        api_secret: str,
        *,
        last_nonce: int = -1,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        try:
            self._secret = b64decode(api_secret, validate=True)
        except Base64Error as error:
            raise UsageError(
                "--api-secret is not base64: give the secret of a key pair as Kraken prints it."
            ) from error
        self.api_key = api_key
        self.api_secret = api_secret
        self.last_nonce = last_nonce
        self._monotonic = monotonic
        self._tokens: dict[str, float] = {}

    def check(self, path: str, key: str, signature: str, nonce: str | None, body: bytes) -> None:
        """Let a private call pass, or raise. The nonce is used up only by a rightly signed call."""
        if not hmac.compare_digest(key.encode(), self.api_key.encode()):
            raise ApiError(INVALID_KEY)
        if nonce is None or not _NONCE.fullmatch(nonce):
            raise ApiError(INVALID_NONCE)
        if not hmac.compare_digest(signature.encode(), sign(self._secret, path, nonce, body).encode()):
            raise ApiError(INVALID_SIGNATURE)
        number = int(nonce)
        if not self.last_nonce < number < 1 << _NONCE_BITS:
            raise ApiError(INVALID_NONCE)
        self.last_nonce = number

    def issue_token(self) -> str:
        """Make a WebSocket token to be used within ``TOKEN_SECONDS``; the oldest of too many is dropped."""
        now = self._monotonic()
        self._tokens = {token: until for token, until in self._tokens.items() if until > now}
        if len(self._tokens) >= _TOKENS_MAX:
            del self._tokens[next(iter(self._tokens))]
        token = secrets.token_urlsafe(32)
        self._tokens[token] = now + TOKEN_SECONDS
        return token

    def check_token(self, token: str) -> None:
        """Let a WebSocket request pass, or raise."""
        if self._tokens.get(token, 0.0) <= self._monotonic():
            raise ApiError(INVALID_SESSION)
