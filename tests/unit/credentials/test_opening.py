"""Opening the file: one way for every command, and an old password in the keyring stops nobody."""

from pathlib import Path

import pytest

from krakked_tui.credentials.keyring_store import SERVICE
from krakked_tui.credentials.master_password import PasswordSources
from krakked_tui.credentials.opening import STALE, open_vault
from krakked_tui.domain.errors import NoCredentialsError, NoPasswordError, SecretsFileError
from krakked_tui.domain.secret import Secret
from tests.unit.credentials.builders import (
    PASSWORD,
    VAULT,
    MemoryKeyring,
    failure,
    saved,
    secrets_file,
    store,
    told_of,
)


def sources(*typed: str, kept: str = "") -> PasswordSources:
    """A keyring with a password, and a person who types these and then has left; None without any."""
    keyring = MemoryKeyring()
    if kept:
        keyring.kept[SERVICE, "account"] = kept
    answers = list(typed)

    def prompt(_text: str) -> Secret:
        if not answers:
            raise EOFError
        return Secret(answers.pop(0))

    return PasswordSources(keyring=store(keyring), prompt=prompt if typed else None)


def test_what_opened_it_is_told(tmp_path: Path) -> None:
    file = saved(tmp_path / "secrets.enc", keyring=True)
    found = open_vault(file, sources(kept=PASSWORD))
    assert (found.vault, found.password, found.origin) == (VAULT, Secret(PASSWORD), "keyring")
    assert (found.notes, found.keyring, found.content) == ((), True, file.content())


def test_an_old_password_in_the_keyring_leads_to_the_prompt(tmp_path: Path) -> None:
    file = saved(tmp_path / "secrets.enc", keyring=True)
    found = open_vault(file, sources(PASSWORD, kept="an old one"))
    assert (found.vault, found.origin, found.notes) == (VAULT, "prompt", (STALE,))
    assert found.keyring


@pytest.mark.parametrize(
    ("typed", "kind"), [(("wrong",), SecretsFileError), (("",), NoPasswordError), ((), SecretsFileError)]
)
def test_a_wrong_password_after_an_old_one_is_the_usual_error(
    tmp_path: Path, typed: tuple[str, ...], kind: type[Exception]
) -> None:
    file = saved(tmp_path / "secrets.enc", keyring=True)
    error = failure(lambda: open_vault(file, sources(*typed, kept="an old one")))
    assert type(error) is kind
    assert "an old one" not in told_of(error)


def test_a_wrong_password_that_was_typed_is_not_asked_for_again(tmp_path: Path) -> None:
    with pytest.raises(SecretsFileError):
        open_vault(saved(tmp_path / "secrets.enc"), sources("wrong", PASSWORD))


def test_without_a_file_nobody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(NoCredentialsError):
        open_vault(secrets_file(tmp_path / "secrets.enc"), sources(PASSWORD))
