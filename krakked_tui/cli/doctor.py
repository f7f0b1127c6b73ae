"""``krakked-tui doctor``: what may be wrong, and what to do about it."""

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

Flag = Annotated[bool, Parameter(negative=())]

DEFAULT_PROFILE = "paper"


def doctor(
    *,
    profile: str = DEFAULT_PROFILE,
    config: Path | None = None,
    password_file: Path | None = None,
    offline: Flag = False,
    json: Flag = False,
) -> int:
    """Check everything a start needs: configuration, files, clock, exchange, key, terminal.

    It repairs nothing, and does not disturb an engine that is running. Exit codes: 0 no problem
    (warnings are allowed), 4 the configuration is a problem, 1 something else is.

    Parameters
    ----------
    profile
        The profile to check (demo for the one that --demo uses).
    config
        Read this configuration file instead of the one in the configuration directory.
    password_file
        File (mode 0600) that holds the master password.
    offline
        Ask nothing of the exchange.
    json
        Print the findings as a JSON list: name, status (ok, warning, problem, skipped), detail, fix.
    """
    # Imported late: --help must not pay for the engine.
    from krakked_tui.cli.asking import ask_masked
    from krakked_tui.credentials.environment import take_from_environment
    from krakked_tui.doctor.examination import examine, exit_code
    from krakked_tui.doctor.opening import Request, open_context
    from krakked_tui.doctor.report import as_json, as_table
    from krakked_tui.doctor.surroundings import Machine

    surroundings = Machine(take_from_environment(os.environ))
    # A program that reads JSON cannot answer questions.
    asks = surroundings.is_terminal() and not json
    request = Request(
        profile=profile,
        config_file=config,
        password_file=password_file,
        offline=offline,
        prompt=ask_masked if asks else None,
    )
    findings = examine(open_context(request, surroundings))
    if json:
        print(as_json(findings))
    else:
        columns, _lines = surroundings.terminal_size() or (0, 0)
        print(as_table(findings, colour=_in_colour(), width=columns))
    return exit_code(findings)


def _in_colour() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
