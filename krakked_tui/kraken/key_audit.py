"""What an API key may do: asked for, or else found out by calls that can change nothing."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Final

import msgspec

from krakked_tui.domain.access import KeyAudit, Permission
from krakked_tui.kraken import endpoints, wire
from krakked_tui.kraken.errors import (
    AuthError,
    ErrorClass,
    KrakenError,
    NetworkError,
    NonceError,
    PermissionDeniedError,
    RateLimitError,
    printable,
)
from krakked_tui.kraken.nonce import NONCE_MAX
from krakked_tui.kraken.rest import KrakenRest

ASKED: Final = "GetApiKeyInfo"
PROBED: Final = "probing"

RECENT: Final = timedelta(minutes=15)
"""A use of the key this shortly before an audit is worth a word."""
OURS: Final = timedelta(seconds=5)
"""How far apart two tellings of one use may be: Kraken rounds to seconds, and clocks differ."""

_NAME_CHARS = 64
_LISTED_MAX = 20
_PERMISSION_DENIED = "EGeneral:Permission denied"
_UNKNOWN_METHOD = "EGeneral:Unknown method"


class Finding(Enum):
    """What the answer to a probe proves about a permission."""

    HELD = "held"
    MISSING = "missing"
    UNKNOWN = "unknown"


class Probe(msgspec.Struct, frozen=True):
    """A call that needs a permission and can change nothing, whether or not it is allowed.

    ``enough`` are permissions of which each would let the call pass too: with one of them its success
    proves nothing. ``also`` are needed besides: without them its refusal proves nothing.
    """

    permission: Permission
    method: str
    params: tuple[tuple[str, str], ...] = ()
    enough: tuple[Permission, ...] = ()
    also: tuple[Permission, ...] = ()


_HARMLESS_ORDER = (
    ("validate", "true"),
    ("pair", "XBTUSD"),
    ("type", "buy"),
    ("ordertype", "limit"),
    ("price", "1"),
    # Far below every order minimum: were it not only validated, it would be refused.
    ("volume", "0.00000001"),
)

PROBES: Final[tuple[Probe, ...]] = (
    Probe(Permission.QUERY_FUNDS, "BalanceEx"),
    Probe(Permission.QUERY_OPEN, "OpenOrders"),
    Probe(Permission.QUERY_CLOSED, "ClosedOrders"),
    Probe(Permission.QUERY_LEDGER, "Ledgers"),
    Probe(Permission.WEBSOCKETS, "GetWebSocketsToken"),
    Probe(Permission.MODIFY, "AddOrder", _HARMLESS_ORDER),
    # Neither 0 nor 1 is a digit of Kraken's ids.
    Probe(
        Permission.CLOSE,
        "CancelOrder",
        (("txid", "O00000-00000-000000"),),
        enough=(Permission.MODIFY,),
    ),
    Probe(
        Permission.WITHDRAW,
        "WithdrawInfo",
        (("asset", "XBT"), ("key", "no such withdrawal key (permission check)"), ("amount", "0.00000001")),
        also=(Permission.QUERY_FUNDS,),
    ),
)
"""In the order in which they are made; whatever a probe builds on comes before it."""


async def audit_key(rest: KrakenRest, now: Callable[[], datetime]) -> KeyAudit:
    """Find out what the key of ``rest`` may do; nothing at the exchange changes by it.

    ``now`` is exchange time. The key must not have been used through ``rest`` before, or its last use
    by others is not known. Raises ``KrakenError`` when nothing can be found out: the key, its signature
    or its nonce is refused, or there is no answer. A key without any permission is no error.
    """
    asked_at = now()
    try:
        info = await rest.call(endpoints.GET_API_KEY_INFO)
    except (AuthError, NetworkError, NonceError, RateLimitError):
        raise
    except KrakenError:
        # Kraken's answer is a surprise, but it answers: see what else it says.
        return await _by_probing(rest, now)
    return audit_of(info, asked_at)


def audit_of(info: wire.ApiKeyInfo, asked_at: datetime) -> KeyAudit:
    """Return what Kraken's own account of a key says. ``asked_at``: exchange time of the question."""
    names = frozenset(name.strip().lower() for name in info.permissions)
    last_used = _instant(info.last_used)
    if last_used is not None and last_used > asked_at - OURS:
        # That is the question itself.
        last_used = None
    return KeyAudit(
        source=ASKED,
        checked_at=asked_at,
        held=tuple(each for each in Permission if each in names),
        others=_listed(sorted(names - frozenset(Permission))),
        name=printable(info.api_key_name, _NAME_CHARS),
        nonce_window=min(int(info.nonce_window), NONCE_MAX) if _is_number(info.nonce_window) else 0,
        valid_until=_instant(info.valid_until),
        query_from=_instant(info.query_from),
        query_to=_instant(info.query_to),
        ip_allowlist=_listed(info.ip_allowlist),
        last_used=last_used,
    )


