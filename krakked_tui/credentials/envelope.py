"""The sealed form of the secrets: a JSON envelope around what scrypt and AES-256-GCM made of them.

``{"header":{...},"ciphertext":"..."}`` and a newline. The header is clear but authenticated: its bytes
are the associated data of the cipher. There is exactly one way to write an envelope down, and only
that opens, so every byte of the file is either authenticated or fixed.
"""

import os
from collections.abc import Callable
from typing import Literal

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from krakked_tui.credentials.calibration import SALT_BYTES, ScryptCost, derive_key, not_enough_memory
from krakked_tui.domain.errors import CredentialsError, SecretsFileError
from krakked_tui.domain.secret import Secret

MAX_BYTES = 256 * 1024
"""A longer envelope is neither written nor read."""
_NONCE_BYTES = 12
_TAG_BYTES = 16

RandomBytes = Callable[[int], bytes]


class _Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What is clear in version 1. Fields are written in this order."""

    format: Literal["krakked-secrets"] = "krakked-secrets"
    version: Literal[1]
    kdf: Literal["scrypt"] = "scrypt"
    n: int
    r: int
    p: int
    salt: bytes
    cipher: Literal["aes-256-gcm"] = "aes-256-gcm"
    nonce: bytes
    keyring: bool

    @property
    def cost(self) -> ScryptCost:
        return ScryptCost(n=self.n, r=self.r, p=self.p)


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    header: _Header
    ciphertext: bytes


_DECODER = msgspec.json.Decoder(_Envelope)


def seal(
    plain: Secret, password: Secret, cost: ScryptCost, *, keyring: bool, random: RandomBytes = os.urandom
) -> bytes:
    """Return the envelope that ``password`` opens; salt and nonce are new every time.

    ``keyring`` is noted in the clear: whether the operating system keeps the password.
    ``cost`` must be bearable. Raises ``CredentialsError`` when there is too much to seal, or not
    enough memory.
    """
    assert cost.bearable
    header = _Header(
        version=1,
        n=cost.n,
        r=cost.r,
        p=cost.p,
        salt=random(SALT_BYTES),
        nonce=random(_NONCE_BYTES),
        keyring=keyring,
    )
    cipher = _cipher(password, header)
    sealed = cipher.encrypt(header.nonce, plain.reveal().encode(), msgspec.json.encode(header))
    content = _written(_Envelope(header, sealed))
    if len(content) > MAX_BYTES:
        raise CredentialsError(
            f"the secrets would take {len(content)} bytes, and at most {MAX_BYTES} are allowed: "
            "remove alert URLs or API tokens"
        )
    return content


def unseal(content: bytes, password: Secret) -> Secret:
    """Return what was sealed.

    Raises ``SecretsFileError`` for everything else than the envelope and its password, and
    ``CredentialsError`` when there is not enough memory to know.
    """
    envelope = _read(content)
    if envelope is None:
        raise SecretsFileError
    plain = _opened(envelope, password)
    if plain is None:
        raise SecretsFileError
    return plain


def keyring_opted_in(content: bytes) -> bool:
    """Return the clear note of an envelope, unproven until it is opened; False when there is none."""
    envelope = _read(content)
    return envelope is not None and envelope.header.keyring


def cost_of(content: bytes) -> ScryptCost | None:
    """Return what opening an envelope costs; None when it is none."""
    envelope = _read(content)
    return None if envelope is None else envelope.header.cost


def _written(envelope: _Envelope) -> bytes:
    return msgspec.json.encode(envelope) + b"\n"


def _read(content: bytes) -> _Envelope | None:
    """Parse without deriving anything; None for what ``seal`` cannot have written."""
    if len(content) > MAX_BYTES:
        return None
    try:
        envelope = _DECODER.decode(content)
    except (ValueError, RecursionError):
        return None
    header = envelope.header
    fits = len(header.salt) == SALT_BYTES and len(header.nonce) == _NONCE_BYTES
    whole = fits and len(envelope.ciphertext) >= _TAG_BYTES and header.cost.bearable
    return envelope if whole and _written(envelope) == content else None


def _opened(envelope: _Envelope, password: Secret) -> Secret | None:
    header = envelope.header
    cipher = _cipher(password, header)
    try:
        # Never in a variable: a traceback prints those.
        return Secret(cipher.decrypt(header.nonce, envelope.ciphertext, msgspec.json.encode(header)).decode())
    except (InvalidTag, UnicodeDecodeError):
        return None


def _cipher(password: Secret, header: _Header) -> AESGCM:
    try:
        return AESGCM(derive_key(password, header.salt, header.cost))
    except MemoryError:
        raise not_enough_memory(header.cost) from None
