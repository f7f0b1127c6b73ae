"""Spelling tables exactly and safely, and writing them without taking anything away."""

import csv
import io
import json
import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.domain.errors import RefusedError, StorageError, UsageError
from krakked_tui.storage.exports import Cell, Format, amount_text, encode, time_text, write_export

D = Decimal
AT = datetime(2026, 3, 4, 12, 0, 0, 123456, tzinfo=UTC)


class Column(msgspec.Struct, frozen=True):
    name: str
    type: type


class Table(msgspec.Struct, frozen=True):
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


COLUMNS = (Column("time", datetime), Column("note", str), Column("amount", Decimal), Column("maker", bool))
TABLE = Table(COLUMNS, ((AT, "bought", D("-1E+3"), True), (None, None, None, None)))


def one_column(kind: type, cells: Sequence[Cell]) -> Table:
    return Table((Column("x", kind),), tuple((cell,) for cell in cells))


def csv_cell(cell: Cell) -> str:
    text = encode(one_column(str, [cell]), Format.CSV).decode()
    assert text.startswith("x\n")
    return text[2:-1]


def parquet(table: Table) -> pl.DataFrame:
    return pl.read_parquet(io.BytesIO(encode(table, Format.PARQUET)))  # noqa: TID251 - storage's test


def test_csv() -> None:
    assert encode(TABLE, Format.CSV) == (
        b'time,note,amount,maker\n2026-03-04T12:00:00.123456Z,"bought",-1000,true\n,,,\n'
    )


def test_json() -> None:
    assert encode(TABLE, Format.JSON) == (
        b"[\n"
        b'{"time": "2026-03-04T12:00:00.123456Z", "note": "bought", "amount": "-1000", "maker": true},\n'
        b'{"time": null, "note": null, "amount": null, "maker": null}\n'
        b"]\n"
    )


def test_parquet() -> None:
    frame = parquet(TABLE)
    assert frame.schema == {
        "time": pl.Datetime("us", "UTC"),
        "note": pl.String(),
        "amount": pl.Decimal(38, 24),
        "maker": pl.Boolean(),
    }
    assert frame.rows()[0][1:] == ("bought", D(-1000), True)
    assert frame.rows()[0][0] == AT
    assert frame.rows()[1] == (None, None, None, None)


def test_tables_without_rows_have_their_columns_all_the_same() -> None:
    empty = Table(COLUMNS, ())
    assert encode(empty, Format.CSV) == b"time,note,amount,maker\n"
    assert json.loads(encode(empty, Format.JSON)) == []
    assert parquet(empty).schema == parquet(TABLE).schema


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1E-12", "0.000000000001"),
        ("1E+3", "1000"),
        ("0E-8", "0.00000000"),
        ("-0.00", "0.00"),
        ("1.50", "1.50"),
        ("-12345678901234567890.123456789012345678901234", "-12345678901234567890.123456789012345678901234"),
    ],
)
def test_amounts_have_all_their_digits_and_no_exponent(amount: str, text: str) -> None:
    assert amount_text(D(amount)) == text
    assert encode(one_column(Decimal, [D(amount)]), Format.CSV) == f"x\n{text}\n".encode()


def test_what_is_no_number_is_a_fault_of_ours() -> None:
    with pytest.raises(AssertionError):
        amount_text(D("NaN"))
    with pytest.raises(AssertionError):
        time_text(AT.replace(tzinfo=None))


def test_times_are_utc_whatever_their_zone() -> None:
    assert time_text(AT.astimezone(timezone(timedelta(hours=2)))) == "2026-03-04T12:00:00.123456Z"
    assert time_text(datetime(2026, 1, 1, tzinfo=UTC)) == "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1", '=HYPERLINK("x",1)']
)
def test_texts_that_look_like_a_formula_are_not_run(text: str) -> None:
    cell = csv_cell(text)
    assert cell.startswith("\"'")
    assert cell.endswith('"')


def test_other_texts_are_quoted_and_keep_what_they_say() -> None:
    assert csv_cell("XBT") == '"XBT"'
    assert csv_cell("a;=1,b") == '"a;=1,b"'
    assert csv_cell('say "no"') == '"say ""no"""'
    assert csv_cell("a=b") == '"a=b"'
    assert csv_cell("é€") == '"é€"'
    assert csv_cell("") == '""'


def test_numbers_stay_numbers_even_below_zero() -> None:
    assert encode(one_column(Decimal, [D("-1.5")]), Format.CSV) == b"x\n-1.5\n"


@pytest.mark.parametrize("to", [Format.CSV, Format.JSON])
def test_nothing_from_outside_reaches_a_terminal_as_a_command(to: Format) -> None:
    content = encode(one_column(str, ["a\x1b[2J\x9b1m\u202eb\x00\nc"]), to).decode()
    assert not set(content) & set("\x1b\x9b\u202e\x00")
    assert len(content.splitlines()) == (2 if to is Format.CSV else 3)


def test_json_and_parquet_keep_every_character() -> None:
    text = "=1\x1b\n\u202e\"'é"
    assert json.loads(encode(one_column(str, [text]), Format.JSON)) == [{"x": text}]
    assert parquet(one_column(str, [text]))["x"].to_list() == [text]


