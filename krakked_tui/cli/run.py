"""The default command: start an engine, with its screen or without."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from krakked_tui.cli.durations import parse_duration
from krakked_tui.domain.errors import UsageError

DEMO_PROFILE = "demo"
PAPER_PROFILE = "paper"

Flag = Annotated[bool, Parameter(negative=())]


def run(
    *,
    demo: Flag = False,
    sandbox: str | None = None,
    fresh: Flag = False,
    start: str | None = None,
    no_ui: Annotated[bool, Parameter(name="--no-ui", negative=())] = False,
    profile: str | None = None,
    config: Path | None = None,
    mode: Literal["paper", "dry_run", "live"] | None = None,
    read_only: Flag = False,
    i_understand_live: Flag = False,
    password_file: Path | None = None,
    speed: float | None = None,
    seed: int | None = None,
    chaos: str | None = None,
    run_for: str | None = None,
    log_format: Literal["json", "console"] | None = None,
) -> int:
    """Trade: on paper unless told otherwise. With --demo: on a local Kraken, without keys or network.

    The first start on a terminal leads through the set-up.

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
    mode
        paper (live prices, an account that exists only here) or live; overrides execution.mode.
    read_only
        Watch only: no key sends a command to the engine.
    i_understand_live
        Go live without being asked to type LIVE; every other lock stays.
    password_file
        File (mode 0600) that holds the master password of the API key.
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
    for_demo = {
        "--sandbox": sandbox,
        "--fresh": fresh or None,
        "--start": start,
        "--speed": speed,
        "--seed": seed,
        "--chaos": chaos,
    }
    for_account = {
        "--mode": mode,
        "--i-understand-live": i_understand_live or None,
        "--password-file": password_file,
    }
    _check_fit("needs --demo", {} if demo else for_demo)
    _check_fit("has no meaning with --demo, which trades play money only", for_account if demo else {})
    if not no_ui:
        _check_terminal()
    command_line: dict[str, object] = {
        "execution.mode": mode,
        "ui.read_only": read_only or None,
        "logging.format": log_format,
    }
    settings = {key: value for key, value in command_line.items() if value is not None}
    # Imported late: the checks above and --help must not pay for the engine.
    from krakked_tui.cli.session import run_session, stoppable
    from krakked_tui.cli.unlocking import confirm, unlocking

    opened = unlocking(password_file)
    name = profile if profile is not None else DEMO_PROFILE if demo else PAPER_PROFILE
    if demo:
        from krakked_tui.bootstrap.demo import DemoOptions, DemoRequest, demo_sources, open_demo

        demo_options = DemoOptions(
            sandbox=sandbox, fresh=fresh, start=start, speed=speed, seed=seed, chaos=chaos
        )
        with stoppable():
            sources = demo_sources(name, opened.environment, config, settings)
            session = open_demo(DemoRequest(options=demo_options, sources=sources, to_stdout=no_ui))
        return run_session(session, with_ui=not no_ui, limit=limit)

    from krakked_tui.bootstrap.account import AccountRequest, account_sources, open_account
    from krakked_tui.cli.first_run import set_up_first

    with stoppable():
        sources = account_sources(name, opened.environment, config, settings)
        if not no_ui and not set_up_first(sources, opened):
            return 0
        session = open_account(
            AccountRequest(
                sources=sources,
                unlocking=opened,
                to_stdout=no_ui,
                confirm=None if no_ui else confirm,
                understands_live=i_understand_live,
            )
        )
    return run_session(session, with_ui=not no_ui, limit=limit)


def _check_fit(why: str, options: Mapping[str, object]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise UsageError(f"{given[0]} {why}.")


def _check_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("this is not a terminal: use --no-ui to run without a screen.")
    if not sys.stderr.isatty():
        raise UsageError(
            "standard error is not a terminal, but the screen is drawn there: do not redirect it,"
            " or use --no-ui to run without a screen."
        )
