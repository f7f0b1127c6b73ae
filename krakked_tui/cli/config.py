"""``krakked-tui config``: what is configured, where it lies, and whether it stands."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import cyclopts
from cyclopts import Parameter

from krakked_tui.domain.errors import ConfigError

if TYPE_CHECKING:
    from krakked_tui.config.load import Loaded
    from krakked_tui.config.places import Places

DEFAULT_PROFILE = "paper"
DEMO_PROFILE = "demo"

Flag = Annotated[bool, Parameter(negative=())]
Json = Annotated[bool, Parameter(name="--json", negative=())]

config_app = cyclopts.App(
    name="config",
    help="Check the configuration, show it and where it lies, bring old files up to date.",
    result_action="return_value",
)


@config_app.command
def check(*, profile: str = DEFAULT_PROFILE, config: Path | None = None, as_json: Json = False) -> int:
    """Read the whole configuration and report every problem in it; exit code 4 if there is one.

    Args:
        profile: Whose configuration to check.
        config: Read this file instead of config.toml in the configuration directory.
        as_json: Print one JSON object: ok, problems (key, origin, text), warnings, files.
    """
    try:
        loaded = _load(profile, config)
    except ConfigError as error:
        return _tell_problems(error, as_json=as_json)
    files = [str(path) for path in loaded.files]
    if as_json:
        print(json.dumps({"ok": True, "problems": [], "warnings": loaded.warnings, "files": files}, indent=2))
        return 0
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print(f"ok: {', '.join(files) if files else 'no configuration file, defaults only'}")
    return 0


def _tell_problems(error: ConfigError, *, as_json: bool) -> int:
    from krakked_tui.config.problems import InvalidConfigError, Problem

    if isinstance(error, InvalidConfigError):
        findings = error.findings
    else:
        findings = tuple(Problem("", "", text) for text in error.problems)
    if as_json:
        problems = [{"key": one.key, "origin": one.origin, "text": one.text} for one in findings]
        print(json.dumps({"ok": False, "problems": problems, "warnings": [], "files": []}, indent=2))
        return error.exit_code
    for problem in findings:
        print(problem, file=sys.stderr)
    count = len(findings)
    print(f"krakked-tui: {count} problem{'s' if count > 1 else ''}; nothing starts on this.", file=sys.stderr)
    return error.exit_code


@config_app.command
def show(
    *,
    profile: str = DEFAULT_PROFILE,
    config: Path | None = None,
    origin: Flag = False,
    as_json: Json = False,
) -> int:
    """Print every effective setting as TOML. There are no secrets in it: configuration holds none.

    Args:
        profile: Whose configuration to show.
        config: Read this file instead of config.toml in the configuration directory.
        origin: Say where each value comes from.
        as_json: Print a JSON list of key, value (as TOML) and origin.
    """
    from krakked_tui.config.show import effective

    loaded = _load(profile, config)
    rows = effective(loaded)
    if as_json:
        print(json.dumps([{"key": r.key, "value": r.value_toml, "origin": r.origin} for r in rows], indent=2))
        return 0
    for row in rows:
        print(f"{row.key} = {row.value_toml}" + (f"  # {row.origin}" if origin else ""))
    for warning in loaded.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return 0


@config_app.command
def path(*, profile: str = DEFAULT_PROFILE, config: Path | None = None, as_json: Json = False) -> int:
    """Print where everything of a profile lies, and whether it is there.

    Args:
        profile: Whose places to print.
        config: The file given instead of config.toml in the configuration directory.
        as_json: Print a JSON list of name, path and exists.
    """
    from krakked_tui.config.places import listed

    rows = [
        (name, str(place), os.path.lexists(place))
        for name, place in listed(_places(profile, config), profile)
    ]
    if as_json:
        print(json.dumps([{"name": n, "path": p, "exists": e} for n, p, e in rows], indent=2))
        return 0
    width = max(len(name) for name, _, _ in rows)
    for name, place, exists in rows:
        print(f"{name:<{width}}  {place}{'' if exists else '  (not there)'}")
    return 0


@config_app.command
def migrate(*, profile: str = DEFAULT_PROFILE, config: Path | None = None) -> int:
    """Give renamed keys of config.toml and of the profile's overlay their present names.

    The old content of a file is kept beside it, with the ending .bak.

    Args:
        profile: Whose overlay to bring up to date.
        config: The file given instead of config.toml in the configuration directory.
    """
    from krakked_tui.config.migrate import migrate_files
    from krakked_tui.storage.files import replace_private_file, writing

    where = _places(profile, config)
    with writing(where.secrets.with_name(f"{where.secrets.name}.lock")):
        told = migrate_files((where.config_file, where.profile_file(profile)), replace_private_file)
    for sentence in told or ("nothing to do: no key has an old name",):
        print(sentence)
    return 0


def _load(profile: str, config: Path | None) -> "Loaded":
    from krakked_tui.bootstrap.configuration import Sources, read_configuration
    from krakked_tui.bootstrap.demo import DEMO_DEFAULTS
    from krakked_tui.domain.money import trap_floats

    trap_floats()
    return read_configuration(
        Sources(
            where=_places(profile, config),
            profile=profile,
            environment=dict(os.environ),
            defaults=DEMO_DEFAULTS if profile == DEMO_PROFILE else None,
        )
    )


def _places(profile: str, config: Path | None) -> "Places":
    from krakked_tui.bootstrap.profiles import check_profile_name
    from krakked_tui.config.places import places

    check_profile_name(profile)
    return places(profile, dict(os.environ), config)
