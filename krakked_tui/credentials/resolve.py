"""The credentials a run uses: from the environment, else from the encrypted file."""

from collections.abc import Mapping

import msgspec

from krakked_tui.credentials.environment import API_KEY, API_SECRET, guarded
from krakked_tui.credentials.master_password import PasswordSources
from krakked_tui.credentials.opening import open_vault
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.errors import NoCredentialsError
from krakked_tui.domain.secret import Secret

UNVALIDATED = "the API key is unvalidated: Kraken has not accepted it yet (krakked-tui credentials check)"
"""The warning about a key that no exchange has accepted."""
ENVIRONMENT_ORIGIN = f"environment variables {API_KEY} and {API_SECRET}"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """A key pair and where it comes from, in words. ``vault`` is None for one of the environment."""

    api_key: Secret
    api_secret: Secret
    origin: str
    vault: Vault | None = None
    warnings: tuple[str, ...] = ()


def resolve(
    environment: Mapping[str, str], secrets_file: SecretsFile, sources: PasswordSources, exchange: str = ""
) -> Credentials:
    """Return the credentials: both environment variables, else the encrypted file.

    ``exchange`` is the host that they are for: a key that only another one has accepted is unvalidated
    there. Empty when nobody asks.

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
    found = open_vault(secrets_file, sources)
    vault = found.vault
    if vault.api_key is None or vault.api_secret is None:
        raise NoCredentialsError(_sentence(f"{secrets_file.path} holds no API key", warnings))
    unvalidated = unvalidated_warning(vault, exchange)
    if unvalidated:
        warnings += (unvalidated,)
    return Credentials(
        api_key=vault.api_key,
        api_secret=vault.api_secret,
        origin=str(secrets_file.path),
        vault=vault,
        warnings=warnings + found.notes,
    )


def unvalidated_warning(vault: Vault, exchange: str) -> str:
    """Return the warning about a key that this exchange has not accepted, as far as we know; else empty."""
    if vault.unvalidated:
        return UNVALIDATED
    if vault.validated_at is None or not vault.of_another(exchange):
        return ""
    return (
        f"the API key is unvalidated at {exchange}: it was validated at {vault.exchange}"
        " (krakked-tui credentials check)"
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
