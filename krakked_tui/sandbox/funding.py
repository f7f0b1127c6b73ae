"""What can happen to the account's money other than by trades: a part of ``POST /_sandbox/market``.

Everything is booked in ledger rows as Kraken books it; ``unexplained`` alone leaves none.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

import msgspec

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.precision import at_scale
from krakked_tui.sandbox.catalog import Asset
from krakked_tui.sandbox.control import ControlError
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.wire import text

Row = dict[str, object]
Subtype = Annotated[str, msgspec.Meta(pattern="^[a-z]{0,30}$")]

AMOUNT_MAX: Final = Decimal(10) ** 15
SWEEP_MAX: Final = 100
DUST: Final = "dustsweeping"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="action"):
    """What a request has: ``action``, and what that takes. Pairs and assets by any of their names."""


class Deposit(Request, frozen=True, tag="deposit"):
    """Money comes in; a fee is taken from it."""

    asset: str
    amount: Decimal
    fee: Decimal = ZERO


class Withdrawal(Request, frozen=True, tag="withdrawal"):
    """Money goes out, with a fee on top."""

    asset: str
    amount: Decimal
    fee: Decimal = ZERO


class Transfer(Request, frozen=True, tag="transfer"):
    """One row: one side of a movement between wallets, a reward or a credit. ``amount`` is signed."""

    asset: str
    amount: Decimal
    type: Literal["staking", "earn", "transfer", "reward", "dividend", "credit", "adjustment"] = "transfer"
    subtype: Subtype = ""
    fee: Decimal = ZERO


class Move(Request, frozen=True, tag="move"):
    """Both sides of a movement between forms of one asset (``XBT`` to ``XBT.F``).

    Earn books the two rows under one ``refid``; staking, as it was, one ``refid`` each.
    """

    source: str
    target: str
    amount: Decimal
    type: Literal["earn", "staking"] = "earn"
    subtype: Subtype | None = None
    """Of both rows of ``earn``: ``allocation`` from spot and ``deallocation`` to it unless given."""


class Conversion(Request, frozen=True, tag="conversion"):
    """A buy, sell or convert in Kraken's app: one asset spent, another received."""

    spend: str
    spend_amount: Decimal
    receive: str
    receive_amount: Decimal
    fee: Decimal = ZERO


class DustSweep(Request, frozen=True, tag="dust_sweep"):
    """Small balances, all there is of each, become one asset: many rows, one ``refid``.

    ``fee`` is in the asset received.
    """

    assets: Annotated[list[str], msgspec.Meta(min_length=1, max_length=SWEEP_MAX)]
    receive: str
    receive_amount: Decimal
    fee: Decimal = ZERO


class Unexplained(Request, frozen=True, tag="unexplained"):
    """A balance changes by ``amount`` (signed), and no ledger row says why. The opposite takes it back."""

    asset: str
    amount: Decimal


_Leg = tuple[Asset, Decimal, Decimal, str, str]
"""Asset, amount and fee at its scale, type and subtype of a row."""


def _deposit(exchange: Exchange, request: Deposit) -> Row:
    check_positive(request.amount)
    return _single(exchange, request.asset, request.amount, request.fee, "deposit")


def _withdrawal(exchange: Exchange, request: Withdrawal) -> Row:
    check_positive(request.amount)
    return _single(exchange, request.asset, -request.amount, request.fee, "withdrawal")


def _transfer(exchange: Exchange, request: Transfer) -> Row:
    return _single(exchange, request.asset, request.amount, request.fee, request.type, request.subtype)


def _move(exchange: Exchange, request: Move) -> Row:
    check_positive(request.amount)
    source, target = _asset(exchange, request.source), _asset(exchange, request.target)
    if source == target or _base(source) != _base(target):
        raise ControlError("A movement is between two forms of one asset, like XBT and XBT.F.")
    into_spot = "." not in target.name
    if request.type == "staking":
        subtypes = ("stakingtospot", "spotfromstaking") if into_spot else ("spottostaking", "stakingfromspot")
        kind = "transfer"
    else:
        subtype = request.subtype or ("deallocation" if into_spot else "allocation")
        subtypes, kind = (subtype, subtype), "earn"
    out = _leg(exchange, source, -request.amount, ZERO, kind, subtypes[0])
    into = _leg(exchange, target, request.amount, ZERO, kind, subtypes[1])
    if request.type == "staking":
        return {"refids": [_book(exchange, (leg,)) for leg in (out, into)]}
    return {"refid": _book(exchange, (out, into))}


