"""Master passwords are judged, and nothing of them gets out."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from krakked_tui.credentials.strength import WORDS, strength
from krakked_tui.domain.secret import Secret


@pytest.mark.parametrize(
    "text", ["", "a", "password", "kraken", "krakked123", "Bitcoin1", "a" * 200, "qwertyuiop"]
)
def test_what_is_guessed_quickly_is_not_enough(text: str) -> None:
    judged = strength(Secret(text))
    assert not judged.enough
    assert judged.words in WORDS[:2]
    assert judged.advice


@pytest.mark.parametrize("text", ["slow purple anvil tango", "kV9#pQ2!xR7m", "мой длинный пароль-42"])
def test_what_is_not_guessed_quickly_is_enough(text: str) -> None:
    judged = strength(Secret(text))
    assert judged.enough
    assert judged.words == WORDS[judged.score]


@given(st.text(st.characters(), max_size=120))
@settings(max_examples=60)
def test_any_text_gets_a_judgement_that_does_not_repeat_it(text: str) -> None:
    judged = strength(Secret(text))
    assert 0 <= judged.score <= 4
    if len(text) > 12:
        assert text not in repr(judged)
