"""``krakked-tui data``: the stored candles, and reading those that are missing."""

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from krakked_tui.domain.errors import UsageError

if TYPE_CHECKING:
    from krakked_tui.bootstrap.data import CandleData, Covered
    from krakked_tui.decision.effects import Log
    from krakked_tui.domain.candles import Timeframe
    from krakked_tui.engine.ingest_report import IngestStatistics

DEFAULT_PROFILE = "paper"

Json = Annotated[bool, Parameter(name="--json", negative=())]

data_app = cyclopts.App(
    name="data",
    help="Read missing candles, check what is stored, say which candles there are.",
    result_action="return_value",
)


@data_app.command
def ingest(
    *,
    profile: str = DEFAULT_PROFILE,
    config: Path | None = None,
    pairs: str | None = None,
    timeframe: str | None = None,
    as_json: Json = False,
) -> int:
    """Read the candles that the store lacks from the exchange, in one round. Needs no API key.

    The exchange serves the latest 720 candles of a pair, about one pair a second. Exit code 1 when no pair
    could be read, 6 when an engine is running on the profile: it does this itself.

    Args:
        profile: Whose configuration and candles.
        config: Read this file instead of config.toml in the configuration directory.
        pairs: Read these only, such as XBTUSD,ETHUSD; otherwise the configured universe.
        timeframe: Read these only, such as 15m or 1h,4h; otherwise those configured and those that the
            strategies use.
        as_json: Print the statistics as one JSON object.
    """
    import asyncio

    import msgspec

    from krakked_tui.bootstrap import data

    chosen = _timeframes(timeframe)
    if any(each.value == "12h" for each in chosen):
        raise UsageError("--timeframe is 12h, which the exchange does not serve: use 4h")
    names = [name.strip() for name in (pairs or "").split(",") if name.strip()]
    done = asyncio.run(data.ingest(_opened(profile, config), names, chosen, _tell))
    if as_json:
        print(json.dumps(msgspec.to_builtins(done), indent=2))
    else:
        _show(done)
    return 1 if done.failed and not done.done else 0


@data_app.command
def verify(*, profile: str = DEFAULT_PROFILE, config: Path | None = None, as_json: Json = False) -> int:
    """Check every file of the stored candles; exit code 1 when anything is wrong. Changes nothing.

    Args:
        profile: Whose candles.
        config: Read this file instead of config.toml in the configuration directory.
        as_json: Print a JSON list of place and problem.
    """
    import asyncio

    from krakked_tui.bootstrap import data
    from krakked_tui.kraken.errors import printable

    findings = asyncio.run(data.verify(_opened(profile, config)))
    if as_json:
        rows = [{"place": each.place, "problem": each.problem} for each in findings]
        print(json.dumps(rows, indent=2))
    elif not findings:
        print("ok: the stored candles are as they should be")
    else:
        for each in findings:
            print(f"{printable(each.place, 400)}: {printable(each.problem, 400)}")
        print(f"krakked-tui: {len(findings)} findings in the stored candles", file=sys.stderr)
    return 1 if findings else 0


@data_app.command
def coverage(
    pair: str | None = None,
    /,
    *,
    profile: str = DEFAULT_PROFILE,
    config: Path | None = None,
    timeframe: str | None = None,
    as_json: Json = False,
) -> int:
    """Say which candles are stored: the first, the last, how many, and how many gaps are between them.

    A gap need not be a loss: nobody may have traded.

    Args:
        pair: Of this pair only, such as XBTUSD.
        profile: Whose candles.
        config: Read this file instead of config.toml in the configuration directory.
        timeframe: Of these timeframes only, such as 15m or 1h,4h.
        as_json: Print a JSON list with every gap.
    """
    import asyncio

    from krakked_tui.bootstrap import data

    name = None if pair is None else pair.strip()
    found = asyncio.run(data.coverage(_opened(profile, config), name, _timeframes(timeframe)))
    if as_json:
        print(json.dumps([_as_json(each) for each in found], indent=2))
        return 0
    if not found:
        print("no candles are stored: krakked-tui data ingest reads some")
        return 0
    for line in _table(found):
        print(line)
    return 0


