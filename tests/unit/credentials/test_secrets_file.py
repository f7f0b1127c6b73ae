"""The file on disk: private, whole, and one error for everything that is not it."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.credentials.calibration import SMALLEST
from krakked_tui.credentials.envelope import MAX_BYTES, cost_of
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.errors import (
    CredentialsError,
    NoCredentialsError,
    RefusedError,
    SecretsFileError,
    StorageError,
)
from krakked_tui.domain.secret import Secret
from krakked_tui.storage.files import lock_state, replace_private_file, writing
from tests.unit.credentials.builders import (
    CHEAP,
    KEY,
    PASSWORD,
    PLAIN_TEXTS,
    SECRET,
    VAULT,
    failure,
    saved,
    secrets_file,
    told_of,
)

FIXTURE = Path(__file__).parents[2] / "fixtures" / "credentials" / "secrets-v1.enc"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "secrets.enc"


def test_what_was_saved_is_read(path: Path) -> None:
    file = secrets_file(path)
    assert not file.exists()
    file.save(VAULT, Secret(PASSWORD), keyring=True)
    assert file.exists()
    assert file.keyring_opted_in()
    assert file.read(Secret(PASSWORD)) == VAULT
    file.save(VAULT, Secret("another"), keyring=False)
    assert not file.keyring_opted_in()
    assert file.read(Secret("another")) == VAULT


@given(password=st.text(st.characters(), max_size=30), key=st.text(min_size=1), secret=st.text(min_size=1))
def test_any_text_survives(
    tmp_path_factory: pytest.TempPathFactory, password: str, key: str, secret: str
) -> None:
    vault = Vault(api_key=Secret(key), api_secret=Secret(secret), alert_urls=(Secret(secret),))
    file = saved(tmp_path_factory.getbasetemp() / "any" / "secrets.enc", vault, password=password)
    assert file.read(Secret(password)) == vault


def test_only_the_owner_may_read_it(path: Path) -> None:
    saved(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.chmod(0o644)
    saved(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secrets.enc"]


def test_nothing_of_it_is_plain(path: Path) -> None:
    saved(path)
    assert not any(text.encode() in path.read_bytes() for text in PLAIN_TEXTS)


def test_a_wrong_password_is_the_one_error_and_shows_nothing(path: Path) -> None:
    file = saved(path)
    error = failure(lambda: file.read(Secret("wrong password")))
    assert type(error) is SecretsFileError
    assert str(error) == "Wrong password or corrupted secrets file"
    told = told_of(error)
    assert "password = ***" in told
    assert not any(text in told for text in (*PLAIN_TEXTS, "wrong password"))


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_every_changed_byte_is_the_same_error(path: Path, flip: int) -> None:
    file = saved(path)
    content = path.read_bytes()
    for at in range(len(content)):
        path.write_bytes(content[:at] + bytes([content[at] ^ flip]) + content[at + 1 :])
        assert type(failure(lambda: file.read(Secret(PASSWORD)))) is SecretsFileError, at
    path.write_bytes(content)
    assert file.read(Secret(PASSWORD)) == VAULT


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"{}", b"0" * (MAX_BYTES + 1), b"\0" * (8 * MAX_BYTES)], ids=len
)
def test_what_is_no_envelope_is_the_same_error(path: Path, content: bytes) -> None:
    file = saved(path, keyring=True)
    path.write_bytes(content)
    assert type(failure(lambda: file.read(Secret(PASSWORD)))) is SecretsFileError
    assert not file.keyring_opted_in()


def test_version_1_opens_for_ever() -> None:
    file = secrets_file(FIXTURE)
    vault = file.read(Secret("fixture pässword 1"))
    assert file.keyring_opted_in()
    assert (vault.api_key, vault.api_secret) == (Secret("fixture-key"), Secret("Zml4dHVyZS1zZWNyZXQ="))
    assert vault.validated_at == datetime(2026, 1, 5, 12, tzinfo=UTC)
    assert vault.audit is not None
    assert vault.audit.name == "fixture"
    assert vault.alert_urls == (Secret("ntfy://fixture"),)
    assert vault.api_tokens == (Secret("fixture-token"),)


def test_a_file_made_weaker_opens_and_is_saved_as_strong_as_calibrated(path: Path) -> None:
    saved(path)
    assert cost_of(path.read_bytes()) == CHEAP
    file = SecretsFile(path, replace_private_file, lambda: SMALLEST)
    file.save(file.read(Secret(PASSWORD)), Secret(PASSWORD), keyring=False)
    assert cost_of(path.read_bytes()) == SMALLEST
    assert file.read(Secret(PASSWORD)) == VAULT


def test_in_production_it_is_calibrated(path: Path) -> None:
    SecretsFile(path, replace_private_file).save(VAULT, Secret(PASSWORD), keyring=False)
    cost = cost_of(path.read_bytes())
    assert cost is not None
    assert cost.memory >= 64 * 1024 * 1024


def test_a_save_that_fails_leaves_the_old_file(path: Path) -> None:
    saved(path)

    def dying(target: Path, content: bytes) -> None:
        (target.parent / f".{target.name}.half").write_bytes(content[: len(content) // 2])
        raise StorageError("disk full")

    file = SecretsFile(path, dying, lambda: CHEAP)
    error = failure(lambda: file.save(Vault(), Secret("new password"), keyring=True))
    assert type(error) is StorageError
    assert not any(text in told_of(error) for text in (*PLAIN_TEXTS, "new password"))
    assert file.read(Secret(PASSWORD)) == VAULT
    assert not file.keyring_opted_in()


def test_a_process_killed_while_it_saves_leaves_the_old_file(path: Path) -> None:
    saved(path)
    program = f"""
        import os, signal
        from pathlib import Path
        from krakked_tui.domain.secret import Secret
        from krakked_tui.storage import files
        from tests.unit.credentials.builders import CHEAP, SecretsFile, Vault

        def killed(target, content):
            os.replace = lambda *_names: os.kill(os.getpid(), signal.SIGKILL)
            files.replace_private_file(target, content)

        SecretsFile(Path({str(path)!r}), killed, lambda: CHEAP).save(Vault(), Secret("new"), keyring=True)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        cwd=Path(__file__).parents[3],
        timeout=50,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert len(list(path.parent.iterdir())) == 2  # it was killed with the new file already written
    assert secrets_file(path).read(Secret(PASSWORD)) == VAULT


