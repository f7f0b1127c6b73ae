"""Why an order is not taken, in Kraken's words, and what that proves about it."""

from typing import Final

from krakked_tui.domain.orders import NotSent, Refused, SubmitOutcome, Unknown

INVALID_ARGUMENTS: Final = "EGeneral:Invalid arguments"
VOLUME_MINIMUM: Final = "EGeneral:Invalid arguments:volume minimum not met"
ID_NOT_UNIQUE: Final = "EGeneral:Invalid arguments:cl_ord_id not unique"
UNKNOWN_PAIR: Final = "EQuery:Unknown asset pair"
INSUFFICIENT_FUNDS: Final = "EOrder:Insufficient funds"
COST_MINIMUM: Final = "EOrder:Cost minimum not met"
TICK_SIZE: Final = "EOrder:Tick size check failed"
POST_ONLY: Final = "EOrder:Post only order"
ORDERS_LIMIT: Final = "EOrder:Orders limit exceeded"
REDUCE_ONLY: Final = "EOrder:Reduce only:No position exists"
CANCEL_ONLY_MODE: Final = "EService:Market in cancel_only mode"
POST_ONLY_MODE: Final = "EService:Market in post_only mode"
LIMIT_ONLY_MODE: Final = "EService:Market in limit_only mode"
UNAVAILABLE: Final = "EService:Unavailable"
DEADLINE_ELAPSED: Final = "EService:Deadline elapsed"

_PASSING: Final = frozenset((CANCEL_ONLY_MODE, POST_ONLY_MODE, LIMIT_ONLY_MODE, UNAVAILABLE))
_RETRY_SECONDS: Final = 5.0


class OrderRefusal(Exception):
    """An order is not taken; nothing was changed by it. ``code`` is Kraken's error string."""

    def __init__(self, code: str, detail: str) -> None:
        """``detail`` is a sentence without its full stop."""
        super().__init__(f"The paper account refused the order: {code} ({detail})")
        self.code = code


def invalid(field: str, detail: str) -> OrderRefusal:
    """Return the catch-all refusal of one bad argument."""
    return OrderRefusal(f"{INVALID_ARGUMENTS}:{field}", detail)


def outcome_of(cl_ord_id: str, refusal: OrderRefusal) -> SubmitOutcome:
    """Return what a refusal proves.

    One for a passing reason may be sent again. A client id that is taken proves nothing: the order of
    that name exists, so it must be asked for.
    """
    if refusal.code in _PASSING:
        return NotSent(cl_ord_id, str(refusal), _RETRY_SECONDS)
    if refusal.code == ID_NOT_UNIQUE:
        return Unknown(cl_ord_id, str(refusal))
    return Refused(cl_ord_id, refusal.code, str(refusal))
