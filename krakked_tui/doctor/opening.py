"""Everything that is known before the first check: places, configuration, key, and whom to ask."""

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from krakked_tui.bootstrap.account import account_sources
from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.demo import demo_sources
from krakked_tui.bootstrap.unlock import Unlocking
from krakked_tui.config.load import Loaded
from krakked_tui.credentials.environment import SECRET_NAMES
from krakked_tui.doctor.context import Context, KeyFacts
from krakked_tui.doctor.exchange import Exchange, KrakenExchange
from krakked_tui.doctor.keys import look_for_key
from krakked_tui.doctor.surroundings import Surroundings
from krakked_tui.domain.errors import ConfigError
from krakked_tui.domain.secret import Secret
from krakked_tui.engine.redaction import Redactor

DEMO_PROFILE = "demo"
_SECRET_VARIABLES = (*SECRET_NAMES, "KRAKKED_SANDBOX_KEY", "KRAKKED_SANDBOX_SECRET")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for. ``prompt`` asks a person for the password, None without one."""

    profile: str
    config_file: Path | None = None
    password_file: Path | None = None
    offline: bool = False
    prompt: Callable[[str], Secret] | None = None


def open_context(request: Request, surroundings: Surroundings, exchange: Exchange | None = None) -> Context:
    """Read what the checks need; ``exchange`` replaces the network.

    Raises ``UsageError`` for a bad profile name; whatever else is wrong is for the checks to tell.
    """
    sources = _sources(request, surroundings.environment)
    loaded, problems = _configuration(sources)
    unlocking = Unlocking(
        environment=surroundings.environment, password_file=request.password_file, prompt=request.prompt
    )
    keys = look_for_key(sources.where, unlocking)
    offline = "--offline was given" if request.offline else ""
    if loaded is None:
        offline = "the configuration must be right first"
    elif not offline and exchange is None:
        exchange = KrakenExchange(loaded.config.connection, sources.where, surroundings.now)
    return Context(
        profile=request.profile,
        where=sources.where,
        surroundings=surroundings,
        loaded=loaded,
        config_problems=problems,
        exchange=None if offline else exchange,
        offline=offline,
        keys=keys,
        redactor=_redactor(surroundings.environment, keys),
    )


def _sources(request: Request, environment: Mapping[str, str]) -> Sources:
    sources = demo_sources if request.profile == DEMO_PROFILE else account_sources
    return sources(request.profile, environment, request.config_file, {})


def _configuration(sources: Sources) -> tuple[Loaded | None, tuple[str, ...]]:
    try:
        return read_configuration(sources), ()
    except ConfigError as error:
        return None, error.problems


def _redactor(environment: Mapping[str, str], keys: KeyFacts) -> Redactor:
    redactor = Redactor()
    secrets = [Secret(environment[name]) for name in _SECRET_VARIABLES if environment.get(name)]
    if keys.credentials is not None:
        secrets += [keys.credentials.api_key, keys.credentials.api_secret]
        vault = keys.credentials.vault
        secrets += [] if vault is None else [*vault.alert_urls, *vault.api_tokens]
    for secret in secrets:
        redactor.protect(secret)
    return redactor
