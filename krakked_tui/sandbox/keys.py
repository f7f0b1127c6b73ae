"""API keys: what each may do, until when, and how they are kept between two runs."""

import hashlib
import secrets
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from krakked_tui.domain.errors import UsageError
from krakked_tui.sandbox.permissions import TRADING_PERMISSIONS

KEYS_MAX: Final = 1000
_RECENT_NONCES: Final = 1000
_FACT: Final = "key "
_NONCE_FACT: Final = "nonce "

Remember = Callable[[str, str], None]
"""Keeps a named text for the next run."""


def make_key() -> str:
    """Make up an API key as long as Kraken's."""
    return b64encode(secrets.token_bytes(42)).decode()


def make_secret() -> str:
    """Make up an API secret as long as Kraken's."""
    return b64encode(secrets.token_bytes(64)).decode()


def fingerprint(api_key: str) -> str:
    """Return eight hex digits that tell keys apart and reveal nothing."""
    return hashlib.sha256(api_key.encode()).hexdigest()[:8]


class KeyRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One API key. ``nonce_window`` is in the unit of its nonces; instants are exchange time.

    ``otp`` is the key's second password, sent with every call, or None. ``ip_allowlist`` is shown
    and not enforced: everybody is on loopback. A disabled key is as good as unknown.
    """

    api_key: str
    api_secret: str
    name: str = "main"
    permissions: tuple[str, ...] = TRADING_PERMISSIONS
    nonce_window: int = 0
    valid_until: datetime | None = None
    otp: str | None = None
    ip_allowlist: tuple[str, ...] = ()
    created_at: datetime | None = None
    modified_at: datetime | None = None
    disabled: bool = False

    def __repr__(self) -> str:
        return f"KeyRecord(fingerprint={self.fingerprint}, name={self.name!r})"

    @property
    def fingerprint(self) -> str:
        """What stands for the key where it must not be shown."""
        return fingerprint(self.api_key)


class Key:
    """A key in use: its record, its decoded secret, and what it did."""

    def __init__(self, record: KeyRecord, last_nonce: int = -1) -> None:
        self.record = record
        self.secret = decode_secret(record.api_secret)
        self.last_nonce = last_nonce
        self.recent_nonces: dict[int, None] = {}
        """Used ones, oldest first: a nonce window is for late calls, not for the same call twice."""
        self.last_used: datetime | None = None

    def __repr__(self) -> str:
        return f"Key(fingerprint={self.record.fingerprint})"


class KeyRing:
    """All keys, the main one first. Every change is handed to ``remember``."""

    def __init__(self, main: KeyRecord, facts: Mapping[str, str], remember: Remember) -> None:
        self._remember = remember
        self._keys: dict[str, Key] = {}
        for record in (main, *_stored(facts)):
            last_nonce = int(facts.get(_NONCE_FACT + record.api_key, "-1"))
            self._keys.setdefault(record.api_key, Key(record, last_nonce))
        self.main = self._keys[main.api_key]
        if main != stored_record(main.api_key, facts):
            self._keep(main)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys.values())

    def find(self, api_key: str) -> Key | None:
        """Return a key that may still be used, whatever its expiry."""
        key = self._keys.get(api_key)
        return None if key is None or key.record.disabled else key

    def named(self, name: str) -> Key | None:
        """Return the key with this text or fingerprint, disabled or not."""
        return self._keys.get(name) or next((key for key in self if key.record.fingerprint == name), None)

    def add(self, record: KeyRecord) -> None:
        """Take in a new key; ``ValueError`` when there are too many or it is known already."""
        if len(self._keys) >= KEYS_MAX:
            raise ValueError(f"there are {KEYS_MAX} keys already")
        if record.api_key in self._keys:
            raise ValueError("this key exists already")
        self._keys[record.api_key] = Key(record)
        self._keep(record)

    def disable(self, key: Key, at: datetime) -> None:
        """Let nobody use a key any more."""
        key.record = msgspec.structs.replace(key.record, disabled=True, modified_at=at)
        self._keep(key.record)

    def use_nonce(self, key: Key, nonce: int) -> None:
        """Note what a key has used; the highest is kept for the next run."""
        if key.record.nonce_window:
            key.recent_nonces[nonce] = None
            if len(key.recent_nonces) > _RECENT_NONCES:
                del key.recent_nonces[next(iter(key.recent_nonces))]
        if nonce > key.last_nonce:
            key.last_nonce = nonce
            self._remember(_NONCE_FACT + key.record.api_key, str(nonce))

    def _keep(self, record: KeyRecord) -> None:
        self._remember(_FACT + record.api_key, msgspec.json.encode(record).decode())


def stored_record(api_key: str, facts: Mapping[str, str]) -> KeyRecord | None:
    """Return what an earlier run kept about a key."""
    kept = facts.get(_FACT + api_key)
    return None if kept is None else msgspec.json.decode(kept, type=KeyRecord)


def decode_secret(api_secret: str) -> bytes:
    """Return the bytes of a secret, or raise ``UsageError`` without repeating it."""
    try:
        return b64decode(api_secret, validate=True)
    except Base64Error as error:
        raise UsageError(
            "--api-secret is not base64: give the secret of a key pair as Kraken prints it."
        ) from error


def _stored(facts: Mapping[str, str]) -> Iterator[KeyRecord]:
    for name, value in facts.items():
        if name.startswith(_FACT):
            yield msgspec.json.decode(value, type=KeyRecord)
