"""Which texts can be a key pair, and what is said of those that cannot."""

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.secret import Secret
from krakked_tui.kraken.key_form import form_problem, tidied
from krakked_tui.sandbox.keys import make_key, make_secret

KEY, OTHER_KEY = (b64encode(bytes([seed]) * 42).decode() for seed in (7, 8))
SECRET, OTHER_SECRET = (b64encode(bytes([seed]) * 64).decode() for seed in (7, 8))


def problem(key: str, secret: str) -> str:
    return form_problem(tidied(Secret(key)), tidied(Secret(secret)))


def test_what_a_sandbox_makes_up_has_the_form() -> None:
    assert not any(problem(make_key(), make_secret()) for _ in range(100))


@pytest.mark.parametrize("around", ["{}", " {} ", "\n{}\r\n", '"{}"', "'{}'\n", "\u00a0{}\u2028"])
def test_what_comes_along_when_pasting_does_no_harm(around: str) -> None:
    assert problem(around.format(KEY), around.format(SECRET)) == ""


def test_lines_broken_by_a_mail_program_are_joined() -> None:
    assert problem(f"{KEY[:30]}\n{KEY[30:]}", f"{SECRET[:40]} \n {SECRET[40:]}") == ""


@pytest.mark.parametrize(
    ("key", "secret", "words"),
    [
        ("", SECRET, "API key is empty"),
        (KEY, " \n", "API secret is empty"),
        (SECRET, KEY, "swapped"),
        (KEY, KEY, "the same text"),
        (SECRET, SECRET, "the same text"),
        (SECRET, OTHER_SECRET, "looks like a secret"),
        (KEY, OTHER_KEY, "looks like a key"),
        (KEY[:-1], SECRET, "has 55 characters, and Kraken's have 56"),
        (KEY[:-1] + "_", SECRET, "characters that Kraken's never have"),
        (KEY, SECRET[:-1], "has 87 characters, and Kraken's have 88"),
        (KEY, "!" * 88, "is not base64"),
        (KEY, "\u00e9" * 88, "is not base64"),
    ],
)
def test_what_is_wrong_is_said(key: str, secret: str, words: str) -> None:
    assert words in problem(key, secret)


@given(st.text(max_size=120), st.text(max_size=120))
def test_anything_may_be_entered_and_nothing_of_it_is_repeated(key: str, secret: str) -> None:
    key, secret = f"{key}\u4e00\u4e01", f"{secret}\u4e02\u4e03"
    said = problem(key, secret)
    assert said.endswith(".")
    assert not set("\u4e00\u4e01\u4e02\u4e03") & set(said)
