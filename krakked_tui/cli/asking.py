"""Asking a person at the terminal, in words and in secret."""

import signal
import warnings
from collections.abc import Callable
from getpass import GetPassWarning, getpass

from krakked_tui.credentials.environment import MASTER_PASSWORD
from krakked_tui.domain.errors import NoPasswordError
from krakked_tui.domain.secret import Secret


def ask_line(question: str) -> str:
    """Ask for a line. Raises ``EOFError`` when input ends and ``KeyboardInterrupt`` on Ctrl-C."""
    _hear_interrupts()
    return input(question)


def ask_masked(question: str, read: Callable[[str], str] = getpass) -> Secret:
    """Ask without showing what is typed, by ``read``.

    Raises ``EOFError`` when input ends, ``KeyboardInterrupt`` on Ctrl-C, and ``NoPasswordError`` when the
    terminal would show it.
    """
    _hear_interrupts()
    with warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            return Secret(read(question))
        except GetPassWarning:
            raise NoPasswordError(
                "this terminal shows what is typed, so nothing secret is asked for: use another one, or"
                f" --password-file, or {MASTER_PASSWORD}"
            ) from None


def _hear_interrupts() -> None:
    # Polars takes SIGINT over when it is imported, and lets a read go on that Ctrl-C should end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
