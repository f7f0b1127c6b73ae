"""Environment variables that are written almost like a key of the configuration."""

from collections.abc import Iterator, Mapping
from typing import Final

from krakked_tui.config.flat import flatten
from krakked_tui.config.problems import nearest
from krakked_tui.config.schema import AppConfig

ENVIRONMENT_PREFIX: Final = "KRAKKED__"
_START: Final = "KRAKKED_"
_SECTIONS: Final = tuple(name.upper() for name in AppConfig.__struct_fields__)


def overlooked(environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield variables that are not read, but look as if they were meant to be, each with advice."""
    for name in sorted(environment):
        if not name.upper().startswith(_START) or name.startswith(ENVIRONMENT_PREFIX):
            continue
        sections = name.upper().removeprefix(_START).lstrip("_")
        section = _section(sections)
        if "__" in sections or section:
            right = meant(name) or (f"{ENVIRONMENT_PREFIX}{sections}" if "__" in sections else "")
            yield name, f"did you mean {right}?" if right else f"write {ENVIRONMENT_PREFIX}{section}__<KEY>"


def meant(name: str) -> str:
    """Return the variable of the key that ``name`` means when only its underscores are wrong."""
    known = {variable.replace("__", "_"): variable for variable in _known()}
    text = name.upper().removeprefix("KRAKKED").strip("_")
    while "__" in text:
        text = text.replace("__", "_")
    sure = known.get(text)
    if sure is None and _section(text):
        # With its section right, a slip in the rest is understood too.
        close = nearest(text, (each.lower() for each in known))
        sure = known[close.upper()] if close else None
    return f"{ENVIRONMENT_PREFIX}{sure}" if sure else ""


def _section(text: str) -> str:
    return next((section for section in _SECTIONS if text.startswith(f"{section}_")), "")


def _known() -> Iterator[str]:
    yield from ("__".join(path).upper() for path, _ in flatten(AppConfig()))
