"""Kraken's own error strings, as the sandbox raises them."""

from typing import Final


class ApiError(Exception):
    """A request is refused with one of Kraken's error strings; nothing was changed by it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


PERMISSION_DENIED: Final = "EGeneral:Permission denied"
TEMPORARY_LOCKOUT: Final = "EGeneral:Temporary lockout"
TOO_MANY_REQUESTS: Final = "EGeneral:Too many requests"
RATE_LIMIT: Final = "EAPI:Rate limit exceeded"
THROTTLED: Final = "EService: Throttled"
INVALID_KEY: Final = "EAPI:Invalid key"
INVALID_SIGNATURE: Final = "EAPI:Invalid signature"
INVALID_NONCE: Final = "EAPI:Invalid nonce"
BAD_REQUEST: Final = "EAPI:Bad request"
INVALID_SESSION: Final = "ESession:Invalid session"
UNKNOWN_METHOD: Final = "EGeneral:Unknown method"
INVALID_ARGUMENTS: Final = "EGeneral:Invalid arguments"
INTERNAL_ERROR: Final = "EGeneral:Internal error"
VOLUME_MINIMUM: Final = "EGeneral:Invalid arguments:volume minimum not met"
ID_NOT_UNIQUE: Final = "EGeneral:Invalid arguments:cl_ord_id not unique"
UNKNOWN_PAIR: Final = "EQuery:Unknown asset pair"
UNKNOWN_ASSET: Final = "EQuery:Unknown asset"
INSUFFICIENT_FUNDS: Final = "EOrder:Insufficient funds"
COST_MINIMUM: Final = "EOrder:Cost minimum not met"
TICK_SIZE: Final = "EOrder:Tick size check failed"
INVALID_PRICE: Final = "EOrder:Invalid price"
INVALID_ORDER: Final = "EOrder:Invalid order"
UNKNOWN_ORDER: Final = "EOrder:Unknown order"
POST_ONLY: Final = "EOrder:Post only order"
ORDERS_LIMIT: Final = "EOrder:Orders limit exceeded"
NO_POSITION: Final = "EOrder:Reduce only:No position exists"
CANCEL_ONLY_MODE: Final = "EService:Market in cancel_only mode"
POST_ONLY_MODE: Final = "EService:Market in post_only mode"
LIMIT_ONLY_MODE: Final = "EService:Market in limit_only mode"
UNAVAILABLE: Final = "EService:Unavailable"
DEADLINE_ELAPSED: Final = "EService:Deadline elapsed"


def invalid(field: str) -> ApiError:
    """Return the catch-all error for one bad parameter."""
    return ApiError(f"{INVALID_ARGUMENTS}:{field}")


INVALID_PRICE_ARGUMENT: Final = "EOrder:Invalid price:Invalid price argument"
INDEX_UNAVAILABLE: Final = "EGeneral:Invalid arguments:Index unavailable"
NOT_EDITABLE: Final = "EOrder:Order not editable"
NOT_ENOUGH_LEAVES: Final = "EOrder:Not enough leaves qty"
SCHEDULED_LIMIT: Final = "EOrder:Scheduled orders limit exceeded"
UNKNOWN_WITHDRAW_KEY: Final = "EFunding:Unknown withdraw key"
UNKNOWN_FUNDING_ASSET: Final = "EFunding:Unknown asset"
UNKNOWN_POSITION: Final = "EOrder:Unknown position"
TRADING_RATE: Final = "EOrder:Rate limit exceeded"
