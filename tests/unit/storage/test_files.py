import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from krakked_tui.domain.errors import RefusedError, StorageError
from krakked_tui.storage.files import (
    LOCK_TRIES,
    FileLock,
    lock_state,
    make_private_file,
    replace_private_file,
    writing,
)

ROOT = Path(__file__).parents[3]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_missing_directories_and_the_file_are_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "demo" / "krakked.db"
    make_private_file(path)
    assert (mode(path), mode(path.parent), mode(path.parent.parent)) == (0o600, 0o700, 0o700)


def test_an_existing_file_is_made_private_and_keeps_its_content(tmp_path: Path) -> None:
    path = tmp_path / "krakked.db"
    path.write_text("content")
    path.chmod(0o644)
    make_private_file(path)
    assert (mode(path), path.read_text()) == (0o600, "content")


def test_a_place_that_is_no_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/krakked\.db cannot be created or written"):
        make_private_file(tmp_path / "file" / "krakked.db")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_unwritable_directory_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StorageError, match="belongs to you"):
        make_private_file(tmp_path / "krakked.db")
    tmp_path.chmod(0o700)


def test_a_lock_lets_one_in_and_names_who_has_it(tmp_path: Path) -> None:
    first = FileLock(tmp_path / "tail.lock", "written to")
    with pytest.raises(RefusedError, match=rf"already written to .*process {os.getpid()}\)"):
        FileLock(tmp_path / "tail.lock", "written to")
    first.release()
    FileLock(tmp_path / "tail.lock", "written to").release()


def test_the_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "tail.lock"
    take_and_die = (
        "import os, pathlib, sys; from krakked_tui.storage.files import FileLock;"
        "lock = FileLock(pathlib.Path(sys.argv[1]), 'written to'); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", take_and_die, str(path)], cwd=ROOT, check=False)
    assert path.read_text()
    path.write_text("a longer number than any process has")
    lock = FileLock(path, "written to")
    assert path.read_text() == f"{os.getpid()}\n"
    lock.release()


def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(StorageError, match=r"tail\.lock cannot be locked \(No locks available\)"):
        FileLock(tmp_path / "tail.lock", "written to")


def test_a_file_is_replaced_as_a_whole_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "config" / "secrets.enc"
    replace_private_file(path, b"old")
    path.chmod(0o644)
    replace_private_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert [entry.name for entry in path.parent.iterdir()] == ["secrets.enc"]


def test_what_cannot_be_replaced_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "runtime.toml"
    path.mkdir()
    (path / "kept").touch()
    with pytest.raises(StorageError, match="what was there is unchanged"):
        replace_private_file(path, b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["runtime.toml"]


def test_a_writer_killed_at_any_moment_leaves_the_old_content_or_the_new(tmp_path: Path) -> None:
    path = tmp_path / "secrets.enc"
    replace_private_file(path, b"a" * 100_000)
    write_for_ever = (
        "import itertools, pathlib, sys; from krakked_tui.storage.files import replace_private_file\n"
        "print('go', flush=True)\n"
        "for letter in itertools.cycle(b'abc'):"
        " replace_private_file(pathlib.Path(sys.argv[1]), bytes([letter]) * 100_000)"
    )
    for _ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", write_for_ever, str(path)], cwd=ROOT, stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        before = path.stat().st_ino
        while path.stat().st_ino == before:  # at least one is under way
            pass
        writer.kill()
        writer.communicate()
        content = path.read_bytes()
        assert content == content[:1] * 100_000
        assert mode(path) == 0o600


def test_the_state_of_a_lock_is_seen_without_taking_it(tmp_path: Path) -> None:
    path = tmp_path / "engine.lock"
    assert lock_state(path) is None
    lock = FileLock(path, "used")
    state = lock_state(path)
    assert state is not None
    assert (state.pid, state.held) == (os.getpid(), True)
    lock.release()
    state = lock_state(path)
    assert state is not None
    assert (state.pid, state.held) == (0, False)
    path.write_text("12345\n")  # its process was killed
    state = lock_state(path)
    assert state is not None
    assert (state.pid, state.held) == (12345, False)
    FileLock(path, "used").release()


@pytest.mark.parametrize("dangling", [False, True])
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path, dangling: bool) -> None:
    target = tmp_path / "dotfiles" / "config.toml"
    if not dangling:
        replace_private_file(target, b"old")
    link = tmp_path / "config.toml"
    link.symlink_to(target)
    replace_private_file(link, b"new")
    assert link.is_symlink()
    assert (target.read_bytes(), mode(target)) == (b"new", 0o600)
    assert [entry.name for entry in target.parent.iterdir()] == ["config.toml"]


def test_writers_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "config" / "secrets.enc.lock"
    waited: list[float] = []
    first = FileLock(path, "being changed")

    def pause(seconds: float) -> None:
        waited.append(seconds)
        first.release()

    with writing(path, pause=pause):
        state = lock_state(path)
        assert state is not None
        assert state.held
    assert len(waited) == 1
    with writing(path, pause=pause):
        assert len(waited) == 1, "it was given back"


def test_a_writer_that_does_not_end_is_named(tmp_path: Path) -> None:
    waited: list[float] = []
    first = FileLock(tmp_path / "lock", "being changed")
    with (
        pytest.raises(RefusedError, match=rf"process {os.getpid()}\): wait until it has ended or stop it"),
        writing(tmp_path / "lock", pause=waited.append),
    ):
        pass
    assert len(waited) == LOCK_TRIES - 1
    first.release()
