"""``krakked-tui strategy``: the strategies there are, one of your own, and whether it knows the future."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from krakked_tui.domain.errors import UsageError

if TYPE_CHECKING:
    from krakked_tui.bootstrap.strategy_desk import Checked, Desk
    from krakked_tui.config.describe import Described
    from krakked_tui.domain.candles import Timeframe

DEFAULT_PROFILE = "paper"
LEAKS_SHOWN = 20
BARS_MAX = 5000

Json = Annotated[bool, Parameter(name="--json", negative=())]

strategy_app = cyclopts.App(
    name="strategy",
    help="List strategies, show one, write a new one of your own, check whether one knows the future.",
    result_action="return_value",
)


@strategy_app.command
def new(name: str, /, *, profile: str = DEFAULT_PROFILE) -> int:
    """Write a strategy to begin with into the directory of your own strategies. Never overwrites a file.

    Args:
        name: Its type: 3 to 40 lowercase letters, digits and _, a letter first.
        profile: Whose configuration directory.
    """
    from krakked_tui.bootstrap.profiles import check_profile_name
    from krakked_tui.bootstrap.strategy_desk import new_strategy
    from krakked_tui.config.places import places

    check_profile_name(profile)
    path = new_strategy(places(profile, dict(os.environ)).strategies, name)
    print(f"ok: {path} is a strategy to begin with; its first lines say how to configure it")
    print(f"check it with: krakked-tui strategy check {name}")
    return 0


@strategy_app.command(name="list")
def list_strategies(
    *, profile: str = DEFAULT_PROFILE, config: Path | None = None, as_json: Json = False
) -> int:
    """List the types of strategies there are and the strategies that are configured.

    What of your own cannot be loaded is told on stderr; then the exit code is 1.

    Args:
        profile: Whose configuration.
        config: Read this file instead of config.toml in the configuration directory.
        as_json: Print one JSON object: types, strategies, problems.
    """
    from krakked_tui.kraken.errors import printable

    desk = _desk(profile, config)
    types, strategies = _types(desk), _strategies(desk)
    problems = [failure.sentence for failure in desk.loaded.catalogue.failures]
    if as_json:
        print(json.dumps({"types": types, "strategies": strategies, "problems": problems}, indent=2))
        return 1 if problems else 0
    for row in types:
        print(f"{row['type']:<24}  {row['origin']:<9}  {printable(str(row['idea']), 200)}")
    print()
    for row in strategies:
        frames = ",".join(row["timeframes"]) if isinstance(row["timeframes"], list) else ""
        state = "enabled" if row["enabled"] else "not enabled"
        print(f"{row['id']:<24}  {row['type']:<20}  {frames:<9}  {row['tag']}  {state}")
    for problem in problems:
        print(f"problem: {printable(problem, 400)}", file=sys.stderr)
    return 1 if problems else 0


@strategy_app.command
def show(
    name: str, /, *, profile: str = DEFAULT_PROFILE, config: Path | None = None, as_json: Json = False
) -> int:
    """Show what a strategy is about and what can be set of it.

    Args:
        name: The id it is configured under, or its type.
        profile: Whose configuration.
        config: Read this file instead of config.toml in the configuration directory.
        as_json: Print one JSON object.
    """
    from krakked_tui.bootstrap.strategy_desk import find
    from krakked_tui.config.describe import describe_strategy
    from krakked_tui.kraken.errors import printable

    desk = _desk(profile, config)
    settings, known = find(desk, name)
    described = describe_strategy(settings, desk.loaded.catalogue)
    about = known.strategy.__module__ if known is not None else ""
    idea = _documentation(about)
    if as_json:
        keys = [
            {"key": each.key, "value": each.value, "default": each.default, "allowed": each.allowed,
             "description": each.description, "changeable": each.changeable}
            for each in described
        ]  # fmt: skip
        print(json.dumps({"name": name, "type": settings.type, "about": idea, "keys": keys}, indent=2))
        return 0
    if known is None:
        print(f"problem: the type {settings.type} could not be loaded", file=sys.stderr)
    for line in idea.splitlines():
        print(printable(line, 200))
    print()
    for each in described:
        print(_row(each))
    return 0


@strategy_app.command
def check(
    name: str,
    /,
    *,
    pair: str | None = None,
    timeframe: str | None = None,
    bars: int = 200,
    profile: str = DEFAULT_PROFILE,
    config: Path | None = None,
    as_json: Json = False,
) -> int:
    """Find out whether a strategy knows the future: exit code 1 if it does.

    Its signals are compared on histories that end at every bar, that go on differently, and that hold only
    the candles it says it needs. Without --pair on candles that are made up, always the same.

    Args:
        name: The id it is configured under, or its type.
        pair: Check on the stored candles of this pair, such as XBTUSD.
        timeframe: Candles to check on, such as 1h; otherwise its first configured.
        bars: How many bars to check, the newest, at most 5000.
        profile: Whose configuration and candles.
        config: Read this file instead of config.toml in the configuration directory.
        as_json: Print one JSON object: passed, bars, entries, exits, leaks.
    """
    import asyncio

    from krakked_tui.bootstrap.strategy_desk import check_strategy

    if not 1 <= bars <= BARS_MAX:
        raise UsageError(f"--bars is {bars}: use 1 to {BARS_MAX}")
    desk = _desk(profile, config)
    chosen = None if timeframe is None else _timeframe(timeframe)
    checked = asyncio.run(check_strategy(desk, name, pair=pair, timeframe=chosen, bars=bars))
    if as_json:
        print(json.dumps(_as_json(checked), indent=2))
    else:
        _tell(checked)
    return 0 if checked.report.passed else 1


def _desk(profile: str, config: Path | None) -> "Desk":
    from krakked_tui.bootstrap.strategy_desk import open_desk
    from krakked_tui.domain.money import trap_floats

    trap_floats()
    return open_desk(profile, dict(os.environ), config)


def _timeframe(text: str) -> "Timeframe":
    from krakked_tui.domain.candles import Timeframe

    try:
        return Timeframe(text.strip())
    except ValueError as error:
        raise UsageError(f"--timeframe is {text[:20]!r}: use one of {', '.join(Timeframe)}") from error


def _types(desk: "Desk") -> list[dict[str, object]]:
    return [
        {
            "type": name,
            "origin": known.origin.kind,
            "path": known.origin.path,
            "idea": _documentation(known.strategy.__module__).partition("\n")[0],
        }
        for name, known in sorted(desk.loaded.catalogue.types.items())
    ]


def _strategies(desk: "Desk") -> list[dict[str, object]]:
    strategies = desk.loaded.config.strategies
    return [
        {
            "id": name,
            "type": settings.type,
            "timeframes": [frame.value for frame in settings.timeframes],
            "tag": settings.tag,
            "enabled": name in strategies.enabled,
        }
        for name, settings in sorted(strategies.configs.items())
    ]


def _documentation(module: str) -> str:
    """Return what the first lines of a strategy's file say."""
    from inspect import cleandoc

    return cleandoc(getattr(sys.modules.get(module), "__doc__", None) or "")


