"""What can be made to happen to the market and the account: ``POST /_sandbox/market``.

Everything is booked as Kraken books it, and survives a restart.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec

from krakked_tui.domain.money import HUNDRED, ZERO
from krakked_tui.domain.orders import OrderType, Side
from krakked_tui.domain.pairs import PairStatus
from krakked_tui.domain.precision import at_scale, step_down
from krakked_tui.sandbox.catalog import Asset, Listing
from krakked_tui.sandbox.control import ControlError
from krakked_tui.sandbox.exchange import SYSTEMS, Exchange
from krakked_tui.sandbox.market_changes import PRECISION, SHIFT, STATUS, MarketChange
from krakked_tui.sandbox.orders import Draft
from krakked_tui.sandbox.wire import rfc3339, text
from krakked_tui.sim.account import Movement

Row = dict[str, object]

_PERCENT_MAX: Final = Decimal(1000)
_DECIMALS_MAX: Final = 10
_AMOUNT_MAX: Final = Decimal(10) ** 15


class _Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="action"):
    """What a request has: ``action``, and what that takes. Pairs and assets by any of their names."""


class Shock(_Request, frozen=True, tag="shock"):
    """From now on every price of the pair is ``percent`` of the last one higher (or lower)."""

    pair: str
    percent: Decimal


class PairMode(_Request, frozen=True, tag="pair_status"):
    """Put a pair into another mode; ``cancel_only`` and ``maintenance`` halt it."""

    pair: str
    status: Literal["online", "cancel_only", "post_only", "limit_only", "reduce_only", "maintenance"]


class SystemMode(_Request, frozen=True, tag="system_status"):
    """Put the whole exchange into another mode."""

    status: str


class Delist(_Request, frozen=True, tag="delist"):
    """Delist a pair: its open orders are canceled and nothing knows it any more, until ``list``."""

    pair: str


class Relist(_Request, frozen=True, tag="list"):
    """List a delisted pair again, online, as Kraken lists a new one: nobody is subscribed to it."""

    pair: str


class Precision(_Request, frozen=True, tag="precision"):
    """Give a pair another number of price decimals, one tick being one unit of the last."""

    pair: str
    price_decimals: Annotated[int, msgspec.Meta(ge=0, le=_DECIMALS_MAX)]


class Deposit(_Request, frozen=True, tag="deposit"):
    """Money comes in; a fee is taken from it."""

    asset: str
    amount: Decimal
    fee: Decimal = ZERO


class Withdrawal(_Request, frozen=True, tag="withdrawal"):
    """Money goes out, with a fee on top."""

    asset: str
    amount: Decimal
    fee: Decimal = ZERO


class Transfer(_Request, frozen=True, tag="transfer"):
    """A movement between wallets or a reward: ``amount`` is signed."""

    asset: str
    amount: Decimal
    type: Literal["staking", "earn", "transfer", "reward", "dividend", "adjustment"] = "transfer"
    subtype: Annotated[str, msgspec.Meta(pattern="^[a-z]{0,30}$")] = ""
    fee: Decimal = ZERO


class Conversion(_Request, frozen=True, tag="conversion"):
    """A buy, sell or convert in Kraken's app: one asset spent, another received."""

    spend: str
    spend_amount: Decimal
    receive: str
    receive_amount: Decimal
    fee: Decimal = ZERO


class ExternalTrade(_Request, frozen=True, tag="external_trade"):
    """Somebody trades by hand: an order and a trade that no client made. At the best price by default."""

    pair: str
    side: Side
    volume: Decimal
    price: Decimal | None = None


class LatePostOnly(_Request, frozen=True, tag="late_post_only"):
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
    | Conversion
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


def _deposit(exchange: Exchange, request: Deposit) -> Row:
    _check_positive(request.amount)
    return _move(exchange, request.asset, request.amount, request.fee, "deposit")


def _withdrawal(exchange: Exchange, request: Withdrawal) -> Row:
    _check_positive(request.amount)
    return _move(exchange, request.asset, -request.amount, request.fee, "withdrawal")


def _transfer(exchange: Exchange, request: Transfer) -> Row:
    return _move(exchange, request.asset, request.amount, request.fee, request.type, request.subtype)


