"""One REST call, and the row of the endpoint table that answers it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.keys import Key
from krakked_tui.sandbox.params import Params
from krakked_tui.sandbox.signing import Gatekeeper


class View(msgspec.Struct, frozen=True):
    """How a call sees the exchange: later orders, trades and ledger rows are as if they were not there yet.

    ``skew`` is what its clock is off by.
    """

    orders_until: datetime | None = None
    trades_until: datetime | None = None
    entries_until: datetime | None = None
    skew: timedelta = timedelta()


ALL = View()


class Call(msgspec.Struct, frozen=True):
    """What an endpoint gets to see. ``at`` is exchange time, up to which the exchange has caught up.

    ``key`` is the caller's, None in a public call.
    """

    exchange: Exchange
    gatekeeper: Gatekeeper
    params: Params
    at: datetime
    key: Key | None = None
    view: View = ALL


class Endpoint(msgspec.Struct, frozen=True):
    """One REST method: its name, its answer (``result``), and the parameters it knows.

    ``needs`` are the key permissions of which a private endpoint wants at least one, in the words of
    GetApiKeyInfo; ``also`` are those it wants besides, every one. ``cost`` is what it adds to the
    private rate counter.
    """

    name: str
    answer: Callable[[Call], object]
    accepts: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    cost: int = 1


EVERYWHERE = frozenset(("nonce", "otp"))
"""Parameters that any private call may carry."""
