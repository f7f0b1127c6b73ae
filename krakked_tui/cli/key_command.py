"""``krakked-tui credentials check``: asks the exchange about the stored key."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from krakked_tui.control.setup import KeyVerdict
from krakked_tui.domain.errors import RefusedError

if TYPE_CHECKING:
    from krakked_tui.bootstrap.recheck import Rechecked

PAPER_PROFILE = "paper"
EXIT_CODES = {
    KeyVerdict.ACCEPTED: 0,
    KeyVerdict.UNREACHABLE: 1,
    KeyVerdict.MALFORMED: 6,
    KeyVerdict.REFUSED: 6,
}


def check(
    *,
    profile: str = PAPER_PROFILE,
    config: Path | None = None,
    password_file: Path | None = None,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> int:
    """Ask the exchange whether the stored API key works, and keep what it says with the key.

    What Kraken said of the key stays, whatever another exchange says of it. Exit codes: 0 accepted,
    6 refused, 1 when the exchange could not be asked.

    Parameters
    ----------
    profile
        Ask the exchange that this profile trades at.
    config
        Read this configuration file instead of the one in the configuration directory.
    password_file
        File (mode 0600) that holds the master password.
    json
        Print one JSON object.
    """
    # Imported late: --help must not pay for the engine.
    from krakked_tui.bootstrap.account import account_sources
    from krakked_tui.bootstrap.configuration import read_configuration
    from krakked_tui.bootstrap.key_checker import KeyChecker
    from krakked_tui.bootstrap.recheck import open_stored_key, recheck
    from krakked_tui.cli.unlocking import unlocking

    opened = unlocking(password_file)
    sources = account_sources(profile, opened.environment, config, {})
    checker = KeyChecker(sources.where, read_configuration(sources).config.connection)
    if checker.objection:
        raise RefusedError(checker.objection)
    found = asyncio.run(recheck(open_stored_key(sources, opened), checker))
    print(msgspec.json.encode(found).decode() if json else "\n".join(report(found)))
    return EXIT_CODES[found.check.verdict]


def report(found: "Rechecked") -> list[str]:
    """Return the outcome in lines for a person."""
    check = found.check
    lines = [f"{check.verdict.value.upper()}: {check.headline}", check.advice]
    lines += [f"  ! {warning}" for warning in check.warnings]
    if check.audit is not None:
        held = ", ".join(check.audit.held) or "nothing"
        lines.append(f"The key may: {held} (found out by {check.audit.source}).")
    validated = "never" if found.validated_at is None else f"{found.validated_at:%Y-%m-%d %H:%M:%S} UTC"
    lines.append(f"Key {found.fingerprint} at {found.exchange}; last accepted: {validated}.")
    return [line for line in (*lines, *found.notes) if line]
