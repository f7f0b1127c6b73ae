"""The last steps: master password, region, review, and what was saved."""

from collections.abc import Sequence

from textual import events
from textual.widget import Widget
from textual.widgets import Input

from krakked_tui.domain.errors import KrakkedError
from krakked_tui.tui.rows.line import Line, Look, Span, wrap
from krakked_tui.tui.rows.setup import (
    password_lines,
    preview_lines,
    region_lines,
    review_lines,
    saved_lines,
    strength_lines,
)
from krakked_tui.tui.setup.fields import SecretField, Toggle
from krakked_tui.tui.setup.step import Guide, Step, StepName
from krakked_tui.tui.store import cleaned
from krakked_tui.tui.text import clean
from krakked_tui.tui.widgets.choice import Choice
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.one_of import OneOf, Option


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
        self._judge()

    def _judge(self) -> None:
        typed = self.password.secret
        strength = cleaned(self.guide.service.password_strength(typed)) if typed else None
        self.strength.show(strength_lines(strength, self.text_width))

    def on_input_changed(self, message: Input.Changed) -> None:
        """Judge while typing."""
        if message.input is self.password:
            self._judge()

    def on_toggle_submitted(self) -> None:
        """Enter on the box goes on."""
        self.submit()

    def on_secret_field_paste_refused(self) -> None:
        """Say that nothing was taken."""
        self.complain("Nothing was pasted: the text has line breaks or control characters in it.")

    def submit(self) -> None:
        """Take a password that is strong enough and typed twice."""
        entries = self.guide.entries
        password, again = self.password.secret, self.again.secret
        wrong = ""
        if not password and not again:
            wrong = "" if entries.password is not None else "Type a master password, twice."
        elif password != again:
            wrong = "The two are not the same. Type both again."
        elif not self.guide.service.password_strength(password).enough:
            wrong = "This password is too easy to guess. Several unusual words are strong and easy to type."
        if wrong:
            self.complain(wrong)
            self.password.focus()
            return
        entries.password = password or entries.password
        self.guide.go(StepName.REGION)

    def back(self) -> None:
        """Back to the verdict on the key."""
        self.guide.go(StepName.CHECK)

    def leave(self) -> None:
        """Keep the choice, empty the fields."""
        self.guide.entries.remember = self.remember.on
        self.password.wipe()
        self.again.wipe()

    @property
    def typed(self) -> bool:
        """Whether a field has something in it."""
        return bool(self.password.value or self.again.value)


class RegionStep(Step):
    """The region, and what would be traded."""

    TITLE_TEXT = "Region and universe"
    NUMBER = 5
    QUESTION_ROWS = 13
    FIRST = "#region"

    def __init__(self, guide: Guide) -> None:
        super().__init__(guide)
        options = [Option(region, clean(region)) for region in guide.entries.facts.regions]
        self.places = OneOf("region", options, guide.entries.region, rows=4)
        self.preview = Lines("preview")

    def text(self, width: int) -> Sequence[Line]:
        """Say what the region decides."""
        return region_lines(width)

    def questions(self) -> Sequence[Widget]:
        """The regions, and the preview."""
        return (self.places, self.preview)

    def update(self) -> None:
        """Show the preview as far as it is known."""
        super().update()
        preview = self.guide.entries.preview
        shown = cleaned(preview) if preview is not None else None
        self.preview.show(preview_lines(shown, self.text_width, self.preview.size.height))

    def on_resize(self, _event: events.Resize) -> None:
        """Use the room there is."""
        self.call_after_refresh(self.update)

    def on_one_of_submitted(self) -> None:
        """Enter in the list goes on."""
        self.submit()

    def submit(self) -> None:
        """Go on to the review."""
        self.guide.go(StepName.REVIEW)

    def back(self) -> None:
        """Back to the password, or to the key when there is none."""
        self.guide.go(StepName.PASSWORD if self.guide.entries.has_key else StepName.KEY)

    def leave(self) -> None:
        """Keep the region."""
        self.guide.entries.region = self.places.value


class ReviewStep(Step):
    """What will be written, and the writing of it."""

    TITLE_TEXT = "Review"
    NUMBER = 6
    FIRST = "Choice"

    def text(self, width: int) -> Sequence[Line]:
        """List what will be written where."""
        if self.guide.busy:
            return wrap("… Saving. Making the encryption strong takes a moment.", width, Look.STRONG)
        entries = self.guide.entries
        return review_lines(cleaned(entries.facts), cleaned(entries.choices()), width)

    def choices(self) -> Sequence[Choice]:
        """Save or back; back comes first when a saved key would be replaced."""
        save, back = Choice("next", "Save"), Choice("back", "Back")
        entries = self.guide.entries
        return (back, save) if entries.has_key and entries.facts.secrets_exist else (save, back)

    def submit(self) -> None:
        """Save, once."""
        if not self.guide.busy:
            self.guide.busy = True
            self.complain("")
            self.update()
            self.run_worker(self._save())

    async def _save(self) -> None:
        entries = self.guide.entries
        try:
            entries.saved = await self.guide.service.save(entries.choices())
        except KrakkedError as error:
            self._not_saved(str(error))
        except Exception as error:  # noqa: BLE001 - shown and logged; what was typed must not be lost
            self.guide.note_error(error)
            self._not_saved(f"internal error ({type(error).__name__}); the log has the details.")
        else:
            self.guide.busy = False
            entries.drop_key()
            self.guide.go(StepName.DONE)

    def _not_saved(self, why: str) -> None:
        self.guide.busy = False
        self.update()
        self.complain(f"NOT SAVED: {why}")

    def back(self) -> None:
        """Back to the region."""
        self.guide.go(StepName.REGION)


class DoneStep(Step):
    """What was written, and what is next."""

    TITLE_TEXT = "Saved"

    def text(self, width: int) -> Sequence[Line]:
        """List it."""
        saved = self.guide.entries.saved
        assert saved is not None, "this step follows the saving"
        return saved_lines(cleaned(saved), width)

    def choices(self) -> Sequence[Choice]:
        """Enter starts."""
        return (Choice("next", "Start (Enter)"),)

    def submit(self) -> None:
        """End set-up."""
        self.guide.finish()
