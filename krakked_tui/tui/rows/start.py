"""The start screen: each step with its time, and the sentence when one fails."""

from krakked_tui.control.views import EngineView, StartStep
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, clip, wrap

_STATES = {
    "waiting": ("·", Look.MUTED),
    "running": ("▶", Look.WARN),
    "done": ("✓", Look.GOOD),
    "failed": ("✗", Look.ALARM),
}
_NAME_WIDTH = 26


def start_lines(view: EngineView, width: int) -> list[Line]:
    """Return the steps of start-up, or why it failed and what to do."""
    failed = view.status.phase == "failed"
    title = "START FAILED" if failed else "STARTING"
    lines: list[Line] = [(Span(title, Look.ALARM if failed else Look.TITLE),), EMPTY]
    if not view.start_steps:
        lines.append((Span("Waiting for the engine.", Look.MUTED),))
    lines += [_step_line(step, width) for step in view.start_steps]
    if failed:
        lines += [EMPTY, *wrap(failure(view), width, Look.ALARM), EMPTY]
        lines += wrap("Nothing is traded. Press q to leave; the log has the details.", width)
    return lines


def failure(view: EngineView) -> str:
    """Return the sentence that says why the engine failed."""
    for step in view.start_steps:
        if step.state == "failed" and step.detail:
            return step.detail
    return view.messages[-1] if view.messages else "The engine failed without saying why."


def _step_line(step: StartStep, width: int) -> Line:
    mark, look = _STATES.get(step.state, ("?", Look.WARN))
    seconds = "" if step.state == "waiting" else f"{step.seconds:6.2f} s"
    left = (
        Span(f"{mark} ", look),
        Span(clip(step.name, _NAME_WIDTH).ljust(_NAME_WIDTH + 1)),
        Span(f"{step.state:<8}", look),
        Span(f"{seconds:>9}  ", Look.MUTED),
    )
    room = width - sum(len(part.text) for part in left)
    detail = "" if step.state == "failed" else clip(step.detail, max(0, room))
    return (*left, Span(detail, Look.MUTED))
