"""Versions, limits and space: what is right, what bites, what does not work."""

from pathlib import Path

import pytest

from krakked_tui.doctor.findings import Status
from krakked_tui.doctor.machine import (
    existing,
    judge_dependencies,
    judge_disk,
    judge_inodes,
    judge_log,
    judge_open_files,
    judge_python,
    judge_temporary,
    limits,
    log_file,
    space,
    versions,
)
from krakked_tui.doctor.surroundings import DiskSpace
from tests.unit.doctor.patients import GIGABYTE, FakeSurroundings, named

MEGABYTE = 10**6
HERE = Path("/srv")


@pytest.mark.parametrize(
    ("version", "status"), [((3, 10, 9), Status.PROBLEM), ((3, 11, 0), Status.OK), ((4, 0, 0), Status.OK)]
)
def test_python(version: tuple[int, int, int], status: Status) -> None:
    assert judge_python(version).status is status


@pytest.mark.parametrize(
    ("requirement", "installed", "says"),
    [
        ("msgspec>=0.20", "0.20", ""),
        ("msgspec>=0.20", "0.20.1", ""),
        ("msgspec>=0.20", "0.19.9", "msgspec is 0.19.9, needed is >=0.20"),
        ("msgspec>=0.20.0", "0.20", ""),
        ("msgspec<1,>=0.20", "1.0", "msgspec is 1.0"),
        ("msgspec<1,>=0.20", "0.99rc1", ""),
        ("textual[syntax]<8.3,>=8.2.8", "8.2.8", ""),
        ('keyring>=25.6; python_version > "3"', "25.5", "keyring is 25.5"),
        ("msgspec", None, "msgspec is missing"),
    ],
)
def test_a_library_is_in_its_range_or_named(requirement: str, installed: str | None, says: str) -> None:
    name = requirement.partition("<")[0].partition(">")[0].partition("[")[0]
    found = judge_dependencies([requirement], {name: installed})
    assert found.status is (Status.PROBLEM if says else Status.OK)
    assert not says or says in found.detail


def test_extras_are_not_needed_and_a_source_tree_is_not_judged() -> None:
    found = named(list(versions(FakeSurroundings({}))), "dependencies")
    assert (found.status, found.detail[:10]) == (Status.OK, "1 librarie")
    assert judge_dependencies([], {}).status is Status.SKIPPED


@pytest.mark.parametrize(
    ("free", "total", "status"),
    [
        (199 * MEGABYTE, GIGABYTE, Status.PROBLEM),
        (200 * MEGABYTE, GIGABYTE, Status.WARNING),
        (1_999 * MEGABYTE, 10 * GIGABYTE, Status.WARNING),
        (2 * GIGABYTE, 10 * GIGABYTE, Status.OK),
        (9 * GIGABYTE, 100 * GIGABYTE, Status.WARNING),
        (10 * GIGABYTE, 100 * GIGABYTE, Status.OK),
        (0, 0, Status.PROBLEM),
    ],
)
def test_disk_space(free: int, total: int, status: Status) -> None:
    found = judge_disk(["data"], HERE, DiskSpace(1, total, free))
    assert found.status is status
    assert "data at /srv" in found.detail
    assert (status is Status.OK) == (not found.fix)


@pytest.mark.parametrize(
    ("free", "inodes", "status"),
    [
        (999, 2_000, Status.PROBLEM),
        (4_000, 100_000, Status.WARNING),
        (50_000, 100_000, Status.OK),
        (0, 0, Status.OK),
    ],
)
def test_inodes(free: int, inodes: int, status: Status) -> None:
    assert judge_inodes(HERE, DiskSpace(1, 1, 1, inodes, free)).status is status


def test_one_file_system_is_judged_once(tmp_path: Path) -> None:
    surroundings = FakeSurroundings({})
    found = list(space(surroundings, {"data": tmp_path / "not" / "there", "state": tmp_path}))
    assert [each.name for each in found] == ["disk", "inodes"]
    assert f"free for data, state at {tmp_path}" in found[0].detail
    assert existing(tmp_path / "not" / "there") == tmp_path


@pytest.mark.parametrize(
    ("limit", "status"), [(255, Status.PROBLEM), (256, Status.WARNING), (1024, Status.OK), (-1, Status.OK)]
)
def test_open_files(limit: int, status: Status) -> None:
    assert judge_open_files(limit).status is status


def test_a_place_for_temporary_files() -> None:
    assert judge_temporary(HERE, 49 * MEGABYTE).status is Status.WARNING
    assert judge_temporary(HERE, 50 * MEGABYTE).status is Status.OK

    class Homeless(FakeSurroundings):
        def temporary_directory(self) -> Path:
            raise FileNotFoundError(2, "No usable temporary directory found")

    found = named(list(limits(Homeless({}))), "temporary_directory")
    assert found.status is Status.PROBLEM
    assert "TMPDIR" in found.fix


def test_the_log_need_not_exist_but_its_place_must_be_writable(tmp_path: Path) -> None:
    [found] = log_file(tmp_path / "state" / "krakked.log")
    assert found.status is Status.OK
    assert not (tmp_path / "state").exists()
    refused = judge_log(tmp_path / "krakked.log", "", writable=False)
    assert refused.status is Status.PROBLEM
    assert str(tmp_path) in refused.fix


def test_a_log_that_cannot_be_opened_is_moved_away(tmp_path: Path) -> None:
    path = tmp_path / "krakked.log"
    path.symlink_to(path)
    [found] = log_file(path)
    assert found.status is Status.PROBLEM
    assert "cannot be opened (Too many levels of symbolic links)" in found.detail
    assert found.fix == f"mv {path} {path}.old"
    path.unlink()
    path.mkdir()
    [found] = log_file(path)
    assert (found.status, "no regular file" in found.detail) == (Status.PROBLEM, True)


def test_the_log_is_not_blamed_for_its_directory(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    [found] = log_file(tmp_path / "state" / "krakked.log")
    assert (found.status, found.fix) == (Status.SKIPPED, "")
    [found] = log_file(tmp_path / "state" / "paper" / "krakked.log")
    assert found.status is Status.SKIPPED