def _conversion(exchange: Exchange, request: Conversion) -> Row:
    check_positive(request.spend_amount, request.receive_amount)
    spent, received = _asset(exchange, request.spend), _asset(exchange, request.receive)
    if spent == received:
        raise ControlError("A conversion takes two different assets.")
    out = _leg(exchange, spent, -request.spend_amount, request.fee, "spend")
    into = _leg(exchange, received, request.receive_amount, ZERO, "receive")
    return {"refid": _book(exchange, (out, into))}


def _dust_sweep(exchange: Exchange, request: DustSweep) -> Row:
    check_positive(request.receive_amount)
    received = _asset(exchange, request.receive)
    swept = list(dict.fromkeys(_asset(exchange, name) for name in request.assets))
    if received in swept:
        raise ControlError(f"{received.name} cannot be swept into itself.")
    into = _leg(exchange, received, request.receive_amount, request.fee, "receive", DUST)
    out = [
        _leg(exchange, asset, -exchange.account.available(asset.name), ZERO, "spend", DUST) for asset in swept
    ]
    spent = {asset.name: text(-amount, asset.decimals) for asset, amount, *_ in out}
    return {"refid": _book(exchange, (into, *out)), "spent": spent}


def _unexplained(exchange: Exchange, request: Unexplained) -> Row:
    exchange.catch_up()
    asset, change, *_ = _leg(exchange, _asset(exchange, request.asset), request.amount, ZERO, "")
    exchange.change_balance(asset.name, change)
    return {"balance": text(exchange.account.balance(asset.name), asset.decimals)}


def check_positive(*amounts: Decimal) -> None:
    """Raise ``ControlError`` unless all amounts are above 0 and have a sensible size."""
    if not all(amount.is_finite() and ZERO < amount < AMOUNT_MAX for amount in amounts):
        raise ControlError(f"An amount is above 0 and below {AMOUNT_MAX}.")


def _single(
    exchange: Exchange, name: str, amount: Decimal, fee: Decimal, kind: str, subtype: str = ""
) -> Row:
    asset = _asset(exchange, name)
    refid = _book(exchange, (_leg(exchange, asset, amount, fee, kind, subtype),))
    return {"refid": refid, "balance": text(exchange.account.balance(asset.name), asset.decimals)}


def _leg(
    exchange: Exchange, asset: Asset, amount: Decimal, fee: Decimal, kind: str, subtype: str = ""
) -> _Leg:
    """Return a row to book, at the asset's scale, if there is money for it."""
    for number in (amount, fee):
        if not number.is_finite() or abs(number) >= AMOUNT_MAX:
            raise ControlError(f"An amount is below {AMOUNT_MAX}.")
    if fee < ZERO:
        raise ControlError("A fee is not negative.")
    change, charge = at_scale(amount, asset.decimals), at_scale(fee, asset.decimals)
    if not change:
        raise ControlError(f"An amount of {asset.name} is at least {Decimal(1).scaleb(-asset.decimals)}.")
    available = exchange.account.available(asset.name)
    if available + change - charge < ZERO:
        raise ControlError(f"Only {text(available, asset.decimals)} {asset.name} is available.")
    return asset, change, charge, kind, subtype


def _book(exchange: Exchange, legs: Sequence[_Leg]) -> str:
    """Move the money of rows that were checked, and write them under one new refid, which is returned."""
    now, clearing = exchange.catch_up(), exchange.clearing
    refid = clearing.new_refid()
    for asset, amount, fee, kind, subtype in legs:
        movement = exchange.account.move(asset.name, amount, fee)
        exchange.floor.events.append(clearing.write(movement, refid, kind, now, subtype))
    exchange.commit(now)
    return refid


def _base(asset: Asset) -> str:
    return asset.name.partition(".")[0]


def _asset(exchange: Exchange, name: str) -> Asset:
    asset = exchange.catalog.find_balance(name)
    if asset is None:
        raise ControlError(f"There is no asset {name}; use one that Assets lists.")
    return asset


HANDLERS: Final[Mapping[type[Request], Callable[[Exchange, Any], Row]]] = {
    Deposit: _deposit,
    Withdrawal: _withdrawal,
    Transfer: _transfer,
    Move: _move,
    Conversion: _conversion,
    DustSweep: _dust_sweep,
    Unexplained: _unexplained,
}
