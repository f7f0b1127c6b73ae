"""The locks before live trading: every one must be open, and every closed one is named."""

from collections.abc import Sequence

from krakked_tui.config.schema import AppConfig
from krakked_tui.domain.access import FEATURES, KeyAudit, Permission, lost_features
from krakked_tui.domain.errors import RefusedError
from krakked_tui.kraken.settings import host_of

CONFIRMATION = "LIVE"
"""What an operator types to go live."""


def locks_before_start(config: AppConfig, *, has_key: bool, key_problem: str = "") -> tuple[str, ...]:
    """Return a sentence for every lock that is closed before the exchange is asked.

    Each says what opens it. ``key_problem`` says why there is no key.
    """
    connection = config.connection
    locks: list[str] = []
    if not config.execution.allow_live:
        locks.append("execution.allow_live is false: set it to true in the profile's configuration")
    if not has_key:
        locks.append(key_problem or "there is no API key: run krakked-tui setup")
    if not connection.stays_here:
        # Lifted when the order path has passed its fault suites, not before.
        hosts = ", ".join(dict.fromkeys(map(host_of, connection.urls)))
        locks.append(
            f"[connection] leads to a real exchange ({hosts}), and this version trades live only on a"
            " sandbox on this machine: use paper mode there"
        )
    return tuple(locks)


def locks_of_key(audit: KeyAudit, *, allow_withdraw_key: bool) -> tuple[str, ...]:
    """Return a sentence for every way in which a key is not fit for live trading."""
    # Whoever may place orders may cancel them too: Kraken asks for one of the two permissions.
    unsure = frozenset(audit.unknown) - ({Permission.CLOSE} if Permission.MODIFY in audit.held else set())
    locks = [
        f"nobody could find out whether the key may {', '.join(feature.needs)}, which"
        f" {feature.name} needs: try again, or use another key"
        for feature in FEATURES
        if feature.for_live and unsure & frozenset(feature.needs)
    ]
    locks += [
        f"the key may not {', '.join(feature.needs)}, so there is no {feature.name}:"
        " add the permission at Kraken"
        for feature in lost_features(audit)
        if feature.for_live
    ]
    if audit.can_withdraw and not allow_withdraw_key:
        locks.append(
            f"the key can, or could, withdraw money{_strange(audit)}: take that permission from it at Kraken,"
            " or set execution.allow_withdraw_key"
        )
    return tuple(locks)


def _strange(audit: KeyAudit) -> str:
    """Name the permissions that may be the reason, because nobody here knows what they allow."""
    return f" (this version does not know what {', '.join(audit.others)} allows)" if audit.others else ""


def refuse_unless_open(locks: Sequence[str]) -> None:
    """Raise ``RefusedError`` that names every closed lock."""
    if locks:
        listed = "; ".join(f"({number}) {lock}" for number, lock in enumerate(locks, 1))
        raise RefusedError(f"live mode is locked: {listed}")
