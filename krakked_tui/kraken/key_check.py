"""What a failed call says about the key that made it, in sentences for whoever entered it."""

from enum import Enum
from typing import Final

import msgspec

from krakked_tui.domain.access import Permission
from krakked_tui.domain.errors import AccessError
from krakked_tui.kraken import error_codes
from krakked_tui.kraken.errors import (
    ErrorClass,
    KrakenError,
    KrakenProtocolError,
    NetworkError,
    NonceError,
    RateLimitError,
    Sent,
    printable,
)


class Fault(Enum):
    """What a failure is about."""

    KEY = "key"
    SECRET = "secret"  # noqa: S105 - what is at fault, not a secret
    NONCE = "nonce"
    PERMISSION = "permission"
    ACCOUNT = "account"
    RATE = "rate"
    SERVICE = "service"
    NETWORK = "network"
    OURSELVES = "ourselves"


REFUSALS: Final = frozenset({Fault.KEY, Fault.SECRET, Fault.NONCE, Fault.PERMISSION, Fault.ACCOUNT})
"""Faults that stay until a person changes something about the key or the account."""

NO_VERDICT: Final = "This says nothing about your key."


class KeyFailure(msgspec.Struct, frozen=True):
    """What went wrong, and what to do about it; ``advice`` may be several sentences."""

    fault: Fault
    headline: str
    advice: str

    @property
    def refused(self) -> bool:
        """Whether the exchange refused the key; if not, nothing is known about it."""
        return self.fault in REFUSALS


PERMISSION_NAMES: Final = {
    Permission.QUERY_FUNDS: "Query Funds",
    Permission.QUERY_OPEN: "Query Open Orders & Trades",
    Permission.QUERY_CLOSED: "Query Closed Orders & Trades",
    Permission.QUERY_LEDGER: "Query Ledger Entries",
    Permission.MODIFY: "Create & Modify Orders",
    Permission.CLOSE: "Cancel/Close Orders",
    Permission.WEBSOCKETS: "Access WebSockets API",
    Permission.ADD_FUNDS: "Deposit Funds",
    Permission.WITHDRAW: "Withdraw Funds",
}
"""What the permissions are called where keys are made at Kraken."""

_REFUSALS: Final = {
    "EAPI:Invalid key": KeyFailure(
        Fault.KEY,
        "Kraken does not know this API key.",
        "Copy the key once more from Kraken (Settings, API). If it is right there, it has been deleted or"
        " has expired, or it is limited to other IP addresses than this machine's.",
    ),
    "EAPI:Invalid signature": KeyFailure(
        Fault.SECRET,
        "The API secret does not belong to this API key.",
        "Copy the secret once more. Kraken shows it only when a key is made: if it is lost, make a new key.",
    ),
    error_codes.INVALID_NONCE: KeyFailure(
        Fault.NONCE,
        "Kraken refused the nonce: another program has used this key with larger ones.",
        "Make an API key for Krakked alone: every program needs its own. If no other program uses it, set"
        " the clock of this machine, and give the key a nonce window at Kraken (10 s is"
        " 10000000000 in the nanoseconds that Krakked counts in).",
    ),
    "EAPI:Bad request": KeyFailure(
        Fault.KEY,
        "Kraken could not make sense of the signed request.",
        "Copy key and secret once more. If it stays, something on the way (a proxy?) changes requests.",
    ),
    "EAPI:Feature disabled": KeyFailure(
        Fault.ACCOUNT,
        "Kraken has switched this feature off for the account.",
        "Look in your Kraken account for what it wants of you, or ask Kraken's support.",
    ),
    "EAuth:Account temporary disabled": KeyFailure(
        Fault.ACCOUNT,
        "Kraken has disabled the account for now.",
        "Unlock it: sign in at Kraken and follow what it says.",
    ),
    "EAuth:Account unconfirmed": KeyFailure(
        Fault.ACCOUNT,
        "The Kraken account is not confirmed yet.",
        "Confirm it: sign in at Kraken and follow what it says.",
    ),
    "EOrder:Trading agreement required": KeyFailure(
        Fault.ACCOUNT,
        "Kraken wants its trading agreement accepted first.",
        "Accept it in your Kraken account.",
    ),
    "EAccount:Invalid permissions": KeyFailure(
        Fault.ACCOUNT,
        "Kraken does not let this account do that.",
        "Its region or its verification does not allow it; see your Kraken account.",
    ),
    "ETrade:Locked": KeyFailure(
        Fault.ACCOUNT,
        "Kraken has locked the account.",
        "Unlock it in your Kraken account, or ask Kraken's support.",
    ),
    "ETrade:User Locked": KeyFailure(
        Fault.ACCOUNT,
        "Kraken has locked the account.",
        "Unlock it in your Kraken account, or ask Kraken's support.",
    ),
}
_PERMISSION_DENIED = "EGeneral:Permission denied"
_SESSIONS = frozenset({"EAPI:Invalid token", "ESession:Invalid session"})


