"""Where things lie on disk, and who may read them there."""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import msgspec
import platformdirs

from krakked_tui.domain.errors import StorageError, UsageError
from krakked_tui.storage.files import PRIVATE_DIRECTORY, PRIVATE_FILE

APP = "krakked"
_OURS = re.compile(r"config.*\.toml.*|secrets\.enc.*")
_OTHERS, _OTHERS_WRITE = 0o077, 0o022
ENTRIES_MAX = 10_000
"""Files of one directory that are looked at."""


class Places(msgspec.Struct, frozen=True):
    """Directories of one profile.

    ``candles`` is shared by the profiles and holds a directory for every exchange: ``kraken``,
    ``sandbox-<seed>``. ``override`` is the file given with ``--config``, ``home`` is ``KRAKKED_HOME``.
    """

    config: Path
    data: Path
    state: Path
    candles: Path
    override: Path | None = None
    home: Path | None = None

    @property
    def config_file(self) -> Path:
        """The configuration of all profiles, written by the operator."""
        return self.override or self.config / "config.toml"

    def profile_file(self, profile: str) -> Path:
        """Return the overlay of one profile, beside the file that it overlays."""
        return self.config_file.with_name(f"{self.config_file.stem}.{profile}.toml")

    @property
    def strategies(self) -> Path:
        """Directory of the operator's own strategies."""
        return self.config / "strategies"

    @property
    def secrets(self) -> Path:
        """The encrypted file with the API key."""
        return self.config / "secrets.enc"

    @property
    def database(self) -> Path:
        """The profile's journal."""
        return self.data / "krakked.db"

    @property
    def paper_books(self) -> Path:
        """The account of paper mode."""
        return self.data / "paper.db"

    @property
    def backups(self) -> Path:
        """Directory of the profile's backups."""
        return self.data / "backups"

    @property
    def runtime(self) -> Path:
        """The overlay with what was changed from the screen."""
        return self.state / "runtime.toml"

    @property
    def lock(self) -> Path:
        """Held by the engine of the profile while it runs."""
        return self.state / "engine.lock"

    @property
    def socket(self) -> Path:
        """The socket through which a running engine is reached."""
        return self.state / "control.sock"

    @property
    def instance(self) -> Path:
        """The profile's instance id, part of the client id of all its orders."""
        return self.state / "instance"

    @property
    def log(self) -> Path:
        """The profile's log file."""
        return self.state / "krakked.log"


def places(profile: str, environment: Mapping[str, str], config_file: Path | None = None) -> Places:
    """Return the places of a profile: below ``KRAKKED_HOME`` when set, else the platform's.

    Raises ``UsageError`` when ``KRAKKED_HOME`` names a user that does not exist.
    """
    home = _home(environment.get("KRAKKED_HOME", ""))
    if home is not None:
        config, data, state = home / "config", home / "data", home / "state"
    else:
        config = platformdirs.user_config_path(APP)
        data = platformdirs.user_data_path(APP)
        state = platformdirs.user_state_path(APP)
    return Places(
        config=config,
        data=data / profile,
        state=state / profile,
        candles=data / "candles",
        override=config_file,
        home=home,
    )


def _home(text: str) -> Path | None:
    if not text:
        return None
    try:
        return Path(os.path.abspath(Path(text).expanduser()))
    except RuntimeError as error:
        raise UsageError(
            f"KRAKKED_HOME is {text[:80]!r}, which begins with a user that has no home directory:"
            " write the whole path of a directory of yours"
        ) from error


def listed(where: Places, profile: str) -> tuple[tuple[str, Path], ...]:
    """Return every place with what lies there, in words."""
    return (
        ("configuration", where.config_file),
        ("profile overlay", where.profile_file(profile)),
        ("runtime overlay", where.runtime),
        ("secrets", where.secrets),
        ("strategies", where.strategies),
        ("database", where.database),
        ("paper account", where.paper_books),
        ("backups", where.backups),
        ("candles", where.candles),
        ("engine lock", where.lock),
        ("control socket", where.socket),
        ("instance id", where.instance),
        ("log", where.log),
    )


