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
    start_label,
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
    ("strength", "shown"),
    [
        (PasswordStrength(4, "strong"), "■■■■■ strong"),
        (PasswordStrength(2, "fair", "Add a word."), "■■■·· fair Add a word."),
        (PasswordStrength(1, "weak", "Add a word."), "■■··· weak, NOT ENOUGH Add a word."),
        (PasswordStrength(0, "hopeless"), "■···· hopeless, NOT ENOUGH Several unusual words are strong"),
        (PasswordStrength(99, "strong"), "■■■■■ strong"),
    ],
)
def test_strength_is_a_bar_its_word_once_and_advice(strength: PasswordStrength, shown: str) -> None:
    said = text(strength_lines(strength, 90, typed=True))
    assert said.startswith(f"strength: {shown}")
    assert said.removesuffix(" are strong and easy to type.").count(strength.words) == 1


def test_no_strength_is_shown_before_it_is_known() -> None:
    assert text(strength_lines(None, 90, typed=True)) == "strength: … judging"
    assert text(strength_lines(None, 90, typed=False)) == "strength: nothing typed yet"


def test_the_preview_never_takes_more_room_than_there_is() -> None:
    for height in range(9):
        assert len(preview_lines(PREVIEW, 80, height)) <= height


def test_the_review_says_what_is_written_where() -> None:
    said = text(review_lines(FACTS, choices(), 100))
    for part in (FACTS.config_file, FACTS.secrets_file, "US_CA", "accepted by the exchange"):
        assert part in said
    assert "asked for when Krakked starts with the key (live mode); paper trading needs none" in said
    assert "live trading, prepared; still to be switched on by hand" in said
    assert "REPLACES" not in said


HOME = "/home/me/.config/krakked"


@pytest.mark.parametrize(
    ("facts", "mode", "key", "files"),
    [
        ({}, SetupMode.PAPER, False, ["config.toml"]),
        ({}, SetupMode.PAPER, True, ["config.toml", "secrets.enc"]),
        ({}, SetupMode.LIVE, True, ["config.live.toml", "config.toml", "secrets.enc"]),
        ({"profile": "two"}, SetupMode.LIVE, True, ["config.toml", "config.two.toml", "secrets.enc"]),
        ({"profile": "two"}, SetupMode.PAPER, False, ["config.toml"]),
        ({"config_file": f"{HOME}/my.toml"}, SetupMode.LIVE, False, ["my.live.toml", "my.toml"]),
        ({"secrets_exist": True}, SetupMode.LIVE, False, ["config.live.toml", "config.toml"]),
        (
            {"secrets_exist": True}, SetupMode.PAPER, True,
            ["config.toml", "secrets.enc", "secrets.enc.replaced"],
        ),
    ],
)  # fmt: skip
def test_the_review_lists_every_file_that_is_written(
    facts: dict[str, object], mode: SetupMode, *, key: bool, files: list[str]
) -> None:
    none = {} if key else {"api_key": None, "api_secret": None, "check": None, "password": None}
    lines = review_lines(msgspec.structs.replace(FACTS, **facts), choices(mode=mode, **none), 100)
    listed = [text_of(line)[3:].partition(": ")[0] for line in lines if text_of(line).startswith("•")]
    assert sorted(listed) == [f"{HOME}/{file}" for file in files]


def test_a_live_set_up_says_which_profile_becomes_live() -> None:
    said = text(review_lines(FACTS, choices(), 100))
    assert "Profile         live; the profile paper goes on trading on paper" in said
    other = msgspec.structs.replace(FACTS, profile="two")
    assert "on paper" not in text(review_lines(other, choices(), 100))


def test_a_key_of_the_environment_is_named_beside_the_saved_one() -> None:
    facts = msgspec.structs.replace(FACTS, environment_key="The key of the environment is used.")
    for entered in (choices(), choices(api_key=None, api_secret=None, check=None, password=None)):
        assert "The key of the environment is used." in text(review_lines(facts, entered, 100))


@pytest.mark.parametrize(
    ("profile", "mode", "label"),
    [
        ("paper", SetupMode.PAPER, "Start paper trading"),
        ("paper", SetupMode.LIVE, "Start paper trading"),
        ("two", SetupMode.PAPER, "Start paper trading"),
        ("two", SetupMode.LIVE, "Start the profile two"),
    ],
)
def test_the_last_choice_says_what_it_starts(profile: str, mode: SetupMode, label: str) -> None:
    assert start_label(msgspec.structs.replace(FACTS, profile=profile), mode) == label


def test_the_review_hides_no_trouble() -> None:
    check = msgspec.structs.replace(withdraws(), verdict=KeyVerdict.UNREACHABLE)
    said = text(review_lines(REPLACING, choices(check=check, remember_password=True), 100))
    for part in ("UNVALIDATED", "WITHDRAW MONEY", "this REPLACES the key", "kept in the keyring"):
        assert part in said


def test_without_a_new_key_the_review_says_what_becomes_of_the_old_one() -> None:
    none = choices(api_key=None, api_secret=None, check=None, password=None)
    assert "none is saved" in text(review_lines(FACTS, none, 100))
    assert f"{FACTS.secrets_file} stays as it is" in text(review_lines(REPLACING, none, 100))
