"""The databases, read without disturbing whoever writes to them."""

import os
import re
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import msgspec

from krakked_tui.config.lost_journal import lost_journal
from krakked_tui.config.places import Places
from krakked_tui.doctor.commands import shell
from krakked_tui.doctor.context import Context
from krakked_tui.doctor.findings import Finding, ok, problem, warning
from krakked_tui.storage.files import lock_state
from krakked_tui.storage.sqlite import load_migrations, load_statements, moving_away, one_line

CHECK_SECONDS = 20.0
_STEPS = 100_000
_BUSY_SECONDS = 2.0
_CLOSED = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY})
_RESTORE = "Restore it from a backup, with no engine running; without one, compare positions at the exchange"
_INSTANCE = re.compile(r"[0-9a-z]{3}")


class DatabaseFacts(msgspec.Struct, frozen=True):
    """What a database file says. ``known`` is the schema version of this program.

    ``integrity`` is "ok", what is damaged, or empty when nobody looked or it took too long. A link to
    nothing does not exist, and ``leads_to`` says where. With ``closed_directory``, ``trouble`` comes from
    a directory in which SQLite cannot make the files that it keeps beside a database.
    """

    path: Path
    exists: bool = True
    known: int = 0
    version: int = 0
    integrity: str = ""
    trouble: str = ""
    damaged: bool = False
    leads_to: Path | None = None
    closed_directory: bool = False
    meta: dict[str, str] = {}


def database(context: Context) -> Iterator[Finding]:
    """Check the profile's database and its instance id."""
    where = context.where
    state = lock_state(where.lock)
    held = state is not None and state.held
    facts = look_into(where.database, "journal", in_use=held, check=True)
    yield judge_database(facts, lost=lost_journal(where))
    yield judge_instance(where.instance, _instance(where), facts)
    books = look_into(where.paper_books, "paper", in_use=held, check=True)
    if books.exists:
        yield judge_database(books, "paper_books")


def candles(context: Context) -> Iterator[Finding]:
    """Check the candle stores."""
    root = context.where.candles
    stores = sorted(root.glob("*/tail.db")) if root.is_dir() else []
    yield judge_candles([look_into(path, "candles", in_use=True, check=False) for path in stores])