def used_by_another(audit: KeyAudit, own_use: datetime | None) -> bool:
    """Say whether something else than we used the key shortly before its audit.

    ``own_use`` is when we used it last before the audit (exchange time), None for never.
    """
    if audit.last_used is None or audit.last_used < audit.checked_at - RECENT:
        return False
    return own_use is None or audit.last_used > own_use + OURS


def finding(error: KrakenError | None) -> Finding:
    """Say what an answer (None: success) proves about the permission that its call needs.

    Kraken looks at the permission before it looks at the parameters and at the state of the market.
    """
    if error is None:
        return Finding.HELD
    if error.code == _PERMISSION_DENIED:
        return Finding.MISSING
    judged = error.listed and error.error_class is ErrorClass.PERMANENT
    return Finding.HELD if judged and error.code != _UNKNOWN_METHOD else Finding.UNKNOWN


async def _by_probing(rest: KrakenRest, now: Callable[[], datetime]) -> KeyAudit:
    checked_at = now()
    found = dict.fromkeys(Permission, Finding.UNKNOWN)
    for probe in PROBES:
        error = await _answer(rest, probe)
        if _tells_nothing(error):
            if probe is PROBES[0] and error is not None:
                raise error
            if isinstance(error, RateLimitError | AuthError):
                # Every further call would make it worse.
                break
        found[probe.permission] = _proven(probe, finding(error), found)
    return KeyAudit(
        source=PROBED,
        checked_at=checked_at,
        held=tuple(_those(found, Finding.HELD)),
        unknown=tuple(_those(found, Finding.UNKNOWN)),
    )


async def _answer(rest: KrakenRest, probe: Probe) -> KrakenError | None:
    """Make a probing call; return what went wrong with it."""
    params = dict(probe.params)
    assert probe.method != "AddOrder" or params.get("validate") == "true", "a probe never places an order"
    try:
        # As plain values: whatever a success looks like, it is one.
        await rest.private(probe.method, params)
    except KrakenError as error:
        return error.with_traceback(None)
    return None


def _tells_nothing(error: KrakenError | None) -> bool:
    return finding(error) is Finding.UNKNOWN and not isinstance(error, PermissionDeniedError)


def _proven(probe: Probe, seen: Finding, found: dict[Permission, Finding]) -> Finding:
    """Return what a finding proves, given what other permissions may have brought it about."""
    if seen is Finding.HELD and any(found[each] is not Finding.MISSING for each in probe.enough):
        return Finding.UNKNOWN
    if seen is Finding.MISSING and any(found[each] is not Finding.HELD for each in probe.also):
        return Finding.UNKNOWN
    return seen


def _those(found: dict[Permission, Finding], wanted: Finding) -> Iterator[Permission]:
    return (permission for permission, seen in found.items() if seen is wanted)


def _listed(texts: Sequence[str]) -> tuple[str, ...]:
    return tuple(printable(text, _NAME_CHARS) for text in texts[:_LISTED_MAX])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 20


def _instant(text: str) -> datetime | None:
    """Read unix seconds; None for "0" and for what is no instant of ours."""
    seconds, _, fraction = text.partition(".")
    if not _is_number(seconds) or (fraction and not _is_number(fraction)) or int(seconds) == 0:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (OverflowError, OSError, ValueError):
        return None
