"""The master password: five sources, their order, and why one gives none."""

import itertools
import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from krakked_tui.credentials.environment import MASTER_PASSWORD
from krakked_tui.credentials.keyring_store import SERVICE
from krakked_tui.credentials.master_password import (
    CREDENTIAL,
    CREDENTIALS_DIRECTORY,
    MAX_FILE_BYTES,
    PasswordSources,
    find_password,
)
from krakked_tui.domain.errors import NoPasswordError
from krakked_tui.domain.secret import Secret
from tests.unit.credentials.builders import (
    HangingKeyring,
    MemoryKeyring,
    RaisingKeyring,
    failure,
    store,
    told_of,
)

FILE, VARIABLE, SYSTEMD, KEYRING, PROMPT = "file", "variable", "systemd", "keyring", "prompt"
ORDER = (FILE, VARIABLE, SYSTEMD, KEYRING, PROMPT)


def written(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    path.chmod(mode)
    return path


def sources(tmp_path: Path, given: Iterable[str]) -> PasswordSources:
    """Sources of which those given hold a password, which is their name."""
    environment = {}
    keyring = MemoryKeyring()
    if VARIABLE in given:
        environment[MASTER_PASSWORD] = VARIABLE
    if SYSTEMD in given:
        path = written(tmp_path / "systemd" / CREDENTIAL, b"systemd", 0o440)
        environment[CREDENTIALS_DIRECTORY] = str(path.parent)
    if KEYRING in given:
        keyring.kept[SERVICE, "account"] = KEYRING
    return PasswordSources(
        password_file=written(tmp_path / "password", b"file\n") if FILE in given else None,
        environment=environment,
        keyring=store(keyring),
        prompt=(lambda _text: Secret(PROMPT)) if PROMPT in given else None,
    )


SUBSETS = [
    subset for size in range(len(ORDER) + 1) for subset in itertools.combinations(ORDER, size)
]  # fmt: skip


@pytest.mark.parametrize("opted_in", [True, False], ids=["opted in", "not opted in"])
@pytest.mark.parametrize("given", SUBSETS, ids=lambda given: "+".join(given) or "nothing")
def test_the_first_source_wins(tmp_path: Path, given: tuple[str, ...], opted_in: bool) -> None:
    usable = [name for name in given if name != KEYRING or opted_in]
    asked = sources(tmp_path, given)
    if not usable:
        with pytest.raises(NoPasswordError):
            find_password(asked, keyring_opted_in=opted_in)
        return
    found = find_password(asked, keyring_opted_in=opted_in)
    assert found.password == Secret(usable[0])
    assert usable[0] in found.origin or found.origin == MASTER_PASSWORD


def test_when_nobody_gives_one_each_source_is_named_with_its_reason(tmp_path: Path) -> None:
    error = failure(lambda: find_password(sources(tmp_path, ()), keyring_opted_in=True))
    assert type(error) is NoPasswordError
    assert str(error) == (
        "there is no master password to open the secrets file with (--password-file: not given;"
        " KRAKKED_MASTER_PASSWORD: not set; systemd credentials: $CREDENTIALS_DIRECTORY is not set;"
        " keyring: it has no such entry; prompt: this is not a terminal)"
    )


def no_password(asked: PasswordSources, *, opted_in: bool = False) -> str:
    return str(failure(lambda: find_password(asked, keyring_opted_in=opted_in)))


class Terminal:
    """Types a password; remembers what it was asked."""

    def __init__(self, typed: str) -> None:
        self.typed = typed
        self.asked: list[str] = []

    def __call__(self, text: str) -> Secret:
        self.asked.append(text)
        return Secret(self.typed)


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (b"secret", "secret"),
        (b"secret\n", "secret"),
        (b"secret\r\n", "secret"),
        (b"secret\nsecond line\n", "secret"),
        (b" spaces count \t\n", " spaces count \t"),
        ("pässword\n".encode(), "pässword"),
        (b"\xef\xbb\xbfwith a mark\n", "with a mark"),
        (b"x" * MAX_FILE_BYTES, "x" * MAX_FILE_BYTES),
    ],
    ids=repr,
)
@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_password_file_holds_it_in_its_first_line(
    tmp_path: Path, content: bytes, password: str, mode: int
) -> None:
    path = written(tmp_path / "password", content, mode)
    found = find_password(PasswordSources(path), keyring_opted_in=False)
    assert found.password == Secret(password)
    assert found.origin == f"--password-file {path}"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "its first line is empty"),
        (b"\nsecret\n", "its first line is empty"),
        (b"\r\n", "its first line is empty"),
        (b"\xff\xfes3cret", "it is not UTF-8 text"),
        (b"s3cret" * MAX_FILE_BYTES, "it is longer than 4096 bytes"),
    ],
    ids=["empty", "empty line", "empty dos line", "not text", "long"],
)
def test_a_password_file_without_one_is_an_error_whatever_else_there_is(
    tmp_path: Path, content: bytes, why: str
) -> None:
    asked = sources(tmp_path, ORDER)
    written(tmp_path / "password", content)
    error = failure(lambda: find_password(asked, keyring_opted_in=True))
    assert type(error) is NoPasswordError
    assert why in str(error)
    assert str(tmp_path / "password") in str(error)
    assert "s3cret" not in told_of(error)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o666, 0o777])
