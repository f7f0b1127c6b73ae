"""Asking the exchange once more about the stored key, and noting what it said."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import msgspec

from krakked_tui.bootstrap.configuration import Sources
from krakked_tui.bootstrap.key_checker import KeyChecker
from krakked_tui.bootstrap.unlock import Unlocking, password_sources, secrets_file
from krakked_tui.control.setup import KeyCheck, KeyVerdict
from krakked_tui.credentials.opening import open_vault
from krakked_tui.credentials.resolve import environment_credentials
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.errors import NoCredentialsError
from krakked_tui.domain.secret import Secret
from krakked_tui.kraken.settings import is_kraken


@dataclass(frozen=True, slots=True)
class StoredKey:
    """The opened secrets file: it has a key, and ``password`` opens it."""

    file: SecretsFile
    vault: Vault
    api_key: Secret
    api_secret: Secret
    password: Secret
    notes: tuple[str, ...]


class Rechecked(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome for the stored key; ``validated_at`` is when this ``exchange`` last accepted it."""

    check: KeyCheck
    exchange: str
    fingerprint: str
    validated_at: datetime | None
    notes: tuple[str, ...] = ()


def open_stored_key(sources: Sources, unlocking: Unlocking, file: SecretsFile | None = None) -> StoredKey:
    """Open the secrets file, asking for its password if need be; blocks meanwhile.

    Raises ``NoCredentialsError``, ``NoPasswordError``, ``SecretsFileError``, ``CredentialsError`` and
    ``StorageError``. ``file`` replaces the real one.
    """
    file = file or secrets_file(sources.where)
    if not file.exists():
        raise NoCredentialsError(f"there is no {file.path}: run krakked-tui setup")
    found = open_vault(file, password_sources(sources.where, unlocking, ask=True))
    vault, notes = found.vault, found.notes
    if vault.api_key is None or vault.api_secret is None:
        raise NoCredentialsError(f"{file.path} holds no API key: run krakked-tui setup")
    if environment_credentials(unlocking.environment) is not None:
        notes += ("the environment has a key of its own, and that one is used, not the stored one",)
    return StoredKey(file, vault, vault.api_key, vault.api_secret, found.password, notes)


async def recheck(stored: StoredKey, checker: KeyChecker) -> Rechecked:
    """Check a stored key at the exchange and keep the outcome in its file.

    A refused key becomes unvalidated; one about which nothing is known stays what it was. What Kraken
    said of a key stays, whatever another exchange says of it. Raises ``RefusedError``, ``StorageError``
    and ``CredentialsError``.
    """
    check = await checker.check(stored.api_key, stored.api_secret)
    vault, exchange = stored.vault, checker.exchange
    if check.verdict is not KeyVerdict.UNREACHABLE:
        vault = await asyncio.to_thread(_keep, stored, check, exchange, at_kraken=checker.at_kraken)
    return Rechecked(
        check=check,
        exchange=exchange,
        fingerprint=stored.vault.fingerprint,
        validated_at=_accepted_at(vault, check, exchange),
        notes=stored.notes + _what_is_kept(vault, stored, exchange),
    )


def _accepted_at(vault: Vault, check: KeyCheck, exchange: str) -> datetime | None:
    if check.verdict is KeyVerdict.ACCEPTED and check.audit is not None:
        return check.audit.checked_at
    return None if vault.of_another(exchange) else vault.validated_at


def _what_is_kept(vault: Vault, stored: StoredKey, exchange: str) -> tuple[str, ...]:
    """Say what the file holds when that is not this outcome."""
    if vault.api_key != stored.api_key:
        return ("this is not kept: the file holds another key by now",)
    if vault.exchange == exchange or (vault.validated_at is None and vault.audit is None):
        return ()
    said_by = vault.exchange or "an exchange that was not noted"
    accepted = (
        "" if vault.validated_at is None else f", last accepted {vault.validated_at:%Y-%m-%d %H:%M} UTC"
    )
    return (f"kept with the key stays what {said_by} said of it{accepted}",)


def _keep(stored: StoredKey, check: KeyCheck, exchange: str, *, at_kraken: bool) -> Vault:
    """Note the outcome with what the file holds now; returns that."""

    def noted(vault: Vault) -> Vault:
        if vault.api_key != stored.api_key or not (at_kraken or _replaceable(vault)):
            return vault
        accepted = check.audit is not None and check.verdict is KeyVerdict.ACCEPTED
        of_another = vault.of_another(exchange)
        return msgspec.structs.replace(
            vault,
            validated_at=check.audit.checked_at if check.audit is not None and accepted else None,
            audit=check.audit or (None if of_another else vault.audit),
            exchange=exchange,
        )

    return stored.file.update(stored.password, noted)


def _replaceable(vault: Vault) -> bool:
    """Whether what is known of the key was not said by Kraken; what no host is noted for may have been."""
    if not vault.exchange:
        return vault.validated_at is None and vault.audit is None
    return not is_kraken(f"https://{vault.exchange}")