def read(path: Path, known: int, schema: str, *, check: bool, immutable: bool) -> DatabaseFacts:
    """Read a file; ``immutable`` promises that nobody writes to it meanwhile, and leaves no trace."""
    uri = f"file:{quote(str(path))}?{'immutable=1' if immutable else 'mode=ro'}"
    deadline = time.monotonic() + CHECK_SECONDS
    version, integrity, meta = 0, "", {}
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS)) as connection:
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS)
            [(version,)] = connection.execute(_SQL["schema_version"])
            if schema == "journal" and 0 < version <= known:
                meta = dict(connection.execute(_JOURNAL_SQL["load_meta"]))
            if check:
                [(integrity,)] = connection.execute(_SQL["check"])
    except sqlite3.Error as error:
        code = (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF
        if code != sqlite3.SQLITE_INTERRUPT:
            damaged = code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
            closed = code in _CLOSED and not os.access(path.parent, os.W_OK | os.X_OK)
            return DatabaseFacts(
                path,
                known=known,
                version=version,
                trouble=one_line(error),
                damaged=damaged,
                closed_directory=closed,
            )
    return DatabaseFacts(path, known=known, version=version, integrity=one_line(integrity), meta=meta)


def look_into(
    path: Path, schema: str, *, in_use: bool, check: bool, read: Callable[..., DatabaseFacts] = read
) -> DatabaseFacts:
    """Look at a database of ours, which need not exist. ``in_use``: somebody may be writing to it."""
    known = len(load_migrations(schema))
    if not path.exists():
        link = path.readlink() if path.is_symlink() else None
        return DatabaseFacts(path, exists=False, known=known, leads_to=link)
    journal = path.with_name(f"{path.name}-wal")
    untouched = not in_use and not (journal.exists() and journal.stat().st_size)
    facts = read(path, known, schema, check=check, immutable=untouched)
    if untouched and facts.trouble:
        # An engine may have started at this very moment.
        facts = read(path, known, schema, check=check, immutable=False)
    return facts


def judge_database(facts: DatabaseFacts, name: str = "database", lost: str = "") -> Finding:
    """Judge the profile's database, or another one under its own ``name``.

    ``lost`` says that there should be one with something in it, and is empty otherwise.
    """
    path = facts.path
    if lost:
        return problem(name, lost, _RESTORE)
    if facts.leads_to is not None:
        return problem(
            name,
            f"{path} leads to {facts.leads_to}, where nothing is",
            "Mount the disk that it lies on, or restore it from a backup",
        )
    if not facts.exists:
        return ok(name, f"{path} is made at the first start")
    return _judge_trouble(name, facts) or _in_order(name, facts)


def _judge_trouble(name: str, facts: DatabaseFacts) -> Finding | None:
    """Judge what keeps a database that is there from being used, if anything does."""
    path = facts.path
    if facts.damaged or facts.integrity not in {"", "ok"}:
        return problem(
            name,
            f"{path} is damaged ({facts.trouble or facts.integrity}): stop the engine, move all that belongs"
            " to it away, then put a backup in its place; without one, the next start makes a new one",
            moving_away(path),
        )
    if facts.closed_directory:
        return problem(
            name,
            f"{path} cannot be read, because its directory cannot be written ({facts.trouble})",
            shell("chmod 700 {}", path.parent),
        )
    if facts.trouble:
        return problem(
            name,
            f"{path} cannot be read ({facts.trouble})",
            shell("Check its owner and permissions (ls -l {}), and close other programs that use it", path),
        )
    if facts.version > facts.known:
        return problem(name, _newer(facts), "Update Krakked, or choose another profile with --profile")
    return None


def _in_order(name: str, facts: DatabaseFacts) -> Finding:
    if not facts.integrity:
        return warning(
            name,
            f"{facts.path} is so large that its check did not end within {CHECK_SECONDS:.0f} s",
            "Nothing needs to be done: every start checks it, and takes the time it needs",
        )
    if facts.version < facts.known:
        after = f"the next start brings it from schema version {facts.version} to {facts.known}"
        return ok(name, f"in order; {after}")
    return ok(name, f"in order, schema version {facts.version}")


def _newer(facts: DatabaseFacts) -> str:
    return f"{facts.path} has schema version {facts.version}, and this program knows up to {facts.known}"


def judge_instance(path: Path, found: str | None, facts: DatabaseFacts) -> Finding:
    """Judge the profile's instance id, which is part of the id of every order; None: there is none."""
    booked = facts.meta.get("instance_id")
    # What a database says goes into no command unseen.
    write = shell(f"printf {booked} > {{0}}; chmod 600 {{0}}", path) if _is_instance(booked) else ""
    if found is None:
        if booked is None:
            return ok("instance", "made at the first start")
        return warning(
            "instance",
            f"{path} is missing, and with it what tells our orders from others' if the database is lost",
            write or "Restore it from a backup",
        )
    if not _is_instance(found):
        return problem(
            "instance",
            f"{path} does not hold three of 0 to 9 and a to z",
            write
            or shell("Restore it from a backup, or remove it if this profile never traded: rm {}", path),
        )
    if booked is not None and booked != found:
        return problem(
            "instance",
            f"{path} says {found}, and the database says {booked}: one of them is another profile's",
            "Restore both from the same backup, so that the engine knows its own orders",
        )
    return ok("instance", f"{found}: it marks this profile's orders")


def _is_instance(text: str | None) -> bool:
    return text is not None and _INSTANCE.fullmatch(text) is not None


def judge_candles(stores: list[DatabaseFacts]) -> Finding:
    """Judge the candle stores."""
    if not stores:
        return ok("candles", "no candle store yet: it is made at the first start")
    for facts in stores:
        if facts.trouble:
            return problem(
                "candles",
                f"{facts.path} cannot be read ({facts.trouble}): move it away, candles are downloaded again",
                moving_away(facts.path),
            )
        if facts.version > facts.known:
            return problem("candles", _newer(facts), "Update Krakked")
    return ok("candles", f"{', '.join(facts.path.parent.name for facts in stores)} can be read")


def _instance(where: Places) -> str | None:
    try:
        return where.instance.read_text(encoding="ascii", errors="replace").strip()[:20]
    except FileNotFoundError:
        return None


_SQL = load_statements("database")
_JOURNAL_SQL = load_statements("journal")
