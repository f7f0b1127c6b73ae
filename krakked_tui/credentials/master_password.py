"""Where the master password comes from: five sources, asked in a fixed order."""

import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import msgspec

from krakked_tui.credentials.environment import MASTER_PASSWORD, guarded
from krakked_tui.credentials.keyring_store import KeyringStore
from krakked_tui.domain.errors import NoPasswordError
from krakked_tui.domain.secret import Secret

CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"
"""The variable in which systemd names the directory of a unit's credentials."""
CREDENTIAL = "krakked-master-password"
"""The name to give in ``LoadCredential=``."""
MAX_FILE_BYTES = 4096

Prompt = Callable[[str], Secret]
"""Shows a text and returns what was typed, unseen; ``EOFError`` when nobody can type any more."""


@dataclass(frozen=True, slots=True)
class PasswordSources:
    """What there is to ask. ``prompt`` is None where nobody can type."""

    password_file: Path | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    keyring: KeyringStore | None = None
    prompt: Prompt | None = None


class FoundPassword(msgspec.Struct, frozen=True):
    """A password, where it comes from in words, and what went wrong with the sources before it."""

    password: Secret
    origin: str
    notes: tuple[str, ...] = ()


class _Answer(msgspec.Struct, frozen=True):
    """What a source gave. Without a password ``why`` says why not; it is told when it is ``amiss``."""

    origin: str
    password: Secret | None = None
    why: str = ""
    amiss: bool = True
    final: bool = False
    """Whether no other source may be asked instead."""


class _Situation(msgspec.Struct, frozen=True):
    """What a source may need to know: the operator's choice, and what went wrong before."""

    keyring_opted_in: bool
    notes: tuple[str, ...]


def find_password(sources: PasswordSources, *, keyring_opted_in: bool) -> FoundPassword:
    """Return the password of the first source that gives one.

    In this order: ``--password-file``, ``KRAKKED_MASTER_PASSWORD``, systemd's credentials directory,
    the keyring when the operator opted in, the prompt. A password file that was asked for and cannot
    be used is an error, whatever the others would give.

    Raises ``NoPasswordError``, which names each source and why it gave none.
    """
    failed: list[_Answer] = []
    for ask in _ORDER:
        notes = tuple(f"{each.origin}: {each.why}" for each in failed if each.amiss)
        answer = ask(sources, _Situation(keyring_opted_in, notes))
        if answer.password:
            return FoundPassword(answer.password, answer.origin, notes)
        failed.append(answer)
        if answer.final:
            break
    tried = "; ".join(f"{each.origin}: {each.why}" for each in failed)
    raise NoPasswordError(f"there is no master password to open the secrets file with ({tried})")


def _from_file(sources: PasswordSources, _situation: _Situation) -> _Answer:
    path = sources.password_file
    if path is None:
        return _Answer("--password-file", why="not given", amiss=False)
    found = _first_line(path, _private_objection)
    if isinstance(found, Secret):
        return _Answer(f"--password-file {path}", found)
    return _Answer(f"--password-file {path}", why=found, final=True)


def _from_environment(sources: PasswordSources, _situation: _Situation) -> _Answer:
    password = guarded(sources.environment).secret(MASTER_PASSWORD)
    if password:
        return _Answer(MASTER_PASSWORD, password)
    if MASTER_PASSWORD in sources.environment:
        return _Answer(MASTER_PASSWORD, why="empty")
    return _Answer(MASTER_PASSWORD, why="not set", amiss=False)


def _from_systemd(sources: PasswordSources, _situation: _Situation) -> _Answer:
    directory = sources.environment.get(CREDENTIALS_DIRECTORY)
    if not directory:
        return _Answer("systemd credentials", why=f"${CREDENTIALS_DIRECTORY} is not set", amiss=False)
    path = Path(directory) / CREDENTIAL
    found = _first_line(path, _no_objection)
    if isinstance(found, Secret):
        return _Answer(f"systemd credential {path}", found)
    return _Answer(f"systemd credential {path}", why=found)


def _from_keyring(sources: PasswordSources, situation: _Situation) -> _Answer:
    if not situation.keyring_opted_in:
        return _Answer("keyring", why="not opted in", amiss=False)
    if sources.keyring is None:
        return _Answer("keyring", why="not asked", amiss=False)
    password = sources.keyring.get()
    if password:
        return _Answer("keyring", password)
    return _Answer("keyring", why=sources.keyring.trouble or "it has no such entry")


def _from_prompt(sources: PasswordSources, situation: _Situation) -> _Answer:
    if sources.prompt is None:
        return _Answer("prompt", why="this is not a terminal", amiss=False)
    explanation = "".join(f"{note}\n" for note in situation.notes)
    try:
        password = sources.prompt(f"{explanation}Master password: ")
    except EOFError:
        return _Answer("prompt", why="input ended")
    return _Answer("prompt", password, why="nothing was typed")


_ORDER: tuple[Callable[[PasswordSources, _Situation], _Answer], ...] = (
    _from_file,
    _from_environment,
    _from_systemd,
    _from_keyring,
    _from_prompt,
)


def _first_line(path: Path, objection: Callable[[os.stat_result, Path], str]) -> Secret | str:
    """Return a file's first line, without its end, or why it cannot be used."""
    try:
        # Not blocking: a pipe in its place must not hold up the start.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as file:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                return "it is not a regular file"
            why_not = objection(status, path)
            return why_not or _line(file)
    except OSError as error:
        return f"it cannot be read ({error.strerror})"


def _line(file: BinaryIO) -> Secret | str:
    # Plain text is in a variable here, which a traceback may print: nothing is raised out of this.
    content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        return f"it is longer than {MAX_FILE_BYTES} bytes, which is no password"
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "it is not UTF-8 text"
    return Secret(text.partition("\n")[0].removesuffix("\r")) or "its first line is empty"


def _private_objection(status: os.stat_result, path: Path) -> str:
    mode = stat.S_IMODE(status.st_mode)
    if status.st_uid != os.geteuid():
        return f"it belongs to another user: run chown {os.geteuid()} {path}"
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        return f"others may use it (mode {mode:04o}): run chmod 600 {path}"
    return ""


def _no_objection(_status: os.stat_result, _path: Path) -> str:
    """Accept every file: in its own directory systemd sees to who may read it."""
    return ""
