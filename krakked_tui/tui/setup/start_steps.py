"""The first steps: what it is for, the key, and what the exchange says about it."""

from collections.abc import Sequence
from typing import ClassVar

from textual.widget import Widget

from krakked_tui.control.setup import KeyCheck, KeyVerdict, SetupMode
from krakked_tui.tui.rows.line import Line, Look, Span
from krakked_tui.tui.rows.setup import check_lines, checking_lines, key_lines, welcome_lines
from krakked_tui.tui.setup.fields import SecretField
from krakked_tui.tui.setup.step import Guide, Step, StepName
from krakked_tui.tui.store import cleaned
from krakked_tui.tui.widgets.choice import Choice
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.one_of import OneOf, Option

_MODES = (
    Option(SetupMode.PAPER, "Paper trading", "real prices, simulated orders; needs no key"),
    Option(SetupMode.LIVE, "Prepare live trading", "needs a key; nothing goes live from here"),
)


class WelcomeStep(Step):
    """What set-up does, and the mode."""

    TITLE_TEXT = "Welcome"
    NUMBER = 1
    QUESTION_ROWS = 2
    FIRST = "#mode"

    def __init__(self, guide: Guide) -> None:
        super().__init__(guide)
        self.mode = OneOf("mode", _MODES, guide.entries.mode)

    def text(self, width: int) -> Sequence[Line]:
        """Say what happens, and what is there."""
        return welcome_lines(cleaned(self.guide.entries.facts), width)

    def questions(self) -> Sequence[Widget]:
        """The modes."""
        return (self.mode,)

    def choices(self) -> Sequence[Choice]:
        """There is nothing to go back to."""
        return (Choice("next", "Next"), Choice("leave", "Leave"))

    def chosen(self, choice: str) -> None:
        """Go on, or leave."""
        if choice == "leave":
            self.back()
        else:
            super().chosen(choice)

    def submit(self) -> None:
        """Go on to the key."""
        self.leave()
        self.guide.go(StepName.KEY)

    def on_one_of_submitted(self) -> None:
        """Enter in the list goes on."""
        self.submit()

    def back(self) -> None:
        """Leave set-up."""
        self.app.call_next(self.app.run_action, "app.leave")

    def leave(self) -> None:
        """Keep the mode."""
        self.guide.entries.mode = SetupMode(self.mode.value)


class KeyStep(Step):
    """The key and its secret, never shown."""

    TITLE_TEXT = "API key"
    NUMBER = 2
    QUESTION_ROWS = 6
    FIRST = "#api-key"

    def __init__(self, guide: Guide) -> None:
        super().__init__(guide)
        entries = guide.entries
        self.api_key = SecretField("api-key", joined=True, entered=entries.api_key is not None)
        self.api_secret = SecretField("api-secret", joined=True, entered=entries.api_secret is not None)
        self.api_key.next_field = self.api_secret

    def text(self, width: int) -> Sequence[Line]:
        """Say where keys come from and what they must not be able to do."""
        return key_lines(cleaned(self.guide.entries.facts), self.guide.entries.mode, width)

    def questions(self) -> Sequence[Widget]:
        """Two masked fields."""
        return (
            Lines("api-key-label", ((Span("API key", Look.TITLE),),)),
            self.api_key,
            Lines("api-secret-label", ((Span("Secret (Kraken calls it private key)", Look.TITLE),),)),
            self.api_secret,
        )

    def choices(self) -> Sequence[Choice]:
        """Check it, go on without one where that is possible, or back."""
        entries = self.guide.entries
        label = "Skip: keep the saved key" if entries.facts.secrets_exist else "Skip: save no key"
        skip = (Choice("skip", label),) if entries.may_skip_key else ()
        return (Choice("next", "Check this key"), *skip, Choice("back", "Back"))

    def chosen(self, choice: str) -> None:
        """Skip, or as usual."""
        if choice == "skip":
            skip_key(self)
        else:
            super().chosen(choice)

    def on_secret_field_paste_refused(self) -> None:
        """Say that nothing was taken."""
        self.complain("Nothing was pasted: the text has control characters in it, which no key has.")

    def submit(self) -> None:
        """Have the key checked."""
        self._take()
        entries = self.guide.entries
        if entries.has_key:
            self.guide.go(StepName.CHECK)
            return
        missing = self.api_key if entries.api_key is None else self.api_secret
        what = "the API key" if entries.api_key is None else "its secret"
        self.complain(f"Enter {what} too: Kraken shows both once, when a key is made.")
        missing.focus()

    def back(self) -> None:
        """Back to the mode; what was typed is kept."""
        self.guide.go(StepName.WELCOME)

    def leave(self) -> None:
        """Keep what was typed out of the fields."""
        self._take()
        self.api_key.wipe()
        self.api_secret.wipe()

    def _take(self) -> None:
        self.guide.entries.take_key(self.api_key.secret, self.api_secret.secret)

    @property
    def typed(self) -> bool:
        """Whether a field has something in it."""
        return bool(self.api_key.value or self.api_secret.value)


