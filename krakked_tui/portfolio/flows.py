"""Ledger rows that no trade made: what each type means, and how it is booked.

Rows of one ``refid`` are one event at the time of the first, so that a reversed withdrawal comes to
nothing and the two sides of a conversion find each other; rewards and results stand alone. Of the event

- one asset in and another out: a sale and a purchase (``exchanges``), except that a transfer (a
  migration of a token) takes the cost over;
- one side of a conversion, or of a transfer between forms of an asset: in transit until the other comes;
- anything else: a cash flow, which nothing is made or lost by.

What comes in costs what it is worth at that moment. A withdrawal is no sale: lots leave at their cost and
nothing is realized. Every flow so has two numbers: its ``cost``, with which the books balance, and its
``value`` at market, with which a performance is judged. With both,

    change of equity = realized + change of unrealized + flows at cost
    change of equity = realized + change of (unrealized + gain carried out) + flows at market

where the gain carried out is that of withdrawn lots at the moment they left, never taxed, never lost sight
of. Fees of a row go with it: they are part of what came or left. Without a rate what comes in costs nothing
(its whole worth shows as unrealized gain) and what goes out has no value, until the rate is there.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec

from krakked_tui.domain.fills import LedgerEntry
from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.portfolio import FlowKind, HeldAs
from krakked_tui.domain.precision import at_scale
from krakked_tui.portfolio.accounts import NEVER_HELD, Posting
from krakked_tui.portfolio.exchanges import Rates, book_conversion
from krakked_tui.portfolio.findings import FindingKind
from krakked_tui.portfolio.forms import Form
from krakked_tui.portfolio.lots import COST_DECIMALS
from krakked_tui.portfolio.movements import NOTHING, Movement

TRADE_ROW = "trade"
"""Type of the ledger rows that belong to a trade, with its id as ``refid``."""

OWN_ROW = "accepted"
"""Subtype of rows that an operator made by accepting the exchange's balances; it knows none of them."""


class Treatment(StrEnum):
    """What is done with a row."""

    FLOW = "flow"
    MOVE = "move"
    """Between forms of one asset."""
    CONVERT = "convert"
    RESULT = "result"
    """Gain or loss as such: what a margin position made, and what it cost to carry."""


class Meaning(msgspec.Struct, frozen=True):
    """What a type of row means."""

    treatment: Treatment
    kind: FlowKind = FlowKind.ADJUSTMENT
    alone: bool = False
    """Whether rows of it stand for themselves, whatever else has their ``refid``."""
    arrival: bool = False
    """Whether it may make up for what is on its way between forms: the operator says it is there."""


_MOVE = Meaning(Treatment.MOVE, FlowKind.TRANSFER)
_CONVERT = Meaning(Treatment.CONVERT)
_REWARD = Meaning(Treatment.FLOW, FlowKind.REWARD, alone=True)
_CREDIT = Meaning(Treatment.FLOW, FlowKind.FEE_CREDIT, alone=True)
_TRANSFER = Meaning(Treatment.FLOW, FlowKind.TRANSFER)
_RESULT = Meaning(Treatment.RESULT, alone=True)
_ADJUSTMENT = Meaning(Treatment.FLOW)
_ACCEPTED = Meaning(Treatment.FLOW, arrival=True)

MEANINGS: dict[str, Meaning] = {
    TRADE_ROW: _CONVERT,
    "spend": _CONVERT,
    "receive": _CONVERT,
    "conversion": _CONVERT,
    "deposit": Meaning(Treatment.FLOW, FlowKind.DEPOSIT),
    "withdrawal": Meaning(Treatment.FLOW, FlowKind.WITHDRAWAL),
    "transfer": _TRANSFER,
    "custodytransfer": _TRANSFER,
    "earn": _MOVE,
    "staking": _REWARD,
    "reward": _REWARD,
    "dividend": _REWARD,
    "credit": _CREDIT,
    "nft_rebate": _CREDIT,
    "nftrebate": _CREDIT,
    "margin": _RESULT,
    "rollover": _RESULT,
    "settled": _RESULT,
    "adjustment": _ADJUSTMENT,
    "sale": _ADJUSTMENT,
    "nfttrade": _ADJUSTMENT,
    "nftcreatorfee": _ADJUSTMENT,
    "none": _ADJUSTMENT,
}
"""By type; every type the exchange is known to send. An unknown one is an adjustment, with a finding."""

STAKING_TRANSFERS = frozenset({"spottostaking", "stakingfromspot", "stakingtospot", "spotfromstaking"})
"""Subtypes of ``transfer`` that move between forms; others (spotfromfutures) leave or enter the account."""

MADE_UP = f"makes up for what {NEVER_HELD}, or never arrived"

