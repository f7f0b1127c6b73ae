"""One REST call, and the row of the endpoint table that answers it."""

from collections.abc import Callable
from datetime import datetime

import msgspec

from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.params import Params
from krakked_tui.sandbox.signing import Gatekeeper


class Call(msgspec.Struct, frozen=True):
    """What an endpoint gets to see. ``at`` is exchange time, up to which the exchange has caught up."""

    exchange: Exchange
    gatekeeper: Gatekeeper
    params: Params
    at: datetime


class Endpoint(msgspec.Struct, frozen=True):
    """One REST method: its name, its answer (``result``), and the parameters it knows."""

    name: str
    answer: Callable[[Call], object]
    accepts: tuple[str, ...] = ()


EVERYWHERE = frozenset(("nonce", "otp"))
"""Parameters that any private call may carry."""
