"""What every check is handed: one profile, seen from one machine."""

from dataclasses import dataclass, field

from krakked_tui.config.load import Loaded
from krakked_tui.config.places import Places
from krakked_tui.credentials.resolve import Credentials
from krakked_tui.doctor.exchange import Exchange
from krakked_tui.doctor.surroundings import Surroundings
from krakked_tui.engine.redaction import Redactor


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """What came of looking for the API key.

    Without ``credentials``, ``why`` says why not; ``locked`` means that nobody gave the password,
    ``broken`` that something is wrong with the file or the password.
    """

    credentials: Credentials | None = None
    why: str = ""
    locked: bool = False
    broken: bool = False
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a check may look at. Shared by threads, so nothing here changes.

    ``loaded`` is None when the configuration is wrong: ``config_problems`` says how. ``exchange`` is None
    when it must not or cannot be asked: ``offline`` says why.
    """

    profile: str
    where: Places
    surroundings: Surroundings
    loaded: Loaded | None
    config_problems: tuple[str, ...] = ()
    exchange: Exchange | None = None
    offline: str = ""
    keys: KeyFacts = field(default_factory=KeyFacts)
    redactor: Redactor = field(default_factory=Redactor)
