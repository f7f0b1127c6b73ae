"""The step of the master password."""

import asyncio
from collections.abc import Sequence

from textual.widget import Widget
from textual.widgets import Input

from krakked_tui.control.setup import PasswordStrength
from krakked_tui.domain.secret import Secret
from krakked_tui.tui.rows.line import Line, Look, Span
from krakked_tui.tui.rows.setup import password_lines, strength_lines
from krakked_tui.tui.setup.fields import SecretField, Toggle
from krakked_tui.tui.setup.step import Guide, Step, StepName
from krakked_tui.tui.store import cleaned
from krakked_tui.tui.widgets.lines import Lines


class PasswordStep(Step):
    """The master password, twice."""

    TITLE_TEXT = "Master password"
    NUMBER = 4
    QUESTION_ROWS = 9
    FIRST = "#password"

    def __init__(self, guide: Guide) -> None:
        super().__init__(guide)
        entered = guide.entries.password is not None
        self.password = SecretField("password", joined=False, entered=entered)
        self.again = SecretField("again", joined=False, entered=entered)
        self.password.next_field = self.again
        self.strength = Lines("strength")
        self.remember = Toggle(
            "remember", "Keep the password in the keyring of this computer", on=guide.entries.remember
        )
        self.judging = False
        """Whether a thread is at work on what was typed."""
        self._judged: tuple[Secret, PasswordStrength] | None = None
        self._wanted: tuple[Secret, Secret] | None = None

    def text(self, width: int) -> Sequence[Line]:
        """Say what it is for."""
        return password_lines(cleaned(self.guide.entries.facts), width)

    def questions(self) -> Sequence[Widget]:
        """Two masked fields, how strong it is, and the keyring where there is one."""
        keyring = (self.remember,) if self.guide.entries.facts.keyring.usable else ()
        return (
            Lines("password-label", ((Span("Master password", Look.TITLE),),)),
            self.password,
            self.strength,
            Lines("again-label", ((Span("The same again", Look.TITLE),),)),
            self.again,
            *keyring,
        )

    @property
    def question_rows(self) -> int:
        """Two more with a keyring."""
        return self.QUESTION_ROWS + 2 * self.guide.entries.facts.keyring.usable

    def update(self) -> None:
        """Show the text and the strength so far."""
        super().update()
        typed = self.password.secret
        self.strength.show(strength_lines(self._known(typed), self.text_width, typed=bool(typed)))

    def on_input_changed(self, message: Input.Changed) -> None:
        """Judge while typing."""
        if message.input is self.password:
            self.update()
            self._judge()

    def _known(self, password: Secret) -> PasswordStrength | None:
        """Return the judgement of this very password, None while there is none."""
        return self._judged[1] if self._judged is not None and self._judged[0] == password else None

    def _judge(self) -> None:
        """Judge what stands in the field, on a thread: it may take a second."""
        typed = self.password.secret
        if typed and not self.judging and self._known(typed) is None:
            self.judging = True
            self.run_worker(self._follow_typing())

    async def _follow_typing(self) -> None:
        """Judge one password at a time, always the newest, until the one in the field is judged."""
        while (typed := self.password.secret) and self._known(typed) is None:
            self._judged = typed, await self._strength(typed)
        self.judging = False
        self.update()
        if self._wanted == (typed, self.again.secret):
            self.submit()
        self._wanted = None

    async def _strength(self, password: Secret) -> PasswordStrength:
        try:
            return cleaned(await asyncio.to_thread(self.guide.service.password_strength, password))
        except Exception as error:  # noqa: BLE001 - shown and logged; it must not end the screen
            self.guide.note_error(error)
            why = f"Judging it failed inside Krakked ({type(error).__name__}); the log has the details."
            return PasswordStrength(0, "not judged", f"{why} Try another one.")

    def on_toggle_submitted(self) -> None:
        """Enter on the box goes on."""
        self.submit()

    def on_secret_field_paste_refused(self) -> None:
        """Say that nothing was taken."""
        self.complain("Nothing was pasted: the text has line breaks or control characters in it.")

    def submit(self) -> None:
        """Take a password that is strong enough and typed twice, once it is judged."""
        entries = self.guide.entries
        password, again = self.password.secret, self.again.secret
        wrong = self._mistake(password, again)
        if wrong:
            self.complain(wrong)
            self.password.focus()
        elif password and self._known(password) is None:
            self._wanted = password, again
            self._judge()
        else:
            entries.password = password or entries.password
            self.guide.go(StepName.REGION)

    def _mistake(self, password: Secret, again: Secret) -> str:
        """Return what is wrong with what was typed, as far as it is known."""
        if not password and not again:
            return "" if self.guide.entries.password is not None else "Type a master password, twice."
        if password != again:
            return "The two are not the same. Type both again."
        known = self._known(password)
        if known is not None and not known.enough:
            return "This password is too easy to guess. Several unusual words are strong and easy to type."
        return ""

    def back(self) -> None:
        """Back to the verdict on the key."""
        self.guide.go(StepName.CHECK)

    def leave(self) -> None:
        """Keep the choice, empty the fields."""
        self.guide.entries.remember = self.remember.on
        self._judged = self._wanted = None
        self.password.wipe()
        self.again.wipe()

    @property
    def typed(self) -> bool:
        """Whether a field has something in it."""
        return bool(self.password.value or self.again.value)
