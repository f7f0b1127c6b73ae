"""Asking the exchange once more about the stored key, and noting what it said."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

import msgspec

from krakked_tui.bootstrap.configuration import Sources
from krakked_tui.bootstrap.key_checker import KeyChecker
from krakked_tui.bootstrap.unlock import Unlocking, password_sources, secrets_file
from krakked_tui.control.setup import KeyCheck, KeyVerdict
from krakked_tui.credentials.master_password import find_password
from krakked_tui.credentials.resolve import environment_credentials
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.errors import NoCredentialsError, SecretsFileError
from krakked_tui.domain.secret import Secret


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
    """Outcome for the stored key; ``validated_at`` is when the exchange last accepted it."""

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
    vault, password, notes = _opened(sources, unlocking, file)
    if vault.api_key is None or vault.api_secret is None:
        raise NoCredentialsError(f"{file.path} holds no API key: run krakked-tui setup")
    if environment_credentials(unlocking.environment) is not None:
        notes += ("the environment has a key of its own, and that one is used, not the stored one",)
    return StoredKey(file, vault, vault.api_key, vault.api_secret, password, notes)


async def recheck(stored: StoredKey, checker: KeyChecker) -> Rechecked:
    """Check a stored key at the exchange and keep the outcome in its file.

    A refused key becomes unvalidated; one about which nothing is known stays what it was. Raises
    ``StorageError`` and ``CredentialsError``.
    """
    check = await checker.check(stored.api_key, stored.api_secret)
    vault = stored.vault
    if check.verdict is not KeyVerdict.UNREACHABLE:
        audit = check.audit
        accepted = audit is not None and check.verdict is KeyVerdict.ACCEPTED
        vault = msgspec.structs.replace(
            vault, validated_at=audit.checked_at if accepted and audit else None, audit=audit or vault.audit
        )
        await asyncio.to_thread(_keep, stored, vault)
    return Rechecked(
        check=check,
        exchange=checker.exchange,
        fingerprint=vault.fingerprint,
        validated_at=vault.validated_at,
        notes=stored.notes,
    )


def _opened(
    sources: Sources, unlocking: Unlocking, file: SecretsFile
) -> tuple[Vault, Secret, tuple[str, ...]]:
    asked = password_sources(sources.where, unlocking, ask=True)
    found = find_password(asked, keyring_opted_in=file.keyring_opted_in())
    try:
        return file.read(found.password), found.password, found.notes
    except SecretsFileError:
        if found.origin != "keyring" or unlocking.prompt is None:
            raise
    # The keyring may hold an older password.
    typed = find_password(asked, keyring_opted_in=False)
    return file.read(typed.password), typed.password, typed.notes


def _keep(stored: StoredKey, vault: Vault) -> None:
    """Save, unless another program has put a different key there meanwhile."""
    if stored.file.read(stored.password).api_key == vault.api_key:
        stored.file.save(vault, stored.password, keyring=stored.file.keyring_opted_in())
