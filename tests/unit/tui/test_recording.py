"""Nothing that is typed may be recorded by the framework, whatever its variables say."""

import json
import os
import subprocess
import sys
from pathlib import Path

from krakked_tui.tui.recording import drop_framework_variables

RECORDING = {
    "TEXTUAL": "devtools,debug",
    "TEXTUAL_LOG": "textual.log",
    "TEXTUAL_DEBUG": "1",
    "TEXTUAL_PRESS": "y",
    "TEXTUAL_SCREENSHOT": "1",
    "TEXTUAL_DRIVER": "textual.drivers.headless_driver:HeadlessDriver",
}


def test_only_what_fits_the_screen_to_a_terminal_is_left() -> None:
    kept = {"TEXTUAL_COLOR_SYSTEM": "256", "TEXTUAL_DISABLE_KITTY_KEY": "1", "TEXTUALITY": "x", "HOME": "/"}
    environment = {**RECORDING, **kept}
    drop_framework_variables(environment)
    assert environment == kept


def test_the_framework_is_imported_without_them(tmp_path: Path) -> None:
    program = (
        "import json, krakked_tui.tui.terminal; from textual import constants as c; "
        "print(json.dumps([c.LOG_FILE, c.DEBUG, c.PRESS, c.SCREENSHOT_DELAY, c.DRIVER]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60,
        env={**os.environ, **RECORDING}, cwd=tmp_path,
    )  # fmt: skip
    assert json.loads(done.stdout) == [None, False, "", -1, None]
