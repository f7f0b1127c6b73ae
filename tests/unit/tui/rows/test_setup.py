"""What set-up says: verdicts that cannot be mistaken for each other, and a review that leaves nothing out."""

import msgspec
import pytest

from krakked_tui.control.setup import KeyCheck, KeyVerdict, PasswordStrength, SetupChoices, SetupMode
from krakked_tui.domain.secret import Secret
from krakked_tui.tui.rows.line import Line, text_of
from krakked_tui.tui.rows.setup import (
    check_lines,
    key_lines,
    preview_lines,
    review_lines,
    strength_lines,
    welcome_lines,
)
from tests.fakes.setup import FACTS, PREVIEW, accepted, malformed, refused, unreachable, withdraws

REPLACING = msgspec.structs.replace(FACTS, secrets_exist=True)


def text(lines: list[Line]) -> str:
    return " ".join(text_of(line).strip() for line in lines)


def choices(**changes: object) -> SetupChoices:
    base = SetupChoices(
        mode=SetupMode.LIVE,
        region="US_CA",
        api_key=Secret("k"),
        api_secret=Secret("s"),
        check=accepted(),
        password=Secret("p"),
    )
    return msgspec.structs.replace(base, **changes)


@pytest.mark.parametrize("mode", SetupMode)
def test_the_key_step_names_the_host_what_to_tick_and_what_never(mode: SetupMode) -> None:
    said = text(key_lines(FACTS, mode, 90))
    for part in ("api.kraken.com", "Settings > API", "NEVER tick", "Withdraw funds", "Query funds"):
        assert part in said


def test_what_exists_is_said_before_it_is_replaced() -> None:
    assert "replaces it" in text(welcome_lines(REPLACING, 90))
    assert "replaces" not in text(welcome_lines(FACTS, 90))


@pytest.mark.parametrize(
    ("check", "words", "never"),
    [
        (accepted(), "✓ ACCEPTED", "not saved"),
        (malformed(), "✗ NOT A KEY", "unvalidated"),
        (refused(), "✗ REFUSED", "unvalidated"),
        (unreachable(), "? NOT CHECKED", "REFUSED"),
    ],
)
def test_no_verdict_reads_like_another(check: KeyCheck, words: str, never: str) -> None:
    said = text(check_lines(check, 90))
    assert words in said
    assert never not in said
    assert check.headline in said
    assert check.advice in said


def test_a_danger_stands_above_the_fold() -> None:
    lines = [text_of(line) for line in check_lines(withdraws(), 74)]
    assert any("DANGER" in line for line in lines[:4])


@pytest.mark.parametrize(
    ("score", "bar", "word"), [(0, "■····", "hopeless"), (2, "■■■··", "fair"), (4, "■■■■■", "strong")]
)
def test_strength_is_a_bar_a_word_and_a_verdict(score: int, bar: str, word: str) -> None:
    strength = PasswordStrength(score, "said the judge", "do this")
    said = text(strength_lines(strength, 90))
    verdict = "enough" if strength.enough else "NOT ENOUGH"
    assert said == f"strength: {bar} {word}, {verdict}: said the judge do this"


def test_the_preview_never_takes_more_room_than_there_is() -> None:
    for height in range(9):
        assert len(preview_lines(PREVIEW, 80, height)) <= height


def test_the_review_says_what_is_written_where() -> None:
    said = text(review_lines(FACTS, choices(), 100))
    for part in (FACTS.config_file, FACTS.secrets_file, "US_CA", "accepted by the exchange", "every start"):
        assert part in said
    assert "live trading, prepared; still to be switched on by hand" in said
    assert "REPLACES" not in said


def test_the_review_hides_no_trouble() -> None:
    check = msgspec.structs.replace(withdraws(), verdict=KeyVerdict.UNREACHABLE)
    said = text(review_lines(REPLACING, choices(check=check, remember_password=True), 100))
    for part in ("UNVALIDATED", "WITHDRAW MONEY", "this REPLACES the key", "kept in the keyring"):
        assert part in said


def test_without_a_new_key_the_review_says_what_becomes_of_the_old_one() -> None:
    none = choices(api_key=None, api_secret=None, check=None, password=None)
    assert "none is saved" in text(review_lines(FACTS, none, 100))
    assert f"{FACTS.secrets_file} stays as it is" in text(review_lines(REPLACING, none, 100))
