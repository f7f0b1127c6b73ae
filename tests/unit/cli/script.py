"""Somebody at a terminal who answers from a list and then leaves."""

from krakked_tui.cli.prompts import LeftError
from krakked_tui.domain.secret import Secret


class Script:
    """Implements ``Prompter``. ``said`` is everything shown, questions included."""

    def __init__(self, answers: list[str]) -> None:
        self.answers = list(answers)
        self.said: list[str] = []
        self.hidden: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def ask(self, question: str) -> str:
        self.said.append(question)
        return self._next()

    def ask_secret(self, question: str) -> Secret:
        self.said.append(question)
        self.hidden.append(self.answers[0] if self.answers else "")
        return Secret(self._next())

    def _next(self) -> str:
        if not self.answers:
            raise LeftError("left")
        return self.answers.pop(0)

    @property
    def text(self) -> str:
        """Everything that was shown."""
        return "\n".join(self.said)
