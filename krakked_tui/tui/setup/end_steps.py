"""The last steps: region, review, and what was saved."""

from collections.abc import Sequence

from textual import events
from textual.widget import Widget

from krakked_tui.domain.errors import KrakkedError
from krakked_tui.tui.rows.line import Line, Look, wrap
from krakked_tui.tui.rows.setup import preview_lines, region_lines, review_lines, saved_lines, start_label
from krakked_tui.tui.setup.step import Guide, Step, StepName
from krakked_tui.tui.store import cleaned
from krakked_tui.tui.text import clean
from krakked_tui.tui.widgets.choice import Choice
from krakked_tui.tui.widgets.lines import Lines
from krakked_tui.tui.widgets.one_of import OneOf, Option


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
        """Enter starts; leaving starts nothing."""
        entries = self.guide.entries
        start = start_label(cleaned(entries.facts), entries.mode)
        return (Choice("next", f"{start} (Enter)"), Choice("leave", "Leave"))

    def chosen(self, choice: str) -> None:
        """Start, or leave."""
        if choice == "leave":
            self.app.call_next(self.app.run_action, "app.leave")
        else:
            super().chosen(choice)

    def submit(self) -> None:
        """End set-up and start."""
        self.guide.finish()