def _conversion(exchange: Exchange, request: Conversion) -> Row:
    _check_positive(request.spend_amount, request.receive_amount)
    spent, received = _asset(exchange, request.spend), _asset(exchange, request.receive)
    if spent == received:
        raise ControlError("A conversion takes two different assets.")
    now, clearing = exchange.catch_up(), exchange.clearing
    refid = clearing.new_refid()
    _check(exchange, received, request.receive_amount, ZERO)
    rows: list[Movement] = [
        _moved(exchange, spent, -request.spend_amount, request.fee),
        _moved(exchange, received, request.receive_amount, ZERO),
    ]
    for movement, kind in zip(rows, ("spend", "receive"), strict=True):
        exchange.floor.events.append(clearing.write(movement, refid, kind, now))
    exchange.commit(now)
    return {"refid": refid}


def _external_trade(exchange: Exchange, request: ExternalTrade) -> Row:
    listing, now = _listing(exchange, request.pair), exchange.catch_up()
    pair = listing.pair
    _check_positive(request.volume, request.price or request.volume)
    price = request.price or exchange.book(listing.name, now, depth=1).against(request.side)[0].price
    volume = at_scale(request.volume, pair.volume_decimals)
    if not volume or step_down(price, pair.tick_size) != price:
        raise ControlError(f"{listing.name} trades in lots of {pair.lot_size} at ticks of {pair.tick_size}.")
    draft = Draft(listing.name, request.side, OrderType.MARKET, volume)
    if not exchange.account.affords(exchange.clearing.needed(draft, volume, price * volume, now)):
        raise ControlError(f"The account cannot afford to {request.side} {volume} {listing.name} at {price}.")
    order = exchange.floor.fill(exchange.floor.admit(draft, now), price, volume, now, maker=False)
    exchange.commit(now)
    return {"txid": order.order_id, "trades": order.trade_ids}


def _late_post_only(exchange: Exchange, request: LatePostOnly) -> Row:
    exchange.arrivals.refuse_late = request.enabled
    return {"enabled": request.enabled}


def _move(exchange: Exchange, name: str, amount: Decimal, fee: Decimal, kind: str, subtype: str = "") -> Row:
    asset, now = _asset(exchange, name), exchange.catch_up()
    movement = _moved(exchange, asset, amount, fee)
    refid = exchange.clearing.new_refid()
    exchange.floor.events.append(exchange.clearing.write(movement, refid, kind, now, subtype))
    exchange.commit(now)
    return {"refid": refid, "balance": text(movement.balance, asset.decimals)}


def _moved(exchange: Exchange, asset: Asset, amount: Decimal, fee: Decimal) -> Movement:
    """Move money in or out, as long as it is available."""
    change, charge = _check(exchange, asset, amount, fee)
    return exchange.account.move(asset.name, change, charge)


def _check(exchange: Exchange, asset: Asset, amount: Decimal, fee: Decimal) -> tuple[Decimal, Decimal]:
    """Return amount and fee at the asset's scale if they can be moved."""
    for number in (amount, fee):
        if not number.is_finite() or abs(number) >= _AMOUNT_MAX:
            raise ControlError(f"An amount is below {_AMOUNT_MAX}.")
    if fee < ZERO:
        raise ControlError("A fee is not negative.")
    change, charge = at_scale(amount, asset.decimals), at_scale(fee, asset.decimals)
    if not change:
        raise ControlError(f"An amount of {asset.name} is at least {Decimal(1).scaleb(-asset.decimals)}.")
    available = exchange.account.available(asset.name)
    if available + change - charge < ZERO:
        raise ControlError(f"Only {text(available, asset.decimals)} {asset.name} is available.")
    return change, charge


def _check_positive(*amounts: Decimal) -> None:
    if not all(amount.is_finite() and ZERO < amount < _AMOUNT_MAX for amount in amounts):
        raise ControlError(f"An amount is above 0 and below {_AMOUNT_MAX}.")


def _listing(exchange: Exchange, name: str) -> Listing:
    listing = exchange.catalog.find(name)
    if listing is None or listing.pair.status is PairStatus.DELISTED:
        raise ControlError(f"There is no pair {name}; use one that AssetPairs lists.")
    return listing


def _asset(exchange: Exchange, name: str) -> Asset:
    asset = exchange.catalog.find_asset(name)
    if asset is None:
        raise ControlError(f"There is no asset {name}; use one that Assets lists.")
    return asset


_HANDLERS: Final[Mapping[type[_Request], Callable[[Exchange, Any], Row]]] = {
    Shock: _shock,
    PairMode: _pair_mode,
    SystemMode: _system_mode,
    Delist: _delist,
    Relist: _relist,
    Precision: _precision,
    Deposit: _deposit,
    Withdrawal: _withdrawal,
    Transfer: _transfer,
    Conversion: _conversion,
    ExternalTrade: _external_trade,
    LatePostOnly: _late_post_only,
}
