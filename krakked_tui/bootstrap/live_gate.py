"""The locks before live trading: every one must be open, and every closed one is named."""

from collections.abc import Sequence

import msgspec

from krakked_tui.domain.access import KeyAudit, lost_features
from krakked_tui.domain.errors import RefusedError

CONFIRMATION = "LIVE"
"""What an operator types to go live."""


class LiveRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is known before the exchange was asked.

    ``host`` is the host of the REST URL; ``loopback`` says that it is this machine.
    """

    allow_live: bool
    has_key: bool
    key_problem: str = ""
    host: str
    loopback: bool


def locks_before_start(request: LiveRequest) -> tuple[str, ...]:
    """Return a sentence for every lock that is closed, each with what opens it."""
    locks: list[str] = []
    if not request.allow_live:
        locks.append("execution.allow_live is false: set it to true in the profile's configuration")
    if not request.has_key:
        locks.append(request.key_problem or "there is no API key: run krakked-tui setup")
    if not request.loopback:
        # Lifted when the order path has passed its fault suites, not before.
        locks.append(
            f"{request.host} is a real exchange, and this version trades live only on a sandbox on this"
            " machine: use paper mode there"
        )
    return tuple(locks)


def locks_of_key(audit: KeyAudit, *, allow_withdraw_key: bool) -> tuple[str, ...]:
    """Return a sentence for every way in which a key is not fit for live trading."""
    locks = [
        f"the key may not {', '.join(feature.needs)}, so there is no {feature.name}:"
        " add the permission at Kraken"
        for feature in lost_features(audit)
        if feature.for_live
    ]
    if audit.can_withdraw and not allow_withdraw_key:
        locks.append(
            "the key can, or could, withdraw money: take that permission from it at Kraken,"
            " or set execution.allow_withdraw_key"
        )
    return tuple(locks)


def refuse_unless_open(locks: Sequence[str]) -> None:
    """Raise ``RefusedError`` that names every closed lock."""
    if locks:
        listed = "; ".join(f"({number}) {lock}" for number, lock in enumerate(locks, 1))
        raise RefusedError(f"live mode is locked: {listed}")
