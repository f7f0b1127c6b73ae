"""Directories, permissions, owners and the lock."""

import os
from pathlib import Path

from krakked_tui.config.places import Loose
from krakked_tui.doctor.files import (
    At,
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
    foreign = [Loose(path=Path("/c/a"), mode=0o600, wanted=0o600, ours=False, foreign=True)]
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
    assert [each.fix for each in found] == [f"mv {tmp_path / 'home'} {tmp_path / 'home'}.old"]
    [found_below] = directories(patient(tmp_path / "home" / "below"))
    assert found_below.fix == "Set KRAKKED_HOME to a directory of yours"


def test_a_home_that_cannot_be_made_is_to_be_made_for_us_and_nothing_above_it_changed() -> None:
    home = Path("/srv/krakked")
    wanted = dict.fromkeys(
        [home / "config", home / "data" / "paper", home / "data" / "candles"],
        At(path=Path("/srv"), writable=False),
    )
    [found] = judge_directories(wanted, [home], 1000)
    assert found.fix == 'sudo install -d -m 700 -o "$(id -u)" /srv/krakked'
    assert found.detail.startswith("/srv/krakked cannot be made")
    two = [Path("/h/.config/krakked"), Path("/h/.local/share/krakked")]
    spread = {
        two[0]: At(path=Path("/h"), writable=False),
        two[1] / "paper": At(path=Path("/"), writable=False),
    }
    made = [each.fix for each in judge_directories(spread, two, 1000)]
    assert made == [f'sudo install -d -m 700 -o "$(id -u)" {path}' for path in two]


def test_a_directory_of_ours_that_cannot_be_written_is_named_with_its_owner() -> None:
    home, data = Path("/h"), Path("/h/data")
    closed = At(path=data, writable=False, owner=1000)
    [found] = judge_directories({data / "paper": closed, data / "candles": closed}, [home], 1000)
    assert (found.detail, found.fix) == ("/h/data cannot be written", "chmod 700 /h/data")
    [found] = judge_directories({data: At(path=data, writable=False, owner=0)}, [home], 1000)
    assert found.fix == 'sudo chown "$(id -u)" /h/data && chmod 700 /h/data'


def test_directories_that_are_there_or_will_be(tmp_path: Path) -> None:
    [found] = directories(patient(tmp_path / "home"))
    assert found.detail == "all 4 can be written; 4 of them are made when they are needed"
    assert not (tmp_path / "home").exists()
    healthy_home(tmp_path / "home")
    [found] = directories(patient(tmp_path / "home"))
    assert found.detail == "all 4 can be written"


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


def test_a_root_that_others_can_change_is_found(tmp_path: Path) -> None:
    healthy_home(tmp_path)
    tmp_path.chmod(0o775)
    found = named(list(permissions(patient(tmp_path))), "permissions")
    assert (found.status, found.fix) == (Status.PROBLEM, f"chmod 755 {tmp_path}")