class Loose(msgspec.Struct, frozen=True):
    """A file or directory of ours that others may use. ``mode`` and ``wanted`` are permission bits.

    ``ours`` says that it is for us to repair. Else it belongs to another user (``foreign``), or the
    operator named it, and it may have other uses.
    """

    path: Path
    mode: int
    wanted: int
    ours: bool
    foreign: bool = False

    def __str__(self) -> str:
        if self.foreign:
            return f"{self.path} belongs to another user: make it yours (chown) or remove it"
        return (
            f"{self.path} has mode {self.mode:04o}, which lets others use it: it should be {self.wanted:04o}"
        )


def loose_permissions(where: Places, user: Callable[[], int] = os.geteuid) -> tuple[Loose, ...]:
    """Find what is not private among the profile's files and directories, or belongs to another user.

    ``KRAKKED_HOME`` may be read by others, but not changed; it and what ``--config`` names may also
    belong to root. ``user`` gives the id of this one. Symbolic links are neither followed nor reported;
    what does not exist or cannot be looked at is left out. Directories come before what lies in them.
    """
    us = user()
    private = dict.fromkeys(_private_places(where))
    named = (_look(path, us, named=True) for path in _named_by_the_operator(where) if path not in private)
    return tuple(loose for loose in (*named, *(_look(path, us) for path in private)) if loose is not None)


def _named_by_the_operator(where: Places) -> Iterator[Path]:
    if where.home is not None:
        yield where.home
    if where.override is not None:
        yield where.override
        # Which of the overlays beside it counts is up to the profile.
        overlay = re.compile(rf"{re.escape(where.override.stem)}\.[a-z0-9_-]+\.toml")
        yield from (path for path in _files(where.override.parent) if overlay.fullmatch(path.name))


def repair_permissions(where: Places, user: Callable[[], int] = os.geteuid) -> tuple[Loose, ...]:
    """Make private what is not, and return what was found; what belongs to others stays as it is.

    Raises ``StorageError`` when a file of ours cannot be changed.
    """
    found = loose_permissions(where, user)
    for loose in found:
        if loose.ours:
            try:
                loose.path.chmod(loose.mode & loose.wanted)
            except OSError as error:
                raise StorageError(
                    f"{loose.path} cannot be made private ({error.strerror}): chmod it to {loose.wanted:o}"
                ) from error
    return found


def _private_places(where: Places) -> Iterator[Path]:
    yield from (where.config, where.data.parent, where.state.parent)
    # What else lies beside the configuration, such as a README, is not ours to judge.
    yield from (path for path in _files(where.config) if _OURS.fullmatch(path.name))
    for directory in (where.strategies, where.data, where.backups, where.state):
        yield directory
        yield from _files(directory)
    # Nonces belong to a key, which several profiles may share.
    yield from (path for path in _files(where.state.parent) if path.name.startswith("nonces"))
    yield where.candles
    for store in _entries(where.candles):
        yield store
        yield from _files(store)


def _entries(directory: Path) -> tuple[Path, ...]:
    try:
        with os.scandir(directory) as entries:
            return tuple(sorted(Path(entry.path) for entry in islice(entries, ENTRIES_MAX)))
    except OSError:
        return ()


def _files(directory: Path) -> Iterator[Path]:
    yield from (path for path in _entries(directory) if not path.is_dir())


def _look(path: Path, user: int, *, named: bool = False) -> Loose | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    if stat.S_ISLNK(status.st_mode):
        return None
    mode, owner, directory = stat.S_IMODE(status.st_mode), status.st_uid, stat.S_ISDIR(status.st_mode)
    foreign = owner != user and not (named and owner == 0)
    # What root lends us must stay readable, and a home may be part of something larger.
    may_be_read = named and (directory or owner != user)
    if not foreign and not mode & (_OTHERS_WRITE if may_be_read else _OTHERS):
        return None
    private = PRIVATE_DIRECTORY if directory else PRIVATE_FILE
    wanted = mode & ~_OTHERS_WRITE if may_be_read else private
    return Loose(path=path, mode=mode, wanted=wanted, ours=not (foreign or named), foreign=foreign)
