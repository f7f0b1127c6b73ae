"""``krakked-tui export`` over books that a fake reader gives."""

import io
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import cyclopts
import msgspec
import polars as pl
import pytest

from krakked_tui.cli.export import export_command
from krakked_tui.domain.errors import ConfigError, RefusedError, StorageError, UsageError
from krakked_tui.domain.portfolio import CashFlow, CostBasis, Disposal, FlowKind
from krakked_tui.portfolio.tables import ExportBooks

D = Decimal
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
DAY = timedelta(days=1)

BOOKS = ExportBooks(
    base_currency="USD",
    flows=(
        CashFlow("L1", NOON, "USD", D("1E+2"), FlowKind.DEPOSIT, D(100), note="-1"),
        CashFlow("L2", NOON + DAY, "USD", D("-5.50"), FlowKind.WITHDRAWAL, D("-5.50")),
    ),
    disposals=(Disposal("T1", "XBT", D("0.02"), NOON - 366 * DAY, NOON, D("600.2"), D("500.1"), D("1.5")),),
)


class Asked(msgspec.Struct, frozen=True):
    profile: str
    config: Path | None
    cost_basis: CostBasis | None
    until: datetime | None


class Shelf:
    """Implements ``ReadBooks``; remembers what it was asked for."""

    def __init__(self, books: ExportBooks = BOOKS) -> None:
        self.books = books
        self.asked: list[Asked] = []

    def __call__(
        self, *, profile: str, config: Path | None, cost_basis: CostBasis | None, until: datetime | None
    ) -> ExportBooks:
        self.asked.append(Asked(profile, config, cost_basis, until))
        return self.books


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def run(shelf: Shelf, *arguments: str) -> int:
    app = cyclopts.App(name="krakked-tui", result_action="return_value")
    app.command(export_command(shelf))
    result = app(["export", *arguments], exit_on_error=False, print_error=False)
    assert isinstance(result, int)
    return result


