"""On what terms a paper account trades."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from krakked_tui.domain.money import ZERO


class PaperTerms(msgspec.Struct, frozen=True, kw_only=True):
    """``starting_balances`` by normalised asset name open a new account and never change an old one.

    ``fee_volume_usd`` is a 30-day volume in USD that the fee tier counts besides the account's own.
    ``latency_ms`` is how much later (wall time) an order or a cancel reaches the market.
    ``max_price_age`` is how old, in wall seconds from its receipt, a price may be that is traded on.
    """

    starting_balances: Mapping[str, Decimal] = msgspec.field(default_factory=lambda: {"USD": Decimal(10_000)})
    fee_volume_usd: Decimal = ZERO
    latency_ms: float = 100.0
    max_price_age: float = 60.0
