"""A profile that was used has a journal, or somebody is told."""

import sqlite3
from pathlib import Path

import pytest

from krakked_tui.config.lost_journal import lost_journal
from krakked_tui.config.places import Places, places


@pytest.fixture
def where(tmp_path: Path) -> Places:
    found = places("live", {"KRAKKED_HOME": str(tmp_path)})
    found.data.mkdir(parents=True)
    found.state.mkdir(parents=True)
    return found


def _database(path: Path, version: int) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.execute("CREATE TABLE a (b)")
    connection.close()


def test_a_profile_that_was_never_used_has_nothing_to_lose(where: Places) -> None:
    assert lost_journal(where) == ""
    where.database.touch()
    assert lost_journal(where) == ""


@pytest.mark.parametrize("trace", ["instance", "paper_books"])
def test_a_journal_that_is_gone_is_told_with_what_is_left(where: Places, trace: str) -> None:
    left: Path = getattr(where, trace)
    left.touch()
    for told in (lost_journal(where), _with_empty(where), _with_other(where), _with_dangling(where)):
        assert str(where.database) in told
        assert f"but {left} says that this profile was used" in told
        assert "restore krakked.db from a backup before the next start" in told
        assert told.isprintable()


def _with_empty(where: Places) -> str:
    where.database.touch()
    return lost_journal(where)


def _with_other(where: Places) -> str:
    _database(where.database, 0)
    return lost_journal(where)


def _with_dangling(where: Places) -> str:
    where.database.unlink()
    where.database.symlink_to("/nowhere/krakked.db")
    told = lost_journal(where)
    assert "leads to /nowhere/krakked.db, where nothing is" in told
    return told


def test_a_journal_is_believed_whoever_has_to_look_closer(where: Places) -> None:
    where.instance.touch()
    _database(where.database, 1)
    assert lost_journal(where) == ""
    where.database.write_bytes(b"no database")
    assert lost_journal(where) == ""  # that is for whoever opens it to say
    where.database.unlink()
    _database(where.database, 0)
    where.database.with_name("krakked.db-wal").write_bytes(b"newer")
    assert lost_journal(where) == ""


def test_what_cannot_be_looked_at_is_not_judged(where: Places) -> None:
    where.instance.touch()
    where.database.mkdir()
    assert lost_journal(where) == ""
