"""Questions and answers on a plain terminal, line by line."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from krakked_tui.cli.asking import ask_line, ask_masked
from krakked_tui.domain.errors import KrakkedError
from krakked_tui.domain.secret import Secret


class LeftError(KrakkedError):
    """The person at the terminal left: by Ctrl-C, by the end of the input, or by saying so."""


class Prompter(Protocol):
    """Somebody who can be asked. Every question raises ``LeftError`` when they leave."""

    def say(self, text: str) -> None:
        """Show a line."""
        ...

    def ask(self, question: str) -> str:
        """Ask for a line; blanks around it are gone."""
        ...

    def ask_secret(self, question: str) -> Secret:
        """Ask for something that is not shown."""
        ...


class Terminal:
    """Implements ``Prompter`` on standard input and output; also a dumb terminal will do."""

    def say(self, text: str) -> None:
        """Show a line."""
        print(text)

    def ask(self, question: str) -> str:
        """Ask for a line."""
        try:
            return ask_line(f"{question} ").strip()
        except (EOFError, KeyboardInterrupt) as error:
            raise _left() from error

    def ask_secret(self, question: str) -> Secret:
        """Ask for something that is not shown."""
        try:
            return ask_masked(f"{question} (not shown) ")
        except (EOFError, KeyboardInterrupt) as error:
            raise _left() from error


def choose(prompter: Prompter, question: str, choices: Sequence[str], default: str = "") -> str:
    """Ask until one of ``choices`` is given, by its whole name or by letters that begin no other.

    An empty answer means ``default``, if there is one.
    """
    shown = f"{question} ({', '.join(choices)})" + (f" [{default}]" if default else "")
    while True:
        answer = prompter.ask(shown).lower()
        if not answer and default:
            return default
        exact = [choice for choice in choices if choice.lower() == answer]
        fitting = exact or [choice for choice in choices if answer and choice.lower().startswith(answer)]
        if len(fitting) == 1:
            return fitting[0]
        prompter.say(f"Please answer with one of: {', '.join(choices)}.")


def agrees(prompter: Prompter, question: str, *, default: bool) -> bool:
    """Ask a question that is answered with yes or no."""
    return choose(prompter, question, ("yes", "no"), "yes" if default else "no") == "yes"


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no Ctrl-C come between what belongs together; for the main thread, and for a moment only."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _left() -> LeftError:
    # The next line of the terminal is not the question's any more.
    print()
    return LeftError("left")
