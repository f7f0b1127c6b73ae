"""Tables as files for other programs: CSV, JSON and Parquet, without losing a digit.

Times are ISO 8601 in UTC with Z, to the microsecond; what is not known is an empty cell or null.

CSV   Numbers are bare, with all their digits and never an exponent. Texts are in quotes; one that a
      spreadsheet could take for a formula has an apostrophe before it, and a character that is not printable
      is a question mark, because texts come from outside and the output may go to a terminal.
JSON  A list of objects. Amounts are texts, as a JSON number would become a float on the other side;
      characters beyond ASCII are escaped.
Parquet  Amounts are Decimal(38, 24). A column in which one of them does not fit exactly (more than 24
      decimals, or 10^14 and more) is text as in JSON instead: Parquet has no wider decimals, and cutting
      would lose money. Texts are as they came.
"""

import io
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Protocol, assert_never

import polars as pl

from krakked_tui.domain.errors import RefusedError, StorageError, UsageError
from krakked_tui.domain.precision import at_scale
from krakked_tui.storage.files import PRIVATE_FILE, link_target, replace_private_file

Cell = str | Decimal | datetime | bool | None

_DIGITS = 38
_DECIMALS = 24
_TOO_LARGE = Decimal(10) ** (_DIGITS - _DECIMALS)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\N{FULLWIDTH EQUALS SIGN}", "\N{FULLWIDTH PLUS SIGN}",
            "\N{FULLWIDTH HYPHEN-MINUS}", "\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class Format(StrEnum):
    """How a table is spelled."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


class TableColumn(Protocol):
    """A name and what the cells are: str, Decimal, datetime or bool."""

    @property
    def name(self) -> str:
        """Its name: letters, digits and underscores."""

    @property
    def type(self) -> type:
        """What its cells are, unless None."""


class TableLike(Protocol):
    """Columns, and rows with a cell for each. Decimals are finite, times have a zone."""

    @property
    def columns(self) -> Sequence[TableColumn]:
        """The columns."""

    @property
    def rows(self) -> Sequence[Sequence[Cell]]:
        """The rows."""


def encode(table: TableLike, to: Format) -> bytes:
    """Return the whole content of a file (UTF-8, lines end with a line feed)."""
    match to:
        case Format.CSV:
            return _csv(table)
        case Format.JSON:
            return _json(table)
        case Format.PARQUET:
            return _parquet(table)
    assert_never(to)


def write_export(path: Path, content: bytes, *, force: bool) -> None:
    """Write a file as a whole, mode 0600; a crash leaves nothing under its name, or what was there before.

    A symbolic link stays: what it leads to is replaced.

    Raises:
        RefusedError: There is a file already, and not ``force``.
        UsageError: What is there is no file that could be replaced (a directory, a device), or its directory
            does not exist.
        StorageError: It cannot be written; what was there is unchanged.
    """
    if os.path.exists(path) and not os.path.isfile(path):
        raise UsageError(
            f"{path} is not a regular file: name a file, or leave --output out for standard output"
        )
    folder = link_target(path).parent
    if not folder.is_dir():
        raise UsageError(f"there is no directory {folder}: make it, or name another one with --output")
    if force:
        replace_private_file(path, content)
        return
    if os.path.lexists(path):
        raise _there_already(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    replace_private_file(draft, content, called=path)
    try:
        _publish(draft, path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written ({error.strerror}): choose another directory"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def _publish(draft: Path, path: Path) -> None:
    """Give the draft its name, unless something else has come to have it meanwhile."""
    try:
        os.link(draft, path)
    except FileExistsError as error:
        raise _there_already(path) from error
    except OSError:
        # A file system without hard links (a USB stick): take the name, then replace what is there.
        _take_name(path)
        try:
            os.replace(draft, path)
        except BaseException:
            path.unlink()
            raise


def _take_name(path: Path) -> None:
    try:
        os.close(os.open(path, _NEW_FILE, PRIVATE_FILE))
    except FileExistsError as error:
        raise _there_already(path) from error


def _there_already(path: Path) -> RefusedError:
    return RefusedError(f"{path} exists already: add --force to replace it, or name another file")


def _csv(table: TableLike) -> bytes:
    lines = [",".join(column.name for column in table.columns)]
    lines += [",".join(_csv_cell(cell) for cell in row) for row in table.rows]
    return "".join(f"{line}\n" for line in lines).encode()


def _csv_cell(cell: Cell) -> str:
    if not isinstance(cell, str):
        plain = _plain(cell)
        return "" if plain is None else str(plain).lower() if isinstance(plain, bool) else plain
    shown = cell if cell.isprintable() else "".join(one if one.isprintable() else "?" for one in cell)
    # Spreadsheets pass over blanks before a formula.
    guard = "'" if cell.startswith(_FORMULA) or cell.lstrip().startswith(_FORMULA) else ""
    quoted = shown.replace('"', '""')
    return f'"{guard}{quoted}"'


def _json(table: TableLike) -> bytes:
    names = [column.name for column in table.columns]
    objects = [json.dumps(dict(zip(names, map(_plain, row), strict=True))) for row in table.rows]
    body = ",\n".join(objects)
    return f"[\n{body}\n]\n".encode() if objects else b"[]\n"


def _plain(cell: Cell) -> str | bool | None:
    """Return a cell as JSON spells it."""
    match cell:
        case Decimal():
            return amount_text(cell)
        case datetime():
            return time_text(cell)
        case _:
            return cell


def amount_text(amount: Decimal) -> str:
    """Return all digits of a finite amount; zero has no sign."""
    assert amount.is_finite()
    return format(amount or abs(amount), "f")


def time_text(at: datetime) -> str:
    """Return an aware time in UTC, such as 2026-03-01T12:00:00.123456Z."""
    assert at.utcoffset() is not None
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _parquet(table: TableLike) -> bytes:
    cells: list[tuple[Cell, ...]] = list(zip(*table.rows, strict=True)) or [()] * len(table.columns)
    columns = [_SERIES[one.type](one.name, values) for one, values in zip(table.columns, cells, strict=True)]
    sink = io.BytesIO()
    pl.DataFrame(columns).write_parquet(sink, compression="zstd")
    return sink.getvalue()


def _amounts(name: str, cells: Sequence[Cell]) -> pl.Series:
    texts = [_plain(cell) for cell in cells]
    column = pl.Series(name, texts, dtype=pl.String())
    if all(not isinstance(cell, Decimal) or _fits(cell) for cell in cells):
        return column.cast(pl.Decimal(_DIGITS, _DECIMALS))
    return column


def _fits(amount: Decimal) -> bool:
    # Asked before Polars is, which cuts decimals that are too many without a word.
    return abs(amount) < _TOO_LARGE and at_scale(amount, _DECIMALS) == amount


def _times(name: str, cells: Sequence[Cell]) -> pl.Series:
    times = [cell.astimezone(UTC) if isinstance(cell, datetime) else None for cell in cells]
    return pl.Series(name, times, dtype=pl.Datetime("us", "UTC"))


def _texts(name: str, cells: Sequence[Cell]) -> pl.Series:
    return pl.Series(name, cells, dtype=pl.String())


def _truths(name: str, cells: Sequence[Cell]) -> pl.Series:
    return pl.Series(name, cells, dtype=pl.Boolean())


_SERIES: dict[type, Callable[[str, Sequence[Cell]], pl.Series]] = {
    str: _texts,
    Decimal: _amounts,
    datetime: _times,
    bool: _truths,
}
