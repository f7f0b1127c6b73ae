"""``krakked-tui version``: what this is made of, for a report of trouble."""

from json import dumps
from typing import Annotated

from cyclopts import Parameter


def version(*, json: Annotated[bool, Parameter(negative=())] = False) -> None:
    """Print the versions of the program, its databases, Python and the libraries that matter.

    Parameters
    ----------
    json
        Print one JSON object.
    """
    facts = _facts()
    if json:
        print(dumps(facts, indent=2))
        return
    width = max(map(len, facts))
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):{width}}  {value}")


def _facts() -> dict[str, str]:
    # Imported late: the other commands must not pay for this.
    import platform
    import sqlite3
    from importlib import metadata

    from krakked_tui import __version__
    from krakked_tui.storage.sqlite import load_migrations

    return {
        "krakked-tui": __version__,
        "database_schema": str(len(load_migrations("journal"))),
        "candle_schema": str(len(load_migrations("candles"))),
        "paper_schema": str(len(load_migrations("paper"))),
        "python": platform.python_version(),
        "textual": metadata.version("textual"),
        "polars": metadata.version("polars"),
        "sqlite": sqlite3.sqlite_version,
        "platform": platform.platform(),
    }
