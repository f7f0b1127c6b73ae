"""Output with fewer bytes looks the same to a terminal."""

import pyte
from hypothesis import given
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.style import Style

from krakked_tui.tui.thrift import thin

colours = st.sampled_from([None, "#56b4e9", "#e69f00", "red", "color(200)", "bright_blue"])
styles = st.builds(
    Style, color=colours, bgcolor=colours, bold=st.booleans(), italic=st.booleans(), reverse=st.booleans()
)
systems = st.sampled_from([ColorSystem.STANDARD, ColorSystem.EIGHT_BIT, ColorSystem.TRUECOLOR])
moves = st.builds(lambda y, x: f"\x1b[{y};{x}H", st.integers(1, 5), st.integers(1, 20))
runs = st.tuples(moves | st.just(""), st.text("ab █", max_size=6), styles)


def picture(*writes: str) -> object:
    screen = pyte.Screen(20, 5)
    stream = pyte.Stream(screen)
    for write in writes:
        stream.feed(write)
    return [[screen.buffer[y][x] for x in range(20)] for y in range(5)], screen.cursor.attrs


@given(st.lists(st.lists(runs, max_size=6), max_size=4), systems)
def test_a_terminal_shows_the_same(pieces: list[list[tuple[str, str, Style]]], system: ColorSystem) -> None:
    writes = [
        "".join(move + style.render(text, color_system=system) for move, text, style in piece)
        for piece in pieces
    ]
    thinned = [thin(write) for write in writes]
    assert picture(*thinned) == picture(*writes)
    assert sum(map(len, thinned)) <= sum(map(len, writes))


def test_what_stays_is_not_sent_again() -> None:
    blue, orange = "\x1b[38;5;4;48;5;0m", "\x1b[38;5;3;48;5;0m"
    assert thin(f"{blue}a\x1b[0m{blue}b\x1b[0m{orange}c\x1b[0m") == f"{blue}ab\x1b[38;5;3mc\x1b[0m"


def test_an_attribute_is_taken_back_alone() -> None:
    assert thin("\x1b[1;31ma\x1b[0m\x1b[31mb\x1b[0m") == "\x1b[1;31ma\x1b[22mb\x1b[0m"


def test_sequences_that_are_not_known_stay_as_they_are() -> None:
    assert thin("\x1b[58;5;1ma\x1b[0mb") == "\x1b[58;5;1ma\x1b[0mb"
    assert thin("\x1b[?2026h\x1b[?25l") == "\x1b[?2026h\x1b[?25l"
    assert thin("plain") == "plain"


def test_a_line_end_before_a_move_says_nothing() -> None:
    assert thin("\x1b[1;1Ha\n\x1b[2;5Hb\n") == "\x1b[1;1Ha\x1b[2;5Hb\n"
