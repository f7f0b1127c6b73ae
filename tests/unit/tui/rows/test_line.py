"""Styled lines and fixed columns."""

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.tui.rows.line import (
    Cell,
    Column,
    Look,
    Row,
    Span,
    clip,
    clip_middle,
    clip_number,
    crop,
    header_line,
    place,
    row_line,
    spread,
    text_of,
    width_of,
    wrap,
)

COLUMNS = (
    Column("NAME", 6),
    Column("SIZE", 8, number=True, most=10),
    Column("STOP", 5, rank=2, number=True),
    Column("WHY", 4, rank=1, most=40),
)

lines = st.lists(st.builds(Span, st.text("ab ", max_size=9), st.sampled_from(Look)), max_size=5).map(tuple)


def test_clipped_text_shows_that_it_was_cut() -> None:
    assert clip("strategy", 8) == "strategy"
    assert clip("strategy", 5) == "stra…"
    assert clip("strategy", 0) == ""


def test_a_number_never_loses_its_size() -> None:
    assert clip_number("2,410.00000000", 14) == "2,410.00000000"
    assert clip_number("2,410.00000000", 9) == "2,410.00…"
    assert clip_number("2,410.00000000", 7) == "2,410…"
    assert clip_number("2,410.00000000", 6) == "2,410…"
    assert clip_number("2,410.00000000", 5) == "2410…"
    assert clip_number("2,410.00000000", 4) == "####"
    assert clip_number("123,456,789.5", 11) == "123456789…"
    assert clip_number("+1,234,567", 9) == "+1234567"
    assert clip_number("+1,234,567", 7) == "#######"


def test_a_name_keeps_its_end() -> None:
    assert clip_middle("trend_following_v2", 8) == "tren…_v2"
    assert clip_middle("trend", 8) == "trend"
    assert clip_middle("trend", 2) == "t…"


@given(st.text(max_size=30), st.integers(0, 30))
def test_a_cut_name_fits(text: str, width: int) -> None:
    shown = clip_middle(text, width)
    assert len(shown) == min(len(text), width)


@given(st.decimals(-(10**12), 10**12, places=8), st.integers(1, 30))
def test_a_clipped_number_is_the_number_or_says_that_it_is_not(value: object, width: int) -> None:
    text = f"{value:,}"
    shown = clip_number(text, width)
    assert len(shown) <= max(width, 1)
    whole, point, _ = text.partition(".")
    bare = whole.replace(",", "") + ("…" if point else "")
    cut = shown.endswith("…") and shown.startswith(whole)
    assert cut or shown in {text, "#" * width, bare}


@given(lines, st.integers(0, 40))
def test_a_cropped_line_fits_and_keeps_its_beginning(line: tuple[Span, ...], width: int) -> None:
    cut = crop(line, width)
    assert width_of(cut) <= width
    assert text_of(cut).rstrip("…") == text_of(line)[: len(text_of(cut).rstrip("…"))]


@given(lines, lines, st.integers(30, 80))
def test_a_spread_line_is_exactly_as_wide_as_asked(
    left: tuple[Span, ...], right: tuple[Span, ...], width: int
) -> None:
    if width_of(right) <= width:
        line = spread(left, right, width)
        assert width_of(line) == width
        assert text_of(line).endswith(text_of(right))


@given(st.text("abc de", max_size=200), st.integers(5, 40))
def test_wrapped_text_loses_no_letter(text: str, width: int) -> None:
    wrapped = [text_of(line) for line in wrap(text, width)]
    assert all(len(line) <= width for line in wrapped)
    assert "".join(wrapped).replace(" ", "") == text.replace(" ", "")


def test_no_width_takes_no_lines_instead_of_for_ever() -> None:
    assert wrap("some text", 0) == []
    assert wrap("some text", -3) == []
    assert len(wrap("some text", 1)) == 8


def test_columns_join_by_rank_and_grow_into_what_is_left() -> None:
    def titles(width: int) -> list[str]:
        return [column.title for column in place(COLUMNS, width)]

    assert titles(15) == ["NAME", "SIZE"]
    assert titles(20) == ["NAME", "SIZE", "WHY"]
    assert titles(26) == ["NAME", "SIZE", "STOP", "WHY"]
    wide = place(COLUMNS, 60)
    assert [column.width for column in wide] == [6, 10, 5, 33]
    assert [column.gap for column in wide] == [0, 2, 2, 2]


@given(st.integers(15, 200))
def test_columns_never_exceed_the_width_and_heading_and_rows_line_up(width: int) -> None:
    placed = place(COLUMNS, width)
    row = Row("k", (Cell("name of it"), Cell("1,234.5"), Cell("9.9"), Cell("because of reasons")))
    body, head = row_line(row, placed), header_line(placed, "TITLES")
    assert width_of(body) == width_of(head) <= width
