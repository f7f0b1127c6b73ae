"""``setup`` and ``credentials check`` as real programs, the first one in a real terminal."""

import json
import os
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.integration.processes import PATIENCE, PROGRAM, SandboxProcess, running_sandbox_process
from tests.integration.test_setup import closed_port

LEFT = "set-up was left; nothing has been changed"
PASSWORD = "nine purple walruses dance"
IN_TERMINAL = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
from krakked_tui.__main__ import main
main()
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox_process() as process:
        yield process


@pytest.fixture
def program(sandbox: SandboxProcess, tmp_path: Path) -> Iterator["TerminalProgram"]:
    """``krakked-tui setup`` in a terminal."""
    with closing(TerminalProgram(sandbox, tmp_path, "setup")) as running:
        yield running


def environment(sandbox: SandboxProcess, home: Path, rest_url: str = "") -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("KRAKEN_", "KRAKKED_"))}
    return {
        **kept,
        "TERM": "dumb",
        "KRAKKED_HOME": str(home),
        "KRAKKED__CONNECTION__REST_URL": rest_url or sandbox.address["rest"],
        "KRAKKED__CONNECTION__TIER": "none",
        "KRAKKED__CONNECTION__PUBLIC_CALLS_PER_SECOND": "1000",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }


class TerminalProgram:
    """A program whose terminal we are."""

    def __init__(self, sandbox: SandboxProcess, home: Path, *arguments: str) -> None:
        self.ours, theirs = os.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_TERMINAL, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=environment(sandbox, home),
            start_new_session=True,
        )
        self.terminal = os.ttyname(theirs)
        os.close(theirs)
        self.shown = ""

    def answer(self, question: str, text: str) -> None:
        """Wait for a question, answer it, and forget what was shown before."""
        self.wait_for(question)
        self.shown = self.shown.partition(question)[2]
        os.write(self.ours, f"{text}\n".encode())

    def wait_for(self, text: str) -> None:
        give_up = time.monotonic() + PATIENCE
        while text not in self.shown:
            assert time.monotonic() < give_up, f"{text!r} did not come: {self.shown[-1000:]}"
            assert self.read(), f"{text!r} did not come: {self.shown[-1000:]}"

    def leave(self, key: bytes) -> None:
        """Press a key that leaves, twice: Python overlooks one that comes just as it begins to read."""
        for _ in range(2):
            os.write(self.ours, key)
            again = time.monotonic() + 2.0
            while LEFT not in self.shown and time.monotonic() < again and self.read():
                continue
            if LEFT in self.shown:
                break
        assert LEFT in self.shown, self.shown[-1000:]

    def read(self) -> bool:
        """Take in what is shown; False at its end."""
        if not select.select([self.ours], [], [], 1.0)[0]:
            return True
        try:
            data = os.read(self.ours, 65536)
        except OSError:
            return False
        self.shown += data.decode(errors="replace")
        return bool(data)

    def end(self) -> int:
        """Read to the end; returns the exit code."""
        while self.read():
            continue
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """Let nothing of it outlive its test."""
        self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self.ours)