@data_app.command
def compact(*, profile: str = DEFAULT_PROFILE, config: Path | None = None, as_json: Json = False) -> int:
    """Move all stored candles to where they take least room. An engine does this by itself, bit by bit.

    Exit code 1 when a file cannot be written, 6 when an engine is running on the profile.

    Args:
        profile: Whose candles.
        config: Read this file instead of config.toml in the configuration directory.
        as_json: Print one JSON object: rows, partitions, problems.
    """
    import asyncio

    from krakked_tui.bootstrap import data
    from krakked_tui.kraken.errors import printable

    done = asyncio.run(data.compact(_opened(profile, config)))
    problems = [f"{each.place} {each.problem}" for each in done.problems]
    if as_json:
        print(json.dumps({"rows": done.rows, "partitions": done.partitions, "problems": problems}, indent=2))
    else:
        print(f"{done.rows} rows moved, {done.partitions} files written")
        for problem in problems:
            print(printable(problem, 400), file=sys.stderr)
    return 1 if problems else 0


def _opened(profile: str, config: Path | None) -> "CandleData":
    from krakked_tui.bootstrap.data import open_data
    from krakked_tui.domain.money import trap_floats

    trap_floats()
    return open_data(profile, dict(os.environ), config)


def _timeframes(text: str | None) -> "list[Timeframe]":
    from krakked_tui.domain.candles import Timeframe

    found = []
    for name in (text or "").split(","):
        if name.strip():
            try:
                found.append(Timeframe(name.strip()))
            except ValueError as error:
                allowed = ", ".join(Timeframe)
                raise UsageError(f"--timeframe is {name.strip()[:20]!r}: use one of {allowed}") from error
    return found


def _tell(line: "Log") -> None:
    """Show on stderr how a round goes, and what goes wrong in it."""
    from krakked_tui.kraken.errors import printable

    if line.event == "candles_batch":
        done, of, rows = (line.fields[name] for name in ("done", "of", "rows"))
        names = printable(str(line.fields["pairs"]))
        print(f"{done} of {of} pairs, {rows} rows: {names}", file=sys.stderr)
    elif line.level >= 30:  # a warning or worse
        print(f"{line.level.name.lower()}: {printable(line.message or line.event, 500)}", file=sys.stderr)


def _show(done: "IngestStatistics") -> None:
    print(f"{done.done} of {done.pairs} pairs are complete, {done.failed} failed")
    print(f"{done.rows} rows new or corrected, in {done.seconds:.1f} s and {done.calls} calls")
    print(f"{done.calls_saved} calls were not needed: the store had everything")


def _as_json(each: "Covered") -> dict[str, object]:
    known = each.coverage
    return {
        "pair": each.pair,
        "timeframe": each.timeframe.value,
        "first": None if known.first is None else known.first.isoformat(),
        "last": None if known.last is None else known.last.isoformat(),
        "rows": known.rows,
        "gaps": [{"start": gap.start.isoformat(), "end": gap.end.isoformat()} for gap in known.gaps],
    }


def _table(found: "Sequence[Covered]") -> list[str]:
    from krakked_tui.kraken.errors import printable

    rows = [("pair", "timeframe", "first (UTC)", "last (UTC)", "rows", "gaps")]
    for each in found:
        known = each.coverage
        first, last = (f"{at:%Y-%m-%d %H:%M}" if at else "-" for at in (known.first, known.last))
        gaps = str(len(known.gaps))
        rows.append((printable(each.pair, 40), each.timeframe.value, first, last, str(known.rows), gaps))
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return [
        "  ".join(
            cell.rjust(width) if column > 3 else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
