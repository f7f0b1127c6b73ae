"""The default command: start an engine, with its screen or without."""

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from krakked_tui.cli.durations import parse_duration
from krakked_tui.domain.errors import RefusedError, UsageError

DEMO_PROFILE = "demo"


def run(
    *,
    demo: Annotated[bool, Parameter(negative=())] = False,
    sandbox: str | None = None,
    fresh: Annotated[bool, Parameter(negative=())] = False,
    start: str | None = None,
    no_ui: Annotated[bool, Parameter(name="--no-ui", negative=())] = False,
    profile: str | None = None,
    config: Path | None = None,
    speed: float | None = None,
    seed: int | None = None,
    chaos: str | None = None,
    run_for: str | None = None,
    log_format: str | None = None,
) -> int:
    """Trade. With --demo: on a local Kraken that needs neither keys nor network.

    Parameters
    ----------
    demo
        Trade $10,000 of play money on a local Kraken that runs 60 times faster than real time.
    sandbox
        With --demo: use the sandbox at this loopback URL instead of starting one. Its keys are read
        from KRAKKED_SANDBOX_KEY and KRAKKED_SANDBOX_SECRET.
    fresh
        With --demo: forget the earlier demo and start over.
    start
        With --demo: the exchange's start instant (ISO time, UTC) of a fresh demo.
    no_ui
        Run without a screen; structured logs go to standard output.
    profile
        Keep state apart under this name (default: paper, or demo with --demo).
    config
        Read this configuration file instead of the one in the configuration directory.
    speed
        With --demo: exchange seconds per second (default 60).
    seed
        With --demo: the market's seed (default 7); equal seeds give equal markets.
    chaos
        With --demo: have the local Kraken misbehave: mild, rough or hell.
    run_for
        Stop in order after this long, such as 30s, 5m or 2h.
    log_format
        json or console: form of the lines on standard output with --no-ui.
    """
    limit = parse_duration("--run-for", run_for) if run_for else None
    if not demo:
        options = {"--sandbox": sandbox, "--start": start, "--speed": speed, "--seed": seed, "--chaos": chaos}
        given = [name for name, value in options.items() if value is not None] + ["--fresh"] * fresh
        if given:
            raise UsageError(f"{given[0]} needs --demo.")
        raise RefusedError("this version trades on the local Kraken only: start it with --demo")
    if not no_ui and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("this is not a terminal: use --no-ui to run without a screen.")
    if not no_ui and not sys.stderr.isatty():
        raise UsageError(
            "standard error is not a terminal, but the screen is drawn there: do not redirect it,"
            " or use --no-ui to run without a screen."
        )
    # Imported late: the checks above and --help must not pay for the engine.
    from krakked_tui.bootstrap import DemoOptions, open_demo
    from krakked_tui.cli.session import run_session

    session = open_demo(
        DemoOptions(sandbox=sandbox, fresh=fresh, start=start, speed=speed, seed=seed, chaos=chaos),
        profile=profile or DEMO_PROFILE,
        config_file=config,
        environment=dict(os.environ),
        to_stdout=no_ui,
        log_format=log_format,
    )
    return run_session(session, with_ui=not no_ui, limit=limit)
