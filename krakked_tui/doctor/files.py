"""The profile's directories and files: who may read them, and who is using them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from krakked_tui.config.places import Loose, loose_permissions
from krakked_tui.doctor.commands import shell
from krakked_tui.doctor.context import Context
from krakked_tui.doctor.findings import Finding, ok, problem, warning
from krakked_tui.doctor.machine import existing
from krakked_tui.storage.files import LockState, lock_state

_OTHERS = 0o077
_OTHERS_WRITE = 0o022


def directories(context: Context) -> Iterator[Finding]:
    """Check that the profile's directories are there, or can be made."""
    where = context.where
    wanted = {path: _look(path) for path in (where.config, where.data, where.state, where.candles)}
    tops = (where.config, where.data.parent, where.state.parent) if where.home is None else (where.home,)
    yield from judge_directories(wanted, tops, context.surroundings.user)


class At(msgspec.Struct, frozen=True):
    """A directory, or the nearest thing above it that exists, and whether something can be made in it."""

    path: Path
    directory: bool = True
    writable: bool = True
    owner: int = 0


def _look(wanted: Path) -> At:
    at = existing(wanted)
    directory = at.is_dir()
    return At(
        path=at,
        directory=directory,
        writable=directory and os.access(at, os.W_OK | os.X_OK),
        owner=at.stat().st_uid,
    )


def judge_directories(wanted: Mapping[Path, At], tops: Sequence[Path], user: int) -> Iterator[Finding]:
    """Judge directories, which all lie in or are one of ``tops``; what lies above those is not ours."""
    told = set()
    for directory, at in wanted.items():
        if at.writable:
            continue
        top = next(each for each in tops if directory.is_relative_to(each))
        ours = at.path.is_relative_to(top)
        found = _judge_ours(at, user) if ours else _judge_missing(top, at)
        if found not in told:
            told.add(found)
            yield found
    if not told:
        missing = sum(directory != at.path for directory, at in wanted.items())
        later = f"; {missing} of them are made when they are needed" if missing else ""
        yield ok("directories", f"all {len(wanted)} can be written{later}")


def _judge_missing(top: Path, at: At) -> Finding:
    """Judge a directory that is not there and cannot be made. Whatever is above it is not to be changed."""
    if not at.directory:
        text = f"{top} cannot be made: what lies above it is no directory"
        return problem("directories", text, "Set KRAKKED_HOME to a directory of yours")
    return problem(
        "directories",
        f"{top} cannot be made: you may not write above it; have it made for you,"
        " or set KRAKKED_HOME to a directory of yours",
        shell('sudo install -d -m 700 -o "$(id -u)" {}', top),
    )


def _judge_ours(at: At, user: int) -> Finding:
    if not at.directory:
        return problem(
            "directories",
            f"{at.path} is no directory, so nothing can be made in it: move it away",
            shell("mv {0} {0}.old", at.path),
        )
    what = f"{at.path} cannot be written"
    if at.owner == user:
        return problem("directories", what, shell("chmod 700 {}", at.path))
    return problem(
        "directories",
        f"{what}: it belongs to another user",
        shell('sudo chown "$(id -u)" {0} && chmod 700 {0}', at.path),
    )


def permissions(context: Context) -> Iterator[Finding]:
    """Check that nobody else may read or change what is ours, and that it belongs to us."""
    loose = loose_permissions(context.where)
    yield from judge_permissions(loose, context.where.secrets)
    yield from judge_owners(loose, context.surroundings.user)


def judge_permissions(loose: Sequence[Loose], secrets: Path) -> Iterator[Finding]:
    """Judge permission bits: directories want 0700, files 0600. ``secrets`` is the encrypted file."""
    for each in loose:
        fix = shell(f"chmod {each.wanted:o} {{}}", each.path)
        if each.mode & _OTHERS_WRITE:
            yield problem("permissions", f"{each.path} can be changed by others (mode {each.mode:04o})", fix)
        elif each.mode & _OTHERS and each.path == secrets:
            yield problem("permissions", f"{each.path} can be read by others (mode {each.mode:04o})", fix)
        elif each.mode & _OTHERS:
            yield warning("permissions", f"{each.path} can be read by others (mode {each.mode:04o})", fix)
    if not any(each.mode & _OTHERS for each in loose):
        yield ok("permissions", "directories and files are for their owner only")


def judge_owners(loose: Sequence[Loose], user: int) -> Iterator[Finding]:
    """Judge whether what is ours belongs to us."""
    foreign = [each for each in loose if each.foreign]
    for each in foreign:
        yield problem(
            "owner",
            f"{each.path} belongs to another user",
            shell(f"sudo chown -R {user} {{}}", each.path),
        )
    if not foreign:
        yield ok("owner", f"all belongs to you (user {user})")


def lock(context: Context) -> Iterator[Finding]:
    """Check whether an engine uses the profile."""
    yield judge_lock(context.where.lock, lock_state(context.where.lock))


def judge_lock(path: Path, state: LockState | None) -> Finding:
    """Judge the profile's lock."""
    if state is None or (not state.held and state.pid == 0):
        return ok("lock", "free: no engine is running on this profile")
    if state.held:
        return ok("lock", f"an engine is running on this profile (process {state.pid or 'unknown'})")
    return warning(
        "lock",
        f"stale: process {state.pid} ended without giving {path} back, so it was killed or the machine"
        " went down; this is harmless, for the system has freed the lock itself",
        "Nothing needs to be done: the next start takes the lock, reconciles with the exchange and"
        + shell(" clears this. To clear it now: truncate -s 0 {}", path),
    )