def check(
    sandbox: SandboxProcess, home: Path, *arguments: str, password: str = PASSWORD, rest_url: str = ""
) -> subprocess.CompletedProcess[str]:
    password_file = home / "password"
    password_file.write_text(password)
    password_file.chmod(0o600)
    return subprocess.run(
        [*PROGRAM, "credentials", "check", "--password-file", str(password_file), *arguments],
        env=environment(sandbox, home, rest_url),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def answer_until_key(program: TerminalProgram) -> None:
    program.answer("Trade how?", "live")
    program.answer("Your region", "")
    program.answer("Enter an API key?", "yes")


def test_from_the_first_question_to_a_key_that_is_checked_again(
    sandbox: SandboxProcess, program: TerminalProgram, tmp_path: Path
) -> None:
    answer_until_key(program)
    program.answer("API key", sandbox.address["api_key"])
    program.answer("API secret", sandbox.address["api_secret"])
    program.answer("Master password", PASSWORD)
    program.answer("Once more", PASSWORD)
    program.answer("Write this?", "")
    shown = program.shown
    program.wait_for("Then start with: krakked-tui --profile live")
    assert program.end() == 0
    shown += program.shown
    for secret in (sandbox.address["api_key"], sandbox.address["api_secret"], PASSWORD):
        assert secret not in shown
    assert "allow_live is false" in shown
    assert (tmp_path / "config" / "config.toml").read_text() == '[region]\ncode = "US_CA"\n'

    found = check(sandbox, tmp_path, "--json")
    assert found.returncode == 0, found.stderr
    told = json.loads(found.stdout)
    assert told["check"]["verdict"] == "accepted"
    assert told["validated_at"] == told["check"]["audit"]["checked_at"]
    assert sandbox.address["api_secret"] not in found.stdout
    assert sandbox.address["api_key"] not in found.stdout

    found = check(sandbox, tmp_path, rest_url=f"http://127.0.0.1:{closed_port()}")
    assert found.returncode == 1
    assert "UNREACHABLE: There is no connection" in found.stdout
    sandbox_host = sandbox.address["rest"].removeprefix("http://")
    assert "last accepted: never" in found.stdout, "that is another exchange"
    kept = f"stays what {sandbox_host} said of it, last accepted {told['validated_at'][:10]}"
    assert kept in found.stdout

    found = check(sandbox, tmp_path, password="something else")
    assert found.returncode == 1
    assert "Wrong password or corrupted secrets file" in found.stderr


@pytest.mark.parametrize("how", ["interrupt", "end of input"])
@pytest.mark.parametrize("at", ["Your region", "API secret", "Write this?"])
def test_leaving_leaves_everything_as_it_was(
    program: TerminalProgram, sandbox: SandboxProcess, tmp_path: Path, at: str, how: str
) -> None:
    answers = {
        "Trade how?": "live",
        "Your region": "",
        "Enter an API key?": "yes",
        "API key": sandbox.address["api_key"],
        "API secret": sandbox.address["api_secret"],
        "Master password": PASSWORD,
        "Once more": PASSWORD,
    }
    for question, text in answers.items():
        if question == at:
            break
        program.answer(question, text)
    program.wait_for(at)
    program.leave(b"\x03" if how == "interrupt" else b"\x04")
    assert program.end() == 1
    assert not (tmp_path / "config").exists()


def test_an_interrupt_while_the_exchange_does_not_answer(
    sandbox: SandboxProcess, program: TerminalProgram, tmp_path: Path
) -> None:
    """The exchange is stopped, so that the check hangs."""
    answer_until_key(program)
    program.answer("API key", sandbox.address["api_key"])
    os.kill(sandbox.process.pid, signal.SIGSTOP)
    try:
        program.answer("API secret", sandbox.address["api_secret"])
        program.wait_for("Asking 127.0.0.1")
        program.leave(b"\x03")
        assert program.end() == 1
    finally:
        os.kill(sandbox.process.pid, signal.SIGCONT)
    assert not (tmp_path / "config").exists()


def test_without_a_terminal_set_up_says_what_else_there_is(sandbox: SandboxProcess, tmp_path: Path) -> None:
    found = subprocess.run(
        [*PROGRAM, "setup"],
        stdin=subprocess.DEVNULL,
        env=environment(sandbox, tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert found.returncode == 6
    assert "KRAKEN_API_KEY and KRAKEN_API_SECRET" in found.stderr
    assert not (tmp_path / "config").exists()


def test_without_stored_secrets_there_is_nothing_to_check(sandbox: SandboxProcess, tmp_path: Path) -> None:
    found = check(sandbox, tmp_path)
    assert found.returncode == 6
    assert "krakked-tui setup" in found.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_program_that_is_ended_at_a_masked_question_gives_the_echo_back(
    program: TerminalProgram, tmp_path: Path, number: signal.Signals
) -> None:
    theirs = os.open(program.terminal, os.O_RDWR | os.O_NOCTTY)
    answer_until_key(program)
    program.wait_for("API key (not shown)")
    while termios.tcgetattr(theirs)[3] & termios.ECHO:
        pass
    program.process.send_signal(number)
    assert program.process.wait(PATIENCE) == 128 + number
    assert termios.tcgetattr(theirs)[3] & termios.ECHO
    os.close(theirs)
    assert not (tmp_path / "config").exists()


def test_a_key_is_not_checked_at_another_host(sandbox: SandboxProcess, tmp_path: Path) -> None:
    extra = {
        "KRAKKED__CONNECTION__ALLOW_OTHER_HOST": "true",
        "KRAKKED__CONNECTION__TIER": "pro",
        "KRAKKED__CONNECTION__REST_URL": "https://evil.example",
    }
    found = subprocess.run(
        [*PROGRAM, "credentials", "check"],
        env=environment(sandbox, tmp_path) | extra,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert found.returncode == 6
    assert "evil.example is neither Kraken nor this machine" in found.stderr
    assert "krakked-tui setup" in found.stderr
