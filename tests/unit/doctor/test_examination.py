"""All checks together: a healthy profile, sabotaged ones, and checks that break."""

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from krakked_tui.doctor.context import Context
from krakked_tui.doctor.examination import CHECKS, FINDINGS_MAX, TEXT_MAX, Check, examine, exit_code
from krakked_tui.doctor.exchange import Unreachable
from krakked_tui.doctor.findings import Finding, Status, ok, problem, warning
from krakked_tui.doctor.report import as_json, as_table
from krakked_tui.doctor.surroundings import DiskSpace
from tests.unit.doctor.patients import (
    GIGABYTE,
    TMUX,
    FakeExchange,
    FakeSurroundings,
    healthy_home,
    named,
    patient,
    sample,
)


def test_a_healthy_profile_is_all_right(tmp_path: Path) -> None:
    healthy_home(tmp_path)
    findings = examine(patient(tmp_path))
    assert [each for each in findings if each.status in {Status.WARNING, Status.PROBLEM}] == []
    assert {each.name for each in findings if each.status is Status.SKIPPED} == {"key"}
    assert exit_code(findings) == 0
    assert {check.name for check in CHECKS} <= {each.name for each in findings}


def loose(home: Path) -> Context:
    (home / "state" / "paper").chmod(0o777)
    return patient(home)


def clock_off(home: Path) -> Context:
    return patient(home, exchange=FakeExchange(times=(sample(10.0),)))


