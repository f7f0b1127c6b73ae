"""What surrounds every pane: the top bar, the answer line and the key footer."""

from textual import events
from textual.geometry import Size

from krakked_tui.control.views import EngineView
from krakked_tui.tui.command import Desk, UiCommand, first_key
from krakked_tui.tui.commands import offered
from krakked_tui.tui.dispatch import Dispatcher
from krakked_tui.tui.outcomes import expired, outcome_line
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, crop, spread, width_of, wrap
from krakked_tui.tui.rows.topbar import bar_lines, is_live, mode_word
from krakked_tui.tui.widgets.lines import Lines

COLUMNS_MIN, ROWS_MIN = 80, 24

_GAP = "  "
_CLOSE = (Span("esc q", Look.KEY), Span(" Close dialog"))
_NOTICE_SECONDS = 10.0


class TopBar(Lines):
    """The permanent two lines; in live mode on a background of their own."""

    def update(self, view: EngineView, silence: float) -> None:
        """Show the newest state; ``silence`` is its age in wall seconds."""
        self.set_class(is_live(view.status), "-live")
        self.show(bar_lines(view, self.size.width, silence))


class AnswerLine(Lines):
    """What became of the last command; else a notice; else the newest message of the engine."""

    def __init__(self, widget_id: str) -> None:
        super().__init__(widget_id)
        self._notice = ""
        self._noticed_at = 0.0

    def notice(self, text: str, now: float) -> None:
        """Say something about a key that could not do its work."""
        self._notice, self._noticed_at = text, now

    def update(self, view: EngineView, dispatcher: Dispatcher, now: float) -> None:
        """Show what matters most now."""
        self.show((crop(self._line(view, dispatcher, now), self.size.width),))

    def _line(self, view: EngineView, dispatcher: Dispatcher, now: float) -> Line:
        outcome = dispatcher.latest
        notice_is_newer = outcome is None or outcome.sent_at < self._noticed_at
        if self._notice and notice_is_newer and now - self._noticed_at < _NOTICE_SECONDS:
            return (Span(f" {self._notice}", Look.WARN),)
        if outcome is not None and not expired(outcome, now):
            others = dispatcher.pending - (outcome.settled_at is None)
            more = (Span(f"  +{others} pending", Look.WARN),) if others else EMPTY
            return (*outcome_line(outcome, now), *more)
        return (Span(f" {view.messages[-1]}", Look.MUTED),) if view.messages else EMPTY


class KeyFooter(Lines):
    """The keys of this moment. A click on one does what the key does."""

    def __init__(self, widget_id: str) -> None:
        super().__init__(widget_id)
        self._places: list[tuple[range, str]] = []

    def update(self, desk: Desk) -> None:
        """Show the keys; unavailable ones are dim."""
        width = self.size.width
        commands = [command for command in offered(desk) if command.in_footer(desk)]
        emergency = [command for command in commands if command.everywhere and not command.keys]
        others = [] if desk.in_dialog else [command for command in commands if command.keys]
        right = (Span("READ ONLY", Look.WARN),) if desk.settings.read_only else _entries(emergency, desk)
        room = width - width_of(right) - len(_GAP)
        while others and width_of(_entries(others, desk)) > room:
            others.remove(max(reversed(others), key=lambda command: command.footer_rank))
        left = _CLOSE if desk.in_dialog else _entries(others, desk)
        self._places = _places(others, 0, desk) + _places(emergency, width - width_of(right), desk)
        self.show((spread(left, right, width),))

    async def on_click(self, event: events.Click) -> None:
        """Run the command under the mouse."""
        for place, command_id in self._places:
            if event.x in place:
                await self.run_action(f"app.command('{command_id}')")


def _entry(command: UiCommand, desk: Desk) -> Line:
    look = Look.MUTED if command.unavailable(desk) else Look.PLAIN
    return (Span(first_key(command), Look.KEY), Span(f" {command.footer_text(desk)}", look))


def _entries(commands: list[UiCommand], desk: Desk) -> Line:
    spans: list[Span] = []
    for command in commands:
        spans += [*_entry(command, desk), Span(_GAP)]
    return tuple(spans[:-1])


def _places(commands: list[UiCommand], start: int, desk: Desk) -> list[tuple[range, str]]:
    places = []
    for command in commands:
        end = start + width_of(_entry(command, desk))
        places.append((range(start, end), command.id))
        start = end + len(_GAP)
    return places


class TooSmall(Lines):
    """Stands in for everything while the terminal has no room for it."""

    def update(self, view: EngineView, size: Size) -> None:
        """Say what is needed, and the state that matters most."""
        killed = view.status.kill_switch.active
        needed, found = f"{COLUMNS_MIN}x{ROWS_MIN}", f"{size.width}x{size.height}"
        sentences = (
            (f"Krakked needs a terminal of {needed} or more; this is {found}.", Look.PLAIN),
            ("The engine goes on. Enlarge the window to see it.", Look.PLAIN),
            (f"Mode {mode_word(view.status)}. Ctrl+K sets the kill switch from here too.", Look.PLAIN),
            ("KILL SWITCH ON", Look.ALARM) if killed else ("kill switch off", Look.OFF),
        )
        self.show([line for text, look in sentences for line in wrap(text, size.width, look)])
