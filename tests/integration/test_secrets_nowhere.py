"""After sessions with everything going wrong the real key is nowhere but in the encrypted file."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from krakked_tui.config.places import places
from krakked_tui.credentials.calibration import ScryptCost
from krakked_tui.credentials.secrets_file import SecretsFile
from krakked_tui.credentials.vault import Vault
from krakked_tui.domain.secret import Secret
from krakked_tui.storage.files import make_private_file, replace_private_file
from tests.integration.processes import PATIENCE, PROGRAM, SandboxProcess, running_sandbox_process

LIVE = ("--no-ui", "--profile", "live", "--mode", "live", "--i-understand-live")
PASSWORD = "correct-horse-battery-staple-7"

SESSION = """
import gc, json, os, sys, time
from pathlib import Path
from krakked_tui.bootstrap.account import AccountRequest, account_sources, open_account
from krakked_tui.bootstrap.unlock import Unlocking
from krakked_tui.credentials.environment import take_from_environment
from krakked_tui.domain.money import trap_floats

trap_floats()
environment = take_from_environment(os.environ)
session = open_account(AccountRequest(
    sources=account_sources("live", environment, None, {"execution.mode": "live"}),
    unlocking=Unlocking(environment=environment, password_file=Path(sys.argv[1])),
    to_stdout=True,
    understands_live=True,
))
session.start()
give_up = time.monotonic() + 30
while session.controller.view().status.phase != "running" and time.monotonic() < give_up:
    session.join(0.1)
session.join(6)

def shown(thing):
    if isinstance(thing, (dict, list, tuple, set, frozenset)):
        members = [*thing, *thing.values()] if isinstance(thing, dict) else [*thing]
        return "".join(repr(member) for member in members if isinstance(member, (str, bytes, bytearray)))
    try:
        return repr(thing)[:100_000]
    except Exception as error:
        return repr(error)

session.stop("the test has seen enough", by="cli")
session.join(10)
gc.unfreeze()  # what is there from the start on is looked at too
gc.collect()
with open(sys.argv[2], "w") as core:
    for thing in gc.get_objects():
        core.write(shown(thing) + "\\n")
    core.write(repr(dict(os.environ)))
print(json.dumps({"event": "closed", "error": str(session.close())}))
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxProcess]:
    with running_sandbox_process("--speed", "60") as process:
        yield process


def _home(root: Path, sandbox: SandboxProcess) -> tuple[dict[str, str], Path]:
    """Set a live profile up as the set-up would; return its environment and the password file."""
    where = places("live", {"KRAKKED_HOME": str(root / "home")})
    address = sandbox.address
    where.config.mkdir(mode=0o700, parents=True)
    where.config_file.write_text(
        "[execution]\nallow_live = true\n[connection]\n"
        f'rest_url = "{address["rest"]}"\nws_public_url = "{address["ws_public"]}"\n'
        f'ws_private_url = "{address["ws_private"]}"\ntier = "none"\npublic_calls_per_second = 500.0\n'
        '[strategies.configs.trend_following_v1]\ntimeframes = ["1m"]\nparams = { enter_on = "above" }\n'
    )
    where.config_file.chmod(0o600)
    secrets = SecretsFile(where.secrets, replace_private_file, lambda: ScryptCost(n=2**12, r=8, p=1))
    vault = Vault(api_key=Secret(address["api_key"]), api_secret=Secret(address["api_secret"]))
    secrets.save(vault, Secret(PASSWORD), keyring=False)
    password_file = root / "password"
    make_private_file(password_file)
    password_file.write_text(PASSWORD + "\n")
    return {"KRAKKED_HOME": str(root / "home")}, password_file


