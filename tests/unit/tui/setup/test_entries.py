"""What set-up remembers, and what it forgets."""

import msgspec
import pytest

from krakked_tui.control.setup import SetupMode
from krakked_tui.domain.secret import Secret
from krakked_tui.tui.setup.entries import Entries
from tests.fakes.setup import FACTS, accepted


def entered() -> Entries:
    entries = Entries(FACTS)
    entries.take_key(Secret("key"), Secret("secret"))
    entries.check = accepted()
    entries.password = Secret("password")
    return entries


def test_a_verdict_holds_only_for_the_key_it_was_given_for() -> None:
    entries = entered()
    entries.take_key(Secret("key"), Secret("secret"))
    assert entries.choices().check == accepted()
    entries.take_key(Secret(""), Secret(""))
    assert entries.choices().check == accepted(), "empty fields keep what was entered"
    assert entries.choices().api_key == Secret("key")
    entries.take_key(Secret(""), Secret("other"))
    assert entries.choices().check is None
    assert entries.choices().api_key == Secret("key")


def test_without_a_key_there_is_no_password_either() -> None:
    entries = entered()
    entries.remember = True
    entries.drop_key()
    assert not entries.has_secrets
    choices = entries.choices()
    assert choices.password is None
    assert not choices.remember_password


def test_a_refused_key_is_never_forced() -> None:
    assert not entered().choices().forced


@pytest.mark.parametrize(
    ("mode", "changes", "may"),
    [
        (SetupMode.PAPER, {}, True),
        (SetupMode.LIVE, {}, False),
        (SetupMode.LIVE, {"secrets_exist": True}, True),
        (SetupMode.LIVE, {"environment_key": "is used"}, True),
    ],
)
def test_a_key_may_be_skipped_where_none_is_needed(
    mode: SetupMode, changes: dict[str, object], may: bool
) -> None:
    entries = Entries(msgspec.structs.replace(FACTS, **changes))
    entries.mode = mode
    assert entries.may_skip_key is may
