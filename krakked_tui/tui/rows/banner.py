"""The risk banner: in words, what keeps the engine from opening positions now, worst first."""

from collections.abc import Sequence
from datetime import tzinfo
from typing import NamedTuple

from krakked_tui.control.views import DriftView, EngineView, StatusView
from krakked_tui.domain.safety import FlattenPhase, FlattenProgress
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, clip, crop
from krakked_tui.tui.rows.numbers import clock, quantity


class Finding(NamedTuple):
    """One thing to know: a few words, and the sentence behind them."""

    head: str
    detail: str
    look: Look


_FLATTEN_WORDS = {
    FlattenPhase.CANCELLING: "cancelling orders",
    FlattenPhase.CLOSING: "selling",
    FlattenPhase.VERIFYING: "verifying",
    FlattenPhase.DONE: "done",
}


def flatten_word(progress: FlattenProgress) -> str:
    """Return how far a flatten has come."""
    return _FLATTEN_WORDS[progress.phase]


def findings(view: EngineView, zone: tzinfo) -> list[Finding]:
    """Return what an operator should know about risk now, worst first; empty when all is well."""
    status = view.status
    found = [*_emergencies(view, zone), *_account(view), *_market(status)]
    if status.no_new_risk and not found:
        found.append(Finding("NO NEW RISK", status.no_new_risk, Look.WARN))
    if status.paused:
        found.append(Finding("PAUSED", "no strategy cycles run; stops go on (p resumes)", Look.WARN))
    return found


def _emergencies(view: EngineView, zone: tzinfo) -> list[Finding]:
    found = []
    if view.flatten is not None and view.flatten.phase is not FlattenPhase.DONE:
        closed = len(view.flatten.attempts)
        detail = f"{flatten_word(view.flatten)}, {closed} pairs tried, {len(view.positions)} positions left"
        found.append(Finding("FLATTEN RUNNING", detail, Look.ALARM))
    switch = view.status.kill_switch
    if switch.active:
        when = f" since {clock(switch.since, zone)}" if switch.since else ""
        who = f" by {switch.by}" if switch.by else ""
        detail = f"{switch.reason or 'no reason given'};{when}{who}"
        found.append(Finding("KILL SWITCH ON", detail, Look.ALARM))
    return found


def _account(view: EngineView) -> list[Finding]:
    if not view.status.drift:
        return []
    details = "; ".join(map(drift_sentence, view.portfolio.drift)) if view.portfolio else ""
    detail = details or "balances at the exchange differ from the ledger"
    return [Finding("DRIFT", detail, Look.ALARM)]


def drift_sentence(drift: DriftView) -> str:
    """Return both numbers of one asset."""
    return f"{drift.asset}: books {quantity(drift.books)}, exchange {quantity(drift.exchange)}"


def _market(status: StatusView) -> list[Finding]:
    found = []
    if status.data != "live":
        look = Look.ALARM if status.data == "down" else Look.WARN
        found.append(Finding(f"DATA {status.data.upper()}", status.data_detail, look))
    if status.connection != "up":
        look = Look.ALARM if status.connection == "down" else Look.WARN
        found.append(Finding(f"LINK {status.connection.upper()}", status.connection_detail, look))
    return found


def banner_lines(view: EngineView, width: int, height: int, zone: tzinfo) -> list[Line]:
    """Return exactly ``height`` lines: one finding each, or all of them in short when too many."""
    found = findings(view, zone)
    if not found:
        text = "RISK OK  new positions allowed: data live, balances match, kill switch off"
        lines = [findings_line((Finding("RISK OK", text.removeprefix("RISK OK  "), Look.GOOD),), width)]
    elif len(found) <= height:
        lines = [findings_line((finding,), width) for finding in found]
    else:
        lines = [findings_line((finding,), width) for finding in found[: height - 1]]
        lines.append(findings_line(found[height - 1 :], width))
    return lines + [EMPTY] * (height - len(lines))


def findings_line(found: Sequence[Finding], width: int) -> Line:
    """Return several findings in one line: all heads, then as much of the details as fits."""
    spans: list[Span] = []
    for finding in found:
        spans += [Span(f" {finding.head} ", finding.look), Span(" ")]
    details = "; ".join(finding.detail for finding in found if finding.detail)
    room = width - sum(len(span.text) for span in spans)
    return crop((*spans, Span(clip(details, max(0, room)))), width)
