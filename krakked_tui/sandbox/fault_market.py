"""Faults of the market itself: what ``POST /_sandbox/market`` can do, on the clock."""

import msgspec

from krakked_tui.sandbox.context import Context
from krakked_tui.sandbox.control import ControlError
from krakked_tui.sandbox.happenings import apply
from krakked_tui.sandbox.request_log import Arrival, public_params


def strike_market(context: Context) -> None:
    """Let the market's faults that are due happen, and record them."""
    now = context.now()
    for strike in context.faults.due(now):
        errors: tuple[str, ...] = ()
        try:
            apply(context.exchange, msgspec.json.encode(strike.event))
        except ControlError as error:
            errors = (str(error),)
        context.log.add(
            Arrival(
                wall=now.wall,
                time=now.exchange,
                route="market",
                method="market",
                params=public_params(strike.event or {}),
                errors=errors,
                fault=(strike.kind,),
            )
        )
