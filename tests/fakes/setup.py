"""Set-up without files and without an exchange: answers from a script, and a record of what was asked."""

import asyncio
import threading
from datetime import UTC, datetime
from decimal import Decimal
from typing import TypeVar

import msgspec

from krakked_tui.control.setup import (
    KeyCheck,
    KeyringState,
    KeyVerdict,
    PasswordStrength,
    PreviewPair,
    SetupChoices,
    SetupFacts,
    SetupSaved,
    UniversePreview,
)
from krakked_tui.domain.access import KeyAudit, Permission
from krakked_tui.domain.secret import Secret

T = TypeVar("T")

CHECKED_AT = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
TRADER = (
    Permission.QUERY_FUNDS, Permission.QUERY_OPEN, Permission.QUERY_CLOSED, Permission.QUERY_LEDGER,
    Permission.MODIFY, Permission.CLOSE, Permission.WEBSOCKETS,
)  # fmt: skip
HOME = "/home/me/.config/krakked"
FACTS = SetupFacts(
    profile="paper",
    exchange="api.kraken.com",
    config_file=f"{HOME}/config.toml",
    secrets_file=f"{HOME}/secrets.enc",
    secrets_exist=False,
    regions=("US_CA", "US_NY", "US_TX", "US_WA", "CA_ON", "EU", "GB"),
    default_region="US_CA",
    keyring=KeyringState(usable=True, detail="Secret Service"),
)
PREVIEW = UniversePreview(
    chosen=25,
    listed=612,
    pairs=tuple(
        PreviewPair(name, Decimal(last), Decimal(volume))
        for name, last, volume in (
            ("XBTUSD", "64120.1", "91234567.12"),
            ("ETHUSD", "3391.25", "45001234.5"),
            ("SOLUSD", "171.44", "21000000"),
            ("XRPUSD", "0.61231", "9876543.21"),
            ("DOGEUSD", "0.3821170", "5432109"),
        )
    ),
)
SAVED = SetupSaved(
    written=(
        f"{HOME}/secrets.enc: written, encrypted; the key is validated.",
        f"{HOME}/config.toml: written.",
    ),
    next_steps=("Start trading on paper: krakked-tui",),
)
SAVED_LIVE = SetupSaved(
    written=(
        f"{HOME}/secrets.enc: written, encrypted; the key is validated.",
        f"{HOME}/config.live.toml: written.",
        f"{HOME}/config.toml: written.",
    ),
    next_steps=(
        "Live trading stays locked until you have opened these locks yourself:",
        "(1) execution.allow_live is false: set it to true in the profile's configuration.",
        "Then start with: krakked-tui --profile live (you will be asked to type LIVE)",
    ),
)
STRENGTHS = ("hopeless", "weak", "fair", "good", "strong")


def audit(*held: Permission, unknown: tuple[Permission, ...] = (), **more: object) -> KeyAudit:
    """A key with these permissions, those of a trader when none are named."""
    known = KeyAudit(
        source="GetApiKeyInfo", checked_at=CHECKED_AT, held=held or TRADER, unknown=unknown, name="krakked"
    )
    return msgspec.structs.replace(known, **more)


def accepted() -> KeyCheck:
    """A key made for trading."""
    return KeyCheck(
        verdict=KeyVerdict.ACCEPTED,
        headline="Kraken accepted the key and let it read balances.",
        audit=audit(),
    )


def withdraws() -> KeyCheck:
    """A good key that can do too much."""
    found = audit(*TRADER, Permission.WITHDRAW, last_used=CHECKED_AT, ip_allowlist=("203.0.113.7",))
    return KeyCheck(
        verdict=KeyVerdict.ACCEPTED,
        headline="Kraken accepted the key and let it read balances.",
        audit=found,
        warnings=("The key can withdraw funds.", "Another tool used it a minute ago."),
    )


def partial() -> KeyCheck:
    """A key found out by probing that lacks something."""
    found = audit(
        Permission.QUERY_FUNDS, Permission.QUERY_OPEN, Permission.QUERY_CLOSED,
        unknown=(Permission.MODIFY, Permission.CLOSE),
    )  # fmt: skip
    return KeyCheck(
        verdict=KeyVerdict.ACCEPTED,
        headline="Kraken accepted the key and let it read balances.",
        advice="Tick what is missing at Kraken before live trading.",
        audit=found,
        warnings=("It cannot place orders for certain.",),
    )


def refused() -> KeyCheck:
    """A key that the exchange does not know."""
    return KeyCheck(
        verdict=KeyVerdict.REFUSED,
        headline="Kraken says: EAPI:Invalid key.",
        advice="Copy the key again; it may have been deleted at Kraken.",
    )


def malformed() -> KeyCheck:
    """Text that is no key."""
    return KeyCheck(
        verdict=KeyVerdict.MALFORMED,
        headline="The secret is not valid base64.",
        advice="Copy it again, all of it.",
    )


def unreachable() -> KeyCheck:
    """A key that nobody could ask about."""
    return KeyCheck(
        verdict=KeyVerdict.UNREACHABLE,
        headline="api.kraken.com did not answer in 10 s.",
        advice="Look at the network and at status.kraken.com.",
    )


class FakeSetup:
    """Implements ``SetupService``. Each script is used up from the front; the last entry stays.

    ``hold`` keeps every answer back until it is set.
    """

    def __init__(
        self,
        facts: SetupFacts = FACTS,
        *,
        checks: list[KeyCheck | Exception] | None = None,
        previews: list[UniversePreview | Exception] | None = None,
        saves: list[SetupSaved | Exception] | None = None,
    ) -> None:
        self._facts = facts
        self._checks = checks or [accepted()]
        self._previews = previews or [PREVIEW]
        self._saves = saves or [SAVED]
        self.hold: asyncio.Event | None = None
        self.checked: list[tuple[Secret, Secret]] = []
        self.saved: list[SetupChoices] = []
        self.previewed = 0
        self.cancelled = 0
        self.closed = False
        self.strength: PasswordStrength | Exception | None = None
        self.gate: threading.Semaphore | None = None
        self.judged: list[Secret] = []

    @property
    def facts(self) -> SetupFacts:
        """As given."""
        return self._facts

    def password_strength(self, password: Secret) -> PasswordStrength:
        """Judge by length alone, unless told otherwise; with a gate, only once that lets it through."""
        self.judged.append(password)
        if self.gate is not None:
            self.gate.acquire()
        if isinstance(self.strength, Exception):
            raise self.strength
        score = min(4, len(password.reveal()) // 4)
        return self.strength or PasswordStrength(score, STRENGTHS[score], "" if score > 2 else "Add words.")

    async def check_key(self, api_key: Secret, api_secret: Secret) -> KeyCheck:
        """Answer from the script."""
        self.checked.append((api_key, api_secret))
        await self._wait()
        return _next(self._checks)

    async def preview_universe(self) -> UniversePreview:
        """Answer from the script."""
        self.previewed += 1
        await self._wait()
        return _next(self._previews)

    async def save(self, choices: SetupChoices) -> SetupSaved:
        """Answer from the script."""
        self.saved.append(choices)
        await self._wait()
        return _next(self._saves)

    async def close(self) -> None:
        """Remember it."""
        self.closed = True

    async def _wait(self) -> None:
        if self.hold is not None:
            try:
                await self.hold.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise


def _next(script: list[T | Exception]) -> T:
    answer = script.pop(0) if len(script) > 1 else script[0]
    if isinstance(answer, Exception):
        raise answer
    return answer
