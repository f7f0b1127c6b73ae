"""Prices of the past that the books lack, and what the books cannot account for when there are no more.

Booking at a price of the past replays everything after it, so that prices found in a long search are booked
many at once, and stored when they are: what a restart finds stored has been booked.
"""

from krakked_tui.decision import events as e
from krakked_tui.decision.day import leave_out
from krakked_tui.decision.effects import FindRates, Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import State
from krakked_tui.domain.records import RateSaved
from krakked_tui.portfolio.accounts import WantedRate
from krakked_tui.portfolio.valuation import Valuation, value

RATES_PER_REQUEST = 200
BOOKED_AT_ONCE = 2_000
"""Prices that wait at most until they are booked together."""
FINDINGS_AT_ONCE = 20
"""Findings that get a line of their own; of what else is new there is a count."""


def ask_for_rates(state: State, out: Outcome) -> None:
    """Have prices looked for that the books lack, some at a time; without any, tell what is odd."""
    if state.rates_asked or state.history_pending:
        return
    wanted = _wanted(state)
    if not wanted and state.found:
        _book(state, out)
        wanted = _wanted(state)
    if wanted:
        state.rates_asked = True
        # The newest first: they are the ones that somebody looks at, and the cheapest to book.
        out.do(FindRates(tuple(wanted[-RATES_PER_REQUEST:])))
    else:
        _tell_findings(state, out)


def _wanted(state: State) -> list[WantedRate]:
    """Return what is not known, not found already, and may be found, by time."""
    found = {(rate.event_id, rate.asset) for rate in state.found}
    settled = found | state.unfound
    return [
        rate
        for rate in state.books.wanted_rates
        if (rate.event_id, rate.asset) not in settled and (rate.event_id, rate.instead) not in found
    ]


def answered(state: State, out: Outcome, event: e.RatesFound | e.FeesRead) -> None:
    """Take prices of the past, or what the account pays for trading."""
    if isinstance(event, e.FeesRead):
        state.taker_fees.update(event.taker)
    else:
        _rates_found(state, out, event)


def _rates_found(state: State, out: Outcome, event: e.RatesFound) -> None:
    """Keep the prices that were found; go on asking as long as that brings anything, and book them."""
    state.rates_asked = False
    found = {(rate.event_id, rate.asset): rate for rate in reversed(event.rates)}
    state.found += found.values()
    if len(state.found) >= BOOKED_AT_ONCE or not (event.rates or event.unfound):
        _book(state, out)
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


def _book(state: State, out: Outcome) -> None:
    """Book at all prices that were found. That values flows anew, and is no flow itself."""
    before = _flows(state)
    for rate in state.found:
        if state.books.apply_rate(rate):
            out.record(RateSaved(rate))
    state.found.clear()
    leave_out(state, out, before, _flows(state))


def _flows(state: State) -> Valuation:
    """Return what there is of flows in the books, which takes no prices of now."""
    return value(state.books.state, {}, {}, state.settings.portfolio)


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
