"""``krakked-tui export``: the books as a table for a spreadsheet, tax software or a program."""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Protocol

from cyclopts import Parameter

from krakked_tui.cli.output import write_out
from krakked_tui.domain.errors import UsageError
from krakked_tui.domain.portfolio import CostBasis

if TYPE_CHECKING:
    from krakked_tui.portfolio.summary import Bounds
    from krakked_tui.portfolio.tables import ExportBooks

DEFAULT_PROFILE = "paper"

Flag = Annotated[bool, Parameter(negative=())]
Which = Literal["trades", "cash-flows", "positions", "snapshots", "pnl"]
FileFormat = Literal["csv", "parquet", "json"]

_NEEDS_COST_BASIS = ("trades", "positions", "pnl")


class ReadBooks(Protocol):
    """Where the books come from."""

    def __call__(
        self,
        *,
        profile: str,
        config: Path | None,
        cost_basis: CostBasis | None,
        until: datetime | None,
    ) -> "ExportBooks":
        """Return the books of a profile, without disturbing an engine that is running on them.

        They are kept by ``cost_basis`` (None: the one configured), from the events and snapshots before
        ``until`` (UTC; None: all). Raises ``KrakkedError``.
        """


def books_of_profile(
    *, profile: str, config: Path | None, cost_basis: CostBasis | None, until: datetime | None
) -> "ExportBooks":
    """Implement ``ReadBooks`` by a profile's journal."""
    # Imported late: --help must not pay for it.
    from krakked_tui.bootstrap.export import read_books
    from krakked_tui.domain.money import trap_floats

    trap_floats()
    return read_books(
        profile=profile, config=config, cost_basis=cost_basis, until=until, environment=dict(os.environ)
    )


def export_command(read_books: ReadBooks) -> Callable[..., int]:
    """Return the command ``export`` over these books."""

    def export(
        which: Which,
        /,
        *,
        file_format: Annotated[FileFormat, Parameter(name="--format")] = "csv",
        since: str | None = None,
        until: str | None = None,
        cost_basis: CostBasis | None = None,
        output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
        force: Flag = False,
        profile: str = DEFAULT_PROFILE,
        config: Path | None = None,
    ) -> int:
        """Write trades, cash flows, positions, snapshots of equity, or realized gains (pnl) as a table.

        Times are UTC, amounts keep all their digits. The columns of pnl are those that tax software asks
        for; check them against your law, which Krakked does not know.

        Parameters
        ----------
        which
            The table to write.
        file_format
            CSV, Parquet or JSON.
        since
            Leave out what was before this date or time, such as 2026-01-01 or 2026-01-01T12:00:00Z.
        until
            Leave out what was at this date or time or after it; positions are those of then.
        cost_basis
            How sales are matched with purchases; the default is the configured way.
        output
            File to write (readable by you alone) instead of standard output.
        force
            Replace the file if it exists.
        profile
            Whose books to export.
        config
            Read this configuration file instead of the one in the configuration directory.
        """
        within = _bounds(since, until)
        _check_combination(which, within, cost_basis, output, force=force)
        if output is None and file_format == "parquet" and sys.stdout.isatty():
            raise UsageError(
                "Parquet is not for a terminal: add --output FILE, or send the output into a file"
            )
        return _write(
            which,
            file_format,
            within,
            read_books(profile=profile, config=config, cost_basis=cost_basis, until=within.until),
            output,
            force=force,
        )

    return export


def _write(
    which: Which,
    file_format: FileFormat,
    within: "Bounds",
    books: "ExportBooks",
    output: Path | None,
    *,
    force: bool,
) -> int:
    # Imported late: --help must not pay for Polars.
    from krakked_tui.portfolio.tables import Export, make_table, notes_on
    from krakked_tui.storage.exports import Format, encode, write_export

    table = make_table(Export(which), books, within)
    content = encode(table, Format(file_format))
    for warning in (*books.warnings, *notes_on(Export(which), books, within)):
        print(f"warning: {warning}", file=sys.stderr)
    if output is None:
        write_out(content)
        return 0
    write_export(output, content, force=force)
    print(f"ok: {len(table.rows)} row{'' if len(table.rows) == 1 else 's'} in {output}")
    return 0


def _check_combination(
    which: Which, within: "Bounds", cost_basis: CostBasis | None, output: Path | None, *, force: bool
) -> None:
    """Refuse options that would say nothing: whoever gave them expects them to."""
    if which == "positions" and within.since is not None:
        raise UsageError("--since says nothing about positions: give --until for those of an earlier time")
    if cost_basis is not None and which not in _NEEDS_COST_BASIS:
        raise UsageError(f"--cost-basis says nothing about {which}: leave it out")
    if force and output is None:
        raise UsageError("--force goes with --output FILE")


def _bounds(since: str | None, until: str | None) -> "Bounds":
    from krakked_tui.portfolio.summary import Bounds

    begin, end = _parse_time("--since", since), _parse_time("--until", until)
    if begin is not None and end is not None and begin >= end:
        raise UsageError(f"--until {until} is not after --since {since}: --until itself is left out")
    return Bounds(begin, end)


def _parse_time(option: str, text: str | None) -> datetime | None:
    """Return a time in UTC; one without a zone is taken as UTC, a date as its first moment."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{option} is {text!r}: use a date or a time of UTC, such as 2026-01-01 or 2026-01-01T12:00:00Z"
        ) from error
