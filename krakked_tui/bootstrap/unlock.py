"""The API key of a run: found, unlocked, and described without a part of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from krakked_tui.config.places import Places
from krakked_tui.control.settings_view import CredentialsState, CredentialsView
from krakked_tui.credentials.keyring_store import KeyringStore, keyring_account
from krakked_tui.credentials.master_password import PasswordSources, find_password
from krakked_tui.credentials.resolve import UNVALIDATED, Credentials, resolve
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.access import KeyAudit
from krakked_tui.domain.errors import CredentialsError, NoPasswordError, StorageError
from krakked_tui.domain.secret import Secret
from krakked_tui.kraken.keys import ApiKey, fingerprint
from krakked_tui.storage.files import replace_private_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocking:
    """Where keys and the password that locks them up may come from.

    ``environment`` is read once, at the start. ``prompt`` asks a person, None when nobody is there.
    """

    environment: Mapping[str, str]
    password_file: Path | None = None
    prompt: Callable[[str], Secret] | None = None


def secrets_file(where: Places) -> SecretsFile:
    """Return the encrypted file, which all profiles share."""
    return SecretsFile(where.secrets, replace_private_file)


def keyring_store(where: Places) -> KeyringStore:
    """Return the keyring entry of that file's master password."""
    return KeyringStore(keyring_account(where.secrets))


def password_sources(where: Places, unlocking: Unlocking, *, ask: bool) -> PasswordSources:
    """Return where the master password may come from; nobody is asked unless ``ask``."""
    return PasswordSources(
        password_file=unlocking.password_file,
        environment=unlocking.environment,
        keyring=keyring_store(where),
        prompt=unlocking.prompt if ask else None,
    )


def unlock(where: Places, unlocking: Unlocking) -> Credentials:
    """Return the API key, asking for the master password when there is no other source of it.

    Raises ``NoCredentialsError``, ``NoPasswordError``, ``SecretsFileError`` or ``StorageError``.
    """
    sources = password_sources(where, unlocking, ask=True)
    return resolve(unlocking.environment, secrets_file(where), sources)


def api_key(credentials: Credentials) -> ApiKey:
    """Return the key pair to sign with. Raises ``AuthError`` when it cannot be one."""
    return ApiKey(credentials.api_key.reveal(), credentials.api_secret.reveal())


def in_use(credentials: Credentials, audit: KeyAudit | None = None) -> CredentialsView:
    """Describe the key that this run uses; ``audit`` is newer than what is stored."""
    vault = credentials.vault
    return _described(
        credentials.api_key, vault, audit, CredentialsState.OPEN, credentials.origin, credentials.warnings
    )


def look_at(where: Places, unlocking: Unlocking) -> CredentialsView:
    """Describe the stored key for a run that needs none; nobody is asked, and nothing of it is kept."""
    file = secrets_file(where)
    if not file.exists():
        return CredentialsView()
    try:
        found = find_password(
            password_sources(where, unlocking, ask=False), keyring_opted_in=file.keyring_opted_in()
        )
        vault = file.read(found.password)
    except NoPasswordError:
        return CredentialsView(state=CredentialsState.LOCKED, origin=str(where.secrets))
    except (CredentialsError, StorageError) as error:
        return CredentialsView(
            state=CredentialsState.LOCKED, origin=str(where.secrets), warnings=(str(error),)
        )
    return _described(vault.api_key, vault, None, CredentialsState.LOCKED, str(where.secrets), found.notes)


def _described(
    key: Secret | None, vault: Vault | None, audit: KeyAudit | None, state: CredentialsState, origin: str,
    warnings: tuple[str, ...],
) -> CredentialsView:  # fmt: skip
    validated_at = vault.validated_at if vault is not None else None
    told = set(warnings)
    if audit is not None:
        validated_at = audit.checked_at
        told -= {UNVALIDATED}
    elif vault is not None and vault.unvalidated:
        told |= {UNVALIDATED}
    return CredentialsView(
        state=state,
        origin=origin,
        fingerprint="" if key is None else fingerprint(key.reveal()),
        validated_at=validated_at,
        audit=audit or (vault.audit if vault is not None else None),
        warnings=tuple(sorted(told)),
    )
