"""Directories, permissions, owners and the lock."""

import os
from pathlib import Path

from krakked_tui.config.places import Loose
from krakked_tui.doctor.files import (
    directories,
    judge_directories,
    judge_lock,
    judge_owners,
    judge_permissions,
    lock,
    permissions,
)
from krakked_tui.doctor.findings import Status
from krakked_tui.storage.files import FileLock, LockState
from tests.unit.doctor.patients import healthy_home, named, patient

SECRETS = Path("/c/secrets.enc")


def loose(path: str, mode: int, *, ours: bool = True) -> Loose:
    return Loose(path=Path(path), mode=mode, wanted=0o600, ours=ours)


def test_who_may_change_our_files_is_worse_than_who_may_read_them() -> None:
    found = list(
        judge_permissions([loose("/c/a", 0o644), loose("/c/b", 0o660), loose(str(SECRETS), 0o640)], SECRETS)
    )
    assert [each.status for each in found] == [Status.WARNING, Status.PROBLEM, Status.PROBLEM]
    assert [each.fix for each in found] == ["chmod 600 /c/a", "chmod 600 /c/b", "chmod 600 /c/secrets.enc"]
    assert [each.status for each in judge_permissions([], SECRETS)] == [Status.OK]


def test_what_belongs_to_another_user_is_named() -> None:
    foreign = [loose("/c/a", 0o600, ours=False)]
    [found] = judge_owners(foreign, 1000)
    assert found.status is Status.PROBLEM
    assert found.fix.startswith("sudo chown -R 1000 /c/a")
    assert [each.status for each in judge_permissions(foreign, SECRETS)] == [Status.OK]
    assert [each.status for each in judge_owners([loose("/c/a", 0o777)], 1000)] == [Status.OK]


def test_a_real_directory_with_mode_0777(tmp_path: Path) -> None:
    where = healthy_home(tmp_path)
    assert named(list(permissions(patient(tmp_path))), "permissions").status is Status.OK
    where.data.chmod(0o777)
    found = named(list(permissions(patient(tmp_path))), "permissions")
    assert found.status is Status.PROBLEM
    assert "mode 0777" in found.detail
    assert found.fix == f"chmod 700 {where.data}"


def test_directories_that_cannot_be_made_are_all_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a directory should be")
    found = list(directories(patient(tmp_path / "home")))
    assert {each.status for each in found} == {Status.PROBLEM}
    assert len(found) == 4
    assert f"{tmp_path / 'home'} is no directory of yours" in found[0].detail


def test_directories_that_are_there_or_will_be(tmp_path: Path) -> None:
    [found] = directories(patient(tmp_path / "home"))
    assert found.detail == "all 4 can be written; 4 of them are made when they are needed"
    assert not (tmp_path / "home").exists()
    healthy_home(tmp_path / "home")
    [found] = directories(patient(tmp_path / "home"))
    assert found.detail == "all 4 can be written"
    [found] = judge_directories({Path("/x"): Path("/x")}, {Path("/x"): False})
    assert found.detail == "/x cannot be written"


def test_a_lock_is_free_held_or_stale() -> None:
    path = Path("/s/engine.lock")
    assert judge_lock(path, None).status is Status.OK
    assert "free" in judge_lock(path, LockState(0, held=False)).detail
    assert "process 42" in judge_lock(path, LockState(42, held=True)).detail
    stale = judge_lock(path, LockState(42, held=False))
    assert stale.status is Status.WARNING
    assert "process 42 ended without giving /s/engine.lock back" in stale.detail
    assert "harmless" in stale.detail


def test_the_lock_of_a_running_engine_stays_its_own(tmp_path: Path) -> None:
    where = healthy_home(tmp_path)
    held = FileLock(where.lock, "used")
    [found] = lock(patient(tmp_path))
    assert f"process {os.getpid()}" in found.detail
    held.release()
    [found] = lock(patient(tmp_path))
    assert "free" in found.detail
