"""All checks, and how they are run: side by side, each with a time limit, none able to end the others."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import msgspec

from krakked_tui.doctor import configuration, database, files, keys, machine, network, terminal, tmux
from krakked_tui.doctor.context import Context
from krakked_tui.doctor.findings import Finding, Status, problem
from krakked_tui.kraken.errors import printable

TEXT_MAX = 1_000
"""Characters of a detail or a fix; more than any of ours has."""
FINDINGS_MAX = 200
"""Findings of one check; a directory may hold any number of files."""


class Check(msgspec.Struct, frozen=True):
    """One check. Its name is that of its main finding; ``seconds`` is how long it may take."""

    name: str
    seconds: float
    look: Callable[[Context], Iterable[Finding]]


def _versions(context: Context) -> Iterator[Finding]:
    return machine.versions(context.surroundings)


def _space(context: Context) -> Iterator[Finding]:
    where = context.where
    return machine.space(
        context.surroundings, {"data": where.data, "state": where.state, "configuration": where.config}
    )


def _limits(context: Context) -> Iterator[Finding]:
    return machine.limits(context.surroundings)


def _log(context: Context) -> Iterator[Finding]:
    return machine.log_file(context.where.log)


def _conversation(context: Context) -> Iterator[Finding]:
    """Ask the exchange one thing after another: that is how it is meant to be asked."""
    first = list(network.exchange(context))
    yield from first
    yield from network.websocket(context)
    if any(each.name == "exchange" and each.status is Status.PROBLEM for each in first):
        context = replace(context, exchange=None, offline="the exchange must answer first")
    yield from keys.key(context)


def _terminal(context: Context) -> Iterator[Finding]:
    return terminal.terminal(context.surroundings)


def _tmux(context: Context) -> Iterator[Finding]:
    return tmux.tmux(context.surroundings)


CHECKS = (
    Check("python", 10, _versions),
    Check(configuration.NAME, 5, configuration.configuration),
    Check("directories", 10, files.directories),
    Check("permissions", 10, files.permissions),
    Check("lock", 5, files.lock),
    Check("database", database.CHECK_SECONDS + 10, database.database),
    Check("candles", 15, database.candles),
    Check("disk", 10, _space),
    Check("open_files", 5, _limits),
    Check("log", 5, _log),
    Check("host", 5, network.host),
    Check("time_sync", 10, network.time_sync),
    Check("credentials", 5, keys.credentials),
    Check("exchange", 60, _conversation),
    Check("keyring", 15, keys.keyring),
    Check("live", 5, keys.live),
    Check("terminal", 5, _terminal),
    Check("tmux", 20, _tmux),
)


def examine(context: Context, checks: Sequence[Check] = CHECKS) -> tuple[Finding, ...]:
    """Run the checks and return what they found, in their order. Nothing secret is in it.

    A check that breaks, or does not end in time, is a problem itself. It blocks for as long as the
    slowest check may take.
    """
    began = time.monotonic()
    running = [_Run(check, context) for check in checks]
    findings = [finding for run in running for finding in run.findings(began)]
    return tuple(_shown(finding, context) for finding in findings)


def exit_code(findings: Iterable[Finding]) -> int:
    """Return 0 without a problem, 4 when the configuration is one, else 1."""
    problems = {finding.name for finding in findings if finding.status is Status.PROBLEM}
    if configuration.NAME in problems:
        return 4
    return 1 if problems else 0


class _Run:
    """A check in a thread that is left behind when it hangs: a dead disk holds up whoever asks it."""

    def __init__(self, check: Check, context: Context) -> None:
        self._check = check
        self._context = context
        self._found: list[Finding] = []
        self._thread = threading.Thread(target=self._look, name=f"doctor-{check.name}", daemon=True)
        self._thread.start()

    def findings(self, began: float) -> list[Finding]:
        """Wait for the check's end, or its limit; return what it has found by then."""
        self._thread.join(max(began + self._check.seconds - time.monotonic(), 0.0))
        late = self._thread.is_alive()
        return [*self._found, *([_too_slow(self._check)] if late else [])]

    def _look(self) -> None:
        try:
            for finding in self._check.look(self._context):
                if len(self._found) < FINDINGS_MAX:
                    self._found.append(finding)
        except Exception as error:  # noqa: BLE001 - whatever breaks a check must not hide what others find
            self._found.append(_broken(self._check, error))


def _broken(check: Check, error: Exception) -> Finding:
    told = f"{type(error).__name__}: {error}"
    if isinstance(error, OSError):
        return problem(
            check.name, f"cannot be looked at ({told})", "Check who owns that file or directory: ls -la"
        )
    return problem(
        check.name, f"this check broke ({told})", "This is a mistake of the program: please report it"
    )


def _too_slow(check: Check) -> Finding:
    return problem(
        check.name,
        f"did not answer within {check.seconds:g} s",
        "Look for a disk or a network that hangs: df -h; dmesg | tail",
    )


def _shown(finding: Finding, context: Context) -> Finding:
    """Return a finding that is safe to print: one line, bounded, without anything secret."""
    detail, fix = (
        printable(context.redactor.clean(text.replace("\n", "; ")), TEXT_MAX)
        for text in (finding.detail, finding.fix)
    )
    return Finding(finding.name, finding.status, detail, fix)