def full_disk(home: Path) -> Context:
    surroundings = FakeSurroundings({})
    surroundings.space = DiskSpace(1, 100 * GIGABYTE, GIGABYTE // 10)
    return patient(home, surroundings)


def filling_disk(home: Path) -> Context:
    surroundings = FakeSurroundings({})
    surroundings.space = DiskSpace(1, 100 * GIGABYTE, 5 * GIGABYTE)
    return patient(home, surroundings)


def stale_lock(home: Path) -> Context:
    path = home / "state" / "paper" / "engine.lock"
    path.write_text("12345\n")
    path.chmod(0o600)
    return patient(home)


def poor_tmux(home: Path) -> Context:
    return patient(
        home, FakeSurroundings({}, {**TMUX, "default-terminal": "screen"}), environment={"TERM": "screen"}
    )


def bad_config(home: Path) -> Context:
    (home / "config" / "config.toml").write_text("[risk]\nmax_open_position = 3\n")
    (home / "config" / "config.toml").chmod(0o600)
    return patient(home)


@pytest.mark.parametrize(
    ("sabotage", "name", "status", "fix"),
    [
        (loose, "permissions", Status.PROBLEM, "chmod 700 "),
        (clock_off, "clock", Status.PROBLEM, "timedatectl set-ntp true"),
        (full_disk, "disk", Status.PROBLEM, "Free space"),
        (filling_disk, "disk", Status.WARNING, "Free space"),
        (stale_lock, "lock", Status.WARNING, "Nothing needs to be done"),
        (poor_tmux, "tmux_colours", Status.WARNING, 'set -g default-terminal "tmux-256color"'),
        (bad_config, "configuration", Status.PROBLEM, "Correct it in"),
    ],
)
def test_sabotage_is_found_with_its_fix(
    tmp_path: Path, sabotage: Callable[[Path], Context], name: str, status: Status, fix: str
) -> None:
    healthy_home(tmp_path)
    findings = examine(sabotage(tmp_path))
    found = named(findings, name)
    assert found.status is status
    assert fix in found.fix
    expected = 0 if status is Status.WARNING else 4 if name == "configuration" else 1
    assert exit_code(findings) == expected


def _breaks(_context: Context) -> Iterator[Finding]:
    yield ok("first", "was found")
    raise RuntimeError("by accident")


def _is_forbidden(_context: Context) -> Iterator[Finding]:
    raise PermissionError(13, "Permission denied", "/root")


def test_a_check_that_breaks_is_a_finding_and_ends_nothing(tmp_path: Path) -> None:
    checks = (Check("one", 5, _breaks), Check("two", 5, _is_forbidden), *CHECKS[:1])
    findings = examine(patient(tmp_path), checks)
    assert [(each.name, each.status) for each in findings[:3]] == [
        ("first", Status.OK), ("one", Status.PROBLEM), ("two", Status.PROBLEM)
    ]  # fmt: skip
    assert "RuntimeError: by accident" in findings[1].detail
    assert "/root" in findings[2].detail
    assert findings[3].name == "python"


def test_a_check_that_hangs_keeps_what_it_found_and_is_left_behind(tmp_path: Path) -> None:
    found, released = threading.Event(), threading.Event()

    def hangs(_context: Context) -> Iterator[Finding]:
        yield ok("first", "was found")
        found.set()
        released.wait(30)

    def waits(_context: Context) -> Iterator[Finding]:
        found.wait(30)
        yield ok("second", "came after")

    findings = examine(patient(tmp_path), (Check("second", 30, waits), Check("slow", 0.0, hangs)))
    released.set()
    assert [each.name for each in findings] == ["second", "first", "slow"]
    assert findings[2].status is Status.PROBLEM
    assert "did not answer within 0 s" in findings[2].detail


def test_a_check_cannot_flood_the_report(tmp_path: Path) -> None:
    def floods(_context: Context) -> Iterator[Finding]:
        for _ in range(FINDINGS_MAX + 5):
            yield ok("drop", "x" * (2 * TEXT_MAX))

    findings = examine(patient(tmp_path), (Check("flood", 30, floods),))
    assert len(findings) == FINDINGS_MAX
    assert len(findings[0].detail) < TEXT_MAX + 10


def test_nothing_secret_and_no_control_character_comes_out(tmp_path: Path) -> None:
    key, secret, sandbox = "K" + os.urandom(20).hex(), "S" + os.urandom(20).hex(), os.urandom(20).hex()

    def talks(_context: Context) -> Iterator[Finding]:
        yield warning("talk", f"{key}\x1b[31m\n{secret}", f"use {sandbox}")
        raise ValueError(f"refused {secret!r}")

    context = patient(
        tmp_path,
        environment={"KRAKEN_API_KEY": key, "KRAKEN_API_SECRET": secret, "KRAKKED_SANDBOX_SECRET": sandbox},
    )
    findings = examine(context, (*CHECKS, Check("talk", 5, talks)))
    for report in (as_json(findings), as_table(findings, colour=False)):
        assert key not in report
        assert secret not in report
        assert sandbox not in report
        assert "\x1b" not in report
    assert named(findings, "talk").status is Status.PROBLEM


def test_offline_asks_nothing_of_the_exchange(tmp_path: Path) -> None:
    exchange = FakeExchange()
    context = patient(
        tmp_path, exchange=exchange, environment={"KRAKEN_API_KEY": "key", "KRAKEN_API_SECRET": "c2VjcmV0"}
    )
    findings = examine(replace(context, exchange=None, offline="--offline was given"))
    assert exchange.asked == []
    for name in ("exchange", "clock", "websocket", "key"):
        assert named(findings, name).status is Status.SKIPPED
        assert "--offline" in named(findings, name).detail


def test_an_exchange_that_does_not_answer_is_not_asked_about_the_key(tmp_path: Path) -> None:
    exchange = FakeExchange(status=Unreachable("no answer"))
    context = patient(
        tmp_path, exchange=exchange, environment={"KRAKEN_API_KEY": "key", "KRAKEN_API_SECRET": "c2VjcmV0"}
    )
    findings = examine(context)
    assert "audit" not in exchange.asked
    assert "must answer first" in named(findings, "key").detail
    assert exit_code(findings) == 1


def test_the_exit_code_says_what_is_wrong() -> None:
    assert exit_code([ok("a", ""), warning("b", "", "")]) == 0
    assert exit_code([problem("disk", "", "")]) == 1
    assert exit_code([problem("disk", "", ""), problem("configuration", "", "")]) == 4
