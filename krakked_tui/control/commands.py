"""What an operator may ask of a running engine, and what is answered."""

from enum import StrEnum

import msgspec


class Actor(StrEnum):
    """Who asks."""

    TUI = "tui"
    CLI = "cli"
    SIGNAL = "signal"
    ENGINE = "engine"


class SetKillSwitch(msgspec.Struct, frozen=True, tag=True):
    """Block everything that opens or increases risk, at once."""

    reason: str


class ClearKillSwitch(msgspec.Struct, frozen=True, tag=True):
    """Allow new risk again. ``confirm`` must be ``ARM``; ``FORCE`` although what set it goes on."""

    confirm: str


class CancelOrder(msgspec.Struct, frozen=True, tag=True):
    """Cancel one of our open orders."""

    cl_ord_id: str


class CancelAll(msgspec.Struct, frozen=True, tag=True):
    """Cancel all of our open orders; foreign ones are not touched."""


class FlattenAll(msgspec.Struct, frozen=True, tag=True):
    """Cancel our orders and sell every position at market. ``confirm`` must be ``FLATTEN``."""

    confirm: str
    reason: str


class AcceptBalances(msgspec.Struct, frozen=True, tag=True):
    """Take the exchange's balances for the truth, by adjustments. ``confirm`` must be ``ACCEPT``."""

    confirm: str


class PauseCycles(msgspec.Struct, frozen=True, tag=True):
    """Stop running strategy cycles; exits on stops go on."""


class ResumeCycles(msgspec.Struct, frozen=True, tag=True):
    """Run strategy cycles again."""


class ChangeSetting(msgspec.Struct, frozen=True, tag=True):
    """Change one setting while the engine runs, and keep it in the profile's ``runtime.toml``.

    ``value`` is TOML, such as ``"dark"`` with its quotes, or ``4``.
    """

    key: str
    value: str


class ChangeSettings(msgspec.Struct, frozen=True, tag=True):
    """Change limits and strategies together, all or none, from the next cycle on, and keep them.

    ``changes`` maps dotted keys below ``risk`` and ``strategies`` to TOML values, ``""`` to the default
    again. What a strategy is (``type``, ``tag``, ``userref``) cannot be changed so.
    """

    changes: dict[str, str]


class EnableStrategy(msgspec.Struct, frozen=True, tag=True):
    """Let a strategy run, or not, from the next cycle on; also one that was disabled by an error.

    What it holds goes on being watched: stops, take-profits and trailing stops are not its own doing.
    """

    strategy_id: str
    enabled: bool


class IngestCandles(msgspec.Struct, frozen=True, tag=True):
    """Read missing candles from the exchange now, in one round; answered when it is over."""


class Shutdown(msgspec.Struct, frozen=True, tag=True):
    """Stop the engine in order."""

    reason: str


CoreCommand = (
    SetKillSwitch
    | ClearKillSwitch
    | CancelOrder
    | CancelAll
    | FlattenAll
    | AcceptBalances
    | PauseCycles
    | ResumeCycles
)
EngineCommand = CoreCommand | IngestCandles | Shutdown
Command = EngineCommand | ChangeSetting | ChangeSettings | EnableStrategy


class Answer(msgspec.Struct, frozen=True):
    """The engine's answer to a command.

    ``accepted`` means that it took effect or was durably started; else ``message`` says why not
    and what to do. Progress of started work (cancels, a flatten) shows in the views.
    """

    accepted: bool
    message: str
