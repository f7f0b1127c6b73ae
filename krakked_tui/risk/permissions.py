"""Limits that an entry passes or not, whatever its size."""

from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.plans import LimitCheck, Verdict
from krakked_tui.market.freshness import GOOD_FOR_ENTRIES, Freshness
from krakked_tui.risk.candidate import Candidate
from krakked_tui.risk.checks import count_at_most, flag


def kill_switch(entry: Candidate) -> LimitCheck:
    """No entry while the kill switch is on."""
    switch = entry.context.kill_switch
    return flag("kill_switch", f"the kill switch is on ({switch.reason})" if switch.active else "")


def no_new_risk(entry: Candidate) -> LimitCheck:
    """No entry while something makes all new risk unsafe."""
    return flag("no_new_risk", entry.context.blocked_reason)


def pair_blocked(entry: Candidate) -> LimitCheck:
    """No entry in a pair whose own state is uncertain."""
    return flag("pair_blocked", entry.context.blocked_pairs.get(entry.intent.pair, ""))


def pair_status(entry: Candidate) -> LimitCheck:
    """No entry that the exchange does not take in the pair's present status."""
    pair = entry.state.metadata
    return flag("pair_status", "" if pair.permits.enter else f"{pair.canonical} is {pair.status}, not online")


def price_freshness(entry: Candidate) -> LimitCheck:
    """No entry without a price that is fresh, or quiet and confirmed by a separate request."""
    pair, state = entry.intent.pair, entry.state
    if state.quote is None or state.freshness is Freshness.NEVER:
        reason = f"no price of {pair} has arrived"
    elif state.freshness in GOOD_FOR_ENTRIES:
        reason = ""
    elif state.freshness is Freshness.QUIET:
        reason = (
            f"the price of {pair} is quiet, {state.price_age:.0f} s old, and a request for the"
            " exchange's ticker has not confirmed it"
        )
    else:
        reason = f"the price of {pair} is {state.freshness}, {state.price_age:.0f} s old"
    return flag("price_freshness", reason)


def min_signal_confidence(entry: Candidate) -> LimitCheck:
    """No entry that its own strategy is not sure enough of."""
    confidence, minimum = entry.intent.confidence, entry.strategy.min_signal_confidence
    sure = confidence >= minimum
    return LimitCheck(
        limit="min_signal_confidence",
        current=confidence,
        would_be=confidence,
        threshold=minimum,
        unit="confidence",
        verdict=Verdict.OK if sure else Verdict.BLOCKED,
        reason="" if sure else f"its confidence is {confidence}, below min_signal_confidence, {minimum}",
    )


def one_holder(entry: Candidate) -> LimitCheck:
    """A pair is held by one strategy, bought by one order at a time, and entered only when not held."""
    pair = entry.intent.pair
    holder = entry.room.holders.get(pair)
    if pair in entry.room.buying:
        reason = f"a buy of {pair} for {holder} is open or planned already"
    elif pair in entry.room.leaving:
        reason = f"{pair} is being sold by this plan"
    elif holder is not None and holder != entry.intent.strategy_id:
        reason = f"{pair} is held by {holder}"
    elif holder is not None and entry.intent.intent_type is IntentType.ENTER:
        reason = f"{pair} is held already"
    else:
        reason = ""
    return flag("one_holder", reason)


def max_positions(entry: Candidate) -> LimitCheck:
    """A strategy holds only so many pairs, those being bought included."""
    owner = entry.intent.strategy_id
    held = sum(holder == owner for holder in entry.room.holders.values())
    return count_at_most(
        "max_positions", held, held + _adds_pair(entry), entry.strategy.max_positions, f"{owner} uses"
    )


def max_open_positions(entry: Candidate) -> LimitCheck:
    """All strategies together hold only so many pairs, those being bought included."""
    held = len(entry.room.holders)
    return count_at_most(
        "max_open_positions",
        held,
        held + _adds_pair(entry),
        entry.settings.max_open_positions,
        "the account uses",
    )


def _adds_pair(entry: Candidate) -> bool:
    return entry.intent.pair not in entry.room.holders