def judge(error: KrakenError, needs: Permission) -> KeyFailure:
    """Say what the failure of a private call says about the key; ``needs`` is what the call needs."""
    if error.code == _PERMISSION_DENIED:
        return _denied(needs)
    return _REFUSALS.get(error.code) or _passing_trouble(error) or _other(error)


def _passing_trouble(error: KrakenError) -> KeyFailure | None:
    """Return what the error says when it is certainly not about the key, None for any other."""
    if isinstance(error, RateLimitError):
        return _rate(error)
    if isinstance(error, NetworkError):
        return _network(error)
    if isinstance(error, NonceError):
        trouble = printable(str(error))
        return _passing(Fault.OURSELVES, "Nothing was sent: there is no nonce to be had.", f"{trouble}.")
    if error.code in _SESSIONS:
        return _passing(Fault.SERVICE, f"Kraken ended the session ({error.code}).", "Try again.")
    return None


def _other(error: KrakenError) -> KeyFailure:
    # Also strings that nobody has listed: what Kraken files under access is about who asks.
    if isinstance(error, AccessError) or error.error_class is ErrorClass.AUTH:
        return KeyFailure(
            Fault.ACCOUNT,
            f"Kraken refused the key or the account: {_text(error)}.",
            "Look in your Kraken account, and at the key under Settings, API.",
        )
    return _service(error)


def _denied(needs: Permission) -> KeyFailure:
    name = PERMISSION_NAMES[needs]
    return KeyFailure(
        Fault.PERMISSION,
        f'The key lacks the permission "{name}" ({needs}).',
        f'Give the key "{name}" at Kraken (Settings, API). If it has it, the key wants a one-time'
        " password with every call, which Krakked cannot give: switch off two-factor authentication for"
        " this key.",
    )


def _rate(error: RateLimitError) -> KeyFailure:
    if error.code == error_codes.LOCKOUT:
        return _passing(
            Fault.RATE,
            "Kraken has locked out this key or this address for about 15 minutes.",
            "Stop every program that uses the key, wait 15 minutes, then try again: each call before that"
            " makes it longer.",
        )
    return _passing(
        Fault.RATE,
        f"Kraken refuses calls for their rate: {_text(error)}.",
        "Stop other programs that use this account or address, wait a minute, then try again.",
    )


def _network(error: NetworkError) -> KeyFailure:
    if error.sent is Sent.NO:
        return _passing(
            Fault.NETWORK,
            "There is no connection to Kraken.",
            "Check the network, the proxy or firewall, and this machine's clock; then try again.",
        )
    return _passing(
        Fault.NETWORK,
        f"Kraken gave no usable answer: {printable(str(error))}.",
        "Check https://status.kraken.com and the network; then try again.",
    )


def _service(error: KrakenError) -> KeyFailure:
    if isinstance(error, KrakenProtocolError):
        text = printable(str(error))
        return _passing(Fault.SERVICE, f"{text}.", "Try again; if it stays, look for a newer Krakked.")
    return _passing(
        Fault.SERVICE,
        f"Kraken could not serve the call: {_text(error)}.",
        "Check https://status.kraken.com; then try again.",
    )


def _passing(fault: Fault, headline: str, advice: str) -> KeyFailure:
    return KeyFailure(fault, headline, f"{NO_VERDICT} {advice}")


def _text(error: KrakenError) -> str:
    return printable(error.code or str(error))
