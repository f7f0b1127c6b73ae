"""From the bytes of a REST reply to its typed result, or to the error it is."""

from datetime import datetime
from typing import TypeVar

import msgspec

from krakked_tui.kraken import error_codes
from krakked_tui.kraken.endpoints import Endpoint
from krakked_tui.kraken.errors import KrakenProtocolError, NetworkError, RateLimitError, Sent, printable

T = TypeVar("T")

_OK = 200
_TOO_MANY_REQUESTS = 429
_BACK_OFF_SECONDS = 5.0


class _Envelope(msgspec.Struct):
    """Around every result. ``result`` may be missing on failure."""

    error: list[str]
    result: msgspec.Raw = msgspec.Raw(b"null")


_ENVELOPE = msgspec.json.Decoder(_Envelope)


def result(endpoint: Endpoint[T], status: int, body: bytes, what: str, now: datetime) -> T:
    """Return the result of a reply. ``what`` names the request in messages; ``now``: exchange time.

    Raises ``RateLimitError`` for HTTP 429; ``NetworkError`` (sent: maybe) for any other status but
    200 and for a body that is not JSON, because then a gateway answered in Kraken's place; what
    ``error_codes`` makes of Kraken's own errors; ``KrakenProtocolError`` when a field is missing or
    mistyped.
    """
    if status == _TOO_MANY_REQUESTS:
        raise RateLimitError(f"Kraken refused {what}: HTTP 429", retry_after=_BACK_OFF_SECONDS)
    if status != _OK:
        raise NetworkError(f"{what} was answered by a gateway: HTTP {status}", Sent.MAYBE)
    try:
        envelope = _ENVELOPE.decode(body)
        failures = [text for text in envelope.error if not text.startswith("W")]
        if failures:
            raise error_codes.classify(failures, what, now)
        return endpoint.reply.decode(envelope.result)
    except msgspec.ValidationError as error:
        message = f"The reply to {what} is not what Kraken documents: {printable(str(error))}"
        raise KrakenProtocolError(message) from error.with_traceback(None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = f"The reply to {what} is not JSON"
        raise NetworkError(message, Sent.MAYBE) from error.with_traceback(None)
