"""``krakked-tui credentials``: what it shows, changes and forgets, and what it never shows."""

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked

from krakked_tui.cli.credentials import (
    Desk,
    change_master_password,
    credentials_app,
    forget_credentials,
    show_credentials,
)
from krakked_tui.credentials.environment import API_KEY, API_SECRET, MASTER_PASSWORD, guarded
from krakked_tui.credentials.keyring_store import SERVICE
from krakked_tui.credentials.master_password import CREDENTIAL, CREDENTIALS_DIRECTORY
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.access import KeyAudit
from krakked_tui.domain.errors import (
    NoCredentialsError,
    NoPasswordError,
    RefusedError,
    SecretsFileError,
    UsageError,
)
from krakked_tui.domain.secret import Secret
from tests.unit.credentials.builders import (
    AUDIT,
    KEY,
    PASSWORD,
    PLAIN_TEXTS,
    SECRET,
    VAULT,
    MemoryKeyring,
    RaisingKeyring,
    failure,
    saved,
    secrets_file,
    store,
    told_of,
)

NEW = "slow purple anvil tango"


class Operator:
    """A desk, and whoever sits at it: types the given texts in turn."""

    def __init__(
        self,
        path: Path,
        typed: tuple[str, ...] = (),
        *,
        keyring: KeyringBackend | None = None,
        environment: Mapping[str, str] | None = None,
        terminal: bool = True,
    ) -> None:
        self._typed = list(typed)
        self.said: list[str] = []
        self.warned: list[str] = []
        self.asked: list[str] = []
        self.keyring = keyring or MemoryKeyring()
        self.desk = Desk(
            secrets_file=secrets_file(path),
            environment=guarded(environment or {}),
            keyring=store(self.keyring),
            ask=self._ask if terminal else None,
            ask_secret=(lambda text: Secret(self._ask(text))) if terminal else None,
            say=self.said.append,
            warn=self.warned.append,
        )

    def _ask(self, text: str) -> str:
        self.asked.append(text)
        if not self._typed:
            raise EOFError
        return self._typed.pop(0)

    @property
    def output(self) -> str:
        return "\n".join((*self.said, *self.warned, *self.asked))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "secrets.enc"


def shown(operator: Operator) -> str:
    show_credentials(operator.desk, None, as_json=False)
    assert not any(text in operator.output for text in PLAIN_TEXTS)
    return "\n".join(operator.said)


def test_show_tells_what_is_known_and_no_secret(path: Path) -> None:
    saved(path)
    text = shown(Operator(path, (PASSWORD,)))
    assert text.splitlines() == [
        f"Fingerprint   {VAULT.fingerprint}",
        f"From          {path}",
        "Validated     2026-01-05 12:00:01 UTC",
        "Keyring       not used",
        "Permissions   query-funds, modify-trades, earn?[31m-funds",
        "Missing       query-open-trades, query-closed-trades, query-ledger, close-trades, create-ws-token,"
        " add-funds",
        "Not known     withdraw-funds",
        "Name          my ? key",
        "IP addresses  192.0.2.1",
        "Checked       2026-01-05 12:00:00 UTC (GetApiKeyInfo)",
        "Alert URLs    1",
        "API tokens    1",
    ]


def test_show_warns_of_a_key_that_may_withdraw(path: Path) -> None:
    saved(path)
    operator = Operator(path, (PASSWORD,))
    shown(operator)
    assert operator.warned == ["the API key may be able to withdraw funds: use one that cannot"]


def test_show_tells_an_unvalidated_key_and_the_keyring(path: Path) -> None:
    keyring = MemoryKeyring()
    keyring.kept[SERVICE, "account"] = PASSWORD
    saved(path, Vault(api_key=Secret(KEY), api_secret=Secret(SECRET)), keyring=True)
    operator = Operator(path, keyring=keyring)
    text = shown(operator)
    assert "Validated     never: unvalidated" in text
    assert "Keyring       keeps the master password" in text
    assert "Permissions   not known" in text
    assert "unvalidated" in operator.warned[0]


