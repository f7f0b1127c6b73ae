"""A headless demo that takes commands: one in JSON per line of its standard input.

Answers go to its standard error, one in JSON per line; what else is there is none.
"""

import asyncio
import os
import sys
import threading

import msgspec

from krakked_tui.bootstrap.demo import DemoOptions, DemoRequest, demo_sources, open_demo
from krakked_tui.bootstrap.session import Session
from krakked_tui.cli.run import DEMO_PROFILE
from krakked_tui.cli.session import run_session, stoppable
from krakked_tui.control.commands import Actor, Command
from krakked_tui.domain.money import trap_floats

FAILURES = "failures"
"""Instead of a command: asks which strategies are shown to have failed, and why."""
_DECODER: msgspec.json.Decoder[Command] = msgspec.json.Decoder(Command)


def main() -> int:
    """Run until a signal comes."""
    trap_floats()
    with stoppable():
        sources = demo_sources(DEMO_PROFILE, os.environ, None, {})
        session = open_demo(
            DemoRequest(options=DemoOptions(sandbox=sys.argv[1]), sources=sources, to_stdout=True)
        )
    threading.Thread(target=_obey, args=(session,), daemon=True).start()
    return run_session(session, with_ui=False, limit=None)


def _obey(session: Session) -> None:
    for line in sys.stdin:
        sys.stderr.write(f"{msgspec.json.encode(_answer(session, line.strip())).decode()}\n")
        sys.stderr.flush()


def _answer(session: Session, line: str) -> object:
    if line == FAILURES:
        lines = session.controller.strategies().strategies
        return {line.id: line.error for line in lines if line.state == "failed"}
    return asyncio.run(session.controller.execute(_DECODER.decode(line), Actor.CLI))


if __name__ == "__main__":
    raise SystemExit(main())
