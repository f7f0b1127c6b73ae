"""What doctor offers as a command mends what it names, wherever that lies."""

import asyncio
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from krakked_tui.config.places import Places
from krakked_tui.doctor.commands import shell
from krakked_tui.doctor.database import candles, database
from krakked_tui.doctor.files import At, directories, judge_directories, permissions
from krakked_tui.doctor.findings import Finding, Status
from krakked_tui.doctor.machine import log_file
from krakked_tui.storage.candles import open_candle_store
from tests.unit.doctor.patients import healthy_home, patient

WRITER = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA wal_autocheckpoint = 0")
for table in ("old", "rows"):
    connection.execute(f"CREATE TABLE {table} (text)")
    connection.executemany(f"INSERT INTO {table} VALUES (?)", [("early " * 50,)] * 500)
connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
for number in range(2000):
    connection.execute("INSERT INTO rows VALUES (?)", ("late " * 50,))
print("written", flush=True)
sys.stdin.read()
"""


def run(fix: str, bin_directory: Path) -> None:
    """Do what a fix says, as the operator would; ``sudo`` does nothing but run."""
    bin_directory.mkdir(exist_ok=True)
    sudo = bin_directory / "sudo"
    sudo.write_text('#!/bin/sh\nexec "$@"\n')
    sudo.chmod(0o700)
    environment = {"PATH": f"{bin_directory}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", fix], capture_output=True, text=True, env=environment, check=False, cwd="/"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "Application Support; it's $HOME"


def test_paths_are_quoted() -> None:
    assert shell("mv {0} {0}.old {1}", Path("/a b"), Path("/c")) == "mv '/a b' '/a b'.old /c"


def _damage(path: Path) -> None:
    path.write_bytes(b"something else entirely" * 400)


def _open_directory(where: Places) -> None:
    where.data.chmod(0o777)


def _open_file(where: Places) -> None:
    where.instance.chmod(0o644)


def _open_home(where: Places) -> None:
    assert where.home is not None
    where.home.chmod(0o777)


def _no_instance(where: Places) -> None:
    where.instance.unlink()


def _strange_instance(where: Places) -> None:
    where.instance.write_text("?")


def _damaged_database(where: Places) -> None:
    _damage(where.database)
    # Else a journal that is gone is the next problem, and rightly so.
    where.instance.unlink()


def _damaged_books(where: Places) -> None:
    _damage(where.paper_books)
    where.paper_books.chmod(0o600)


def _damaged_candles(where: Places) -> None:
    async def make() -> None:
        await (await open_candle_store(where.candles / "kraken")).close()

    asyncio.run(make())
    _damage(where.candles / "kraken" / "tail.db")


def _looping_log(where: Places) -> None:
    where.log.symlink_to(where.log)


def _file_for_directory(where: Places) -> None:
    shutil.rmtree(where.data)
    where.data.touch(mode=0o600)
    where.instance.unlink()


SABOTAGES = (
    _open_directory, _open_file, _open_home, _no_instance, _strange_instance, _damaged_database,
    _damaged_books, _damaged_candles, _looping_log, _file_for_directory,
)  # fmt: skip


def _findings(home: Path) -> list[Finding]:
    context = patient(home)
    # Where a directory is none, nothing below it can be looked at.
    found = list(directories(context))
    if all(each.status is Status.OK for each in found):
        found += [*permissions(context), *database(context), *candles(context), *log_file(context.where.log)]
    return [each for each in found if each.status in {Status.WARNING, Status.PROBLEM}]


@pytest.mark.parametrize("sabotage", SABOTAGES)
def test_a_command_mends_what_it_names(
    tmp_path: Path, home: Path, sabotage: Callable[[Places], None]
) -> None:
    where = healthy_home(home)
    assert _findings(home) == []
    sabotage(where)
    [found] = _findings(home)
    assert found.fix[0].islower()
    run(found.fix, tmp_path / "bin")
    assert _findings(home) == []


def test_a_home_is_made_by_the_command(tmp_path: Path, home: Path) -> None:
    at = At(path=home.parent, writable=False)
    [found] = judge_directories({home / "config": at, home / "data" / "paper": at}, [home], os.getuid())
    run(found.fix, tmp_path / "bin")
    status = home.stat()
    assert (status.st_mode & 0o777, status.st_uid) == (0o700, os.getuid())


def test_a_backup_in_the_place_of_a_damaged_database_is_what_is_read_then(tmp_path: Path, home: Path) -> None:
    where = healthy_home(home)
    database_of_backup = tmp_path / "backup.db"
    with sqlite3.connect(database_of_backup) as connection:
        connection.execute("CREATE TABLE rows (text)")
        connection.executemany("INSERT INTO rows VALUES (?)", [("early",)] * 500)
    connection.close()
    where.database.unlink()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(where.database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        writer.send_signal(signal.SIGKILL)
    with where.database.open("r+b") as file:
        file.seek(4096 * 4)
        file.write(b"\xff" * 4096 * 8)
    assert where.database.with_name("krakked.db-wal").stat().st_size > 0
    [damaged] = [each for each in _findings(home) if each.name == "database"]
    assert "damaged" in damaged.detail
    run(damaged.fix, tmp_path / "bin")
    shutil.copy(database_of_backup, where.database)
    with sqlite3.connect(where.database) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = connection.execute("SELECT text, count(*) FROM rows GROUP BY text").fetchall()
    connection.close()
    assert rows == [("early", 500)]