def test_show_of_a_key_of_the_environment_needs_no_password(path: Path) -> None:
    saved(path)
    operator = Operator(path, environment={API_KEY: KEY, API_SECRET: SECRET}, terminal=False)
    text = shown(operator)
    assert f"Fingerprint   {VAULT.fingerprint}" in text
    assert "From          environment variables KRAKEN_API_KEY and KRAKEN_API_SECRET" in text
    assert "Validated     not known" in text
    assert operator.warned == [f"{path} is not used: the environment has a key"]


def test_show_as_json_is_one_object_without_secrets(path: Path) -> None:
    saved(path)
    operator = Operator(path, (PASSWORD,))
    show_credentials(operator.desk, None, as_json=True)
    (line,) = operator.said
    assert not any(text in line for text in PLAIN_TEXTS)
    told = json.loads(line)
    assert told["fingerprint"] == VAULT.fingerprint
    assert told["origin"] == str(path)
    assert told["validated_at"] == "2026-01-05T12:00:01Z"
    assert (told["unvalidated"], told["keyring"]) == (False, False)
    assert told["audit"]["held"] == ["query-funds", "modify-trades"]
    assert told["audit"]["others"] == ["earn?[31m-funds"]
    assert "add-funds" in told["missing"]
    assert (told["alert_urls"], told["api_tokens"]) == (1, 1)
    assert "withdraw" in told["warnings"][0]
    assert operator.warned == []


