"""The profile's directories and files: who may read them, and who is using them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from krakked_tui.config.places import Loose, loose_permissions
from krakked_tui.doctor.context import Context
from krakked_tui.doctor.findings import Finding, ok, problem, warning
from krakked_tui.doctor.machine import existing
from krakked_tui.storage.files import LockState, lock_state

_OTHERS = 0o077
_OTHERS_WRITE = 0o022


def directories(context: Context) -> Iterator[Finding]:
    """Check that the profile's directories are there, or can be made."""
    where = context.where
    wanted = {path: existing(path) for path in (where.config, where.data, where.state, where.candles)}
    usable = {at: at.is_dir() and os.access(at, os.W_OK | os.X_OK) for at in wanted.values()}
    yield from judge_directories(wanted, usable)


def judge_directories(wanted: Mapping[Path, Path], usable: Mapping[Path, bool]) -> Iterator[Finding]:
    """Judge directories, each with itself or the nearest thing above it that exists."""
    for directory, at in wanted.items():
        if usable[at]:
            continue
        what = "cannot be written" if at == directory else f"cannot be made: {at} is no directory of yours"
        yield problem(
            "directories",
            f"{directory} {what}",
            f"Make it yours (sudo chown $(id -u) {at}), or set KRAKKED_HOME to a directory of yours",
        )
    if all(usable.values()):
        missing = sum(directory != at for directory, at in wanted.items())
        later = f"; {missing} of them are made when they are needed" if missing else ""
        yield ok("directories", f"all {len(wanted)} can be written{later}")


def permissions(context: Context) -> Iterator[Finding]:
    """Check that nobody else may read or change what is ours, and that it belongs to us."""
    loose = loose_permissions(context.where)
    yield from judge_permissions(loose, context.where.secrets)
    yield from judge_owners(loose, context.surroundings.user)


def judge_permissions(loose: Sequence[Loose], secrets: Path) -> Iterator[Finding]:
    """Judge permission bits: directories want 0700, files 0600. ``secrets`` is the encrypted file."""
    for each in loose:
        fix = f"chmod {each.wanted:o} {each.path}"
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
    foreign = [each for each in loose if not each.ours]
    for each in foreign:
        yield problem(
            "owner",
            f"{each.path} belongs to another user",
            f"sudo chown -R {user} {each.path}",
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
        f" clears this. To clear it now: truncate -s 0 {path}",
    )
