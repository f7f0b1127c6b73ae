"""What an API key may do, in words and signs: the same table in set-up and in the settings."""

from datetime import UTC, datetime, tzinfo

from krakked_tui.domain.access import FEATURES, Feature, KeyAudit, Permission
from krakked_tui.tui.rows.line import EMPTY, Line, Look, Span, wrap
from krakked_tui.tui.rows.numbers import date_and_time

_WORD_WIDTH = 10
_YES = ("✓ yes", Look.GOOD)
_NO = ("✗ NO", Look.WARN)
_UNKNOWN = ("? unknown", Look.WARN)


def permission_lines(audit: KeyAudit, width: int) -> list[Line]:
    """Return a line per feature, whether the key is enough for it, and one about withdrawing."""
    lines = [line for feature in FEATURES for line in _feature_lines(feature, audit, width)]
    return [*lines, *_withdraw_lines(audit, width)]


def _feature_lines(feature: Feature, audit: KeyAudit, width: int) -> list[Line]:
    missing = [need for need in feature.needs if need in audit.missing]
    if missing:
        return _lines(_NO, f"{feature.name} (needs {', '.join(missing)})", width)
    unknown = any(need in audit.unknown for need in feature.needs)
    return _lines(_UNKNOWN if unknown else _YES, feature.name, width)


def _withdraw_lines(audit: KeyAudit, width: int) -> list[Line]:
    if Permission.WITHDRAW in audit.held:
        return _lines(("! CAN", Look.ALARM), "WITHDRAW MONEY: this key must not", width)
    if audit.can_withdraw:
        return _lines(("? MAY", Look.ALARM), "perhaps WITHDRAW MONEY: look at Kraken", width)
    return _lines(("✓ cannot", Look.GOOD), "withdraw money, as it should be", width)


def _lines(state: tuple[str, Look], text: str, width: int) -> list[Line]:
    word, look = state
    first = (Span(word, look), Span(" " * (_WORD_WIDTH - len(word))))
    later = (Span(" " * _WORD_WIDTH),)
    lines = wrap(text, width - _WORD_WIDTH)
    return [(*(later if index else first), *line) for index, line in enumerate(lines)]


def audit_lines(audit: KeyAudit, width: int, zone: tzinfo = UTC) -> list[Line]:
    """Return the permissions, and what else is known of the key."""
    lines = [*permission_lines(audit, width), EMPTY]
    for text in _facts(audit, zone):
        lines += wrap(text, width, Look.MUTED)
    return lines


def _facts(audit: KeyAudit, zone: tzinfo) -> list[str]:
    name = f'Called "{audit.name}" at Kraken. ' if audit.name else ""
    facts = [f"{name}Found out by {audit.source} at {_at(audit.checked_at, zone)}."]
    if audit.others:
        facts.append(f"Other permissions: {', '.join(audit.others)}.")
    if Permission.ADD_FUNDS in audit.held:
        facts.append("It may add funds, which Krakked never does.")
    if audit.ip_allowlist:
        facts.append(f"Only from: {', '.join(audit.ip_allowlist)}.")
    if audit.valid_until is not None:
        facts.append(f"Valid until {_at(audit.valid_until, zone)}.")
    if audit.query_from is not None or audit.query_to is not None:
        since, until = _or_open(audit.query_from, zone), _or_open(audit.query_to, zone)
        facts.append(f"Its queries see only {since} to {until}.")
    if audit.last_used is not None:
        facts.append(f"Last used before the check at {_at(audit.last_used, zone)}.")
    return facts


def _or_open(at: datetime | None, zone: tzinfo) -> str:
    return "any time" if at is None else _at(at, zone)


def _at(at: datetime, zone: tzinfo) -> str:
    return date_and_time(at, zone)
