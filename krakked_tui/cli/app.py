"""The commands, and the one place where an error becomes a sentence and an exit code."""

import asyncio
import sys
from collections.abc import Sequence

import cyclopts

from krakked_tui import __version__
from krakked_tui.cli.config import config_app
from krakked_tui.cli.credentials import credentials_app
from krakked_tui.cli.data import data_app
from krakked_tui.cli.doctor import doctor
from krakked_tui.cli.explain import explain_command, explain_from_journal
from krakked_tui.cli.export import books_of_profile, export_command
from krakked_tui.cli.key_command import check
from krakked_tui.cli.output import abandon
from krakked_tui.cli.run import run
from krakked_tui.cli.sandbox import sandbox
from krakked_tui.cli.setup import setup
from krakked_tui.cli.strategy import strategy_app
from krakked_tui.cli.version import version
from krakked_tui.domain.errors import KrakkedError
from krakked_tui.domain.money import trap_floats

USAGE = 2

app = cyclopts.App(
    name="krakked-tui",
    help="A spot trading bot for Kraken that lives in a terminal. Start with: krakked-tui --demo",
    version=__version__,
    result_action="return_value",
)
app.default(run)
credentials_app.command(check)
for command in (
    setup, doctor, credentials_app, config_app, data_app, export_command(books_of_profile),
    explain_command(explain_from_journal), strategy_app, sandbox, version,
):  # fmt: skip
    app.command(command)


def run_command_line(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code. Errors go to stderr, one sentence, no traceback."""
    trap_floats()
    try:
        result = app(arguments, exit_on_error=False, print_error=False)
        # At the exit of the interpreter nobody would catch what this may raise.
        print(end="", flush=True)
    except cyclopts.CycloptsError as error:
        return _fail(f"{_one_line(str(error))} Try krakked-tui --help.", USAGE)
    except KrakkedError as error:
        return _fail(str(error), error.exit_code)
    except BrokenPipeError:
        abandon()  # whoever read the output has gone
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        # asyncio.run forgets a Ctrl-C that comes just before its loop starts, and only cancels.
        return _fail("interrupted", 1)
    return result if isinstance(result, int) else 0


def _fail(sentence: str, code: int) -> int:
    print(f"krakked-tui: {sentence}", file=sys.stderr)
    return code


def _one_line(text: str) -> str:
    return " ".join(text.split())
