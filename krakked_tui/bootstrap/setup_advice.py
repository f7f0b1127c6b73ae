"""What to do after a set-up, in sentences."""

import shlex

from krakked_tui.bootstrap.configuration import Sources, read_configuration
from krakked_tui.bootstrap.live_gate import CONFIRMATION, locks_before_start, locks_of_key
from krakked_tui.config.schema import AppConfig
from krakked_tui.control.setup import KeyCheck, KeyVerdict, SetupMode
from krakked_tui.domain.errors import ConfigError

CHECK_COMMAND = "krakked-tui credentials check"
_DEFAULT_PROFILE = "paper"


def next_steps(
    sources: Sources, mode: SetupMode, check: KeyCheck | None, *, has_key: bool
) -> tuple[str, ...]:
    """Return them in the order in which to do them.

    ``sources`` are those of the profile that was set up; ``check`` is of the key that was saved, and
    ``has_key`` says whether there is one, be it an older one.
    """
    steps = _about_key(check)
    start = _start_command(sources)
    if mode is SetupMode.PAPER:
        return (*steps, f"Start trading on paper: {start}")
    try:
        config = read_configuration(sources).config
    except ConfigError as error:
        return (*steps, f"The configuration cannot be used as it is: {error}")
    locks = _locks(config, check, has_key=has_key)
    if locks:
        steps += ("Live trading stays locked until you have opened these locks yourself:",)
        steps += tuple(f"({number}) {lock}." for number, lock in enumerate(locks, 1))
    return (*steps, f"Then start with: {start} (you will be asked to type {CONFIRMATION})")


def _about_key(check: KeyCheck | None) -> tuple[str, ...]:
    if check is None or check.verdict is KeyVerdict.ACCEPTED:
        return ()
    if check.verdict is KeyVerdict.REFUSED:
        return (f"The exchange refused the key; once that is put right, run: {CHECK_COMMAND}",)
    return (f"The key is unvalidated. When the exchange can be reached, run: {CHECK_COMMAND}",)


def _locks(config: AppConfig, check: KeyCheck | None, *, has_key: bool) -> tuple[str, ...]:
    locks = locks_before_start(config, has_key=has_key)
    if check is None or check.audit is None:
        return locks
    return (*locks, *locks_of_key(check.audit, allow_withdraw_key=config.execution.allow_withdraw_key))


def _start_command(sources: Sources) -> str:
    words = ["krakked-tui"]
    if sources.profile != _DEFAULT_PROFILE:
        words += ["--profile", sources.profile]
    if sources.config_file is not None:
        words += ["--config", str(sources.config_file)]
    return shlex.join(words)
