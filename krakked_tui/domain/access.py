"""What an API key may do at the exchange, as far as it is known."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Permission(StrEnum):
    """The permissions of a key, in the words of Kraken's ``GetApiKeyInfo``."""

    QUERY_FUNDS = "query-funds"
    QUERY_OPEN = "query-open-trades"
    QUERY_CLOSED = "query-closed-trades"
    QUERY_LEDGER = "query-ledger"
    MODIFY = "modify-trades"
    CLOSE = "close-trades"
    WEBSOCKETS = "create-ws-token"
    ADD_FUNDS = "add-funds"
    WITHDRAW = "withdraw-funds"


class KeyAudit(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a key. Times are exchange time, UTC; None where there is none.

    A permission in neither ``held`` nor ``unknown`` is missing. ``source`` says how it was found out:
    ``GetApiKeyInfo`` or ``probing``, which cannot tell everything.
    """

    source: str
    checked_at: datetime
    held: tuple[Permission, ...] = ()
    unknown: tuple[Permission, ...] = ()
    others: tuple[str, ...] = ()
    """Permissions of Kraken's that we have no name for."""
    name: str = ""
    """What the key is called at Kraken. Untrusted text."""
    nonce_window: int = 0
    """In nanoseconds, as the nonces are."""
    valid_until: datetime | None = None
    query_from: datetime | None = None
    query_to: datetime | None = None
    ip_allowlist: tuple[str, ...] = ()
    last_used: datetime | None = None
    """Its last use before this audit."""

    @property
    def missing(self) -> tuple[Permission, ...]:
        """What the key certainly may not do."""
        return tuple(each for each in Permission if each not in self.held and each not in self.unknown)

    @property
    def can_withdraw(self) -> bool:
        """Whether the key can, or for all that is known could, move money out of the account.

        A permission that we have no name for might let it.
        """
        return Permission.WITHDRAW in self.held or Permission.WITHDRAW in self.unknown or bool(self.others)


class Feature(msgspec.Struct, frozen=True):
    """Something Krakked does for which a key needs permissions, all of them."""

    name: str
    needs: tuple[Permission, ...]
    for_live: bool = True
    """Whether live trading is refused without it."""


FEATURES: tuple[Feature, ...] = (
    Feature("reading balances", (Permission.QUERY_FUNDS,)),
    Feature("following open orders", (Permission.QUERY_OPEN,)),
    Feature("finding ended orders and trades", (Permission.QUERY_CLOSED,)),
    Feature("explaining balances by deposits, withdrawals and fees", (Permission.QUERY_LEDGER,)),
    Feature("placing orders", (Permission.MODIFY,)),
    Feature("canceling orders", (Permission.CLOSE,)),
    Feature("hearing of fills at once", (Permission.WEBSOCKETS,)),
)
"""Everything a trader needs. Adding and withdrawing funds is never among it."""


def lost_features(audit: KeyAudit) -> tuple[Feature, ...]:
    """Return the features a key certainly lacks a permission for."""
    missing = frozenset(audit.missing)
    return tuple(feature for feature in FEATURES if missing & frozenset(feature.needs))
