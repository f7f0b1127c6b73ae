"""Asking a person on the terminal for what unlocks the API key or confirms going live."""

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

from krakked_tui.bootstrap.unlock import Unlocking
from krakked_tui.cli.asking import ask_line, ask_masked
from krakked_tui.credentials.environment import take_from_environment


def unlocking(password_file: Path | None) -> Unlocking:
    """Return where this process finds keys and the master password.

    Secrets leave the environment of the process, so that no child inherits them, and a crash dumps no
    memory.
    """
    with suppress(ValueError, OSError):  # a system that knows no such limit
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return Unlocking(
        environment=take_from_environment(os.environ),
        password_file=password_file,
        prompt=ask_masked if sys.stdin.isatty() else None,
    )


def confirm(question: str) -> str:
    """Ask for a word; nothing when nobody answers."""
    try:
        return ask_line(question).strip()
    except (EOFError, KeyboardInterrupt):
        return ""
