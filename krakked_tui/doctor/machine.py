"""The machine itself: versions, limits, space."""

import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from krakked_tui.doctor.commands import shell
from krakked_tui.doctor.findings import Finding, ok, problem, skipped, warning
from krakked_tui.doctor.surroundings import DiskSpace, Surroundings

PYTHON_MIN = (3, 11)
GIGABYTE, MEGABYTE = 10**9, 10**6
DISK_WARNING, DISK_PROBLEM = 2 * GIGABYTE, 200 * MEGABYTE
DISK_WARNING_SHARE = 0.10
INODES_WARNING_SHARE, INODES_PROBLEM = 0.05, 1_000
FILES_WARNING, FILES_PROBLEM = 1024, 256
TEMPORARY_MIN = 50 * MEGABYTE

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*([^;]*)(;.*)?")
_BOUND = re.compile(r"(>=|<)\s*([0-9][0-9.]*)")


def versions(surroundings: Surroundings) -> Iterator[Finding]:
    """Check Python and the libraries."""
    yield judge_python(surroundings.python())
    needed = [each for each in surroundings.requirements() if "extra ==" not in each]
    names = [match[1] for each in needed if (match := _REQUIREMENT.match(each))]
    yield judge_dependencies(needed, {name: surroundings.installed(name) for name in names})


def judge_python(version: Sequence[int]) -> Finding:
    """Judge the version of Python."""
    shown = ".".join(map(str, version))
    if tuple(version) >= PYTHON_MIN:
        return ok("python", f"Python {shown}")
    needed = ".".join(map(str, PYTHON_MIN))
    return problem(
        "python",
        f"Python {shown} is too old",
        f"Install Python {needed} or newer and make the virtual environment anew",
    )


def judge_dependencies(requirements: Sequence[str], installed: Mapping[str, str | None]) -> Finding:
    """Judge versions against lines such as ``msgspec>=0.20,<1``."""
    if not requirements:
        return skipped("dependencies", "the program runs from its source tree and lists no requirements")
    wrong = []
    for requirement in requirements:
        match = _REQUIREMENT.match(requirement)
        if match is None:
            continue
        name, bounds = match[1], match[2].strip()
        version = installed.get(name)
        if version is None:
            wrong.append(f"{name} is missing")
        elif not _within(version, bounds):
            wrong.append(f"{name} is {version}, needed is {bounds}")
    if not wrong:
        return ok("dependencies", f"{len(requirements)} libraries, all in the range they are tested in")
    return problem(
        "dependencies", "; ".join(wrong), "Install the program anew in its environment: make install"
    )


def _within(version: str, bounds: str) -> bool:
    for sign, bound in _BOUND.findall(bounds):
        pairs = zip_longest(_numbers(version), _numbers(bound), fillvalue=0)
        order = next((a - b for a, b in pairs if a != b), 0)
        if order < 0 if sign == ">=" else order >= 0:
            return False
    return True


def _numbers(version: str) -> list[int]:
    release = re.match(r"[0-9]+(\.[0-9]+)*", version)
    return [int(part) for part in release.group().split(".")] if release else []


def space(surroundings: Surroundings, directories: Mapping[str, Path]) -> Iterator[Finding]:
    """Check the file systems of directories, each with a word for it; made or not yet made."""
    by_device: dict[int, tuple[list[str], Path, DiskSpace]] = {}
    for word, directory in directories.items():
        at = existing(directory)
        found = surroundings.disk(at)
        by_device.setdefault(found.device, ([], at, found))[0].append(word)
    for words, at, found in by_device.values():
        yield judge_disk(words, at, found)
        yield judge_inodes(at, found)


def existing(path: Path) -> Path:
    """Return a path, or the nearest directory above it that exists."""
    # Whether something is in a closed directory cannot be known: then that directory is what counts.
    return next((each for each in (path, *path.parents) if os.path.exists(each)), Path("/"))


