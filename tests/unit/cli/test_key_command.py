"""What ``credentials check`` prints, and its exit codes."""

from datetime import UTC, datetime

import pytest

from krakked_tui.bootstrap.recheck import Rechecked
from krakked_tui.cli.key_command import EXIT_CODES, report
from krakked_tui.control.setup import KeyCheck, KeyVerdict
from tests.fakes.setup import accepted, malformed, refused, unreachable, withdraws

AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def rechecked(check: KeyCheck, validated_at: datetime | None = AT) -> Rechecked:
    return Rechecked(
        check=check,
        exchange="api.kraken.com",
        fingerprint="0123abcd",
        validated_at=validated_at,
        notes=("a note",),
    )


@pytest.mark.parametrize(
    ("check", "code"), [(accepted(), 0), (refused(), 6), (malformed(), 6), (unreachable(), 1)]
)
def test_a_script_can_tell_the_outcomes_apart(check: KeyCheck, code: int) -> None:
    assert EXIT_CODES[check.verdict] == code
    assert report(rechecked(check))[0] == f"{check.verdict.value.upper()}: {check.headline}"


def test_every_verdict_has_a_code() -> None:
    assert set(EXIT_CODES) == set(KeyVerdict)


def test_everything_known_of_the_key_is_told() -> None:
    text = "\n".join(report(rechecked(withdraws())))
    assert "  ! The key can withdraw funds." in text
    assert "withdraw-funds (found out by GetApiKeyInfo)." in text
    assert "Key 0123abcd at api.kraken.com; last accepted: 2026-11-20 12:00:00 UTC." in text
    assert text.endswith("a note")


def test_a_key_that_was_never_accepted_says_so() -> None:
    assert "last accepted: never." in "\n".join(report(rechecked(refused(), None)))
