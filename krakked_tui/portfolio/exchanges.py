"""One asset for another: trades, conversions in the app, dust sweeps, and the fees of all of them.

With V the worth of what changed hands, and every fee f worth w, all in base currency:

    what came in       size += amount - f      cost += V - w
    what went out      size -= amount + f      cost -= share       gain = V + w - share
    a third asset fee  size -= f               cost -= share       gain = w - share
    realized           the gains less all fees

V is what was paid or received in base currency; otherwise the quote asset's amount (else the base
asset's) at its rate at that time. Without any rate nothing is made up: the cost of what went out becomes
the cost of what came in, nothing is realized, and a finding says so until the rate is there. A fee
in the asset bought is a disposal of it at the trade's own price. A third asset's fee without a rate
counts with what it had cost.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from krakked_tui.domain.fills import Trade
from krakked_tui.domain.money import ONE, ZERO
from krakked_tui.domain.precision import at_scale
from krakked_tui.portfolio.accounts import Posting
from krakked_tui.portfolio.findings import FindingKind
from krakked_tui.portfolio.lots import COST_DECIMALS, part_of
from krakked_tui.portfolio.movements import Movement

Legs = Mapping[str, Movement]
"""What moved, by asset."""
Rates = Mapping[str, Decimal]
"""What one of an asset is worth in base currency at the time of the event, by asset."""


def book_trade(posting: Posting, trade: Trade, names: tuple[str, str], legs: Legs, rates: Rates) -> None:
    """Book a trade that moved these amounts; ``names`` are the assets of its base and its quote."""
    base, quote = names
    price = trade.price
    if trade.margin:
        _book_margin(posting, trade, base, legs, rates)
    elif base == quote:
        _exchange(posting, legs, {base: ZERO}, rates)
    elif quote == posting.base_currency:
        paid, got = legs[quote], legs[base]
        if len(legs) == 2 and got.amount > got.fee:
            _buy(posting, base, got, paid, price)
        elif len(legs) == 2 and not got.fee and ZERO < -got.amount <= posting.account(base).size:
            posting.cash(paid.amount - paid.fee)
            posting.sell(base, -got.amount, paid.amount, paid.fee)
        else:
            _exchange(posting, legs, {base: -paid.amount, quote: paid.amount}, {**rates, base: price})
    elif quote in rates and base != posting.base_currency:
        value = _cut(legs[quote].amount * rates[quote])
        _exchange(posting, legs, {base: -value, quote: value}, {**rates, base: _cut(price * rates[quote])})
    elif (rate := _rate_of(base, posting, rates)) is not None:
        # A few units of the last digit may have been paid with nothing: that is what they then cost.
        value = _cut(legs[base].amount * rate) if legs[quote].amount else ZERO
        worth = {**rates, quote: _cut(rate / price)} if price else rates
        _exchange(posting, legs, {base: value, quote: -value}, worth)
    else:
        posting.find(FindingKind.RATE_MISSING, quote, trade.cost)
        posting.want(quote, base)
        _carry_over(posting, legs, rates)


def _book_margin(posting: Posting, trade: Trade, base: str, legs: Legs, rates: Rates) -> None:
    """Book what the ledger says a trade on margin moved, which is nothing unless it was settled in kind."""
    posting.find(FindingKind.MARGIN, base, trade.volume)
    if any(leg.amount > ZERO for leg in legs.values()) and any(leg.amount < ZERO for leg in legs.values()):
        book_conversion(posting, legs, rates, taxed=True)
        return
    for asset, leg in legs.items():
        posting.send(asset, leg.net)


def _buy(posting: Posting, asset: str, got: Movement, paid: Movement, price: Decimal) -> None:
    """Book what most trades are, in one go: a purchase for base currency without a third asset."""
    posting.cash(paid.amount - paid.fee)
    if got.fee:
        fee = _cut(got.fee * price)
        posting.buy(asset, got.amount - got.fee, -paid.amount - fee, paid.fee + fee)
    else:
        posting.buy(asset, got.amount, -paid.amount, paid.fee)


def book_conversion(posting: Posting, legs: Legs, rates: Rates, *, taxed: bool) -> None:
    """Book a conversion: a sale and a purchase, or a cost that goes over when it is not ``taxed``."""
    into = [asset for asset, leg in legs.items() if leg.amount > ZERO]
    out = [asset for asset, leg in legs.items() if leg.amount < ZERO]
    if not taxed:
        _carry_over(posting, legs, rates)
        return
    cash = [posting.base_currency]
    worths = ((side, _worths(side, posting, legs, rates)) for side in sorted((into, out), key=cash.__ne__))
    known = next(((side, worth) for side, worth in worths if worth is not None), None)
    if known is None:
        posting.find(FindingKind.RATE_MISSING, out[0], -legs[out[0]].amount)
        for asset in into:
            posting.want(asset, out[0] if len(into) == len(out) == 1 else None)
        _carry_over(posting, legs, rates)
        return
    value = sum(known[1], ZERO)
    gross: dict[str, Decimal] = {}
    for side, sign in ((into, 1), (out, -1)):
        parts = known[1] if side is known[0] else _share_out(value, side, posting, legs, rates)
        gross |= {asset: sign * part for asset, part in zip(side, parts, strict=True)}
    _exchange(posting, legs, gross, rates)


def _cut(worth: Decimal) -> Decimal:
    return at_scale(worth, COST_DECIMALS)


def _rate_of(asset: str, posting: Posting, rates: Rates) -> Decimal | None:
    return ONE if asset == posting.base_currency else rates.get(asset)


def _worths(side: list[str], posting: Posting, legs: Legs, rates: Rates) -> list[Decimal] | None:
    """Return what each leg of a side is worth, None unless that is known of all."""
    found = []
    for asset in side:
        rate = _rate_of(asset, posting, rates)
        if rate is None:
            return None
        found.append(_cut(abs(legs[asset].amount) * rate))
    return found


def _share_out(value: Decimal, side: list[str], posting: Posting, legs: Legs, rates: Rates) -> list[Decimal]:
    """Share a worth out among the legs of a side: by their rates, else by what they cost, else evenly.

    The base currency is worth itself, whatever that leaves for the others.
    """
    cash = posting.base_currency
    if cash in side:
        face = abs(legs[cash].amount)
        others = iter(
            _share_out(value - face, [asset for asset in side if asset != cash], posting, legs, rates)
        )
        return [face if asset == cash else next(others) for asset in side]
    if len(side) <= 1:
        return [value] * len(side)
    weights = _worths(side, posting, legs, rates) or [posting.account(asset).cost for asset in side]
    if sum(weights, ZERO) <= ZERO:
        weights = [ONE] * len(side)
    whole = sum(weights, ZERO)
    parts = [part_of(value, weight, whole) for weight in weights[:-1]]
    return [*parts, value - sum(parts, ZERO)]


def _exchange(posting: Posting, legs: Legs, gross: Mapping[str, Decimal], worth: Rates) -> None:
    """Book legs of which those in ``gross`` are worth that much (signed, in sum nothing); others are fees."""
    cash = posting.base_currency
    fees = {
        asset: _fee_worth(posting, asset, leg, gross, worth)
        for asset, leg in legs.items()
        if leg.fee or asset not in gross
    }
    paid = sum(fees.values(), ZERO)
    payer = None
    for asset, worth_of_it in gross.items():
        net, value = legs[asset].net, worth_of_it - fees.get(asset, ZERO)
        if asset == cash:
            posting.cash(net)
            if net != value:
                posting.realize(cash, net - value)
        elif net > ZERO:
            posting.put(asset, net, value)
        else:
            fee = paid if payer is None else ZERO
            gain = posting.dispose(asset, -net, -value, fee)
            posting.realize(asset, gain, fee)
            payer = asset
    if payer is None and paid:
        posting.realize(_buyer(posting, gross), ZERO, paid)


def _buyer(posting: Posting, assets: Iterable[str]) -> str:
    """Return the account that bears the fees when nothing is sold: what was bought, if anything."""
    return next((asset for asset in assets if asset != posting.base_currency), posting.base_currency)


def _fee_worth(
    posting: Posting, asset: str, leg: Movement, gross: Mapping[str, Decimal], worth: Rates
) -> Decimal:
    """Return what a fee is worth; one in an asset that was not exchanged leaves its account here."""
    rate = _rate_of(asset, posting, worth)
    if asset not in gross:
        return _third_asset_fee(posting, asset, leg.fee - leg.amount, rate)
    if rate is None:
        return part_of(abs(gross[asset]), leg.fee, abs(leg.amount)) if leg.amount else ZERO
    return leg.fee if asset == posting.base_currency else _cut(leg.fee * rate)


def _third_asset_fee(posting: Posting, asset: str, fee: Decimal, rate: Decimal | None) -> Decimal:
    if asset == posting.base_currency:
        posting.cash(-fee)
        return fee
    if rate is None:
        posting.find(FindingKind.FEE_UNVALUED, asset, fee)
        posting.want(asset)
    if fee <= ZERO:
        value = _cut(-fee * rate) if rate is not None else ZERO
        if fee:
            posting.put(asset, -fee, value)
        return -value
    if rate is not None:
        value = _cut(fee * rate)
        posting.realize(asset, posting.dispose(asset, fee, value, ZERO))
        return value
    _, share, lacking = posting.take(asset, fee)
    if lacking:
        posting.lack(asset, lacking, told=True)
    return share


def _carry_over(posting: Posting, legs: Legs, worth: Rates) -> None:
    """Let the cost of what went out become the cost of what came in; cash is worth itself all the same."""
    cash, cost = posting.base_currency, ZERO
    into = []
    for asset, leg in sorted(legs.items()):
        net = leg.amount - leg.fee
        if not leg.amount:
            fee = _third_asset_fee(posting, asset, leg.fee, _rate_of(asset, posting, worth))
            posting.realize(_buyer(posting, sorted(legs)), ZERO, fee)
        elif asset == cash:
            posting.cash(net)
            cost -= net
        elif net > ZERO:
            into.append(asset)
        else:
            _, share, lacking = posting.take(asset, -net)
            cost += share
            if lacking:
                posting.lack(asset, lacking)
    carried = max(cost, ZERO) if into else ZERO
    for asset, part in zip(
        into, _share_out(carried, into, posting, legs, worth) if into else (), strict=True
    ):
        posting.put(asset, legs[asset].net, part)
    if cost != carried:
        posting.realize(_buyer(posting, sorted(legs)), carried - cost)