def judge_disk(words: Iterable[str], at: Path, space: DiskSpace) -> Finding:
    """Judge what is left of a file system that holds what the words say."""
    share = space.free / space.total if space.total else 0.0
    detail = f"{_size(space.free)} ({share:.0%}) free for {', '.join(words)} at {at}"
    fix = shell("Free space there (du -xh {} | sort -h | tail), or set KRAKKED_HOME to a larger disk", at)
    if space.free < DISK_PROBLEM:
        return problem("disk", f"nearly full: {detail}", fix)
    if space.free < DISK_WARNING or share < DISK_WARNING_SHARE:
        return warning("disk", f"filling up: {detail}", fix)
    return ok("disk", detail)


def judge_inodes(at: Path, space: DiskSpace) -> Finding:
    """Judge how many more files a file system can hold."""
    if not space.inodes:
        return ok("inodes", f"{at}: this file system has no limit on the number of files")
    share = space.inodes_free / space.inodes
    detail = f"{space.inodes_free} more files ({share:.0%}) fit at {at}"
    fix = "Delete many small files there: du --inodes -x / | sort -n | tail shows where they are"
    if space.inodes_free < INODES_PROBLEM:
        return problem("inodes", detail, fix)
    if share < INODES_WARNING_SHARE:
        return warning("inodes", detail, fix)
    return ok("inodes", detail)


def limits(surroundings: Surroundings) -> Iterator[Finding]:
    """Check the limit on open files and the place for temporary ones."""
    yield judge_open_files(surroundings.open_files_limit())
    try:
        directory = surroundings.temporary_directory()
        yield judge_temporary(directory, surroundings.disk(directory).free)
    except OSError as error:
        yield problem(
            "temporary_directory",
            f"there is no directory for temporary files ({error.strerror or error})",
            "Make /tmp writable (chmod 1777 /tmp), or set TMPDIR to a directory of yours",
        )


def judge_open_files(limit: int) -> Finding:
    """Judge the limit on open files and connections; -1 is none."""
    fix = "Raise it: ulimit -n 4096 in the shell, LimitNOFILE=4096 in a systemd unit"
    if limit < 0:
        return ok("open_files", "no limit")
    if limit < FILES_PROBLEM:
        return problem("open_files", f"only {limit} files and connections may be open at once", fix)
    if limit < FILES_WARNING:
        return warning("open_files", f"only {limit} files and connections may be open at once", fix)
    return ok("open_files", f"{limit} files and connections may be open at once")


def judge_temporary(directory: Path, free: int) -> Finding:
    """Judge the place for temporary files, which can be written."""
    if free < TEMPORARY_MIN:
        return warning(
            "temporary_directory",
            f"only {_size(free)} free in {directory}",
            f"Free space in {directory}, or set TMPDIR to another directory",
        )
    return ok("temporary_directory", f"{directory} can be written")


def log_file(path: Path) -> Iterator[Finding]:
    """Check that the log can be written, without writing it."""
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
        yield judge_log(path, "" if regular else "no regular file", writable=os.access(path, os.W_OK))
    except FileNotFoundError:
        at = existing(Path(os.path.realpath(path)).parent)
        if at.is_dir() and os.access(at, os.W_OK | os.X_OK):
            yield ok("log", f"{path} can be written")
        else:
            yield skipped("log", "its directory must be right first")
    except (NotADirectoryError, PermissionError):
        yield skipped("log", "its directory must be right first")
    except OSError as error:
        yield judge_log(path, error.strerror or "", writable=False)


def judge_log(path: Path, trouble: str, *, writable: bool) -> Finding:
    """Judge a log that exists; ``trouble`` is why it cannot be opened at all, or empty."""
    if trouble:
        fix = shell("mv {0} {0}.old", path)
        return problem(
            "log", f"{path} cannot be opened ({trouble}): move it away, a start makes it anew", fix
        )
    if writable:
        return ok("log", f"{path} can be written")
    return problem(
        "log", f"{path} cannot be written", shell('sudo chown "$(id -u)" {0} && chmod 600 {0}', path)
    )


def _size(count: int) -> str:
    return f"{count / GIGABYTE:.1f} GB" if count >= GIGABYTE else f"{count / MEGABYTE:.0f} MB"
