"""Which credentials a run uses, and that nothing of them shows when it fails."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from keyring.backends import fail

from krakked_tui.credentials.envelope import seal
from krakked_tui.credentials.environment import API_KEY, API_SECRET, MASTER_PASSWORD, guarded
from krakked_tui.credentials.keyring_store import SERVICE
from krakked_tui.credentials.master_password import CREDENTIAL, CREDENTIALS_DIRECTORY, PasswordSources
from krakked_tui.credentials.resolve import (
    ENVIRONMENT_ORIGIN,
    Credentials,
    environment_credentials,
    environment_warnings,
    resolve,
)
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.errors import (
    CredentialsError,
    NoCredentialsError,
    NoPasswordError,
    SecretsFileError,
    StorageError,
)
from krakked_tui.domain.secret import Secret
from tests.unit.credentials.builders import (
    CHEAP,
    KEY,
    PASSWORD,
    PLAIN_TEXTS,
    SECRET,
    VAULT,
    MemoryKeyring,
    failure,
    saved,
    secrets_file,
    store,
    told_of,
)

BOTH = {API_KEY: "env-key", API_SECRET: "ZW52LXNlY3JldA=="}
ONLY_KEY = {API_KEY: "env-key"}
ONLY_SECRET = {API_SECRET: "ZW52LXNlY3JldA=="}
EMPTY_SECRET = {API_KEY: "env-key", API_SECRET: ""}
EMPTY_KEY = {API_KEY: "", API_SECRET: "ZW52LXNlY3JldA=="}
BOTH_EMPTY = {API_KEY: "", API_SECRET: ""}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.enc"


def resolved(environment: Mapping[str, str], file: SecretsFile, password: str = PASSWORD) -> Credentials:
    return resolve(environment, file, PasswordSources(prompt=lambda _text: Secret(password)))


@pytest.mark.parametrize("stored", [True, False], ids=["file", "no file"])
@pytest.mark.parametrize(
    ("environment", "used", "warned"),
    [
        (BOTH, True, ""),
        (ONLY_KEY, False, "KRAKEN_API_KEY is ignored: KRAKEN_API_SECRET is not set"),
        (ONLY_SECRET, False, "KRAKEN_API_SECRET is ignored: KRAKEN_API_KEY is not set"),
        (EMPTY_SECRET, False, "KRAKEN_API_KEY is ignored: KRAKEN_API_SECRET is not set"),
        (EMPTY_KEY, False, "KRAKEN_API_SECRET is ignored: KRAKEN_API_KEY is not set"),
        (BOTH_EMPTY, False, ""),
        ({}, False, ""),
    ],
    ids=["both", "only key", "only secret", "empty secret", "empty key", "both empty", "none"],
)
def test_the_environment_comes_first_but_only_as_a_pair(
    path: Path, environment: dict[str, str], used: bool, warned: str, stored: bool
) -> None:
    file = saved(path) if stored else secrets_file(path)
    if used:
        found = resolved(environment, file)
        assert (found.api_key, found.api_secret) == (Secret("env-key"), Secret("ZW52LXNlY3JldA=="))
        assert (found.origin, found.vault) == (ENVIRONMENT_ORIGIN, None)
        assert found.warnings == ((f"{path} is not used: the environment has a key",) if stored else ())
    elif stored:
        found = resolved(environment, file)
        assert (found.api_key, found.api_secret) == (Secret(KEY), Secret(SECRET))
        assert (found.origin, found.vault) == (str(path), VAULT)
        assert warned in " ".join(found.warnings)
        assert bool(found.warnings) == bool(warned)
    else:
        with pytest.raises(NoCredentialsError) as none:
            resolved(environment, file)
        assert warned in str(none.value)
        assert "run krakked-tui setup" in str(none.value)


def test_the_environment_needs_no_password(path: Path) -> None:
    assert resolve(BOTH, saved(path), PasswordSources()).vault is None


def test_a_guarded_environment_is_as_good(path: Path) -> None:
    assert resolve(guarded(BOTH), secrets_file(path), PasswordSources()).api_key == Secret("env-key")
    assert environment_credentials({}) is None
    assert environment_warnings(guarded(ONLY_KEY)) == environment_warnings(ONLY_KEY)


def test_a_file_without_a_key_is_no_credentials(path: Path) -> None:
    file = saved(path, Vault(alert_urls=VAULT.alert_urls))
    with pytest.raises(NoCredentialsError, match="holds no API key"):
        resolved({}, file)


def test_an_unvalidated_key_is_told(path: Path) -> None:
    file = saved(path, Vault(api_key=Secret(KEY), api_secret=Secret(SECRET)))
    assert "unvalidated" in resolved({}, file).warnings[0]


def test_a_wrong_password_shows_nothing_whatever_is_printed(path: Path) -> None:
    file = saved(path)
    environment = {**ONLY_SECRET, MASTER_PASSWORD: "wrong password"}
    error = failure(lambda: resolve(environment, file, PasswordSources(environment=environment)))
    assert type(error) is SecretsFileError
    told = told_of(error)
    assert "environment = GuardedEnvironment" in told
    for text in (*PLAIN_TEXTS, "wrong password", ONLY_SECRET[API_SECRET]):
        assert text not in told


def test_no_error_on_the_way_shows_anything(path: Path) -> None:
    environment = {**ONLY_SECRET, MASTER_PASSWORD: PASSWORD}
    sources = PasswordSources(environment=environment)
    expected: list[tuple[SecretsFile, type[Exception]]] = [(secrets_file(path), NoCredentialsError)]
    directory = path.parent / "directory"
    directory.mkdir()
    expected.append((secrets_file(directory), StorageError))
    newer = Vault(api_key=Secret(KEY), api_secret=Secret(SECRET), beyond=Secret('{"x": "s3cret"}'))
    expected.append((saved(path.parent / "newer", newer), NoPasswordError))
    for file, kind in expected:
        asked = PasswordSources(Path("/none"), environment) if kind is NoPasswordError else sources
        error = failure(lambda file=file, asked=asked: resolve(environment, file, asked))  # type: ignore[misc]
        assert type(error) is kind
        assert not any(text in told_of(error) for text in (*PLAIN_TEXTS, ONLY_SECRET[API_SECRET], "s3cret"))


def test_credentials_print_without_secrets(path: Path) -> None:
    shown = repr(resolved({}, saved(path)))
    assert not any(text in shown for text in PLAIN_TEXTS)


def headless(environment: Mapping[str, str], password_file: Path | None = None) -> PasswordSources:
    """What a server has: no terminal, and a keyring library without a keyring."""
    keyring = store(fail.Keyring())  # type: ignore[no-untyped-call]
    return PasswordSources(password_file, environment, keyring, prompt=None)


def test_a_server_gets_the_password_from_systemd(path: Path, tmp_path: Path) -> None:
    (tmp_path / CREDENTIAL).write_text(f"{PASSWORD}\n")
    environment = {CREDENTIALS_DIRECTORY: str(tmp_path)}
    found = resolve(environment, saved(path, keyring=True), headless(environment))
    assert found.vault == VAULT


def test_a_server_gets_the_password_from_a_file(path: Path, tmp_path: Path) -> None:
    password_file = tmp_path / "password"
    password_file.write_text(PASSWORD)
    password_file.chmod(0o600)
    assert resolve({}, saved(path, keyring=True), headless({}, password_file)).vault == VAULT


def test_a_server_gets_the_password_from_the_environment(path: Path) -> None:
    environment = {MASTER_PASSWORD: PASSWORD}
    assert resolve(environment, saved(path, keyring=True), headless(environment)).vault == VAULT


def test_a_server_without_any_is_told_why_the_keyring_did_not_help(path: Path) -> None:
    with pytest.raises(
        NoPasswordError, match=r"keyring: this system has none; prompt: this is not a terminal"
    ):
        resolve({}, saved(path, keyring=True), headless({}))


def with_keyring(password: str) -> PasswordSources:
    keyring = MemoryKeyring()
    keyring.kept[SERVICE, "account"] = password
    return PasswordSources(keyring=store(keyring))


def test_the_keyring_opens_the_file_when_the_file_says_so(path: Path) -> None:
    assert resolve({}, saved(path, keyring=True), with_keyring(PASSWORD)).vault == VAULT
    with pytest.raises(NoPasswordError, match="not opted in"):
        resolve({}, saved(path, keyring=False), with_keyring(PASSWORD))


def test_an_old_password_in_the_keyring_does_not_lock_out_who_can_type(path: Path) -> None:
    file = saved(path, keyring=True)
    asked: list[str] = []

    def prompt(text: str) -> Secret:
        asked.append(text)
        return Secret(PASSWORD)

    stale = with_keyring("old password")
    found = resolve({}, file, PasswordSources(keyring=stale.keyring, prompt=prompt))
    assert found.vault == VAULT
    assert asked == ["the password in the keyring does not open the secrets file\nMaster password: "]
    assert "does not open the secrets file" in found.warnings[0]
    with pytest.raises(SecretsFileError):
        resolve({}, file, stale)


def test_a_file_of_a_newer_version_is_refused_clearly(path: Path) -> None:
    newer = Secret(f'{{"format": 2, "api_key": "{KEY}", "api_secret": "{SECRET}"}}')
    path.write_bytes(seal(newer, Secret(PASSWORD), CHEAP, keyring=False))
    error = failure(lambda: resolved({}, secrets_file(path)))
    assert type(error) is CredentialsError
    assert "update Krakked" in str(error)
    assert not any(text in told_of(error) for text in PLAIN_TEXTS)


def test_a_key_that_another_exchange_validated_is_unvalidated_here(path: Path) -> None:
    file = saved(path, msgspec.structs.replace(VAULT, exchange="127.0.0.1:8080"))
    sources = PasswordSources(prompt=lambda _text: Secret(PASSWORD))
    (warning,) = resolve({}, file, sources, "api.kraken.com").warnings
    assert "unvalidated at api.kraken.com: it was validated at 127.0.0.1:8080" in warning
    assert resolve({}, file, sources, "127.0.0.1:8080").warnings == ()
    assert resolve({}, file, sources).warnings == ()
