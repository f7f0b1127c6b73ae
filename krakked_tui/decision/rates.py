"""Prices of the past that the books lack, and what the books cannot account for when there are no more."""

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import FindRates, Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import State
from krakked_tui.domain.records import RateSaved

RATES_PER_REQUEST = 200
FINDINGS_AT_ONCE = 20
"""Findings that get a line of their own; of what else is new there is a count."""


def ask_for_rates(state: State, out: Outcome) -> None:
    """Have prices looked for that the books lack, some at a time; without any, tell what is odd."""
    if state.rates_asked or state.history_pending:
        return
    unfound = state.unfound
    wanted = [rate for rate in state.books.wanted_rates if (rate.event_id, rate.asset) not in unfound]
    if wanted:
        state.rates_asked = True
        out.do(FindRates(tuple(wanted[:RATES_PER_REQUEST])))
    else:
        _tell_findings(state, out)


def rates_found(state: State, out: Outcome, event: e.RatesFound) -> None:
    """Book at the prices that were found; go on asking as long as that brings anything."""
    state.rates_asked = False
    found = {(rate.event_id, rate.asset): rate for rate in reversed(event.rates)}
    for rate in found.values():
        if state.books.apply_rate(rate):
            out.record(RateSaved(rate))
    state.unfound.update((wanted.event_id, wanted.asset) for wanted in event.unfound)
    if event.unfound:
        assets = sorted({wanted.asset for wanted in event.unfound})
        out.log(
            Level.WARNING, "rates_unfound", f"no price is known for {len(event.unfound)} past events in "
            f"{', '.join(assets[:FINDINGS_AT_ONCE])}: they count at cost or not at all",
            events=len(event.unfound), assets=",".join(assets[:FINDINGS_AT_ONCE]),
        )  # fmt: skip
    if event.rates or event.unfound:
        ask_for_rates(state, out)


def _tell_findings(state: State, out: Outcome) -> None:
    """Tell of everything that the books cannot account for, once each."""
    new = [finding for finding in state.books.state.findings if finding not in state.findings_told]
    state.findings_told.update(new)
    for finding in new[:FINDINGS_AT_ONCE]:
        out.log(
            Level.WARNING, "books_finding", f"books: {finding.message}", kind=str(finding.kind),
            event_id=finding.event_id, subject=finding.subject, asset=finding.asset,
            amount=str(finding.amount), value=str(finding.value),
        )  # fmt: skip
    more = len(new) - FINDINGS_AT_ONCE
    if more > 0:
        out.log(
            Level.WARNING, "books_findings",
            f"books: {more} more things they cannot account for: see Trades & PnL",
            findings=more,
        )  # fmt: skip
