"""Strategies ready to run, with where their classes come from: what the engine's runner is handed.

The runner evaluates a ``LoadedStrategy`` in a thread, unless ``in_worker`` says that it runs code of the
user's own. Such a one is made again in a worker process from its ``origin`` and ``settings``, which can
be sent there (both are plain values, the strategy is not):

>>> strategy = load_class(loaded.origin)(loaded.strategy.settings)  # doctest: +SKIP
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

import msgspec

from krakked_tui.strategies.base import Strategy
from krakked_tui.strategies.signal import SignalStrategy

_OWN_MODULES = "krakked_tui_user_strategies"


class Origin(msgspec.Struct, frozen=True):
    """Where a strategy's class comes from; can be sent to another process.

    ``module`` is the name to import a built-in or a package's class by. A file's class comes with the
    ``source`` that was read from ``path`` at the start, so that a worker runs exactly what was checked then.
    """

    kind: Literal["built-in", "package", "file"]
    module: str
    class_name: str
    path: str = ""
    source: str = ""


class LoadedStrategy(msgspec.Struct, frozen=True):
    """A strategy that has been built, and its origin."""

    strategy: Strategy[Any]
    origin: Origin

    @property
    def in_worker(self) -> bool:
        """Whether evaluating it runs Python code of the user's, so that it must run in the worker process.

        Expressions of a user's ``SignalStrategy`` are evaluated by Polars, in a thread, unless they call
        back into Python.
        """
        if self.origin.kind == "built-in":
            return False
        strategy = self.strategy
        framework = type(strategy).generate_intents is SignalStrategy.generate_intents
        return not framework or (isinstance(strategy, SignalStrategy) and strategy.calls_python)


class Failure(msgspec.Struct, frozen=True):
    """Why something of the user's could not be loaded: a sentence, and its traceback where there is one."""

    sentence: str
    traceback: str = ""


class StrategySet(msgspec.Struct, frozen=True):
    """What came of loading the configured strategies.

    ``strategies`` are those that are enabled and could be built, by id. ``failed`` says in one sentence
    why each other enabled one could not; what it holds still needs its exits managed. ``failures`` are of
    files and packages that could not be loaded, whoever uses them, and of ``failed``, for the log.
    """

    strategies: tuple[LoadedStrategy, ...] = ()
    failed: dict[str, str] = {}
    failures: tuple[Failure, ...] = ()


def load_class(origin: Origin) -> type[Strategy[Any]]:
    """Return the class that ``origin`` names, importing its module if need be.

    Runs the module's code: raises whatever that raises, and ``TypeError`` when it has no such strategy.
    """
    module = (
        run_source(origin.module, origin.path, origin.source)
        if origin.kind == "file"
        else import_module(origin.module)
    )
    found: Any = module
    for name in origin.class_name.split("."):
        found = getattr(found, name, None)
    if isinstance(found, type) and issubclass(found, Strategy):
        return found
    raise TypeError(f"{origin.module} has no strategy {origin.class_name}")


def module_name(stem: str) -> str:
    """Return the name under which a file of the user's is imported: apart from everything else."""
    return f"{_OWN_MODULES}.{stem}"


def run_source(name: str, path: str, source: str) -> ModuleType:
    """Make a module of its source. Whatever its code raises is raised; then the module is not kept."""
    module = ModuleType(name)
    module.__file__ = path
    # Types that are written as text are looked up in the module by its name.
    sys.modules[name] = module
    try:
        exec(compile(source, path, "exec", dont_inherit=True), module.__dict__)  # noqa: S102 - the user's own
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module