def _row(each: "Described") -> str:
    from krakked_tui.kraken.errors import printable

    allowed = each.allowed.removesuffix(".")
    fixed = "" if each.changeable else " Fixed while the engine runs."
    text = f"{each.description} Allowed: {allowed}.{fixed}"
    return f"{each.name} = {each.value or '(not set)'}\n    {printable(text, 400)}"


def _tell(checked: "Checked") -> None:
    report = checked.report
    where = f"{report.bars} bars of {checked.timeframe}, {', '.join(checked.pairs)}"
    if report.passed:
        print(f"ok: {checked.strategy} knows nothing of the future ({where})")
    for leak in report.leaks[:LEAKS_SHOWN]:
        print(leak)
    more = len(report.leaks[LEAKS_SHOWN:]) + report.more
    if more:
        print(f"and {more} more")
    if not report.passed:
        print(f"krakked-tui: {checked.strategy} looks ahead ({where})", file=sys.stderr)
    print(f"{report.entries} bars wanted an entry, {report.exits} an exit")
    if not report.entries:
        print("note: it never wanted an entry here, so its entries are hardly tested", file=sys.stderr)


def _as_json(checked: "Checked") -> dict[str, object]:
    report = checked.report
    return {
        "passed": report.passed,
        "bars": report.bars,
        "timeframe": checked.timeframe.value,
        "pairs": list(checked.pairs),
        "entries": report.entries,
        "exits": report.exits,
        "leaks": [str(leak) for leak in report.leaks],
        "more": report.more,
    }
