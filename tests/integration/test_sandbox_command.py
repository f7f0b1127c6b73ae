"""The ``sandbox`` command as a process."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

from krakked_tui.cli.sandbox import sandbox
from krakked_tui.domain.errors import KrakkedError, RefusedError, UsageError

PROGRAM = [sys.executable, "-m", "krakked_tui", "sandbox"]


def start(*arguments: str, **options: Any) -> tuple[subprocess.Popen[bytes], dict[str, str]]:
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
    )
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def end(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    out, err = process.communicate(timeout=10)
    return process.returncode, out, err


def speed(greeting: dict[str, str]) -> str:
    with urllib.request.urlopen(f"{greeting['rest']}/0/public/Time") as answer:
        return str(answer.headers["X-Sandbox-Speed"])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_greets_and_ends_cleanly_on_a_signal(number: signal.Signals) -> None:
    process, greeting = start("--speed", "60", "--api-key", "mine", "--api-secret", "c2VjcmV0")
    assert greeting["rest"].startswith("http://127.0.0.1:")
    assert greeting["ws_public"] == greeting["rest"].replace("http", "ws") + "/v2"
    assert greeting["ws_private"] == greeting["rest"].replace("http", "ws") + "/auth/v2"
    assert (greeting["api_key"], greeting["api_secret"]) == ("mine", "c2VjcmV0")
    assert speed(greeting) == "60"
    process.send_signal(number)
    assert end(process) == (0, b"", b"")


def test_it_ends_cleanly_over_a_request_that_is_never_answered() -> None:
    process, greeting = start()
    silence = json.dumps({"kind": "latency", "where": "ping", "seconds": 60}).encode()
    urllib.request.urlopen(f"{greeting['rest']}/_sandbox/faults", silence).close()
    with connect(greeting["ws_public"]) as client:
        client.recv()
        client.send('{"method":"ping"}')
        while not json.load(urllib.request.urlopen(f"{greeting['rest']}/_sandbox/faults"))["faults"][0][
            "strikes"
        ]:
            pass
        process.send_signal(signal.SIGTERM)
        assert end(process) == (0, b"", b"")


def test_it_ends_with_its_parent_and_keeps_its_books(tmp_path: Path) -> None:
    state = tmp_path / "books.db"
    reading, writing = os.pipe()
    arguments = ("--parent-fd", str(reading), "--paused", "--state", str(state), "--balance", "USD=5")
    process, greeting = start(*arguments, pass_fds=(reading,))
    os.close(reading)
    assert speed(greeting) == "0"
    process.send_signal(signal.SIGINT)
    os.write(writing, b"resume\n")
    while speed(greeting) == "0":
        pass
    os.close(writing)
    assert end(process) == (0, b"", b"")
    process, again = start("--state", str(state))
    assert again["api_key"] == greeting["api_key"]
    process.terminate()
    end(process)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"host": "0.0.0.0"}, RefusedError, "not a loopback address"),
        ({"host": "example.org"}, UsageError, "is not an address"),
        ({"port": -1}, UsageError, "port"),
        ({"speed": 0.0}, UsageError, "speed"),
        ({"start": "yesterday"}, UsageError, "--start yesterday"),
        ({"balance": ["USD"]}, UsageError, "ASSET=AMOUNT"),
        ({"balance": ["USD=ten"]}, UsageError, "ASSET=AMOUNT"),
        ({"balance": ["NOPE=1"]}, UsageError, "no asset NOPE"),
        ({"public_rate": -1.0}, UsageError, "public_rate"),
        ({"permissions": "fly"}, UsageError, "--permissions: there is no permission fly"),
        ({"chaos": "heaven"}, UsageError, "chaos"),
        ({"tier": "gold"}, UsageError, "tier"),
        ({"replay": Path("/nowhere/at/all")}, UsageError, "/nowhere/at/all"),
        ({"api_secret": "not base64!"}, UsageError, "--api-secret"),
        ({"parent_fd": -1}, UsageError, "--parent-fd"),
    ],
)
def test_bad_options_end_with_one_sentence(
    options: dict[str, Any], error: type[KrakkedError], says: str
) -> None:
    with pytest.raises(error, match=says) as refusal:
        sandbox(**options)
    assert "\n" not in str(refusal.value)


def ask(greeting: dict[str, str], path: str) -> Any:
    with urllib.request.urlopen(f"{greeting['rest']}{path}") as answer:
        return json.load(answer)


def test_limits_hold_by_default_and_chaos_on_request() -> None:
    process, greeting = start("--chaos", "mild", "--permissions", "query-funds, query-ledger")
    urllib.request.urlopen(
        urllib.request.Request(f"{greeting['rest']}/_sandbox/faults", method="DELETE")
    ).close()
    errors = [ask(greeting, "/0/public/Time")["error"] for _ in range(20)]
    assert errors[:15] == [[]] * 15
    assert ["EGeneral:Too many requests"] in errors
    state = ask(greeting, "/_sandbox/state")
    assert state["counters"]["tier"] == "intermediate"
    assert state["keys"][0]["permissions"] == ["query-funds", "query-ledger"]
    process.terminate()
    end(process)


def test_limits_are_lifted_on_request_and_for_a_programs_child() -> None:
    reading, writing = os.pipe()
    for arguments in (("--tier", "none", "--public-rate", "0"), ("--parent-fd", str(reading))):
        process, greeting = start(*arguments, pass_fds=(reading,))
        assert [ask(greeting, "/0/public/Time")["error"] for _ in range(40)] == [[]] * 40
        assert ask(greeting, "/_sandbox/state")["counters"]["tier"] == "none"
        process.terminate()
        end(process)
    os.close(reading)
    os.close(writing)


def test_importing_the_command_is_cheap() -> None:
    code = "import sys, krakked_tui.cli.sandbox; print({'numpy', 'uvicorn'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
