"""The credentials a run uses: from the environment, else from the encrypted file."""

from collections.abc import Mapping
from dataclasses import replace

import msgspec

from krakked_tui.credentials.environment import API_KEY, API_SECRET, guarded
from krakked_tui.credentials.master_password import FoundPassword, PasswordSources, find_password
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.errors import NoCredentialsError, SecretsFileError
from krakked_tui.domain.secret import Secret

UNVALIDATED = "the API key is unvalidated: Kraken has not accepted it yet (krakked-tui credentials check)"
ENVIRONMENT_ORIGIN = f"environment variables {API_KEY} and {API_SECRET}"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair and where it comes from, in words. ``vault`` is None for one of the environment."""

    api_key: Secret
    api_secret: Secret
    origin: str
    vault: Vault | None = None
    warnings: tuple[str, ...] = ()


def resolve(
    environment: Mapping[str, str], secrets_file: SecretsFile, sources: PasswordSources
) -> Credentials:
    """Return the credentials: both environment variables, else the encrypted file.

    Blocks: for the derivation of the key, for the keyring, for who types the password.

    Raises:
        NoCredentialsError: There are none: the caller starts the first-run set-up.
        NoPasswordError: Nobody gave the master password.
        SecretsFileError: It is wrong, or the file is not as it was saved.
        StorageError, CredentialsError: The file cannot be read, or not by this version.
    """
    # A traceback that prints local variables must not show the plain one.
    environment = guarded(environment)
    from_environment = environment_credentials(environment)
    if from_environment is not None:
        ignored = (f"{secrets_file.path} is not used: the environment has a key",)
        return (
            msgspec.structs.replace(from_environment, warnings=ignored)
            if secrets_file.exists()
            else from_environment
        )
    warnings = environment_warnings(environment)
    if not secrets_file.exists():
        raise NoCredentialsError(_sentence("there is no API key", warnings))
    vault, found = _open(secrets_file, sources)
    if vault.api_key is None or vault.api_secret is None:
        raise NoCredentialsError(_sentence(f"{secrets_file.path} holds no API key", warnings))
    if vault.unvalidated:
        warnings += (UNVALIDATED,)
    return Credentials(
        api_key=vault.api_key,
        api_secret=vault.api_secret,
        origin=str(secrets_file.path),
        vault=vault,
        warnings=warnings + found.notes,
    )


def environment_credentials(environment: Mapping[str, str]) -> Credentials | None:
    """Return the key pair of the environment; None unless both variables are set and not empty."""
    environment = guarded(environment)
    api_key, api_secret = environment.secret(API_KEY), environment.secret(API_SECRET)
    if api_key is None or api_secret is None:
        return None
    return Credentials(api_key=api_key, api_secret=api_secret, origin=ENVIRONMENT_ORIGIN)


def environment_warnings(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the warning about a variable that is ignored because the other one is missing."""
    environment = guarded(environment)
    given = [name for name in (API_KEY, API_SECRET) if environment.secret(name)]
    if len(given) != 1:
        return ()
    missing = API_SECRET if given[0] == API_KEY else API_KEY
    return (f"{given[0]} is ignored: {missing} is not set, and both are needed",)


def _sentence(reason: str, warnings: tuple[str, ...]) -> str:
    told = "".join(f" ({warning})" for warning in warnings)
    return f"{reason}{told}: run krakked-tui setup, or set both {API_KEY} and {API_SECRET}"


def _open(secrets_file: SecretsFile, sources: PasswordSources) -> tuple[Vault, FoundPassword]:
    """Open the file. A keyring with an old password does not lock out who can type the new one."""
    opted_in = secrets_file.keyring_opted_in()
    found = find_password(sources, keyring_opted_in=opted_in)
    try:
        return secrets_file.read(found.password), found
    except SecretsFileError:
        if found.origin != "keyring" or sources.prompt is None:
            raise
    stale = "the password in the keyring does not open the secrets file"
    prompt = sources.prompt
    typed = find_password(
        replace(sources, keyring=None, prompt=lambda text: prompt(f"{stale}\n{text}")),
        keyring_opted_in=False,
    )
    return secrets_file.read(typed.password), msgspec.structs.replace(typed, notes=(*typed.notes, stale))
