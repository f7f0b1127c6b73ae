"""The life of one command as the operator sees it: sent, answered, verified in the views.

Success is never assumed. A command is done when the views show its effect, not when it was sent.

    SENDING --answer accepted--> WORKING --view shows the effect--> DONE
       |---- answer refused ---> REFUSED
       `---- no answer at all -> FAILED
    WORKING --an accepted setting is overruled--> OVERRULED
"""

from enum import StrEnum
from typing import assert_never

import msgspec

from krakked_tui.control.commands import (
    AcceptBalances,
    Answer,
    CancelAll,
    CancelOrder,
    ChangeSetting,
    ChangeSettings,
    ClearKillSwitch,
    Command,
    EnableStrategy,
    FlattenAll,
    IngestCandles,
    PauseCycles,
    ResumeCycles,
    SetKillSwitch,
    Shutdown,
)
from krakked_tui.control.settings_view import SettingsView
from krakked_tui.control.strategy_view import StrategiesView
from krakked_tui.control.views import EngineView
from krakked_tui.domain.safety import FlattenPhase
from krakked_tui.tui.rows.banner import flatten_word
from krakked_tui.tui.rows.changes import not_in_force
from krakked_tui.tui.rows.dialogs import count, flatten_result
from krakked_tui.tui.rows.line import Line, Look, Span
from krakked_tui.tui.rows.numbers import age
from krakked_tui.tui.rows.tables import status_cell
from krakked_tui.tui.text import clean

SHOWN_SECONDS = 20.0
"""How long a good end stays in the answer line."""

OVERRULED_SECONDS = 2.0
"""An accepted setting that is not in force by then is overruled, by the environment for instance."""

SWITCHED_SECONDS = 10.0
"""A strategy that does not run by then after it was enabled has failed again."""

TROUBLE_SECONDS = 120.0
"""How long a bad one does."""


class Stage(StrEnum):
    """How far a command has come."""

    SENDING = "sending"
    WORKING = "working"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    OVERRULED = "overruled"


class Outcome(msgspec.Struct, frozen=True):
    """One command on its way. Times are monotonic seconds.

    ``before`` is the picture the operator acted on; ``message`` says what is known now.
    """

    command: Command
    label: str
    before: EngineView
    sent_at: float
    stage: Stage = Stage.SENDING
    message: str = ""
    settled_at: float | None = None


_PATIENCE: dict[type[Command], float] = {
    ChangeSetting: OVERRULED_SECONDS,
    ChangeSettings: OVERRULED_SECONDS,
    EnableStrategy: SWITCHED_SECONDS,
}


def answered(outcome: Outcome, answer: Answer, now: float) -> Outcome:
    """Take the engine's answer in."""
    message = clean(answer.message)
    if answer.accepted:
        return msgspec.structs.replace(outcome, stage=Stage.WORKING, message=message)
    return _settled(outcome, Stage.REFUSED, message, now)


def failed(outcome: Outcome, why: str, now: float) -> Outcome:
    """Note that no answer came; the command may or may not have taken effect."""
    return _settled(outcome, Stage.FAILED, clean(why), now)


def observed(
    outcome: Outcome,
    view: EngineView,
    settings: SettingsView,
    now: float,
    strategies: StrategiesView | None = None,
) -> Outcome:
    """Look for the command's effect in a view, in the settings or in the strategies."""
    if outcome.stage is not Stage.WORKING:
        return outcome
    result = _effect(outcome, view, settings, strategies)
    if result is not None:
        return _settled(outcome, Stage.DONE, result, now)
    patience = _PATIENCE.get(type(outcome.command))
    if patience is not None and now - outcome.sent_at > patience:
        return _settled(outcome, Stage.OVERRULED, outcome.message, now)
    return msgspec.structs.replace(outcome, message=_progress(outcome, view))


def _settled(outcome: Outcome, stage: Stage, message: str, now: float) -> Outcome:
    return msgspec.structs.replace(outcome, stage=stage, message=message, settled_at=now)


