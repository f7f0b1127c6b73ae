"""AddOrderBatch's arguments: several orders of one pair in one request."""

import re
from datetime import datetime
from typing import Final

from krakked_tui.sandbox.add_order import ORDER_PARAMS, parse_draft
from krakked_tui.sandbox.catalog import Catalog
from krakked_tui.sandbox.faults import invalid
from krakked_tui.sandbox.orders import Draft
from krakked_tui.sandbox.params import Params

BATCH_SIZES: Final = (2, 15)
"""How few and how many orders a batch may have."""

_ITEM: Final = re.compile(r"orders\[([0-9]{1,2})\]\[([a-z0-9_]+)\](?:\[([a-z0-9_]+)\])?")


def _spelled(index: int, name: str) -> str:
    """``close[price]`` of the first order is ``orders[0][close][price]``."""
    outer, _, inner = name.partition("[")
    return f"orders[{index}][{outer}]" + (f"[{inner}" if inner else "")


BATCH_ORDER_PARAMS: Final = tuple(
    _spelled(index, name) for index in range(BATCH_SIZES[1] + 1) for name in ORDER_PARAMS
)
"""Everything a batch's orders may say, one order too many included (it has a refusal of its own)."""


def batch_size(params: Params) -> int:
    """Return how many orders a request has, however many it may."""
    return len({match[1] for name in params.names if (match := _ITEM.fullmatch(name)) is not None})


def parse_batch(params: Params, catalog: Catalog, now: datetime) -> list[Draft]:
    """Read the orders of a batch, or raise ``ApiError`` for the first argument that is not well-formed."""
    shared = {name: value for name in ("pair", "deadline") if (value := params.text(name)) is not None}
    orders: dict[int, dict[str, str]] = {}
    for name in params.names:
        match = _ITEM.fullmatch(name)
        value = None if match is None else params.text(name)
        if match is not None and value is not None:
            inner = match[2] if match[3] is None else f"{match[2]}[{match[3]}]"
            orders.setdefault(int(match[1]), {})[inner] = value
    return read_batch([orders[index] for index in sorted(orders)], shared, catalog, now)


def read_batch(
    orders: list[dict[str, str]], shared: dict[str, str], catalog: Catalog, now: datetime
) -> list[Draft]:
    """Read orders given as REST's parameters, with those they ``share``."""
    fewest, most = BATCH_SIZES
    if not fewest <= len(orders) <= most:
        raise invalid("orders")
    return [parse_draft(Params(order | shared), catalog, now) for order in orders]
