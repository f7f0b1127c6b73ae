"""Asking a person at the terminal, in words and in secret."""

import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from getpass import GetPassWarning, getpass

from krakked_tui.credentials.environment import MASTER_PASSWORD
from krakked_tui.domain.errors import NoPasswordError
from krakked_tui.domain.secret import Secret

_NO_TEXT = "That was no UTF-8 text, so it was not taken: type it again."
_ENDS = (signal.SIGTERM, signal.SIGHUP)


def ask_line(question: str) -> str:
    """Ask for a line; again when what is typed is no text.

    Raises ``EOFError`` when input ends, ``KeyboardInterrupt`` on Ctrl-C, and ``SystemExit`` when the
    program is told to end.
    """
    with _interruptible():
        return _text(input, question)


def ask_masked(question: str, read: Callable[[str], str] = getpass) -> Secret:
    """Ask without showing what is typed, by ``read``; again when it is no text.

    Raises what ``ask_line`` raises, and ``NoPasswordError`` when the terminal would show it.
    """
    with _interruptible(), warnings.catch_warnings():
        warnings.simplefilter("error", GetPassWarning)
        try:
            return Secret(_text(read, question))
        except GetPassWarning:
            raise NoPasswordError(
                "this terminal shows what is typed, so nothing secret is asked for: use another one, or"
                f" --password-file, or {MASTER_PASSWORD}"
            ) from None


def _text(read: Callable[[str], str], question: str) -> str:
    while True:
        try:
            return read(question)
        except UnicodeDecodeError:
            # Not the error itself: it holds what was typed.
            print(_NO_TEXT)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C and the signals that end a program come through, so that a terminal gets its echo back."""
    # Polars takes SIGINT over when it is imported, and lets a read go on that Ctrl-C should end.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # What is ignored (nohup) or handled already stays so.
    taken = [each for each in _ENDS if signal.getsignal(each) is signal.SIG_DFL]
    for each in taken:
        signal.signal(each, _end)
    try:
        yield
    finally:
        for each in taken:
            signal.signal(each, signal.SIG_DFL)


def _end(number: int, _frame: object) -> None:
    # The code that a shell gives a program which the signal ended.
    raise SystemExit(128 + number)
