"""The boundary for untrusted text: nothing obeyed, nothing lost silently, one cell per character."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from krakked_tui.tui.text import LENGTH_MAX, clean


@given(st.text(max_size=600))
def test_what_comes_out_is_printable_one_cell_wide_and_short(text: str) -> None:
    shown = clean(text)
    assert len(shown) <= LENGTH_MAX
    assert cell_len(shown) == len(shown)
    for character in shown:
        assert unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Mn", "Me"}


@given(st.text(max_size=600))
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=LENGTH_MAX))
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b]52;c;aGk=\x07", "␛]52;c;aGk=␇"),
        ("a\x9b31mb", r"a\x9b31mb"),
        ("line\r\nbreak\ttab", "line␍␊break␉tab"),
        ("\x7f", "␡"),
        ("pay\u202egnp.exe", r"pay\u202egnp.exe"),
        ("zero\u200bwidth", r"zero\u200bwidth"),
        ("\u05d0\u05d1", r"\u05d0\u05d1"),
        ("汉", r"\u6c49"),
        ("e\u0301", "é"),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
        ("€ 5 ± ½ → ok", "€ 5 ± ½ → ok"),
    ],
)
def test_dangerous_characters_are_made_visible(hostile: str, shown: str) -> None:
    assert clean(hostile) == shown


def test_long_text_says_that_it_was_cut() -> None:
    assert clean("x" * 1000) == "x" * (LENGTH_MAX - 1) + "…"
    assert clean("\u202e" * LENGTH_MAX).endswith("…")
