"""What an API key may do, in the words of GetApiKeyInfo."""

from collections.abc import Iterable
from typing import Final

from krakked_tui.sandbox.faults import PERMISSION_DENIED, ApiError

QUERY_FUNDS: Final = "query-funds"
ADD_FUNDS: Final = "add-funds"
WITHDRAW_FUNDS: Final = "withdraw-funds"
QUERY_OPEN: Final = "query-open-trades"
QUERY_CLOSED: Final = "query-closed-trades"
MODIFY: Final = "modify-trades"
CLOSE: Final = "close-trades"
QUERY_LEDGER: Final = "query-ledger"
WEBSOCKETS: Final = "create-ws-token"

PERMISSIONS: Final = (
    QUERY_FUNDS,
    ADD_FUNDS,
    WITHDRAW_FUNDS,
    QUERY_OPEN,
    QUERY_CLOSED,
    MODIFY,
    CLOSE,
    QUERY_LEDGER,
    WEBSOCKETS,
)

TRADING_PERMISSIONS: Final = (
    QUERY_FUNDS,
    QUERY_OPEN,
    QUERY_CLOSED,
    MODIFY,
    CLOSE,
    QUERY_LEDGER,
    WEBSOCKETS,
)
"""What a key gets unless told otherwise: all a trader needs, and no way to move money in or out."""


def check_permissions(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names in Kraken's order; ``ValueError`` with a sentence when one is unknown."""
    chosen = set(names)
    unknown = chosen - set(PERMISSIONS)
    if unknown:
        raise ValueError(f"there is no permission {min(unknown)}; there are {', '.join(PERMISSIONS)}")
    return tuple(name for name in PERMISSIONS if name in chosen)


def require_any(held: Iterable[str], needs: tuple[str, ...]) -> None:
    """Let a call pass whose key has one of ``needs`` (or that needs none), or raise ``ApiError``."""
    if needs and not set(needs) & set(held):
        raise ApiError(PERMISSION_DENIED)


def require_all(held: Iterable[str], needs: Iterable[str]) -> None:
    """Let a call pass whose key has every one of ``needs``, or raise ``ApiError``."""
    if not set(needs) <= set(held):
        raise ApiError(PERMISSION_DENIED)
