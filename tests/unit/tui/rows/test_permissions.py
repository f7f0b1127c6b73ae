"""Permissions in words: what is missing, what is unknown, and what must never be there."""

from datetime import timedelta

import pytest

from krakked_tui.domain.access import FEATURES, KeyAudit, Permission
from krakked_tui.tui.rows.line import Look, text_of
from krakked_tui.tui.rows.permissions import audit_lines, permission_lines
from tests.fakes.setup import CHECKED_AT, TRADER, audit


def shown(found: KeyAudit, width: int = 90) -> str:
    return "\n".join(text_of(line) for line in audit_lines(found, width))


def test_a_trader_has_everything_and_cannot_withdraw() -> None:
    text = shown(audit())
    assert text.count("✓ yes") == len(FEATURES)
    assert "✓ cannot  withdraw money" in text
    assert "NO" not in text


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_every_missing_permission_is_named_with_what_is_lost(feature: object) -> None:
    for known in FEATURES:
        if known is feature:
            found = audit(*(each for each in TRADER if each not in known.needs))
            assert f"✗ NO      {known.name} (needs {known.needs[0]})" in shown(found)
            assert shown(found).count("✗ NO") == 1


def test_unknown_is_neither_yes_nor_no() -> None:
    found = audit(Permission.QUERY_FUNDS, unknown=(Permission.MODIFY, Permission.WITHDRAW))
    text = shown(found)
    assert "? unknown placing orders" in text
    assert "? MAY     perhaps WITHDRAW MONEY" in text


def test_withdrawing_alarms_without_colour_too() -> None:
    lines = permission_lines(audit(*TRADER, Permission.WITHDRAW), 90)
    assert text_of(lines[-1]).startswith("! CAN     WITHDRAW MONEY")
    assert lines[-1][0].look is Look.ALARM


def test_everything_else_that_is_known_is_said() -> None:
    found = audit(
        *TRADER,
        Permission.ADD_FUNDS,
        others=("earn-funds",),
        ip_allowlist=("203.0.113.7", "203.0.113.8"),
        valid_until=CHECKED_AT + timedelta(days=1),
        query_from=CHECKED_AT - timedelta(days=9),
        last_used=CHECKED_AT - timedelta(minutes=1),
    )
    text = shown(found, 200)
    for sentence in (
        'Called "krakked" at Kraken.',
        "Other permissions: earn-funds.",
        "It may add funds, which Krakked never does.",
        "Only from: 203.0.113.7, 203.0.113.8.",
        "Valid until 2026-11-21 12:00:00 UTC.",
        "Its queries see only 2026-11-11 12:00:00 UTC to any time.",
        "Last used before the check at 2026-11-20 11:59:00 UTC.",
    ):
        assert sentence in text
