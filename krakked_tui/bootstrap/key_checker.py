"""Asking the exchange about a key, with an answer in any case and within bounded time."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from krakked_tui.bootstrap.key_words import key_warnings
from krakked_tui.bootstrap.profiles import nonce_path
from krakked_tui.bootstrap.unlock import exchange_name
from krakked_tui.config.places import Places
from krakked_tui.control.setup import KeyCheck, KeyVerdict
from krakked_tui.domain.access import KeyAudit, Permission
from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.secret import Secret
from krakked_tui.engine.clock import ExchangeClock, utc_now
from krakked_tui.kraken import endpoints
from krakked_tui.kraken.errors import KrakenError
from krakked_tui.kraken.key_audit import audit_key
from krakked_tui.kraken.key_check import NO_VERDICT, judge
from krakked_tui.kraken.key_form import form_problem, tidied
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.nonce import NonceSource
from krakked_tui.kraken.rest import KrakenRest
from krakked_tui.kraken.settings import ConnectionSettings, is_kraken, is_loopback
from krakked_tui.storage.nonces import NonceFile

CHECK_SECONDS = 20.0
"""Longest that a check takes (wall seconds), whatever the exchange does."""

NONCES_AHEAD = (
    "Another program has used this key with larger nonces, which had to be jumped. Should it go on, one"
    " of the two is locked out: make a key for Krakked alone."
)
_NO_LOG = logging.NullHandler()
_AHEAD_NS = 3600 * 10**9
_COPY_AGAIN = "Copy both once more from Kraken (Settings, API); nothing was sent."


class KeyChecker:
    """Checks key pairs at one exchange, each over a connection of its own."""

    def __init__(
        self,
        where: Places,
        settings: ConnectionSettings,
        *,
        seconds: float = CHECK_SECONDS,
        confirmed_host: str = "",
        clock: Callable[[], ExchangeClock] = ExchangeClock,
        make_rest: Callable[..., KrakenRest] = KrakenRest,
    ) -> None:
        """``make_rest`` takes what ``KrakenRest`` takes.

        ``confirmed_host`` is what a person typed who was asked for the name of a host that is neither
        Kraken nor this machine: without it no key is sent there.
        """
        # What the client logs meanwhile is in the outcome; without a log it would go to the terminal.
        logging.getLogger("krakked_tui").addHandler(_NO_LOG)
        self._where = where
        self._settings = settings
        self._seconds = seconds
        self._confirmed_host = confirmed_host
        self._clock = clock
        self._make_rest = make_rest

    @property
    def exchange(self) -> str:
        """The host that keys are checked at."""
        return exchange_name(self._settings)

    @property
    def at_kraken(self) -> bool:
        """Whether that is Kraken itself."""
        return is_kraken(self._settings.rest_url)

    @property
    def objection(self) -> str:
        """Why no key is sent there, a sentence; empty when keys may be."""
        host = other_host(self._settings)
        if not host or self._confirmed_host == host:
            return ""
        return (
            f"{host} is neither Kraken nor this machine, so no key was sent there: to allow that, run"
            " krakked-tui setup in a terminal, which asks for the host's name"
        )

    async def check(self, api_key: Secret, api_secret: Secret) -> KeyCheck:
        """Check the form of a key pair, then ask the exchange. Raises nothing but cancellation.

        The record of nonces is the one that the program will use, so that what is sent here comes
        before everything it sends later.
        """
        api_key, api_secret = tidied(api_key), tidied(api_secret)
        problem = form_problem(api_key, api_secret)
        if problem:
            return KeyCheck(verdict=KeyVerdict.MALFORMED, headline=problem, advice=_COPY_AGAIN)
        if self.objection:
            return KeyCheck(verdict=KeyVerdict.UNREACHABLE, headline=f"{self.objection}.", advice=NO_VERDICT)
        key = ApiKey(api_key.reveal(), api_secret.reveal())
        path = nonce_path(self._where, key)
        try:
            last_signed, file = await asyncio.to_thread(_open, path)
        except StorageError as error:
            return _unreachable("Nothing was sent: the record of nonces cannot be used.", f"{error}.")
        try:
            async with asyncio.timeout(self._seconds):
                return await self._asked(key, file, last_signed)
        except TimeoutError:
            return _unreachable(
                f"{self.exchange} gave no answer within {self._seconds:g} s.",
                "Check https://status.kraken.com and the network; then try again.",
            )
        finally:
            file.close()

    async def _asked(self, key: ApiKey, file: NonceFile, last_signed: datetime | None) -> KeyCheck:
        clock = self._clock()
        nonces = NonceSource(time.time_ns, file)
        rest = self._make_rest(self._settings, clock, key=key, nonces=nonces)
        audit: KeyAudit | None = None
        warnings: tuple[str, ...] = ()
        try:
            await _set(clock, rest)
            audit = await audit_key(rest, clock.now)
            warnings = key_warnings(audit, _by_exchange(clock, last_signed))
            await rest.call(endpoints.BALANCE_EX)
            if await asyncio.to_thread(_runs_ahead, nonces):
                warnings += (NONCES_AHEAD,)
        except KrakenError as error:
            return _failed(error, audit, warnings)
        finally:
            await rest.close()
        return KeyCheck(
            verdict=KeyVerdict.ACCEPTED,
            headline=f"{self.exchange} accepts the key and let it read the balances.",
            audit=audit,
            warnings=warnings,
        )


def other_host(settings: ConnectionSettings) -> str:
    """Return the exchange's host when it is neither Kraken nor this machine; else empty."""
    url = settings.rest_url
    return "" if is_kraken(url) or is_loopback(url) else exchange_name(settings)


def _runs_ahead(nonces: NonceSource) -> bool:
    """Say whether a stranger's nonces had to be jumped, now or not long ago."""
    try:
        return nonces.next() - time.time_ns() > _AHEAD_NS
    except StorageError:
        return False


async def _set(clock: ExchangeClock, rest: KrakenRest) -> None:
    """Set the clock by the exchange's, as a run does."""
    asked = clock.monotonic()
    clock.synchronise(await rest.server_time(), asked, clock.monotonic())


def _open(path: Path) -> tuple[datetime | None, NonceFile]:
    """Open a key's nonces; return also when anything on this machine signed with it last."""
    try:
        last_signed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        last_signed = None
    return last_signed, NonceFile(path)


def _by_exchange(clock: ExchangeClock, at: datetime | None) -> datetime | None:
    """Return the exchange's time at an instant of this machine's."""
    return None if at is None else clock.now() - (utc_now() - at) * clock.speed


def _failed(error: KrakenError, audit: KeyAudit | None, warnings: tuple[str, ...]) -> KeyCheck:
    failure = judge(error, Permission.QUERY_FUNDS)
    if not failure.refused:
        return KeyCheck(verdict=KeyVerdict.UNREACHABLE, headline=failure.headline, advice=failure.advice)
    return KeyCheck(
        verdict=KeyVerdict.REFUSED,
        headline=failure.headline,
        advice=failure.advice,
        audit=audit,
        warnings=warnings,
    )


def _unreachable(headline: str, advice: str) -> KeyCheck:
    return KeyCheck(verdict=KeyVerdict.UNREACHABLE, headline=headline, advice=f"{NO_VERDICT} {advice}")