def _effect(  # noqa: C901, PLR0912 - one arm per command
    outcome: Outcome, view: EngineView, settings: SettingsView, strategies: StrategiesView | None
) -> str | None:
    """Return the verified result, or None while the view does not show it yet."""
    status = view.status
    match outcome.command:
        case SetKillSwitch():
            seen, result = status.kill_switch.active, _kill_result(view)
        case ClearKillSwitch():
            seen, result = not status.kill_switch.active, "new positions are allowed again"
        case CancelOrder() | CancelAll():
            seen, result = not _still_open(outcome, view), _cancel_result(outcome, view)
        case FlattenAll():
            seen, result = _flatten_done(outcome, view), flatten_result(view)
        case AcceptBalances():
            seen, result = not status.drift, "books and exchange agree"
        case PauseCycles():
            seen, result = status.paused, "no cycles run; stops go on"
        case ResumeCycles():
            seen, result = not status.paused, "cycles run again"
        case ChangeSetting(key, value):
            in_force = {row.key: row.value for row in settings.rows}
            seen, result = in_force.get(key) == clean(value), "in force now"
        case ChangeSettings(changes):
            seen, result = not not_in_force(changes, settings), outcome.message or "in force"
        case EnableStrategy():
            seen, result = _switched(outcome.command, strategies), outcome.message
        case IngestCandles():
            seen, result = True, outcome.message  # the answer comes when all is read
        case Shutdown():
            seen, result = status.phase == "stopped", "stopped"
        case _:
            assert_never(outcome.command)
    return result if seen else None


def _switched(command: EnableStrategy, strategies: StrategiesView | None) -> bool:
    lines = strategies.strategies if strategies is not None else ()
    line = next((line for line in lines if line.id == clean(command.strategy_id)), None)
    if line is None:
        return False
    return (line.enabled and line.state != "failed") if command.enabled else not line.enabled


def _kill_result(view: EngineView) -> str:
    orders = len(view.open_orders)
    offer = f"Ctrl+X cancels {count(orders, 'open order')} too" if orders else "no orders are open"
    return f"no new risk; {offer}"


def _targets(outcome: Outcome) -> set[str]:
    if isinstance(outcome.command, CancelOrder):
        return {outcome.command.cl_ord_id}
    return {order.cl_ord_id for order in outcome.before.open_orders}


def _still_open(outcome: Outcome, view: EngineView) -> int:
    targets = _targets(outcome)
    return sum(order.cl_ord_id in targets for order in view.open_orders)


def _cancel_result(outcome: Outcome, view: EngineView) -> str:
    """Return how the cancelled orders really ended: a fill may have been faster."""
    targets = _targets(outcome)
    ends: dict[str, int] = {}
    for order in view.recent_orders:
        if order.cl_ord_id in targets:
            word = status_cell(order).text
            ends[word] = ends.get(word, 0) + 1
    if not ends:
        return "none of these orders is open any more" if targets else "no order was open"
    return ", ".join(f"{number} {word}" for word, number in ends.items())


def _flatten_done(outcome: Outcome, view: EngineView) -> bool:
    progress, before = view.flatten, outcome.before.flatten
    if progress is None or progress.phase is not FlattenPhase.DONE:
        return False
    # The same start belongs to a flatten that had finished before this one was asked for.
    return before is None or before.started_at != progress.started_at


def _progress(outcome: Outcome, view: EngineView) -> str:
    if isinstance(outcome.command, CancelOrder | CancelAll):
        return f"{_still_open(outcome, view)} of {len(_targets(outcome))} still open"
    if isinstance(outcome.command, FlattenAll) and view.flatten is not None:
        return f"{flatten_word(view.flatten)}, {count(len(view.positions), 'position')} left"
    return outcome.message


def expired(outcome: Outcome, now: float) -> bool:
    """Say whether a settled outcome has been shown long enough."""
    if outcome.settled_at is None:
        return False
    seconds = SHOWN_SECONDS if outcome.stage is Stage.DONE else TROUBLE_SECONDS
    return now - outcome.settled_at > seconds


_STAGE_LOOKS = {
    Stage.SENDING: Look.WARN,
    Stage.WORKING: Look.WARN,
    Stage.DONE: Look.GOOD,
    Stage.REFUSED: Look.ALARM,
    Stage.FAILED: Look.ALARM,
    Stage.OVERRULED: Look.WARN,
}
_STAGE_WORDS = {
    Stage.SENDING: "pending",
    Stage.WORKING: "accepted",
    Stage.DONE: "confirmed",
    Stage.REFUSED: "REFUSED",
    Stage.FAILED: "NO ANSWER",
    Stage.OVERRULED: "NOT IN FORCE",
}


def outcome_line(outcome: Outcome, now: float) -> Line:
    """Return the answer line of a command."""
    spans = [
        Span(f" {_STAGE_WORDS[outcome.stage]} ", _STAGE_LOOKS[outcome.stage]),
        Span(f" {outcome.label}", Look.STRONG),
    ]
    if outcome.settled_at is None:
        spans.append(Span(f" {age(now - outcome.sent_at)}", Look.MUTED))
    if outcome.message:
        spans.append(Span(f": {outcome.message}"))
    return tuple(spans)