def test_show_takes_a_password_file(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(path)
    monkeypatch.setenv("HOME", str(tmp_path))
    password_file = tmp_path / "password"
    password_file.write_text(PASSWORD)
    password_file.chmod(0o600)
    operator = Operator(path, terminal=False)
    show_credentials(operator.desk, Path("~/password"), as_json=False)
    assert operator.said[0].endswith(VAULT.fingerprint)


def test_show_without_any_source_is_refused_politely(path: Path) -> None:
    saved(path)
    with pytest.raises(NoPasswordError, match="prompt: this is not a terminal"):
        shown(Operator(path, terminal=False))
    with pytest.raises(NoCredentialsError, match="run krakked-tui setup"):
        shown(Operator(path.parent / "other", terminal=False))


def test_a_new_password_replaces_the_old_one(path: Path) -> None:
    saved(path)
    operator = Operator(path, (PASSWORD, NEW, NEW))
    assert change_master_password(operator.desk, None) == 0
    assert secrets_file(path).read(Secret(NEW)) == VAULT
    with pytest.raises(SecretsFileError):
        secrets_file(path).read(Secret(PASSWORD))
    assert not secrets_file(path).keyring_opted_in()
    assert isinstance(operator.keyring, MemoryKeyring)
    assert operator.keyring.calls == 0
    assert NEW not in operator.output


def test_the_keyring_gets_the_new_password_when_it_has_the_old_one(path: Path) -> None:
    keyring = MemoryKeyring()
    keyring.kept[SERVICE, "account"] = PASSWORD
    saved(path, keyring=True)
    operator = Operator(path, (NEW, NEW), keyring=keyring)
    assert change_master_password(operator.desk, None) == 0
    assert keyring.kept == {(SERVICE, "account"): NEW}
    assert secrets_file(path).keyring_opted_in()
    assert secrets_file(path).read(Secret(NEW)) == VAULT
    assert "The keyring has the new one." in operator.said


def test_a_keyring_that_does_not_take_it_is_told_after_the_change(path: Path) -> None:
    saved(path, keyring=True)
    operator = Operator(path, (PASSWORD, NEW, NEW), keyring=RaisingKeyring(KeyringLocked()))
    assert change_master_password(operator.desk, None) == 1
    assert operator.warned[0] == "keyring: it is locked", "why it was not asked for the old one"
    assert "it is locked" in operator.warned[1]
    assert "may still have the old password" in operator.warned[1]
    assert secrets_file(path).read(Secret(NEW)) == VAULT


def test_another_place_that_has_the_old_password_is_named(path: Path) -> None:
    saved(path)
    operator = Operator(path, (NEW, NEW), environment={MASTER_PASSWORD: PASSWORD})
    change_master_password(operator.desk, None)
    assert "The old one is still in: KRAKKED_MASTER_PASSWORD. Change it there too." in operator.said


@pytest.mark.parametrize(
    ("typed", "kind", "why"),
    [
        ((PASSWORD, "password", "password"), RefusedError, "this password is hopeless; nothing is changed"),
        ((PASSWORD, "", ""), RefusedError, "this password is hopeless"),
        ((PASSWORD, NEW, NEW + "x"), RefusedError, "not the same; nothing is changed"),
        ((PASSWORD, NEW), NoPasswordError, "nothing is changed"),
        ((PASSWORD,), NoPasswordError, "nothing is changed"),
        ((), NoPasswordError, "prompt: input ended"),
        (("wrong", NEW, NEW), SecretsFileError, "Wrong password or corrupted secrets file"),
    ],
    ids=["weak", "empty", "mistyped", "once", "none", "nothing", "wrong"],
)
def test_what_goes_wrong_changes_nothing(
    path: Path, typed: tuple[str, ...], kind: type[Exception], why: str
) -> None:
    saved(path)
    before = path.read_bytes()
    error = failure(lambda: change_master_password(Operator(path, typed).desk, None))
    assert type(error) is kind
    assert why in str(error)
    assert not any(text in told_of(error) for text in (*PLAIN_TEXTS, NEW))
    assert path.read_bytes() == before


def test_a_password_is_not_changed_without_a_file_or_a_terminal(path: Path) -> None:
    with pytest.raises(NoCredentialsError, match="run krakked-tui setup"):
        change_master_password(Operator(path).desk, None)
    saved(path)
    with pytest.raises(NoPasswordError, match="run this command in a terminal"):
        change_master_password(Operator(path, terminal=False).desk, None)


def test_forgetting_removes_file_and_keyring_entry(path: Path) -> None:
    keyring = MemoryKeyring()
    keyring.kept[SERVICE, "account"] = PASSWORD
    saved(path, keyring=True)
    operator = Operator(path, (" FORGET ",), keyring=keyring)
    assert forget_credentials(operator.desk, confirmed=False) == 0
    assert not path.exists()
    assert keyring.kept == {}
    assert operator.said[:2] == [f"{path} is removed.", "The keyring has no master password of it."]
    assert "delete it at Kraken" in operator.said[-1]
    assert str(path) in operator.asked[0]


@pytest.mark.parametrize("typed", [("",), ("forget",), ("yes",), ()], ids=str)
def test_nothing_is_forgotten_by_mistake(path: Path, typed: tuple[str, ...]) -> None:
    keyring = MemoryKeyring()
    keyring.kept[SERVICE, "account"] = PASSWORD
    saved(path, keyring=True)
    with pytest.raises(RefusedError, match="nothing is removed"):
        forget_credentials(Operator(path, typed, keyring=keyring).desk, confirmed=False)
    assert path.exists()
    assert keyring.kept


def test_forgetting_without_a_terminal_needs_yes(path: Path) -> None:
    saved(path)
    operator = Operator(path, terminal=False)
    with pytest.raises(UsageError, match="--yes"):
        forget_credentials(operator.desk, confirmed=False)
    assert path.exists()
    assert forget_credentials(operator.desk, confirmed=True) == 0
    assert not path.exists()


def test_forgetting_says_what_is_left(path: Path, tmp_path: Path) -> None:
    (tmp_path / CREDENTIAL).write_text(PASSWORD)
    environment = {
        API_KEY: KEY,
        API_SECRET: SECRET,
        MASTER_PASSWORD: PASSWORD,
        CREDENTIALS_DIRECTORY: str(tmp_path),
    }
    operator = Operator(path, environment=environment)
    assert forget_credentials(operator.desk, confirmed=True) == 0
    assert f"There is no {path}." in operator.said
    for left in (API_KEY, API_SECRET, MASTER_PASSWORD):
        assert f"{left} is still set in the environment of this shell." in operator.said
    assert "Krakked goes on using that key." in operator.said
    assert f"{tmp_path / CREDENTIAL} still has the master password." in operator.said
    assert not any(text in operator.output for text in PLAIN_TEXTS)


def test_a_keyring_that_cannot_forget_is_told_when_it_has_the_password(path: Path) -> None:
    saved(path, keyring=True)
    operator = Operator(path, keyring=RaisingKeyring(KeyringLocked()))
    assert forget_credentials(operator.desk, confirmed=True) == 1
    assert not path.exists()
    assert f"it is locked; remove its entry {SERVICE} for {path} yourself" in operator.warned[0]


def test_a_server_without_a_keyring_hears_nothing_of_it(path: Path) -> None:
    saved(path)
    operator = Operator(path, keyring=fail.Keyring())  # type: ignore[no-untyped-call]
    assert forget_credentials(operator.desk, confirmed=True) == 0
    assert operator.warned == []
    assert "keyring" not in operator.output


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KRAKKED_HOME", str(tmp_path))
    for name in (API_KEY, API_SECRET, MASTER_PASSWORD, CREDENTIALS_DIRECTORY):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "config" / "secrets.enc"


def test_the_commands_work_on_the_users_own_file(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved(home)
    monkeypatch.setenv(MASTER_PASSWORD, PASSWORD)
    credentials_app(["show", "--json"], exit_on_error=False, result_action="return_value")
    printed = capsys.readouterr()
    assert json.loads(printed.out)["origin"] == str(home)
    assert MASTER_PASSWORD not in os.environ
    with pytest.raises(NoPasswordError, match="terminal"):
        credentials_app(["change-password"], exit_on_error=False, result_action="return_value")
    with pytest.raises(UsageError, match="--yes"):
        credentials_app(["forget"], exit_on_error=False, result_action="return_value")


def test_the_password_file_is_an_option_of_show_and_of_change_password(home: Path) -> None:
    saved(home)
    for command in ("show", "change-password"):
        with pytest.raises(NoPasswordError):
            credentials_app(
                [command, "--password-file", "/none"], exit_on_error=False, result_action="return_value"
            )


def test_an_audit_by_probing_says_so(path: Path) -> None:
    audit = KeyAudit(source="probing", checked_at=AUDIT.checked_at)
    saved(path, Vault(api_key=Secret(KEY), api_secret=Secret(SECRET), audit=audit))
    text = shown(Operator(path, (PASSWORD,)))
    assert "Permissions   none" in text
    assert "(probing)" in text


def test_an_old_password_in_the_keyring_does_not_stop_a_change(path: Path) -> None:
    keyring = MemoryKeyring()
    keyring.kept[SERVICE, "account"] = "an older one"
    saved(path, keyring=True)
    operator = Operator(path, (PASSWORD, NEW, NEW), keyring=keyring)
    assert change_master_password(operator.desk, None) == 0
    assert secrets_file(path).read(Secret(NEW)) == VAULT
    assert keyring.kept == {(SERVICE, "account"): NEW}
    assert "does not open the secrets file" in operator.warned[0]


def test_a_key_that_was_saved_while_the_new_password_was_typed_stays(path: Path) -> None:
    saved(path)
    operator = Operator(path, (PASSWORD, NEW, NEW))
    newer = Vault(api_key=Secret("newer"), api_secret=Secret(SECRET))

    def ask(text: str) -> Secret:
        if text.startswith("The same"):
            saved(path, newer)
        return Secret(operator._ask(text))

    desk = dataclasses.replace(operator.desk, ask_secret=ask)
    with pytest.raises(RefusedError, match="changed meanwhile by another program"):
        change_master_password(desk, None)
    assert secrets_file(path).read(Secret(PASSWORD)) == newer


def test_forgetting_names_and_removes_what_was_put_aside(path: Path) -> None:
    saved(path)
    aside = [path.with_name(f"secrets.enc.replaced{ending}") for ending in ("", "-1")]
    for each in aside:
        saved(each)
    operator = Operator(path, ("FORGET",))
    assert forget_credentials(operator.desk, confirmed=False) == 0
    for each in (path, *aside):
        assert str(each) in operator.asked[0]
        assert f"{each} is removed." in operator.said
        assert not each.exists()


def test_show_says_which_exchange_validated_the_key(path: Path) -> None:
    saved(path, msgspec.structs.replace(VAULT, exchange="127.0.0.1:8080\x1b[2J"))
    operator = Operator(path, (PASSWORD,))
    assert "Validated     2026-01-05 12:00:01 UTC at 127.0.0.1:8080?[2J" in shown(operator)
    operator = Operator(path, (PASSWORD,))
    show_credentials(operator.desk, None, as_json=True)
    assert json.loads(operator.said[0])["exchange"] == "127.0.0.1:8080?[2J"
