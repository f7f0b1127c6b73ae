"""``krakked-tui data`` as a process: against a real sandbox, with and without an engine beside it."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.integration.processes import (
    PATIENCE,
    PROGRAM,
    SandboxProcess,
    running_sandbox_process,
)

PAIRS = "XBTUSD,ETHUSD"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    """A sandbox at normal speed: nothing closes while a test looks."""
    with running_sandbox_process("--speed", "1") as running:
        yield running


def _environment(sandbox: SandboxProcess, home: Path) -> dict[str, str]:
    """An environment without any key."""
    inherited = {
        name: text for name, text in os.environ.items() if not name.startswith(("KRAK", "PYTHONDEV"))
    }
    return {
        **inherited,
        "KRAKKED_HOME": str(home),
        "KRAKKED__CONNECTION__REST_URL": sandbox.address["rest"],
        "KRAKKED__CONNECTION__WS_PUBLIC_URL": sandbox.address["ws_public"],
        "KRAKKED__CONNECTION__WS_PRIVATE_URL": sandbox.address["ws_private"],
        "KRAKKED__CONNECTION__TIER": "none",
        "KRAKKED__CONNECTION__PUBLIC_CALLS_PER_SECOND": "500",
    }


class Commands:
    """Runs data commands of one home."""

    def __init__(self, sandbox: SandboxProcess, home: Path) -> None:
        self.environment = _environment(sandbox, home)

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, "data", *arguments], capture_output=True, text=True, timeout=PATIENCE, check=False,
            stdin=subprocess.DEVNULL, env=self.environment,
        )  # fmt: skip

    def json(self, *arguments: str) -> Any:
        done = self(*arguments, "--json")
        assert done.returncode in {0, 1}, done.stderr
        return json.loads(done.stdout)

    @contextmanager
    def engine(self) -> Iterator[int]:
        """A headless paper engine on the same profile."""
        with subprocess.Popen(
            [*PROGRAM, "--no-ui"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            env=self.environment,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    if json.loads(line)["event"] == "engine_started":
                        break
                else:
                    raise AssertionError("the engine did not start")
                yield process.pid
            finally:
                process.send_signal(signal.SIGTERM)
                process.communicate(timeout=PATIENCE)


@pytest.fixture
def data(sandbox: SandboxProcess, tmp_path: Path) -> Commands:
    """Commands on a new home."""
    return Commands(sandbox, tmp_path)


def test_a_round_stores_what_is_missing_and_only_that(data: Commands) -> None:
    first = data("ingest", "--pairs", PAIRS, "--timeframe", "1h,4h")
    assert first.returncode == 0, first.stderr
    assert "2 of 2 pairs are complete" in first.stdout
    assert "2 of 2 pairs" in first.stderr, "progress"
    again = data.json("ingest", "--pairs", PAIRS, "--timeframe", "1h,4h")
    assert (again["done"], again["failed"], again["rows"]) == (2, 0, 0)
    assert (again["calls"], again["calls_saved"]) == (0, 4)
    rows = data.json("coverage")
    assert [(row["pair"], row["timeframe"]) for row in rows] == [
        ("ETHUSD", "1h"), ("ETHUSD", "4h"), ("XBTUSD", "1h"), ("XBTUSD", "4h"),
    ]  # fmt: skip
    assert all(row["rows"] == 720 and row["gaps"] == [] for row in rows)
    assert len(data.json("coverage", "XBTUSD", "--timeframe", "4h")) == 1
    table = data("coverage", "XBTUSD").stdout.splitlines()
    assert table[0].split()[:2] == ["pair", "timeframe"]
    assert len(table) == 3
    assert data("verify").stdout.startswith("ok")
    moved = data.json("compact")
    assert (moved["rows"], moved["problems"]) == (4 * 720, [])
    assert data.json("coverage") == rows
    assert data("verify").returncode == 0


def test_without_names_the_whole_universe_is_read(data: Commands) -> None:
    done = data.json("ingest", "--timeframe", "5m")
    assert done["pairs"] == done["done"] > 5
    assert done["failures"] == []


def test_no_more_history_is_read_than_configured(data: Commands) -> None:
    data.environment["KRAKKED__MARKET_DATA__INGEST__HISTORY_BARS"] = "50"
    assert data.json("ingest", "--pairs", "XBTUSD", "--timeframe", "4h")["rows"] in {50, 51}
    data.environment["KRAKKED__MARKET_DATA__INGEST__HISTORY_BARS"] = "100"
    assert data.json("ingest", "--pairs", "XBTUSD", "--timeframe", "4h")["rows"] in {49, 50}
    [row] = data.json("coverage")
    assert row["rows"] in {100, 101}
    assert row["gaps"] == []


def test_who_only_looks_leaves_everything_as_it_is(data: Commands, tmp_path: Path) -> None:
    assert data("ingest", "--pairs", "XBTUSD", "--timeframe", "1d").returncode == 0
    [left] = (each.parent / "left.tmp" for each in (tmp_path / "data" / "candles").rglob("tail.db"))
    left.write_text("half written")
    assert data("verify").returncode in {0, 1}
    assert data("coverage").returncode == 0
    assert left.exists()


def test_damage_is_found(data: Commands, tmp_path: Path) -> None:
    assert data("ingest", "--pairs", "XBTUSD", "--timeframe", "1d").returncode == 0
    assert data("compact").returncode == 0
    [partition, *_] = sorted((tmp_path / "data" / "candles").rglob("XBTUSD/*.parquet"))
    partition.write_bytes(b"PAR1 nonsense")
    found = data("verify")
    assert found.returncode == 1
    assert str(partition) in found.stdout
    assert str(partition) in data.json("verify")[0]["place"]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("ingest", "--pairs", "XBTUSDX"), 1, "did you mean XBTUSD"),
        (("ingest", "--timeframe", "2m"), 2, "--timeframe is '2m': use one of 1m, 5m"),
        (("ingest", "--timeframe", "12h"), 2, "use 4h"),
        (("coverage", "NOSUCH"), 0, "no candles are stored"),
        (("verify", "--profile", "../x"), 2, "--profile"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(
    data: Commands, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = data(*arguments)
    assert done.returncode == code, done.stderr
    assert told in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_beside_an_engine_one_may_look_but_not_write(data: Commands) -> None:
    with data.engine() as pid:
        for command in ("ingest", "compact"):
            refused = data(command)
            assert refused.returncode == 6
            assert f"(process {pid})" in refused.stderr
            assert len(refused.stderr.splitlines()) == 1
        assert data("verify").returncode == 0
        assert {row["timeframe"] for row in data.json("coverage", "XBTUSD")} >= {"1h", "4h"}
    assert data("ingest", "--pairs", "XBTUSD").returncode == 0


def test_an_exchange_that_is_not_there(tmp_path: Path) -> None:
    with running_sandbox_process() as gone:
        data = Commands(gone, tmp_path)
    done = data("ingest")
    assert done.returncode == 1
    assert done.stderr.startswith("krakked-tui: ")
    assert "Traceback" not in done.stderr
