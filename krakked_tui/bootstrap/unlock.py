"""The API key of a run: found, unlocked, and described without a part of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from krakked_tui.config.places import Places
from krakked_tui.control.settings_view import CredentialsState, CredentialsView
from krakked_tui.credentials.keyring_store import KeyringStore, keyring_account
from krakked_tui.credentials.master_password import PasswordSources
from krakked_tui.credentials.opening import open_vault
from krakked_tui.credentials.resolve import Credentials, resolve, unvalidated_warning
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.access import KeyAudit
from krakked_tui.domain.errors import CredentialsError, NoPasswordError, StorageError
from krakked_tui.domain.secret import Secret
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.settings import ConnectionSettings, host_of
from krakked_tui.storage.files import replace_private_file, writing


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocking:
    """Where keys and the password that locks them up may come from.

    ``environment`` is read once, at the start. ``prompt`` asks a person, None when nobody is there.
    """

    environment: Mapping[str, str]
    password_file: Path | None = None
    prompt: Callable[[str], Secret] | None = None


def exchange_name(settings: ConnectionSettings) -> str:
    """Return the exchange's host, with its port if one is named, as it is noted with a validated key."""
    return host_of(settings.rest_url)


def secrets_file(where: Places) -> SecretsFile:
    """Return the encrypted file, which all profiles share."""
    return SecretsFile(where.secrets, replace_private_file, lock=writing)


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


def unlock(where: Places, unlocking: Unlocking, exchange: str = "") -> Credentials:
    """Return the API key, asking for the master password when there is no other source of it.

    ``exchange`` is the ``exchange_name`` that it is for; empty when nobody asks. Raises
    ``NoCredentialsError``, ``NoPasswordError``, ``SecretsFileError`` or ``StorageError``.
    """
    sources = password_sources(where, unlocking, ask=True)
    return resolve(unlocking.environment, secrets_file(where), sources, exchange)


def api_key(credentials: Credentials) -> ApiKey:
    """Return the key pair to sign with. Raises ``AuthError`` when it cannot be one."""
    return ApiKey(credentials.api_key.reveal(), credentials.api_secret.reveal())


def in_use(credentials: Credentials, audit: KeyAudit | None = None, exchange: str = "") -> CredentialsView:
    """Describe the key that this run uses at ``exchange``; ``audit`` is newer than what is stored."""
    view = CredentialsView(
        state=CredentialsState.OPEN,
        origin=credentials.origin,
        fingerprint=credentials.api_key.fingerprint,
        warnings=credentials.warnings,
    )
    if audit is None:
        return view if credentials.vault is None else _with_record(view, credentials.vault, exchange)
    outdated = "" if credentials.vault is None else unvalidated_warning(credentials.vault, exchange)
    told = tuple(warning for warning in view.warnings if warning != outdated)
    return msgspec.structs.replace(view, validated_at=audit.checked_at, audit=audit, warnings=told)


def look_at(where: Places, unlocking: Unlocking, exchange: str = "") -> CredentialsView:
    """Describe the stored key for a run at ``exchange`` that needs none.

    Nobody is asked, and nothing of it is kept.
    """
    file = secrets_file(where)
    if not file.exists():
        return CredentialsView()
    try:
        found = open_vault(file, password_sources(where, unlocking, ask=False))
    except NoPasswordError:
        return CredentialsView(state=CredentialsState.LOCKED, origin=str(where.secrets))
    except (CredentialsError, StorageError) as error:
        return CredentialsView(
            state=CredentialsState.LOCKED, origin=str(where.secrets), warnings=(str(error),)
        )
    key = found.vault.api_key
    view = CredentialsView(
        state=CredentialsState.LOCKED,
        origin=str(where.secrets),
        fingerprint="" if key is None else key.fingerprint,
        warnings=found.notes,
    )
    return _with_record(view, found.vault, exchange)


def _with_record(view: CredentialsView, vault: Vault, exchange: str) -> CredentialsView:
    """Add what is stored about the key; what another exchange said of it does not count."""
    unvalidated = unvalidated_warning(vault, exchange)
    warnings = tuple(dict.fromkeys((unvalidated, *view.warnings))) if unvalidated else view.warnings
    if vault.of_another(exchange):
        return msgspec.structs.replace(view, warnings=warnings)
    return msgspec.structs.replace(
        view,
        origin=f"{view.origin}, validated at {vault.exchange}"
        if vault.validated_at and vault.exchange
        else view.origin,
        validated_at=vault.validated_at,
        audit=vault.audit,
        warnings=warnings,
    )
