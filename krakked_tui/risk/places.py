"""Limits on how sure a strategy is, and on how many positions there are."""

from krakked_tui.domain.plans import LimitCheck, Verdict
from krakked_tui.risk.candidate import Candidate
from krakked_tui.risk.checks import count_at_most


def min_signal_confidence(entry: Candidate) -> LimitCheck:
    """No entry that its own strategy is not sure enough of."""
    limit, confidence, minimum = (
        "min_signal_confidence",
        entry.intent.confidence,
        entry.strategy.min_signal_confidence,
    )
    if confidence >= minimum:
        return LimitCheck(limit, confidence, confidence, minimum, "confidence", Verdict.OK)
    reason = f"its confidence is {confidence}, below {limit}, {minimum}"
    return LimitCheck(limit, confidence, confidence, minimum, "confidence", Verdict.BLOCKED, reason)


def max_positions(entry: Candidate) -> LimitCheck:
    """A strategy holds only so many pairs, those being bought included."""
    owner = entry.intent.strategy_id
    own = entry.room.strategy_pairs.get(owner, ())
    held, new = len(own), entry.intent.pair not in own
    return count_at_most("max_positions", held, held + new, entry.strategy.max_positions, f"{owner} uses")


def max_open_positions(entry: Candidate) -> LimitCheck:
    """All strategies together hold only so many pairs, those being bought included.

    What nobody's strategy holds counts with ``include_manual_positions``.
    """
    held, new = len(entry.room.places), entry.intent.pair not in entry.room.places
    return count_at_most(
        "max_open_positions", held, held + new, entry.settings.max_open_positions, "the account uses"
    )