def test_removing_leaves_nothing_of_interrupted_saves_either(path: Path) -> None:
    file = saved(path)
    (path.parent / ".secrets.enc.abc").write_bytes(b"half")
    (path.parent / "config.toml").write_bytes(b"")
    assert file.remove() == (path, path.parent / ".secrets.enc.abc")
    assert [each.name for each in path.parent.iterdir()] == ["config.toml"]
    assert not file.exists()
    assert not file.remove()


def test_no_file_is_no_credentials(path: Path) -> None:
    file = secrets_file(path)
    assert not file.keyring_opted_in()
    assert not file.remove()
    with pytest.raises(NoCredentialsError, match=r"secrets\.enc: run krakked-tui setup"):
        file.read(Secret(PASSWORD))


def test_what_is_not_a_file_is_said_at_once(path: Path) -> None:
    path.parent.mkdir()
    os.mkfifo(path)
    with pytest.raises(StorageError, match="is not a file"):
        secrets_file(path).read(Secret(PASSWORD))
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError, match=r"secrets\.enc cannot be read"):
        secrets_file(path).read(Secret(PASSWORD))
    with pytest.raises(StorageError, match=r"secrets\.enc cannot be removed"):
        secrets_file(path).remove()
    assert not secrets_file(path).keyring_opted_in()


def test_a_place_that_cannot_be_looked_at_is_an_error_not_an_absence() -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        secrets_file(Path("/tmp") / ("x" * 300) / "secrets.enc").exists()


