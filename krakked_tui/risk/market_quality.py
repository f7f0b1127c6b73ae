"""Limits on the market of a pair: its status, its price, its spread and its liquidity.

They stop entries. Of a sale they are only a remark: see ``exits``.
"""

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.money import BASIS_POINTS, ZERO, percent_of
from krakked_tui.domain.plans import LimitCheck
from krakked_tui.market.freshness import GOOD_FOR_ENTRIES, Freshness
from krakked_tui.risk.candidate import Candidate
from krakked_tui.risk.checks import at_least, at_most, flag


def pair_status(entry: Candidate) -> LimitCheck:
    """No entry that the exchange does not take in the pair's present status."""
    pair = entry.state.metadata
    return flag("pair_status", "" if pair.permits.enter else f"{pair.canonical} is {pair.status}, not online")


def price_freshness(entry: Candidate) -> LimitCheck:
    """No entry without a price that is fresh, or quiet and confirmed by a separate request."""
    pair, state = entry.intent.pair, entry.state
    if state.quote is None or state.freshness is Freshness.NEVER:
        reason = f"no price of {pair} has arrived"
    elif state.freshness in GOOD_FOR_ENTRIES:
        reason = ""
    elif state.freshness is Freshness.QUIET:
        reason = (
            f"the price of {pair} is quiet, {state.price_age:.0f} s old, and a request for the"
            " exchange's ticker has not confirmed it"
        )
    else:
        reason = f"the price of {pair} is {state.freshness}, {state.price_age:.0f} s old"
    return flag("price_freshness", reason)


def min_liquidity_24h_usd(entry: Candidate) -> LimitCheck:
    """No entry in a pair that trades too little, or of which nothing tells what it trades."""
    limit, own = "min_liquidity_24h_usd", entry.settings.min_liquidity_24h_usd
    minimum = entry.context.min_liquidity_24h_usd if own is None else own
    traded = entry.state.liquidity_24h_usd
    if traded is None and minimum > ZERO:
        return flag(
            limit, f"nothing tells what {entry.intent.pair} traded in 24 hours, and {limit} asks for it"
        )
    return at_least(limit, traded or ZERO, minimum, "USD", "what it traded in 24 hours")


def max_spread_bps(entry: Candidate) -> LimitCheck:
    """No entry across a spread that eats what it could earn."""
    quote = entry.state.quote
    if quote is None or not _is_price(quote):
        return flag("max_spread_bps", f"{entry.intent.pair} has no price to measure the spread by")
    spread = (quote.ask - quote.bid) / quote.mid * BASIS_POINTS
    return at_most("max_spread_bps", spread, entry.settings.max_spread_bps, "bps", "the spread")


def max_price_deviation_pct(entry: Candidate) -> LimitCheck:
    """No entry at a price far from the close that gave the signal: one of the two is wrong, or it is late."""
    limit, quote, close = "max_price_deviation_pct", entry.state.quote, entry.intent.close
    if quote is None or close <= ZERO:
        return flag(limit, f"{entry.intent.pair} has no price and close to compare")
    deviation = percent_of(abs(quote.price - close), close)
    what = "the distance of the price from the signal's close"
    return at_most(limit, deviation, entry.settings.max_price_deviation_pct, "%", what)


def _is_price(quote: Quote) -> bool:
    return quote.bid > ZERO and quote.ask >= quote.bid
