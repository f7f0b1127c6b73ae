"""From nothing to a running paper profile, in a real terminal, with the sandbox as the exchange."""

import json
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.processes import PATIENCE, SandboxProcess, running_sandbox_process
from tests.tui.real_terminal import RealTerminal

PASSWORD = "slow purple anvil tango"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox_process("--speed", "60") as process:
        yield process


def _terminal(folder: Path, rest: str, *arguments: str) -> RealTerminal:
    stream = rest.replace("http", "ws", 1)
    return RealTerminal(
        folder, *arguments, program="pty_krakked",
        KRAKKED_HOME=str(folder / "home"), KRAKKED__CONNECTION__REST_URL=rest,
        KRAKKED__CONNECTION__WS_PUBLIC_URL=f"{stream}/v2",
        KRAKKED__CONNECTION__WS_PRIVATE_URL=f"{stream}/auth/v2",
        KRAKKED__CONNECTION__TIER="none", KRAKKED__CONNECTION__PUBLIC_CALLS_PER_SECOND="500",
    )  # fmt: skip


def _make_key(sandbox: SandboxProcess, *permissions: str) -> tuple[str, str]:
    request = urllib.request.Request(
        f"{sandbox.address['rest']}/_sandbox/keys",
        data=json.dumps({"permissions": permissions}).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        made = json.load(answer)
    return made["api_key"], made["api_secret"]


def _enter_key(terminal: RealTerminal, key: str, secret: str) -> None:
    terminal.wait_for("Secret (Kraken calls it private key)", PATIENCE)
    terminal.send(f"{key}\t{secret}\r")


def _nothing_is_saved(folder: Path) -> bool:
    return not (folder / "home" / "config").exists()


def test_a_stranger_gets_from_nothing_to_a_running_paper_profile(
    tmp_path: Path, sandbox: SandboxProcess
) -> None:
    key, secret = sandbox.address["api_key"], sandbox.address["api_secret"]
    with _terminal(tmp_path, sandbox.address["rest"]) as terminal:
        terminal.wait_for("What is it for?", PATIENCE)
        terminal.send("\r")
        _enter_key(terminal, key, b64encode(bytes(64)).decode())
        terminal.wait_for("REFUSED")
        terminal.wait_for("The API secret does not belong to this API key.")
        assert _nothing_is_saved(tmp_path)
        terminal.send("\r")
        _enter_key(terminal, key, secret)
        terminal.wait_for("ACCEPTED", PATIENCE)
        terminal.wait_for("Use this key")
        terminal.send("\r")
        terminal.wait_for("Master password")
        terminal.send(f"{PASSWORD}\t{PASSWORD}")
        terminal.wait_for("■ strong")
        terminal.send("\r")
        terminal.wait_for("would be traded", PATIENCE)
        terminal.send("\r")
        terminal.wait_for("Nothing has been written yet.")
        assert _nothing_is_saved(tmp_path)
        terminal.send("\r")
        terminal.wait_for("SAVED", PATIENCE)
        terminal.send("\r")
        terminal.wait_for("PAPER", PATIENCE)
        terminal.wait_for("new positions allowed", PATIENCE)
        terminal.send("9")
        terminal.wait_for("in the encrypted file")
        terminal.send("q")
        terminal.wait_for("Stop and leave")
        terminal.send("y")
        assert terminal.wait_for_end(PATIENCE) == 0
        shown = terminal.raw.decode(errors="replace")
        assert not any(text in shown for text in (key, secret, PASSWORD))
    home = tmp_path / "home"
    assert (home / "config" / "config.toml").read_text() == '[region]\ncode = "US_CA"\n'
    assert (home / "data" / "paper" / "paper.db").exists()
    with _terminal(tmp_path, sandbox.address["rest"], "--run-for", "1s") as again:
        again.wait_for("PAPER", PATIENCE)  # and no set-up
        again.wait_for_end(PATIENCE)


@pytest.mark.parametrize(
    ("permissions", "words"),
    [
        ((), "REFUSED"),
        (("query-ledger",), "REFUSED"),
        (
            (
                "query-funds", "query-open-trades", "query-closed-trades", "modify-trades", "close-trades",
                "query-ledger", "create-ws-token", "withdraw-funds",
            ),
            "DANGER",
        ),
    ],
)  # fmt: skip
def test_a_key_without_rights_and_one_with_too_many(
    permissions: tuple[str, ...], words: str, tmp_path: Path, sandbox: SandboxProcess
) -> None:
    key, secret = _make_key(sandbox, *permissions)
    with _terminal(tmp_path, sandbox.address["rest"]) as terminal:
        terminal.wait_for("What is it for?", PATIENCE)
        terminal.send("\r")
        _enter_key(terminal, key, secret)
        terminal.wait_for(words, PATIENCE)
        terminal.send("\x11")  # Ctrl+Q
        terminal.wait_for("Leave")
        terminal.send("y")
        assert terminal.wait_for_end(PATIENCE) == 0
    assert _nothing_is_saved(tmp_path)


def test_an_exchange_that_cannot_be_reached_says_nothing_about_the_key(tmp_path: Path) -> None:
    with _terminal(tmp_path, "http://127.0.0.1:9") as terminal:
        terminal.wait_for("What is it for?", PATIENCE)
        terminal.send("\r")
        _enter_key(terminal, "A" * 56, b64encode(bytes(64)).decode())
        terminal.wait_for("NOT CHECKED", PATIENCE)
        terminal.wait_for("This says nothing about your key")
        assert "REFUSED" not in terminal.text
        terminal.send("\x11")
        terminal.wait_for("Leave")
        terminal.send("y")
        assert terminal.wait_for_end(PATIENCE) == 0
    assert _nothing_is_saved(tmp_path)
