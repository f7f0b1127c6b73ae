"""The API key pair, wrapped so that it shows nowhere."""

import base64
import binascii
from typing import NoReturn

from krakked_tui.domain.secret import MASK, Secret
from krakked_tui.kraken import signing
from krakked_tui.kraken.errors import AuthError


class ApiKey:
    """A key and its secret. Prints, logs and formats as its fingerprint; refuses to be pickled."""

    __slots__ = ("_otp", "_public", "_secret")

    def __init__(self, public: str, secret: str, otp: str = "") -> None:
        """Take the two texts as Kraken shows them; ``otp`` is the password of a key that demands one.

        Raises ``AuthError``, without repeating either, when they cannot be a key pair.
        """
        self._public = public
        self._secret = _decoded(secret)
        self._otp = otp
        usable = public.isascii() and public.isprintable() and bool(public) and bool(self._secret)
        # A traceback that prints local variables must not show them.
        del public, secret, otp
        if not usable:
            raise AuthError("This is not a Kraken API key pair; copy key and secret again from Kraken.")

    @property
    def public(self) -> str:
        """The value of the ``API-Key`` header. Not as secret as the secret, but never shown either."""
        return self._public

    @property
    def otp(self) -> str:
        """What goes into the ``otp`` field of every request; empty for most keys."""
        return self._otp

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that tell keys apart and reveal nothing."""
        return Secret(self._public).fingerprint

    def sign(self, path: str, nonce: str, body: bytes) -> str:
        """Return the value of the ``API-Sign`` header for exactly this body."""
        return signing.signature(self._secret, path, nonce, body)

    def masked(self, answer: bytes) -> bytes:
        """Return an answer of the exchange without the key pair, should it repeat a part of that.

        What the exchange says goes into errors, the log and the database.
        """
        for part in (self._public.encode(), base64.b64encode(self._secret)):
            # A slash may come as JSON escapes it.
            for spelled in {part, part.replace(b"/", b"\\/")}:
                answer = answer.replace(spelled, MASK.encode()) if spelled in answer else answer
        return answer

    def __repr__(self) -> str:
        return f"ApiKey(fingerprint={self.fingerprint})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("An API key is not pickled or copied.")


def _decoded(secret: str) -> bytes:
    try:
        return base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return b""
