"""What can be made to happen to the market and the account: ``POST /_sandbox/market``.

Everything is booked as Kraken books it, and survives a restart.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec

from krakked_tui.domain.money import HUNDRED
from krakked_tui.domain.orders import OrderType, Side
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.precision import at_scale, step_down
from krakked_tui.sandbox.catalog import Listing
from krakked_tui.sandbox.control import ControlError
from krakked_tui.sandbox.exchange import SYSTEMS, Exchange
from krakked_tui.sandbox.funding import (
    HANDLERS,
    Conversion,
    Deposit,
    DustSweep,
    Move,
    Request,
    Row,
    Transfer,
    Unexplained,
    Withdrawal,
    check_positive,
)
from krakked_tui.sandbox.market_changes import PRECISION, SHIFT, STATUS, MarketChange
from krakked_tui.sandbox.orders import Draft
from krakked_tui.sandbox.wire import rfc3339

_PERCENT_MAX: Final = Decimal(1000)
_DECIMALS_MAX: Final = 10


class Shock(Request, frozen=True, tag="shock"):
    """From now on every price of the pair is ``percent`` of the last one higher (or lower)."""

    pair: str
    percent: Decimal


class PairMode(Request, frozen=True, tag="pair_status"):
    """Put a pair into another mode; ``cancel_only`` and ``maintenance`` halt it."""

    pair: str
    status: Literal["online", "cancel_only", "post_only", "limit_only", "reduce_only", "maintenance"]


class SystemMode(Request, frozen=True, tag="system_status"):
    """Put the whole exchange into another mode."""

    status: str


class Delist(Request, frozen=True, tag="delist"):
    """Delist a pair: its open orders are canceled and nothing knows it any more, until ``list``."""

    pair: str


class Relist(Request, frozen=True, tag="list"):
    """List a delisted pair again, online, as Kraken lists a new one: nobody is subscribed to it."""

    pair: str


class Precision(Request, frozen=True, tag="precision"):
    """Give a pair another number of price decimals, one tick being one unit of the last."""

    pair: str
    price_decimals: Annotated[int, msgspec.Meta(ge=0, le=_DECIMALS_MAX)]


class ExternalTrade(Request, frozen=True, tag="external_trade"):
    """Somebody trades by hand: an order and a trade that no client made. At the best price by default.

    A fee in base is taken from what is bought, or from what is left of what is sold: else it is in quote.
    """

    pair: str
    side: Side
    volume: Decimal
    price: Decimal | None = None
    fee_in_base: bool = False


class LatePostOnly(Request, frozen=True, tag="late_post_only"):
    """Let post-only orders that would take in, and cancel them afterwards; until turned off or a restart."""

    enabled: bool


_Happening = (
    Shock
    | PairMode
    | SystemMode
    | Delist
    | Relist
    | Precision
    | Deposit
    | Withdrawal
    | Transfer
    | Move
    | Conversion
    | DustSweep
    | Unexplained
    | ExternalTrade
    | LatePostOnly
)
_DECODER: Final = msgspec.json.Decoder(_Happening)


def apply(exchange: Exchange, body: bytes) -> Row:
    """Carry out one request and say what it did, or raise ``ControlError`` and change nothing."""
    try:
        request = _DECODER.decode(body)
    except msgspec.DecodeError as error:
        actions = ", ".join(str(kind.__struct_config__.tag) for kind in _HANDLERS)
        raise ControlError(f"This cannot happen: {error}. The actions are {actions}.") from error
    now = exchange.catch_up()
    handler = _HANDLERS[type(request)]
    return {"action": request.__struct_config__.tag, "time": rfc3339(now), **handler(exchange, request)}


def _shock(exchange: Exchange, request: Shock) -> Row:
    listing = _listing(exchange, request.pair)
    if not request.percent.is_finite() or not -HUNDRED < request.percent <= _PERCENT_MAX:
        raise ControlError(f"A shock is above -100 and at most {_PERCENT_MAX} percent.")
    now = exchange.catch_up()
    last = exchange.quote(listing.name, now).last
    ticks = int(step_down(abs(last * request.percent / HUNDRED), Decimal(1)))
    ticks = -ticks if request.percent < 0 else ticks
    exchange.change_market(MarketChange(now, SHIFT, listing.name, str(ticks)))
    return {"pair": listing.name, "ticks": ticks}


def _pair_mode(exchange: Exchange, request: PairMode) -> Row:
    return _status(exchange, request.pair, PairStatus(request.status))


def _delist(exchange: Exchange, request: Delist) -> Row:
    return _status(exchange, request.pair, PairStatus.DELISTED)


def _relist(exchange: Exchange, request: Relist) -> Row:
    catalog = exchange.catalog
    gone = {each.name: each for each in catalog.listings.values() if not each.is_listed}
    listing = next((each for each in gone.values() if request.pair in (each.name, each.pair.ws_symbol)), None)
    if listing is None:
        names = ", ".join(sorted(gone)) or "none is"
        raise ControlError(f"{request.pair} is no delisted pair; delisted: {names}.")
    now = exchange.catch_up()
    exchange.change_market(MarketChange(now, STATUS, listing.name, PairStatus.ONLINE.value))
    return {"pair": listing.name, "status": PairStatus.ONLINE.value}


def _status(exchange: Exchange, pair: str, status: PairStatus) -> Row:
    listing, now = _listing(exchange, pair), exchange.catch_up()
    exchange.change_market(MarketChange(now, STATUS, listing.name, status.value))
    return {"pair": listing.name, "status": status.value}


def _system_mode(exchange: Exchange, request: SystemMode) -> Row:
    if request.status not in SYSTEMS:
        raise ControlError(f"The system can be {', '.join(SYSTEMS)}.")
    exchange.set_system(request.status)
    return {"status": request.status}


def _precision(exchange: Exchange, request: Precision) -> Row:
    listing, now = _listing(exchange, request.pair), exchange.catch_up()
    exchange.change_market(MarketChange(now, PRECISION, listing.name, str(request.price_decimals)))
    return {"pair": listing.name, "price_decimals": request.price_decimals}


def _external_trade(exchange: Exchange, request: ExternalTrade) -> Row:
    listing, now = _listing(exchange, request.pair), exchange.catch_up()
    pair = listing.pair
    check_positive(request.volume, request.price or request.volume)
    price = request.price or exchange.book(listing.name, now, depth=1).against(request.side)[0].price
    volume = at_scale(request.volume, pair.volume_decimals)
    if not volume or step_down(price, pair.tick_size) != price:
        raise ControlError(f"{listing.name} trades in lots of {pair.lot_size} at ticks of {pair.tick_size}.")
    draft = Draft(listing.name, request.side, OrderType.MARKET, volume, fee_in_base=request.fee_in_base)
    if not exchange.account.affords(exchange.clearing.needed(draft, volume, price * volume, now)):
        raise ControlError(f"The account cannot afford to {request.side} {volume} {listing.name} at {price}.")
    order = exchange.floor.fill(exchange.floor.admit(draft, now), price, volume, now, maker=False)
    exchange.commit(now)
    return {"txid": order.order_id, "trades": order.trade_ids}


def _late_post_only(exchange: Exchange, request: LatePostOnly) -> Row:
    exchange.arrivals.refuse_late = request.enabled
    return {"enabled": request.enabled}


def _listing(exchange: Exchange, name: str) -> Listing:
    listing = exchange.catalog.find(name)
    if listing is None or listing.pair.status is PairStatus.DELISTED:
        raise ControlError(f"There is no pair {name}; use one that AssetPairs lists.")
    return listing


_HANDLERS: Final[Mapping[type[Request], Callable[[Exchange, Any], Row]]] = {
    Shock: _shock,
    PairMode: _pair_mode,
    SystemMode: _system_mode,
    Delist: _delist,
    Relist: _relist,
    Precision: _precision,
    **HANDLERS,
    ExternalTrade: _external_trade,
    LatePostOnly: _late_post_only,
}
