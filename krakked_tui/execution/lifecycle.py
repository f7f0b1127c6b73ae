"""The life of an order, as a table.

Rules the table follows:

1. ``pending`` is committed before the first byte leaves; ``submitted`` means the exchange answered
   that it has the order; ``open`` and ``partially_filled`` that it was seen in the book.
2. Reports arrive in any order: every state that is not an end may go straight to ``filled``,
   ``canceled`` or ``expired``.
3. Silence is not rejection: a missing answer leads to ``unknown``, and from there only to what the
   exchange says, or to ``never_accepted`` once absence is proof (see ``unknown.py``).
4. ``never_accepted``, ``rejected`` and ``error`` may be left again when the exchange shows the order
   after all: it is ours, and everything we can do to an order must be possible with it. For the last
   two that is an alarm, since we were sure.
"""

from krakked_tui.domain.errors import IllegalTransitionError
from krakked_tui.domain.orders import OrderStatus as S

ENDS = frozenset(
    {
        S.FILLED,
        S.CANCELED,
        S.EXPIRED,
        S.REJECTED,
        S.ERROR,
        S.NEVER_ACCEPTED,
        S.SIMULATED,
        S.VALIDATED,
    }
)

WORKING = frozenset({S.SUBMITTED, S.OPEN, S.PARTIALLY_FILLED})
"""The exchange has confirmed these and they may still fill."""

DENIED = frozenset({S.NEVER_ACCEPTED, S.REJECTED, S.ERROR})
"""Ends by which the exchange does not have the order; it may still show up."""

UNPROVEN = frozenset({S.PENDING, S.UNKNOWN})
"""Nobody has confirmed that the exchange has these, nor that it has not."""

_REPORTED_ENDS = frozenset({S.FILLED, S.CANCELED, S.EXPIRED})
_SEEN = frozenset({S.OPEN, S.PARTIALLY_FILLED}) | _REPORTED_ENDS

TRANSITIONS: dict[S, frozenset[S]] = {
    S.PENDING: _SEEN | {S.SUBMITTED, S.REJECTED, S.ERROR, S.UNKNOWN, S.SIMULATED, S.VALIDATED},
    S.SUBMITTED: _SEEN | {S.UNKNOWN},
    S.OPEN: frozenset({S.PARTIALLY_FILLED, S.UNKNOWN}) | _REPORTED_ENDS,
    S.PARTIALLY_FILLED: frozenset({S.UNKNOWN}) | _REPORTED_ENDS,
    S.UNKNOWN: _SEEN | {S.SUBMITTED, S.REJECTED, S.ERROR, S.NEVER_ACCEPTED},
    S.NEVER_ACCEPTED: _SEEN | {S.SUBMITTED},
    S.REJECTED: _SEEN | {S.SUBMITTED},
    S.ERROR: _SEEN | {S.SUBMITTED},
    S.FILLED: frozenset(),
    S.CANCELED: frozenset(),
    S.EXPIRED: frozenset(),
    S.SIMULATED: frozenset(),
    S.VALIDATED: frozenset(),
}


def allowed(before: S, after: S) -> bool:
    """Say whether an order may go from ``before`` to ``after``."""
    return after in TRANSITIONS[before]


def check(before: S, after: S) -> None:
    """Raise ``IllegalTransitionError`` unless the move is in the table."""
    if not allowed(before, after):
        raise IllegalTransitionError(f"an order cannot go from {before} to {after}")