def test_too_much_is_refused_and_the_old_file_stays(path: Path) -> None:
    file = saved(path)
    huge = Vault(api_key=Secret(KEY), api_secret=Secret(SECRET), alert_urls=(Secret("x" * MAX_BYTES),))
    with pytest.raises(CredentialsError, match="remove alert URLs"):
        file.save(huge, Secret(PASSWORD), keyring=False)
    assert file.read(Secret(PASSWORD)) == VAULT


def test_a_change_is_made_to_what_the_file_holds_now(path: Path) -> None:
    """Another program saves a newer key and alert URL after the vault was read: both stay."""
    first = saved(path, keyring=True)
    seen = first.read(Secret(PASSWORD))
    newer = msgspec.structs.replace(seen, api_key=Secret("newer"), alert_urls=(Secret("y://z"),))
    saved(path, newer, keyring=True)
    after = first.update(
        Secret(PASSWORD), lambda vault: msgspec.structs.replace(vault, exchange="api.kraken.com")
    )
    assert after == first.read(Secret(PASSWORD))
    assert (after.api_key, after.alert_urls, after.exchange) == (
        Secret("newer"),
        (Secret("y://z"),),
        "api.kraken.com",
    )
    assert first.keyring_opted_in()


def test_a_change_that_changes_nothing_writes_nothing(path: Path) -> None:
    file = saved(path)
    before = path.read_bytes()
    assert file.update(Secret(PASSWORD), lambda vault: vault) == VAULT
    assert path.read_bytes() == before


def test_two_who_change_it_at_the_same_time_lose_nothing(path: Path) -> None:
    saved(path, Vault())
    reading = threading.Barrier(2)

    def add(name: str) -> None:
        file = SecretsFile(path, replace_private_file, lambda: CHEAP, writing)
        reading.wait()
        for number in range(5):
            token = Secret(f"{name} {number}")
            file.update(
                Secret(PASSWORD),
                lambda vault, token=token: msgspec.structs.replace(  # type: ignore[misc]
                    vault, api_tokens=(*vault.api_tokens, token)
                ),
            )

    writers = [threading.Thread(target=add, args=(name,)) for name in ("one", "two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert len(secrets_file(path).read(Secret(PASSWORD)).api_tokens) == 10


def test_a_password_is_not_changed_for_what_somebody_else_has_replaced(path: Path) -> None:
    file = saved(path)
    content = file.content()
    saved(path, Vault())
    with pytest.raises(RefusedError, match="changed meanwhile by another program; nothing is changed"):
        file.change_password(content, Secret(PASSWORD), Secret("new"))
    assert file.read(Secret(PASSWORD)) == Vault()
    file.change_password(file.content(), Secret(PASSWORD), Secret("new"))
    assert file.read(Secret("new")) == Vault()


def test_its_lock_lies_beside_it(path: Path) -> None:
    file = SecretsFile(path, replace_private_file, lambda: CHEAP, writing)
    with file.locked():
        state = lock_state(path.parent / "secrets.enc.lock")
    assert state is not None
    assert state.held


def test_what_is_put_aside_never_takes_the_place_of_something(path: Path) -> None:
    file = saved(path)
    names = []
    for _ in range(3):
        aside = file.name_to_keep()
        names.append(aside.name)
        aside.write_bytes(b"")
    assert names == ["secrets.enc.replaced", "secrets.enc.replaced-1", "secrets.enc.replaced-2"]


def test_every_copy_is_removed_also_where_a_link_leads(path: Path, tmp_path: Path) -> None:
    path.parent.mkdir()
    real = tmp_path / "elsewhere" / "sealed"
    path.symlink_to(real)
    file = saved(path)
    (path.parent / "secrets.enc.replaced-1").write_bytes(b"older")
    assert file.copies() == (real, path, path.parent / "secrets.enc.replaced-1")
    assert file.remove() == (real, path, path.parent / "secrets.enc.replaced-1")
    assert not real.exists()
    assert list(path.parent.iterdir()) == []