@given(st.lists(st.text(), max_size=5))
def test_any_text_is_one_cell_and_no_formula(texts: list[str]) -> None:
    content = encode(one_column(str, texts), Format.CSV).decode()
    cells = [row[0] for row in csv.reader(io.StringIO(content, newline=""))][1:]
    assert len(cells) == len(texts)
    for cell, text in zip(cells, texts, strict=True):
        assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r"))
        assert cell.removeprefix("'").replace("?", "") in text or "?" in cell


@given(st.lists(st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=10), max_size=5))
def test_any_amount_survives_every_format(amounts: list[Decimal | None]) -> None:
    table = one_column(Decimal, amounts)
    lines = encode(table, Format.CSV).decode().splitlines()[1:]
    assert [D(line) if line else None for line in lines] == amounts
    told = [row["x"] for row in json.loads(encode(table, Format.JSON))]
    assert [None if text is None else D(text) for text in told] == amounts
    read = parquet(table)["x"].to_list()
    assert [None if cell is None else D(cell) for cell in read] == amounts


@pytest.mark.parametrize("amount", ["1E-25", "1.1234567890123456789012345", "1E+14", "-1E+14", "1E+60"])
def test_a_column_that_a_parquet_decimal_cannot_hold_is_exact_text(amount: str) -> None:
    column = parquet(one_column(Decimal, [D(amount), D("1.50"), None]))["x"]
    assert column.dtype == pl.String()
    assert column.to_list() == [format(D(amount), "f"), "1.50", None]


@pytest.mark.parametrize("amount", ["1E-24", "99999999999999.999999999999999999999999", "1.50" + "0" * 30])
def test_a_parquet_decimal_holds_24_decimals_below_a_hundred_trillion(amount: str) -> None:
    column = parquet(one_column(Decimal, [D(amount)]))["x"]
    assert column.dtype == pl.Decimal(38, 24)
    assert column.to_list() == [D(amount)]


def test_a_file_is_private_whole_and_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_export(path, b"x\n", force=False)
    assert path.read_bytes() == b"x\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_nlink == 1
    assert list(path.parent.iterdir()) == [path]


def test_what_is_there_stays_without_force(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("mine")
    with pytest.raises(RefusedError, match=r"out\.csv exists already: add --force"):
        write_export(path, b"x\n", force=False)
    assert path.read_text() == "mine"
    write_export(path, b"x\n", force=True)
    assert path.read_bytes() == b"x\n"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_to_nothing_is_something(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    with pytest.raises(RefusedError):
        write_export(tmp_path / "link", b"x\n", force=False)
    write_export(tmp_path / "link", b"x\n", force=True)
    assert (tmp_path / "target").read_bytes() == b"x\n"


@pytest.mark.parametrize("force", [False, True])
def test_only_files_are_replaced(tmp_path: Path, force: bool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (tmp_path, pipe):
        with pytest.raises(UsageError, match="is not a regular file"):
            write_export(path, b"x\n", force=force)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_directory_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match=r"there is no directory .*/file: "):
        write_export(tmp_path / "file" / "out.csv", b"x\n", force=False)


@pytest.mark.parametrize("force", [False, True])
def test_a_mistyped_directory_is_not_made(tmp_path: Path, *, force: bool) -> None:
    with pytest.raises(UsageError, match=r"no directory .*/taxs: make it"):
        write_export(tmp_path / "taxs" / "out.csv", b"x\n", force=force)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_names_the_file_that_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=rf"^{tmp_path}/out\.csv cannot be written \(No space left"):
        write_export(tmp_path / "out.csv", b"x\n", force=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_comes_while_ours_is_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "out.csv"
    link = os.link

    def too_late(source: Path, target: Path) -> None:
        path.write_bytes(b"theirs")
        link(source, target)

    monkeypatch.setattr(os, "link", too_late)
    with pytest.raises(RefusedError):
        write_export(path, b"ours", force=False)
    assert path.read_bytes() == b"theirs"
    assert list(tmp_path.iterdir()) == [path]


class TestWithoutHardLinks:
    """A file system that knows none."""

    @pytest.fixture(autouse=True)
    def path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """Where to write. ``came`` and ``gone`` are what another program does meanwhile."""
        self.came: Path | None = None
        self.gone = False

        def link(draft: Path, _: Path) -> None:
            if self.came is not None:
                self.came.write_bytes(b"theirs")
            if self.gone:
                draft.unlink()
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr(os, "link", link)
        return tmp_path / "out.csv"

    def test_a_file_is_written_all_the_same(self, path: Path) -> None:
        write_export(path, b"ours", force=False)
        assert path.read_bytes() == b"ours"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert list(path.parent.iterdir()) == [path]

    def test_a_file_that_comes_meanwhile_stays(self, path: Path) -> None:
        self.came = path
        with pytest.raises(RefusedError):
            write_export(path, b"ours", force=False)
        assert path.read_bytes() == b"theirs"
        assert list(path.parent.iterdir()) == [path]

    def test_a_failure_leaves_nothing(self, path: Path) -> None:
        self.gone = True
        with pytest.raises(StorageError, match=r"out\.csv cannot be written \(No such file"):
            write_export(path, b"ours", force=False)
        assert list(path.parent.iterdir()) == []
