"""What can go wrong between us and Kraken.

ExchangeError (domain)
    KrakenError                    base; ``error_class`` says what a state-changing call may conclude
        NetworkError               no usable answer; ``sent`` says how far the request got
        RateLimitError             refused for its rate, not executed (also the domain's ``RateLimitedError``)
        NonceError                 no nonce can be promised, so nothing was signed or sent
        AuthError                  the key, its signature or its nonce (also the domain's ``AccessError``)
        PermissionDeniedError      the key or the account may not do this (``AccessError`` too)
        ServiceUnavailableError    the exchange cannot, now
        OrderRejectedError         the trading engine turned an order request down; ``code`` says why
        InvalidArgumentsError      the request is wrong
        PairNotListedError         no such pair (also the domain's ``UnknownPairError``)
        KrakenProtocolError        an answer that is not what the protocol says

No message, attribute or traceback of these holds a key, a signature, a nonce or a token.
"""

from enum import StrEnum

from krakked_tui.domain.errors import AccessError, ExchangeError, RateLimitedError, UnknownPairError


class ErrorClass(StrEnum):
    """What an error proves about a request that changes something at the exchange."""

    PERMANENT = "permanent"
    """Refused; the same request will be refused again."""
    AUTH = "auth"
    """Refused for who asked; nothing will work until a person changes something."""
    RATE = "rate"
    """Not executed; may be sent again later."""
    NOT_EXECUTED = "not_executed"
    """Not executed for a passing reason; may be sent again."""
    AMBIGUOUS = "ambiguous"
    """Nobody can say; the exchange must be asked."""


class Sent(StrEnum):
    """How far a request got before the connection failed it."""

    NO = "no"
    """Provably not one byte reached the exchange."""
    MAYBE = "maybe"
    """It may have arrived and may have been executed."""
    YES = "yes"
    """It arrived: an answer began, and broke off."""


class KrakenError(ExchangeError):
    """Something went wrong with one request.

    ``code`` is Kraken's own error string up to its variable detail, empty when there was none;
    ``listed`` is False for a string we do not know; ``retry_after`` is in wall seconds.
    """

    default_class = ErrorClass.AMBIGUOUS

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        error_class: ErrorClass | None = None,
        retry_after: float = 0.0,
        listed: bool = True,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.error_class = error_class or self.default_class
        self.retry_after = retry_after
        self.listed = listed


class NetworkError(KrakenError):
    """There is no usable answer."""

    def __init__(self, message: str, sent: Sent) -> None:
        proven = ErrorClass.NOT_EXECUTED if sent is Sent.NO else ErrorClass.AMBIGUOUS
        super().__init__(message, error_class=proven)
        self.sent = sent


class RateLimitError(KrakenError, RateLimitedError):
    """Too many requests; this one was not executed."""

    default_class = ErrorClass.RATE


class NonceError(KrakenError):
    """Our own record of nonces cannot be used; the message says why. Nothing was sent."""

    default_class = ErrorClass.NOT_EXECUTED


class AuthError(KrakenError, AccessError):
    """The key, its signature or its nonce was not accepted."""

    default_class = ErrorClass.AUTH


class PermissionDeniedError(KrakenError, AccessError):
    """The key or the account is not allowed to do this."""

    default_class = ErrorClass.AUTH


class ServiceUnavailableError(KrakenError):
    """The exchange cannot serve this now."""


class OrderRejectedError(KrakenError):
    """The trading engine turned an order request down; final unless ``error_class`` says otherwise."""

    default_class = ErrorClass.PERMANENT


class InvalidArgumentsError(KrakenError):
    """The request itself is wrong."""

    default_class = ErrorClass.PERMANENT


class PairNotListedError(KrakenError, UnknownPairError):
    """Kraken lists no such pair (any more)."""

    default_class = ErrorClass.PERMANENT


class KrakenProtocolError(KrakenError):
    """An answer misses a field, or a field has the wrong type; the message names it."""


def printable(text: str, limit: int = 200) -> str:
    """Return text from outside so that it is safe to show: printable, one line, bounded."""
    shown = "".join(char if char.isprintable() else "?" for char in text[:limit])
    return shown + "..." if len(text) > limit else shown
