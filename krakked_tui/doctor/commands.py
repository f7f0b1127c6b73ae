"""Commands for the operator's shell, to be copied as they are."""

import shlex
from pathlib import Path


def shell(command: str, *paths: Path) -> str:
    """Put paths, quoted, in the places of ``{}`` in a command; ``{0}`` names one more than once."""
    return command.format(*(shlex.quote(str(path)) for path in paths))
