"""The strategies of a configuration, and the user's own: files beside it, and installed packages."""

import logging
import os
import stat
from collections.abc import Iterable, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from krakked_tui.config.schema import AppConfig
from krakked_tui.engine.signals import AnyStrategy
from krakked_tui.strategies.base import Strategy
from krakked_tui.strategies.catalogue import (
    BUILT_IN,
    Catalogue,
    StrategyType,
    build_set,
    class_problem,
    classes_in,
    failure,
)
from krakked_tui.strategies.loaded import (
    Failure,
    Origin,
    StrategySet,
    load_class,
    module_name,
    run_source,
)

ENTRY_POINTS = "krakked_tui.strategies"
"""Group of entry points under which installed packages offer strategies: a module, or a class in one."""

FILE_MAX = 256 * 1024
FILES_MAX = 100

_LOG = logging.getLogger(__name__)


def load_catalogue(
    directory: Path | None, packages: Iterable[EntryPoint] | None = None, base: Catalogue = BUILT_IN
) -> Catalogue:
    """Return all types of strategies: those of ``base``, of ``directory`` and of ``packages``.

    Runs the user's code. Whatever it does, one file, package or class that cannot be used is a failure
    and takes no other with it. Without ``packages``, those that are installed.
    """
    loading = _Loading(base)
    offered = entry_points(group=ENTRY_POINTS) if packages is None else packages
    for each in sorted(offered, key=lambda offer: (offer.name, offer.value)):
        loading.package(each)
    if directory is not None:
        loading.directory(directory)
    return loading.catalogue()


def load_set(config: AppConfig, catalogue: Catalogue) -> StrategySet:
    """Build the strategies that are enabled. Runs the user's code; never raises for it."""
    configs = config.strategies.configs
    return build_set([configs[name] for name in config.strategies.enabled if name in configs], catalogue)


def strategies_that_run(config: AppConfig, catalogue: Catalogue = BUILT_IN) -> Sequence[AnyStrategy]:
    """Build those that are enabled and can be built."""
    return [loaded.strategy for loaded in load_set(config, catalogue).strategies]


def log_failures(failures: Iterable[Failure]) -> None:
    """Write what could not be loaded, with its traceback, to the log."""
    for each in failures:
        _LOG.error("%s", "\n".join(filter(None, (each.sentence, each.traceback))))


class _Loading:
    """Collects types and failures."""

    def __init__(self, base: Catalogue) -> None:
        self._types = dict(base.types)
        self._failures = list(base.failures)

    def catalogue(self) -> Catalogue:
        """What has been found."""
        return Catalogue(self._types, tuple(self._failures))

    def package(self, offer: EntryPoint) -> None:
        """Take the strategies that an installed package offers."""
        where = f"package strategy {offer.name[:80]!r}"
        try:
            found = offer.load()
            if isinstance(found, type):
                classes = [(found.__qualname__, found)]
            else:
                classes = list(classes_in(vars(found), found.__name__))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's code may raise anything
            self._failures.append(failure(f"{where} cannot be loaded", error))
            return
        self._take(where, classes, Origin("package", offer.module, ""))

    def directory(self, directory: Path) -> None:
        """Take the strategies of the files in a directory, by name; there need not be one."""
        try:
            names = sorted(entry.name for entry in os.scandir(directory))
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            self._failures.append(
                Failure(f"{directory} cannot be read ({error.strerror}): check its owner and permissions")
            )
            return
        wanted = [name for name in names if name.endswith(".py") and not name.startswith(("_", "."))]
        for name in wanted[:FILES_MAX]:
            self.file(directory / name)
        if len(wanted) > FILES_MAX:
            self._failures.append(
                Failure(f"{directory} holds {len(wanted)} files: only the first {FILES_MAX} are loaded")
            )

    def file(self, path: Path) -> None:
        """Take the strategies of a file, when nobody but the user can have written it."""
        where = f"{path}"
        origin = Origin("file", module_name(path.stem), "", str(path))
        try:
            source = _read(path)
            module = run_source(origin.module, origin.path, source)
            classes = list(classes_in(vars(module), origin.module))
        except _RefusedFileError as error:
            self._failures.append(Failure(f"{where} {error}"))
            return
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's code may raise anything
            self._failures.append(failure(f"{where} cannot be loaded", error))
            return
        self._take(where, classes, Origin(origin.kind, origin.module, "", origin.path, source))

    def _take(self, where: str, classes: Sequence[tuple[str, Any]], origin: Origin) -> None:
        if not classes:
            self._failures.append(Failure(f"{where} defines no strategy: derive a class from SignalStrategy"))
        for name, found in classes:
            # The class is looked up again where it runs: that must lead to the same one.
            own = Origin(origin.kind, origin.module, name, origin.path, origin.source)
            try:
                problem = self._problem(found, own)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - a user's code may raise anything
                self._failures.append(failure(f"{where}: strategy {name} cannot be used", error))
                continue
            if problem:
                self._failures.append(Failure(f"{where}: strategy {name} {problem}"))
            else:
                self._types[found.type_name] = StrategyType(found, own)

    def _problem(self, found: type[Any], origin: Origin) -> str:
        if not issubclass(found, Strategy):
            return "is no strategy: derive it from SignalStrategy"
        if problem := class_problem(found):
            return problem
        if origin.kind == "package" and load_class(origin) is not found:
            return "is not found under its own name"
        if found.type_name in self._types:
            return f"has the type_name {found.type_name!r}, which another strategy has already"
        return ""


class _RefusedFileError(Exception):
    """A file that is not run; the message completes a sentence that begins with its path."""


def _read(path: Path) -> str:
    """Return a file's text if nobody but the user can have written it. Raises ``_RefusedFileError``."""
    _check(os.stat(path.parent), "lies in a directory that")
    try:
        # A link could lead to what others write, and a pipe would hold up whoever opens it.
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        link = path.is_symlink()
        raise _RefusedFileError(
            "is a symbolic link and is not loaded: put the file itself there"
            if link
            else f"cannot be read ({error.strerror}): check its owner and permissions"
        ) from error
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise _RefusedFileError("is no file and is not loaded: remove it")
        _check(status, "")
        content = file.read(FILE_MAX + 1)
    if len(content) > FILE_MAX:
        raise _RefusedFileError(f"is larger than {FILE_MAX // 1024} KiB and is not loaded")
    return content.decode("utf-8-sig")


def _check(status: os.stat_result, what: str) -> None:
    start = f"{what} " if what else ""
    if status.st_uid != os.geteuid():
        raise _RefusedFileError(
            f"{start}belongs to another user and is not loaded: make it yours (chown) or remove it"
        )
    if status.st_mode & stat.S_IWOTH:
        raise _RefusedFileError(
            f"{start}may be changed by everybody and is not loaded: take that right away (chmod o-w)"
        )