def test_a_password_file_that_others_may_use_is_refused_with_the_command_to_run(
    tmp_path: Path, mode: int
) -> None:
    path = written(tmp_path / "password", b"s3cret", mode)
    error = failure(lambda: find_password(PasswordSources(path), keyring_opted_in=False))
    assert f"others may use it (mode {mode:04o}): run chmod 600 {path}" in str(error)
    assert "s3cret" not in told_of(error)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_password_file_of_another_user_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "password", b"s3cret")
    os.chown(path, 12345, -1)
    assert "it belongs to another user: run chown 0" in no_password(PasswordSources(path))


def test_a_password_file_must_be_a_file(tmp_path: Path) -> None:
    assert "No such file" in no_password(PasswordSources(tmp_path / "none"))
    assert "Is a directory" in no_password(PasswordSources(tmp_path))
    os.mkfifo(tmp_path / "pipe", 0o600)
    assert "it is not a regular file" in no_password(PasswordSources(tmp_path / "pipe"))
    assert "it is not a regular file" in no_password(PasswordSources(Path("/dev/null")))


def test_a_link_to_a_private_file_is_a_private_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(written(tmp_path / "password", b"secret"))
    found = find_password(PasswordSources(tmp_path / "link"), keyring_opted_in=False)
    assert found.password == Secret("secret")


def test_an_empty_variable_is_passed_over_and_told() -> None:
    asked = PasswordSources(environment={MASTER_PASSWORD: ""}, prompt=Terminal("typed"))
    found = find_password(asked, keyring_opted_in=False)
    assert found.password == Secret("typed")
    assert found.notes == ("KRAKKED_MASTER_PASSWORD: empty",)


@pytest.mark.parametrize("mode", [0o400, 0o440])
def test_systemd_may_hand_it_over_in_its_own_way(tmp_path: Path, mode: int) -> None:
    path = written(tmp_path / CREDENTIAL, b"secret\n", mode)
    asked = PasswordSources(environment={CREDENTIALS_DIRECTORY: str(tmp_path)})
    found = find_password(asked, keyring_opted_in=False)
    assert (found.password, found.origin) == (Secret("secret"), f"systemd credential {path}")


def test_a_systemd_unit_without_our_credential_is_told(tmp_path: Path) -> None:
    terminal = Terminal("typed")
    asked = PasswordSources(environment={CREDENTIALS_DIRECTORY: str(tmp_path)}, prompt=terminal)
    found = find_password(asked, keyring_opted_in=False)
    (note,) = found.notes
    assert f"{tmp_path / CREDENTIAL}: it cannot be read (No such file or directory)" in note
    assert terminal.asked == [f"{note}\nMaster password: "]


def test_the_keyring_is_not_even_asked_without_the_operators_consent() -> None:
    keyring = MemoryKeyring()
    asked = PasswordSources(keyring=store(keyring), prompt=Terminal("typed"))
    find_password(asked, keyring_opted_in=False)
    assert keyring.calls == 0


def test_a_failing_keyring_degrades_to_the_prompt_with_an_explanation() -> None:
    terminal = Terminal("typed")
    asked = PasswordSources(keyring=store(RaisingKeyring(RuntimeError("s3cret"))), prompt=terminal)
    found = find_password(asked, keyring_opted_in=True)
    assert (found.password, found.origin) == (Secret("typed"), "prompt")
    assert found.notes == ("keyring: it failed (RuntimeError)",)
    assert terminal.asked == ["keyring: it failed (RuntimeError)\nMaster password: "]


def test_a_hanging_keyring_degrades_to_the_prompt() -> None:
    keyring = HangingKeyring()
    asked = PasswordSources(keyring=store(keyring, limit_seconds=0.05), prompt=Terminal("typed"))
    try:
        found = find_password(asked, keyring_opted_in=True)
    finally:
        keyring.released.set()
    assert found.origin == "prompt"
    assert "did not answer" in found.notes[0]


def test_who_types_nothing_gave_none() -> None:
    assert "prompt: nothing was typed" in no_password(PasswordSources(prompt=Terminal("")))

    def ended(_text: str) -> Secret:
        raise EOFError

    assert "prompt: input ended" in no_password(PasswordSources(prompt=ended))


def test_sources_and_errors_print_without_the_password() -> None:
    asked = PasswordSources(Path("/none"), environment={MASTER_PASSWORD: "s3cret"})
    assert "s3cret" not in repr(asked)
    error = failure(lambda: find_password(asked, keyring_opted_in=False))
    assert "asked" in told_of(error) or "sources" in told_of(error)
    assert "s3cret" not in told_of(error)
