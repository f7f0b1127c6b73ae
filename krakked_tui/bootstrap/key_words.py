"""What an operator should know about a key that the exchange accepted, in sentences."""

from collections.abc import Iterator
from datetime import datetime

from krakked_tui.domain.access import FEATURES, KeyAudit, Permission, lost_features
from krakked_tui.kraken.key_audit import ASKED, RECENT, used_by_another
from krakked_tui.kraken.key_check import PERMISSION_NAMES


def key_warnings(audit: KeyAudit, own_use: datetime | None) -> tuple[str, ...]:
    """Return them, the gravest first; ``own_use`` is when we used the key last before the audit."""
    return (*_withdrawing(audit), *_lost(audit), *_open_questions(audit), *_limits(audit, own_use))


def _withdrawing(audit: KeyAudit) -> Iterator[str]:
    name = PERMISSION_NAMES[Permission.WITHDRAW]
    if Permission.WITHDRAW in audit.held:
        yield (
            "DANGER: this key can withdraw money, so whoever gets hold of it can empty the account. Take"
            f' the permission "{name}" from it at Kraken. Live trading is refused with it unless'
            " execution.allow_withdraw_key is true."
        )
    elif Permission.WITHDRAW in audit.unknown:
        yield (
            "Whether this key can withdraw money could not be found out. Make sure at Kraken that it lacks"
            f' the permission "{name}". Live trading is refused until that is known, unless'
            " execution.allow_withdraw_key is true."
        )


def _lost(audit: KeyAudit) -> Iterator[str]:
    for feature in lost_features(audit):
        live = " Live trading is refused without it." if feature.for_live else ""
        yield f"No {feature.name}: the key lacks {_names(feature.needs)}.{live}"


def _open_questions(audit: KeyAudit) -> Iterator[str]:
    needed = {permission for feature in FEATURES for permission in feature.needs}
    unknown = tuple(permission for permission in audit.unknown if permission in needed)
    if unknown:
        yield f"Kraken did not tell what the key may do. Not found out: {_names(unknown)}."


def _limits(audit: KeyAudit, own_use: datetime | None) -> Iterator[str]:
    if used_by_another(audit, own_use):
        minutes = round(RECENT.total_seconds() / 60)
        yield (
            f"Another program has used this key within the last {minutes} minutes"
            f" (at {audit.last_used:%H:%M:%S} UTC). Two programs with one key disturb each other:"
            " make a key for Krakked alone."
        )
    if audit.source == ASKED and (audit.query_from or audit.query_to):
        yield "The key sees only a part of the account's history: remove its query dates at Kraken."
    if audit.valid_until is not None:
        yield f"The key expires on {audit.valid_until:%Y-%m-%d %H:%M} UTC."


def _names(permissions: tuple[Permission, ...]) -> str:
    return ", ".join(f'"{PERMISSION_NAMES[permission]}"' for permission in permissions)
