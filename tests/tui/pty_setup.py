"""Set-up on a fake service, run as a real program in a real terminal by test_setup_pty.

Usage: pty_setup RESULT [option=value ...]; writes what happened to the file RESULT as JSON.
Options: ``hup=ignore`` ignores SIGHUP, ``crash=yes`` makes the screen fail once a key was
entered, ``then=screen`` goes on with the screen of an engine, as the program does.
"""

import fcntl
import json
import signal
import sys
import termios
import threading
from hashlib import sha256
from pathlib import Path

from krakked_tui.control.setup import KeyCheck
from krakked_tui.control.ui_settings import UiSettings
from krakked_tui.domain.errors import KrakkedError
from krakked_tui.domain.money import trap_floats
from krakked_tui.domain.secret import Secret
from krakked_tui.tui.run import UiRunner
from krakked_tui.tui.setup.run import SetupRunner, run_setup
from tests.fakes.controller import FakeController
from tests.fakes.setup import FakeSetup


class Watched(FakeSetup):
    """Fails in the middle of painting when told to, with a key at hand."""

    def __init__(self, *, crash: bool) -> None:
        super().__init__()
        self.crash = crash

    async def check_key(self, api_key: Secret, api_secret: Secret) -> KeyCheck:
        plain = api_secret.reveal()
        check = await super().check_key(api_key, api_secret)
        if self.crash:
            # A check that is none: the screen fails when it paints it.
            return f"not a check of {len(plain)} characters"  # type: ignore[return-value]
        return check


def digest(secret: Secret | None) -> str:
    return sha256(secret.reveal().encode()).hexdigest() if secret is not None else ""


def main(result: Path, options: dict[str, str]) -> int:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that closing the terminal hangs up on this process
    service = Watched(crash=options.get("crash") == "yes")
    crashes: list[str] = []
    before = signal.getsignal(signal.SIGTERM)
    found: dict[str, object] = {}
    try:
        if options.get("hup") == "ignore":
            # Like nohup: nobody tells the program that its terminal is gone.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            runner = SetupRunner(service, UiSettings(), on_crash_log=crashes.append)
            saved = runner.run()
            found["reason"] = runner.ended.reason
        else:
            saved = run_setup(service, UiSettings(), on_crash_log=crashes.append)
        found["saved"] = saved is not None
        if options.get("then") == "screen":
            found["screen"] = (
                UiRunner(FakeController(), UiSettings(), on_crash_log=crashes.append).run().reason
            )
    except KrakkedError as error:
        found["error"] = str(error)
    found |= {
        "checked": [[digest(key), digest(secret)] for key, secret in service.checked],
        "passwords": [digest(choices.password) for choices in service.saved],
        "crashes": crashes,
        "closed": service.closed,
        "signals_restored": signal.getsignal(signal.SIGTERM) is before,
        "threads": [thread.name for thread in threading.enumerate() if not thread.daemon],
    }
    result.write_text(json.dumps(found), encoding="utf-8")
    return 1 if "error" in found else 0


if __name__ == "__main__":
    trap_floats()
    sys.exit(main(Path(sys.argv[1]), dict(option.split("=", 1) for option in sys.argv[2:])))