def test_gains_go_to_standard_output_as_csv(shelf: Shelf, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(shelf, "pnl") == 0
    printed = capsysbinary.readouterr()
    assert printed.out == (
        b"date_acquired,date_sold,asset,quantity,proceeds,cost_basis,fee,gain,term,event_id,currency\n"
        b"2025-03-03T12:00:00.000000Z,2026-03-04T12:00:00.000000Z,"
        b'"XBT",0.02,600.2,500.1,1.5,98.6,"long","T1","USD"\n'
    )
    assert printed.err == b""
    assert shelf.asked == [Asked("paper", None, None, None)]


@pytest.mark.parametrize("which", ["trades", "cash-flows", "positions", "snapshots", "pnl"])
@pytest.mark.parametrize("to", ["csv", "parquet", "json"])
def test_every_table_in_every_format(which: str, to: str, tmp_path: Path) -> None:
    path = tmp_path / "out"
    assert run(Shelf(ExportBooks("EUR")), which, "--format", to, "--output", str(path)) == 0
    assert path.stat().st_size


def test_what_is_asked_for_reaches_the_books(
    shelf: Shelf, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    run(
        shelf, "pnl", "--cost-basis", "hifo", "--profile", "tax", "--config", "my.toml",
        "--until", "2026-03-05T01:00:00+02:00",
    )  # fmt: skip
    until = datetime(2026, 3, 4, 23, tzinfo=UTC)
    assert shelf.asked == [Asked("tax", Path("my.toml"), CostBasis.HIFO, until)]


@pytest.mark.parametrize(
    ("arguments", "ids"),
    [
        ([], ["L1", "L2"]),
        (["--since", "2026-03-05"], ["L2"]),
        (["--until", "2026-03-05"], ["L1"]),
        (["--since", "2026-03-04T12:00:00Z", "--until", "2026-03-05T12:00"], ["L1"]),
        (["--since", "2026-03-04T12:00:01"], ["L2"]),
    ],
)
def test_since_counts_and_until_does_not(
    arguments: list[str], ids: list[str], shelf: Shelf, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    run(shelf, "cash-flows", "--format", "json", *arguments)
    assert [row["id"] for row in json.loads(capsysbinary.readouterr().out)] == ids


def test_a_file_is_written_once(
    shelf: Shelf, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "flows.csv"
    assert run(shelf, "cash-flows", "-o", str(path)) == 0
    assert capsys.readouterr().out == f"ok: 2 rows in {path}\n"
    assert path.read_text().splitlines()[1] == (
        '2026-03-04T12:00:00.000000Z,"L1","deposit","USD",100,100,"\'-1","USD"'
    )
    with pytest.raises(RefusedError, match="--force"):
        run(shelf, "pnl", "--output", str(path))
    assert path.read_text().startswith("time,")
    assert run(shelf, "pnl", "--output", str(path), "--force") == 0
    assert path.read_text().startswith("date_acquired,")
    assert capsys.readouterr().out == f"ok: 1 row in {path}\n"


def test_parquet_through_a_pipe(shelf: Shelf, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert run(shelf, "pnl", "--format", "parquet") == 0
    frame = pl.read_parquet(io.BytesIO(capsysbinary.readouterr().out))  # noqa: TID251 - what a user does
    assert frame["gain"].to_list() == [D("98.6")]


class Terminal(io.StringIO):
    """A standard output that somebody looks at."""

    def isatty(self) -> bool:
        return True


def test_parquet_is_not_for_a_terminal(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", Terminal())
    with pytest.raises(UsageError, match="not for a terminal"):
        run(shelf, "pnl", "--format", "parquet")
    assert shelf.asked == []


def test_a_full_disk_behind_standard_output_is_one_sentence(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open("/dev/full", "w") as full, monkeypatch.context() as patch:
        patch.setattr("sys.stdout", full)
        with pytest.raises(StorageError, match=r"cannot be written \(No space left.*--output FILE"):
            run(shelf, "pnl")
    # Closing it wrote nothing any more, else this would have raised.


def test_what_the_numbers_do_not_know_is_said_apart(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    books = ExportBooks("USD", warnings=("the fee of trade T1, 3 KFEE, has no value",))
    run(Shelf(books), "pnl")
    printed = capsysbinary.readouterr()
    assert printed.err == b"warning: the fee of trade T1, 3 KFEE, has no value\n"
    assert b"warning" not in printed.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["pnl", "--since", "yesterday"], r"--since is 'yesterday': use a date"),
        (["pnl", "--until", "2026-13-01"], r"--until is '2026-13-01'"),
        (["pnl", "--until", "0001-01-01T00:00:00+10:00"], r"--until is '0001"),
        (["pnl", "--since", "2026-01-01", "--until", "2026-01-01"], r"--until itself is left out"),
        (["positions", "--since", "2026-01-01"], r"--since says nothing about positions"),
        (["snapshots", "--cost-basis", "fifo"], r"--cost-basis says nothing about snapshots"),
        (["cash-flows", "--cost-basis", "wac"], r"--cost-basis says nothing about cash-flows"),
        (["pnl", "--force"], r"--force goes with --output"),
    ],
)
def test_options_that_say_nothing_are_refused_before_the_books_are_read(
    arguments: list[str], said: str, shelf: Shelf
) -> None:
    with pytest.raises(UsageError, match=said):
        run(shelf, *arguments)
    assert shelf.asked == []


@pytest.mark.parametrize(
    "arguments", [["pnl", "--cost-basis", "best"], ["gains"], ["pnl", "--format", "xls"], []]
)
def test_unknown_words_are_refused(arguments: list[str], shelf: Shelf) -> None:
    with pytest.raises(cyclopts.CycloptsError):
        run(shelf, *arguments)
    assert shelf.asked == []


def test_books_that_cannot_be_read_leave_no_file(tmp_path: Path) -> None:
    def no_books(**_: object) -> ExportBooks:
        raise ConfigError(["no such profile"])

    app = cyclopts.App(name="krakked-tui", result_action="return_value")
    app.command(export_command(no_books))
    with pytest.raises(ConfigError):
        app(["export", "pnl", "-o", str(tmp_path / "out.csv")], exit_on_error=False, print_error=False)
    assert list(tmp_path.iterdir()) == []