class CheckStep(Step):
    """The exchange's verdict on the key."""

    TITLE_TEXT = "Key check"
    NUMBER = 3
    FIRST: ClassVar[str] = "Choice"

    def text(self, width: int) -> Sequence[Line]:
        """Say what is going on, then what came of it."""
        check = self.guide.entries.check
        facts = cleaned(self.guide.entries.facts)
        return checking_lines(facts, width) if check is None else check_lines(cleaned(check), width)

    def choices(self) -> Sequence[Choice]:
        """What the verdict allows; a refused key cannot be saved from here."""
        check = self.guide.entries.check
        if check is None:
            return (Choice("back", "Back"),)
        if check.verdict is KeyVerdict.ACCEPTED:
            return _accepted_choices(check)
        if check.verdict is KeyVerdict.UNREACHABLE:
            save = Choice("next", "Save it as unvalidated")
            return (Choice("retry", "Try again"), save, Choice("back", "Back"))
        skip = (Choice("skip", "Go on without a key"),) if self.guide.entries.may_skip_key else ()
        return (Choice("back", "Correct it"), *skip)

    def start(self) -> None:
        """Ask the exchange, unless it has answered already."""
        super().start()
        if self.guide.entries.check is None:
            self._ask()

    def _ask(self) -> None:
        self.run_worker(self._check())

    async def _check(self) -> None:
        entries = self.guide.entries
        assert entries.api_key is not None, "there is something to check"
        assert entries.api_secret is not None, "there is something to check"
        try:
            entries.check = await self.guide.service.check_key(entries.api_key, entries.api_secret)
        except Exception as error:  # noqa: BLE001 - shown and logged; it must not end the screen
            self.guide.note_error(error)
            what = f"The check failed inside Krakked ({type(error).__name__}); the log has the details."
            entries.check = KeyCheck(verdict=KeyVerdict.UNREACHABLE, headline=what)
        await self._offer()

    async def _offer(self) -> None:
        row = self.query_one("#choices")
        await row.remove_children()
        await row.mount(*self.choices())
        super().start()

    def chosen(self, choice: str) -> None:
        """Retry, skip, or as usual."""
        if choice == "retry":
            self.guide.entries.check = None
            self.run_worker(self._again())
        elif choice == "skip":
            skip_key(self)
        else:
            super().chosen(choice)

    async def _again(self) -> None:
        await self._offer()
        self._ask()

    def submit(self) -> None:
        """Go on to the master password."""
        check = self.guide.entries.check
        if check is not None and check.may_be_saved:
            self.guide.go(StepName.PASSWORD)

    def back(self) -> None:
        """Back to the key, which calls a running check off."""
        self.guide.go(StepName.KEY)


def _accepted_choices(check: KeyCheck) -> tuple[Choice, Choice]:
    go_on, other = Choice("next", "Use this key"), Choice("back", "Use another key")
    dangerous = check.audit is not None and check.audit.can_withdraw
    return (other, go_on) if dangerous else (go_on, other)


def skip_key(step: Step) -> None:
    """Go on without a key; what was typed is forgotten."""
    step.leave()
    step.guide.entries.drop_key()
    step.guide.go(StepName.REGION)
