"""Databases are read as they lie there, and left as they are."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from krakked_tui.doctor.database import (
    DatabaseFacts,
    candles,
    database,
    judge_candles,
    judge_database,
    judge_instance,
    look_into,
)
from krakked_tui.doctor.findings import Status
from krakked_tui.storage.candles import open_candle_store
from krakked_tui.storage.journal import SqliteJournal
from tests.unit.doctor.patients import healthy_home, named, patient

PATH = Path("/d/krakked.db")


def facts(**changes: object) -> DatabaseFacts:
    fields = {"path": PATH, "known": 2, "version": 2, "integrity": "ok", "meta": {"instance_id": "abc"}}
    return DatabaseFacts(**{**fields, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "status", "says"),
    [
        (facts(), Status.OK, "schema version 2"),
        (facts(exists=False), Status.OK, "first start"),
        (facts(version=1), Status.OK, "from schema version 1 to 2"),
        (facts(version=3), Status.PROBLEM, "knows up to 2"),
        (facts(integrity=""), Status.WARNING, "did not end within"),
        (facts(integrity="row 3 missing"), Status.PROBLEM, "damaged (row 3 missing)"),
        (facts(integrity="", trouble="not a database", damaged=True), Status.PROBLEM, "damaged"),
        (facts(integrity="", trouble="is locked"), Status.PROBLEM, "cannot be read (is locked)"),
    ],
)
def test_a_database_is_judged(found: DatabaseFacts, status: Status, says: str) -> None:
    judged = judge_database(found)
    assert judged.status is status
    assert says in judged.detail
    assert (status is Status.OK) == (not judged.fix)


@pytest.mark.parametrize(
    ("text", "meta", "status"),
    [
        ("abc", {"instance_id": "abc"}, Status.OK),
        ("abc", {}, Status.OK),
        (None, {}, Status.OK),
        (None, {"instance_id": "abc"}, Status.WARNING),
        ("ABC", {"instance_id": "abc"}, Status.PROBLEM),
        ("", {}, Status.PROBLEM),
        ("xyz", {"instance_id": "abc"}, Status.PROBLEM),
    ],
)
def test_an_instance_id_is_judged_with_the_database(
    text: str | None, meta: dict[str, str], status: Status
) -> None:
    judged = judge_instance(Path("/s/instance"), text, facts(meta=meta))
    assert judged.status is status
    assert (status is Status.OK) == (not judged.fix)


def test_a_database_nobody_uses_is_read_without_a_trace(tmp_path: Path) -> None:
    where = healthy_home(tmp_path)
    before = {path: path.read_bytes() for path in where.data.iterdir()}
    found = list(database(patient(tmp_path)))
    assert [each.status for each in found] == [Status.OK, Status.OK]
    assert {path: path.read_bytes() for path in where.data.iterdir()} == before


async def test_a_running_engine_is_not_disturbed(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "krakked.db", lambda: "xyz")
    try:
        await journal.load("paper")
        found = look_into(tmp_path / "krakked.db", "journal", in_use=True, check=True)
        # What the engine wrote last is not in the main file yet.
        assert (found.integrity, found.meta["instance_id"]) == ("ok", "xyz")
        assert look_into(tmp_path / "krakked.db", "journal", in_use=False, check=True) == found
        await journal.commit([])
    finally:
        await journal.close()


def test_what_changes_while_it_is_read_is_read_again(tmp_path: Path) -> None:
    def read(path: Path, known: int, schema: str, *, check: bool, immutable: bool) -> DatabaseFacts:
        return facts(damaged=immutable, trouble="malformed" if immutable else "")

    where = healthy_home(tmp_path)
    assert judge_database(look_into(where.database, "journal", in_use=False, check=True, read=read)).fix == ""


def test_the_books_of_a_paper_account_are_checked_too(tmp_path: Path) -> None:
    where = healthy_home(tmp_path)
    assert [each.name for each in database(patient(tmp_path))] == ["database", "instance"]
    no_database(where.data / "paper.db")
    found = named(list(database(patient(tmp_path))), "paper_books")
    assert found.status is Status.PROBLEM
    assert "paper.db is damaged" in found.detail


def newer(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.commit()
    connection.close()


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    path.write_bytes(content)


def no_database(path: Path) -> None:
    path.write_bytes(b"something else entirely" * 100)


@pytest.mark.parametrize(
    ("sabotage", "says"), [(newer, "schema version 99"), (damaged, "damaged"), (no_database, "damaged")]
)
def test_a_database_that_cannot_be_used_is_found_and_left_as_it_is(
    tmp_path: Path, sabotage: Callable[[Path], None], says: str
) -> None:
    where = healthy_home(tmp_path)
    sabotage(where.database)
    before = where.database.read_bytes()
    found = named(list(database(patient(tmp_path))), "database")
    assert found.status is Status.PROBLEM
    assert says in found.detail
    assert where.database.read_bytes() == before


async def _make_candles(root: Path) -> None:
    await (await open_candle_store(root)).close()


def test_candle_stores_are_named_and_damaged_ones_found(tmp_path: Path) -> None:
    where = healthy_home(tmp_path)
    asyncio.run(_make_candles(where.candles / "kraken"))
    [found] = candles(patient(tmp_path))
    assert found.detail == "kraken can be read"
    no_database(where.candles / "kraken" / "tail.db")
    [found] = candles(patient(tmp_path))
    assert found.status is Status.PROBLEM
    assert judge_candles([]).status is Status.OK
    assert judge_candles([facts(version=3)]).fix == "Update Krakked"


@pytest.mark.parametrize("gone", ["missing", "empty", "version 0", "a link to nothing"])
def test_a_lost_journal_is_a_problem_while_the_profile_was_used(tmp_path: Path, gone: str) -> None:
    where = healthy_home(tmp_path)
    where.database.unlink()
    if gone == "empty":
        where.database.touch()
    elif gone == "version 0":
        sqlite3.connect(where.database).executescript("CREATE TABLE a (b)").connection.close()
    elif gone == "a link to nothing":
        where.database.symlink_to(tmp_path / "not mounted")
    found = named(list(database(patient(tmp_path))), "database")
    assert found.status is Status.PROBLEM
    assert "restore krakked.db from a backup" in found.detail
    assert "backup" in found.fix
    where.instance.unlink()
    alone = named(list(database(patient(tmp_path))), "database")
    assert (alone.status is Status.PROBLEM) == (gone == "a link to nothing")


def test_a_closed_directory_is_not_blamed_on_the_database() -> None:
    found = judge_database(facts(integrity="", trouble="unable to open", closed_directory=True))
    assert "because its directory cannot be written (unable to open)" in found.detail
    assert found.fix == "chmod 700 /d"


def test_what_a_database_says_of_itself_becomes_no_command() -> None:
    bad = judge_instance(Path("/s/instance"), None, facts(meta={"instance_id": "$(rm -r ~)"}))
    assert "$(" not in bad.fix