FEE_CREDITS = frozenset({"KFEE", "FEE"})
"""The exchange's own fee credit, whatever type of row brings it."""


def meaning_of(entry: LedgerEntry, form: Form) -> Meaning:
    """Return what a row means."""
    if entry.type == "adjustment" and entry.subtype == OWN_ROW:
        return _ACCEPTED
    if form.asset in FEE_CREDITS and entry.type not in (TRADE_ROW, "adjustment"):
        return _CREDIT
    meaning = MEANINGS.get(entry.type, _ADJUSTMENT)
    if entry.type == "transfer" and entry.subtype in STAKING_TRANSFERS:
        return _MOVE
    if entry.type == "earn" and "reward" in entry.subtype:
        return _REWARD
    staked = form.held_as in (HeldAs.STAKED, HeldAs.BONDED)
    if staked and meaning.kind in (FlowKind.DEPOSIT, FlowKind.WITHDRAWAL):
        return _MOVE  # what is staked cannot come from outside
    return meaning


def movements_of(rows: Sequence[tuple[LedgerEntry, str]]) -> dict[str, Movement]:
    """Return what rows moved, by asset."""
    legs: dict[str, Movement] = {}
    for entry, asset in rows:
        legs[asset] = legs.get(asset, NOTHING) + Movement(entry.amount, entry.fee)
    return {asset: leg for asset, leg in legs.items() if leg.amount or leg.fee}


def book_rows(posting: Posting, meaning: Meaning, legs: Mapping[str, Movement], rates: Rates) -> None:
    """Book the rows of one event, of which this is what they moved."""
    into = any(leg.amount > ZERO for leg in legs.values())
    out = any(leg.amount < ZERO for leg in legs.values())
    taxed = meaning.treatment is Treatment.CONVERT
    if into and out and meaning.treatment is not Treatment.RESULT:
        book_conversion(posting, legs, rates, taxed=taxed)
        return
    for asset, leg in legs.items():
        if not leg.net:
            continue
        rate = ONE if asset == posting.base_currency else rates.get(asset)
        if meaning.treatment in (Treatment.CONVERT, Treatment.MOVE) and leg.amount:
            posting.send(asset, leg.net)
        elif meaning.treatment is Treatment.FLOW:
            _book_flow(posting, meaning, asset, leg.net, rate)
        else:
            _book_result(posting, asset, leg, rate)


def _book_flow(posting: Posting, meaning: Meaning, asset: str, amount: Decimal, rate: Decimal | None) -> None:
    kind = meaning.kind
    if kind is FlowKind.ADJUSTMENT:
        covered = posting.cover(asset, amount, arrival=meaning.arrival)
        amount -= covered
        if covered:
            posting.flow(kind, asset, covered, ZERO, ZERO, MADE_UP)
    if not amount:
        return
    if asset == posting.base_currency:
        posting.cash(amount)
        posting.flow(kind, asset, amount, amount, amount)
        return
    if rate is None:
        posting.want(asset)
        posting.find(FindingKind.FLOW_UNVALUED, asset, amount)
    if amount > ZERO:
        value = None if rate is None else _worth(amount, rate)
        posting.put(asset, amount, value or ZERO)
        posting.flow(kind, asset, amount, value or ZERO, value)
    else:
        _book_out(posting, kind, asset, amount, rate)


def _book_out(posting: Posting, kind: FlowKind, asset: str, amount: Decimal, rate: Decimal | None) -> None:
    _, share, lacking = posting.take(asset, -amount)
    held = amount + lacking
    if held:
        posting.flow(kind, asset, held, -share, None if rate is None else _worth(held, rate))
    if lacking:
        posting.lack(asset, lacking)
        posting.flow(kind, asset, -lacking, ZERO, ZERO, NEVER_HELD)


def _book_result(posting: Posting, asset: str, leg: Movement, rate: Decimal | None) -> None:
    """Book a gain or loss: what comes in is worth what it is, what goes is lost at its cost."""
    if asset == posting.base_currency:
        posting.cash(leg.net)
        posting.realize(asset, leg.amount, leg.fee)
    elif leg.net > ZERO:
        value = ZERO if rate is None else _worth(leg.net, rate)
        posting.put(asset, leg.net, value)
        posting.realize(asset, value)
    else:
        _, share, lacking = posting.take(asset, -leg.net)
        if lacking:
            posting.lack(asset, lacking)
        posting.realize(asset, -share if leg.amount else ZERO, ZERO if leg.amount else share)
    if rate is None:
        posting.want(asset)


def _worth(amount: Decimal, rate: Decimal) -> Decimal:
    return at_scale(amount * rate, COST_DECIMALS)
