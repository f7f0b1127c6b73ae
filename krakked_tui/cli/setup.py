"""``krakked-tui setup``: the set-up as plain questions, for any terminal."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import msgspec
from cyclopts import Parameter

from krakked_tui.cli.prompts import LeftError, Prompter, Terminal, agrees, choose, uninterrupted
from krakked_tui.control.setup import (
    KeyCheck,
    KeyVerdict,
    SetupChoices,
    SetupMode,
    SetupSaved,
    SetupService,
    UniversePreview,
)
from krakked_tui.domain.errors import RefusedError
from krakked_tui.domain.secret import Secret
from krakked_tui.kraken.errors import printable

Flag = Annotated[bool, Parameter(negative=())]

PAPER_PROFILE = "paper"
_RETRY, _ANOTHER, _SAVE, _LEAVE = "retry", "another key", "save it unvalidated", "leave"
_FORCE = "force: save it although it was refused"
_LEFT = "set-up was left; nothing has been changed"


class Options(msgspec.Struct, frozen=True):
    """What the command line says."""

    force: bool = False
    skip_key: bool = False


class Pair(msgspec.Struct, frozen=True):
    """A key pair that is to be saved, and what came of checking it."""

    api_key: Secret
    api_secret: Secret
    check: KeyCheck
    forced: bool = False


def setup(
    *,
    profile: str = PAPER_PROFILE,
    config: Path | None = None,
    force: Flag = False,
    skip_key: Flag = False,
) -> int:
    """Set Krakked up: mode, region, API key with its master password.

    Nothing is written before the last question. Ctrl-C leaves everything as it was.

    Parameters
    ----------
    profile
        The profile to set up. A live set-up from the profile paper configures the profile live.
    config
        Use this configuration file instead of the one in the configuration directory.
    force
        Let a key be saved that the exchange refused.
    skip_key
        Ask for no API key.
    """
    if not sys.stdin.isatty():
        raise RefusedError(
            "set-up asks questions, and standard input is not a terminal: run krakked-tui setup in one,"
            " or set both KRAKEN_API_KEY and KRAKEN_API_SECRET, and write settings into config.toml"
        )
    # Imported late: --help must not pay for the engine.
    from krakked_tui.bootstrap.account import account_sources
    from krakked_tui.bootstrap.configuration import read_configuration
    from krakked_tui.bootstrap.key_checker import KeyChecker, other_host
    from krakked_tui.bootstrap.setup import AccountSetup
    from krakked_tui.cli.unlocking import unlocking

    opened, terminal = unlocking(None), Terminal()
    sources = account_sources(profile, opened.environment, config, {})
    connection = read_configuration(sources).config.connection
    host = other_host(connection)
    typed = confirmed_host(terminal, host) if host and not skip_key else ""
    checker = KeyChecker(sources.where, connection, confirmed_host=typed)
    service = AccountSetup(sources, opened, checker=checker)
    ask_and_save(service, terminal, Options(force=force, skip_key=skip_key))
    return 0


def confirmed_host(prompter: Prompter, host: str) -> str:
    """Have a person type the name of a host that is not Kraken; else no key is sent there.

    Returns the host, or nothing. Raises ``LeftError``.
    """
    prompter.say(f"{host} is NOT Kraken: whoever runs it can use every API key that is sent there.")
    try:
        typed = prompter.ask("To send keys there, type its name (Enter: send none):")
    except LeftError as error:
        raise LeftError(_LEFT) from error
    if typed == host:
        return host
    prompter.say(f"Its name was not typed, so no key will be sent to {host}.")
    return ""


def ask_and_save(service: SetupService, prompter: Prompter, options: Options) -> SetupSaved:
    """Lead through the set-up. Raises ``LeftError``, or what saving raises; nothing is written then."""
    with asyncio.Runner() as runner:
        dialog = Dialog(service, prompter, options, runner.run)
        try:
            choices = dialog.choices()
        except (LeftError, KeyboardInterrupt, asyncio.CancelledError) as error:
            # Nothing here cancels: asyncio.Runner forgets a Ctrl-C that comes just before its loop starts.
            raise LeftError(_LEFT) from error
        finally:
            runner.run(service.close())
        with uninterrupted():
            saved = runner.run(service.save(choices))
    for line in saved.written:
        prompter.say(f"  {line}")
    prompter.say("")
    for line in saved.next_steps:
        prompter.say(line)
    return saved


class Dialog:
    """The questions, in their order. ``run`` runs a coroutine to its end."""

    def __init__(
        self,
        service: SetupService,
        prompter: Prompter,
        options: Options,
        run: Callable[[Coroutine[Any, Any, Any]], Any],
    ) -> None:
        self._service = service
        self._prompter = prompter
        self._options = options
        self._run = run

    def choices(self) -> SetupChoices:
        """Ask everything. Raises ``LeftError``."""
        facts, say = self._service.facts, self._prompter.say
        say(f"Set-up of Krakked, profile {facts.profile}. Ctrl-C leaves everything as it is.")
        mode = self._mode()
        region = choose(self._prompter, "Your region", facts.regions, facts.default_region)
        choices = SetupChoices(mode=mode, region=region)
        pair = self._pair(mode)
        if pair is not None:
            choices = msgspec.structs.replace(
                choices,
                api_key=pair.api_key,
                api_secret=pair.api_secret,
                check=pair.check,
                forced=pair.forced,
                password=self._password(),
                remember_password=self._remember(),
            )
        self._show_universe()
        say("")
        say(_summary(choices))
        if not agrees(self._prompter, "Write this?", default=True):
            raise LeftError("left")
        return choices

    def _mode(self) -> SetupMode:
        self._prompter.say("paper: live prices, play money. live: real orders, behind further locks.")
        names = tuple(mode.value for mode in SetupMode)
        return SetupMode(choose(self._prompter, "Trade how?", names, SetupMode.PAPER.value))

    def _pair(self, mode: SetupMode) -> Pair | None:
        """Ask for a key until one is to be saved; None for none."""
        facts, say = self._service.facts, self._prompter.say
        if facts.environment_key:
            say(facts.environment_key)
        if self._options.skip_key:
            return None
        if facts.secrets_exist:
            say(f"There is a key already, in {facts.secrets_file}; a new one takes its place.")
        wanted = mode is SetupMode.LIVE and not facts.secrets_exist
        if not agrees(self._prompter, "Enter an API key?", default=wanted):
            return None
        say(f"It is checked at {facts.exchange}. It needs no permission to deposit or withdraw.")
        while True:
            pair = self._entered()
            if pair is not None:
                return pair

    def _entered(self) -> Pair | None:
        """Ask for one pair and check it; None to start over."""
        api_key = self._prompter.ask_secret("API key")
        api_secret = self._prompter.ask_secret("API secret")
        while True:
            self._prompter.say(f"Asking {self._service.facts.exchange} ...")
            check: KeyCheck = self._run(self._service.check_key(api_key, api_secret))
            self._show(check)
            answer = self._what_now(check)
            if answer == _LEAVE:
                raise LeftError("left")
            if answer == _ANOTHER:
                return None
            if answer != _RETRY:
                return Pair(api_key, api_secret, check, forced=answer == _FORCE)

    def _what_now(self, check: KeyCheck) -> str:
        match check.verdict:
            case KeyVerdict.ACCEPTED:
                risky = check.audit is not None and check.audit.can_withdraw
                if not risky or agrees(self._prompter, "Use this key all the same?", default=False):
                    return _SAVE
                return _ANOTHER
            case KeyVerdict.MALFORMED:
                return choose(self._prompter, "What now?", (_ANOTHER, _LEAVE), _ANOTHER)
            case KeyVerdict.REFUSED:
                forced = (_FORCE,) if self._options.force else ()
                return choose(self._prompter, "What now?", (_ANOTHER, _RETRY, _LEAVE, *forced), _ANOTHER)
            case KeyVerdict.UNREACHABLE:
                return choose(self._prompter, "What now?", (_RETRY, _SAVE, _LEAVE), _RETRY)

    def _show(self, check: KeyCheck) -> None:
        say = self._prompter.say
        say(f"{check.verdict.value.upper()}: {check.headline}")
        if check.advice:
            say(check.advice)
        for warning in check.warnings:
            say(f"  ! {warning}")

    def _password(self) -> Secret:
        """Ask for a master password twice, until it is hard enough to guess."""
        say = self._prompter.say
        say("The key is kept encrypted. Choose a master password; without it nobody can read the key.")
        while True:
            password = self._prompter.ask_secret("Master password")
            strength = self._service.password_strength(password)
            if not strength.enough:
                say(f"That is {strength.words}. {strength.advice or 'Use several unusual words.'}")
            elif self._prompter.ask_secret("Once more") != password:
                say("These were not the same.")
            else:
                return password

    def _remember(self) -> bool:
        keyring = self._service.facts.keyring
        if not keyring.usable:
            self._prompter.say(f"You will be asked for it at every start in live mode ({keyring.detail}).")
            return False
        return agrees(self._prompter, f"Let {keyring.detail} remember it?", default=False)

    def _show_universe(self) -> None:
        say = self._prompter.say
        say("Looking what would be traded ...")
        found: UniversePreview = self._run(self._service.preview_universe())
        if found.trouble:
            say(f"That cannot be shown now: {found.trouble}.")
            return
        say(f"{found.chosen} of {found.listed} USD pairs would be traded. The most traded ones of 24 hours:")
        for pair in found.pairs:
            name = printable(pair.name, 20)
            say(f"  {name:<20} {pair.last:>16,f} USD {pair.volume_24h:>18,.0f} USD traded")


def _summary(choices: SetupChoices) -> str:
    if choices.api_key is None or choices.check is None:
        key = "no API key is saved"
    elif choices.check.verdict is KeyVerdict.ACCEPTED:
        key = "the API key is saved, encrypted"
    else:
        key = "the API key is saved, encrypted, as UNVALIDATED"
    return f"Mode {choices.mode.value}, region {choices.region}; {key}."
