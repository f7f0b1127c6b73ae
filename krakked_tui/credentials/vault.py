"""What is kept secret, and its JSON form inside the envelope."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from krakked_tui.domain.access import KeyAudit
from krakked_tui.domain.errors import CredentialsError
from krakked_tui.domain.secret import Secret

_FORMAT = 1
"""Raised when older versions must not read on: they refuse a higher one."""


class Vault(msgspec.Struct, frozen=True, kw_only=True):
    """Everything secret, and what is known of the key. Key and secret are both there or neither is.

    ``validated_at`` is when the exchange last accepted the key (UTC, exchange time); ``audit`` what it
    may do; ``exchange`` the host (with its port, if one was named) that said both, empty when that was
    not recorded. ``alert_urls`` contain tokens of their services; ``api_tokens`` let programs in to ours.
    """

    api_key: Secret | None = None
    api_secret: Secret | None = None
    validated_at: datetime | None = None
    audit: KeyAudit | None = None
    exchange: str = ""
    alert_urls: tuple[Secret, ...] = ()
    api_tokens: tuple[Secret, ...] = ()
    beyond: Secret = Secret("{}")
    """A JSON object of what a newer version wrote beside these; kept when the vault is saved again."""

    def __post_init__(self) -> None:
        if bool(self.api_key) != bool(self.api_secret):
            raise ValueError("An API key and its secret belong together.")

    @property
    def unvalidated(self) -> bool:
        """Whether there is a key that no exchange has accepted yet."""
        return bool(self.api_key) and self.validated_at is None

    def of_another(self, exchange: str) -> bool:
        """Whether what is known of the key was said by another host than ``exchange``."""
        return bool(exchange and self.exchange) and exchange != self.exchange

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that tell keys apart and reveal nothing; empty without a key."""
        return self.api_key.fingerprint if self.api_key else ""


class _Contents(msgspec.Struct, frozen=True, kw_only=True):
    """The JSON form. Never let it out of a function: it holds plain text."""

    format: int
    api_key: str | None = None
    api_secret: str | None = None
    validated_at: datetime | None = None
    audit: msgspec.Raw = msgspec.Raw(b"null")
    exchange: str = ""
    alert_urls: tuple[str, ...] = ()
    api_tokens: tuple[str, ...] = ()


def encode_vault(vault: Vault) -> Secret:
    """Return the JSON form. Raises ``CredentialsError`` for text that no JSON can hold."""
    encoded = _encoded(vault)
    if encoded is None:
        raise CredentialsError(
            "the key, the secret, an alert URL or an API token contains characters that are no text:"
            " copy it again"
        )
    return encoded


def decode_vault(plain: Secret) -> Vault:
    """Return what ``encode_vault`` of this or of another version wrote.

    Raises ``CredentialsError`` for contents that only a newer version understands.
    """
    vault = _decoded(plain)
    if vault is None:
        raise CredentialsError(
            "the secrets file opens, but this version of Krakked does not understand what is in it:"
            " update Krakked, or move the file away and run: krakked-tui setup"
        )
    return vault


# In the functions below plain text is in variables, which tracebacks may print: they raise nothing.


def _encoded(vault: Vault) -> Secret | None:
    members: dict[str, Any] = {
        "format": _FORMAT,
        "api_key": _text(vault.api_key),
        "api_secret": _text(vault.api_secret),
        "validated_at": vault.validated_at,
        "audit": vault.audit,
        "exchange": vault.exchange,
        "alert_urls": [url.reveal() for url in vault.alert_urls],
        "api_tokens": [token.reveal() for token in vault.api_tokens],
    }
    try:
        beyond = msgspec.json.decode(vault.beyond.reveal(), type=dict[str, msgspec.Raw])
        return Secret(msgspec.json.encode({**beyond, **members}).decode())
    except ValueError:
        return None


def _text(secret: Secret | None) -> str | None:
    return secret.reveal() if secret else None


def _decoded(plain: Secret) -> Vault | None:
    try:
        contents = msgspec.json.decode(plain.reveal(), type=_Contents)
        members = msgspec.json.decode(plain.reveal(), type=dict[str, msgspec.Raw])
        beyond = {name: raw for name, raw in members.items() if name not in _Contents.__struct_fields__}
        return (
            Vault(
                api_key=_secret(contents.api_key),
                api_secret=_secret(contents.api_secret),
                validated_at=contents.validated_at,
                audit=_audit(contents.audit),
                exchange=contents.exchange,
                alert_urls=tuple(map(Secret, contents.alert_urls)),
                api_tokens=tuple(map(Secret, contents.api_tokens)),
                beyond=_beyond(beyond),
            )
            if contents.format == _FORMAT
            else None
        )
    except (ValueError, RecursionError):
        return None


def _secret(text: str | None) -> Secret | None:
    return Secret(text) if text else None


def _audit(raw: msgspec.Raw) -> KeyAudit | None:
    """Return the audit; one in words of a newer version is as good as none, it can be made again."""
    try:
        return msgspec.json.decode(raw, type=KeyAudit | None)
    except ValueError:
        return None


def _beyond(members: Mapping[str, msgspec.Raw]) -> Secret:
    return Secret(msgspec.json.encode(members).decode())