def _upset(sandbox: SandboxProcess) -> None:
    """Let calls fail in every way, with errors that repeat the key as no exchange should."""
    key, secret = sandbox.address["api_key"], sandbox.address["api_secret"]
    sandbox._post(
        "faults",
        [
            {
                "kind": "error",
                "where": "BalanceEx",
                "text": f"EGeneral:Internal error:{key}",
                "probability": 0.3,
            },
            {"kind": "error", "where": "OpenOrders", "text": f"EService:Busy:{secret}", "probability": 0.3},
            {"kind": "error", "where": "AddOrder", "text": f"EOrder:Invalid order:{key}", "probability": 0.5},
            {"kind": "http", "where": "TradesHistory", "status": 502, "probability": 0.3},
            {"kind": "reset", "where": "Ledgers", "probability": 0.3},
            {"kind": "garbage", "where": "executions", "probability": 0.2},
            {"kind": "close", "where": "ticker", "probability": 0.001},
            {"kind": "token", "where": "executions", "text": f"EAPI:Invalid token:{key}", "count": 1},
        ],
    )


def _spellings(text: str) -> list[bytes]:
    plain = text.encode()
    return [
        plain,
        plain.hex().encode(),
        base64.b64encode(plain).rstrip(b"=")[:-1],
        quote(text).encode(),
        quote(text, safe="").encode(),
        quote_plus(text).encode(),
        json.dumps(text)[1:-1].replace("/", "\\/").encode(),
    ]


def _leaks(root: Path, outputs: list[bytes], sandbox: SandboxProcess) -> list[str]:
    """Name every place in which a part of the secrets stands in any spelling."""
    address = sandbox.address
    raw = base64.b64decode(address["api_secret"])
    texts = (address["api_key"], address["api_secret"], PASSWORD)
    wanted = [raw, raw.hex().encode(), *(spelled for text in texts for spelled in _spellings(text))]
    files = {str(path): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}
    contents = {**files, **{f"output {number}": output for number, output in enumerate(outputs)}}
    return [name for name, content in contents.items() if any(each in content for each in wanted)]


def test_a_live_session_with_errors_leaves_the_key_nowhere(tmp_path: Path, sandbox: SandboxProcess) -> None:
    environment, password_file = _home(tmp_path, sandbox)
    _upset(sandbox)
    core = tmp_path / "core"
    done = subprocess.run(
        [sys.executable, "-c", SESSION, str(password_file), str(core)],
        env={"PATH": "", **environment}, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    sandbox.forget_faults()
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1] == {"event": "closed", "error": "None"}, done.stderr
    names = {event["event"] for event in events}
    assert {"engine_started", "engine_stopped"} <= names
    # The errors did come, with the key in them.
    assert b"***" in done.stdout
    assert core.stat().st_size > 1_000_000
    assert _leaks(tmp_path / "home", [done.stdout, done.stderr, core.read_bytes()], sandbox) == []


def test_a_key_in_the_environment_is_nowhere_afterwards(tmp_path: Path, sandbox: SandboxProcess) -> None:
    environment, _password_file = _home(tmp_path, sandbox)
    (tmp_path / "home" / "config" / "secrets.enc").unlink()
    _upset(sandbox)
    keys = {"KRAKEN_API_KEY": sandbox.address["api_key"], "KRAKEN_API_SECRET": sandbox.address["api_secret"]}
    with subprocess.Popen(
        [*PROGRAM, *LIVE], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={"PATH": "", **environment, **keys},
    ) as process:  # fmt: skip
        assert process.stdout is not None
        told = b""
        while b'"event": "engine_started"' not in told:
            line = process.stdout.readline()
            assert line, told
            told += line
        process.terminate()
        rest, stderr = process.communicate(timeout=PATIENCE)
    sandbox.forget_faults()
    assert process.returncode == 0, stderr
    assert _leaks(tmp_path / "home", [told + rest, stderr], sandbox) == []


def test_a_wrong_secret_ends_the_start_with_one_sentence(tmp_path: Path, sandbox: SandboxProcess) -> None:
    environment, _password_file = _home(tmp_path, sandbox)
    wrong = base64.b64encode(bytes(range(64))).decode()
    keys = {"KRAKEN_API_KEY": sandbox.address["api_key"], "KRAKEN_API_SECRET": wrong}
    done = subprocess.run(
        [*PROGRAM, *LIVE],
        env={"PATH": "", **environment, **keys}, capture_output=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert b"Invalid signature" in done.stderr
    assert b"Traceback" not in done.stderr
    assert _leaks(tmp_path / "home", [done.stdout, done.stderr], sandbox) == []
    assert wrong.encode() not in done.stdout + done.stderr
