"""First-run set-up as its screens and its prompts see it: what can be asked, checked and saved.

The flow: choose the mode, optionally enter a key and have it checked, choose a master password for it,
look at the universe, save.
"""

from decimal import Decimal
from enum import StrEnum
from typing import Protocol

import msgspec

from krakked_tui.domain.access import KeyAudit
from krakked_tui.domain.secret import Secret


class KeyVerdict(StrEnum):
    """What came of checking a key."""

    ACCEPTED = "accepted"
    """The exchange let it read balances."""
    MALFORMED = "malformed"
    """It cannot be a key pair of Kraken's; nothing was sent."""
    REFUSED = "refused"
    """The exchange said no: the key, its secret, its nonce or a missing permission is at fault."""
    UNREACHABLE = "unreachable"
    """Nobody knows: the network or the exchange failed, which says nothing about the key."""


class KeyCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Outcome of a check, in sentences for a person; no part of the key is in it.

    ``headline`` says what happened, ``advice`` what to do about it. ``warnings`` come with accepted
    keys too: that it can withdraw, what it cannot do, that another tool used it.
    """

    verdict: KeyVerdict
    headline: str
    advice: str = ""
    audit: KeyAudit | None = None
    warnings: tuple[str, ...] = ()

    @property
    def may_be_saved(self) -> bool:
        """Whether a key with this outcome is saved without being forced: good ones, and untried ones."""
        return self.verdict in {KeyVerdict.ACCEPTED, KeyVerdict.UNREACHABLE}


class PasswordStrength(msgspec.Struct, frozen=True):
    """How hard a master password is to guess: ``score`` from 0 (hopeless) to 4 (strong)."""

    score: int
    words: str
    advice: str = ""

    @property
    def enough(self) -> bool:
        """Whether it may be used: a score of 2 is the least."""
        return self.score >= 2


class KeyringState(msgspec.Struct, frozen=True):
    """Whether the operating system can keep the master password; ``detail`` names it or says why not."""

    usable: bool
    detail: str


class SetupMode(StrEnum):
    """What the operator sets up."""

    PAPER = "paper"
    LIVE = "live"


class PreviewPair(msgspec.Struct, frozen=True):
    """One pair of the universe. Prices and volumes in the quote asset. Untrusted text in ``name``."""

    name: str
    last: Decimal
    volume_24h: Decimal


class UniversePreview(msgspec.Struct, frozen=True):
    """What would be traded: ``chosen`` of ``listed`` USD pairs, the most traded ones in ``pairs``.

    ``trouble`` says why there is no preview, empty when there is.
    """

    chosen: int = 0
    listed: int = 0
    pairs: tuple[PreviewPair, ...] = ()
    trouble: str = ""


class SetupChoices(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be saved. Without a key there is no password either.

    ``forced`` saves a key although the exchange refused it.
    """

    mode: SetupMode
    region: str
    api_key: Secret | None = None
    api_secret: Secret | None = None
    check: KeyCheck | None = None
    forced: bool = False
    password: Secret | None = None
    remember_password: bool = False


class SetupSaved(msgspec.Struct, frozen=True):
    """What was written, and what to do next; each a sentence."""

    written: tuple[str, ...]
    next_steps: tuple[str, ...] = ()


class SetupFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What set-up starts from. ``exchange`` is the host that keys are checked at."""

    profile: str
    exchange: str
    config_file: str
    secrets_file: str
    secrets_exist: bool
    regions: tuple[str, ...]
    default_region: str
    keyring: KeyringState
    environment_key: str = ""
    """Says that, or why not, the key of the environment variables is used; empty without them."""


class SetupService(Protocol):
    """What set-up can do. Safe to use from the screen's loop: nothing here blocks it."""

    @property
    def facts(self) -> SetupFacts:
        """What is known before anything was asked."""
        ...

    def password_strength(self, password: Secret) -> PasswordStrength:
        """Judge a master password, locally and quickly."""
        ...

    async def check_key(self, api_key: Secret, api_secret: Secret) -> KeyCheck:
        """Check the form of a key pair, then ask the exchange. Raises nothing but cancellation."""
        ...

    async def preview_universe(self) -> UniversePreview:
        """Read what would be traded from the exchange. Raises nothing but cancellation."""
        ...

    async def save(self, choices: SetupChoices) -> SetupSaved:
        """Write configuration and secrets; both are whole or as before.

        Raises ``RefusedError`` for choices that are not allowed (a refused key that is not forced, a
        weak password, an unknown region) and ``StorageError``; nothing is written then.
        """
        ...

    async def close(self) -> None:
        """Close connections."""
        ...
