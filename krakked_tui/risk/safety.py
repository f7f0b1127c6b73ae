"""Limits on whether anything may be bought at all now, or in this pair."""

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.plans import LimitCheck
from krakked_tui.risk.candidate import Candidate
from krakked_tui.risk.checks import amount, flag


def kill_switch(entry: Candidate) -> LimitCheck:
    """No entry while the kill switch is on."""
    switch = entry.context.kill_switch
    return flag("kill_switch", f"the kill switch is on ({switch.reason})" if switch.active else "")


def no_new_risk(entry: Candidate) -> LimitCheck:
    """No entry while something makes all new risk unsafe: drift, the account or the market unknown."""
    return flag("no_new_risk", entry.context.blocked_reason)


def pair_blocked(entry: Candidate) -> LimitCheck:
    """No entry in a pair whose own state is uncertain."""
    return flag("pair_blocked", entry.context.blocked_pairs.get(entry.intent.pair, ""))


def one_order(entry: Candidate) -> LimitCheck:
    """One order on a pair at a time: a sale of the plan, or an open buy, comes first."""
    pair = entry.intent.pair
    if pair in entry.room.sold:
        return flag("one_order", f"this plan sells {pair}, so it buys nothing of it")
    if pair in entry.context.pending_buys:
        return flag("one_order", f"a buy of {pair} is open already")
    return flag("one_order", "")


def long_only(entry: Candidate) -> LimitCheck:
    """No margin, no short sale: what is wanted is something or nothing, whatever a strategy asks for."""
    wanted = entry.intent.desired_exposure_usd
    if wanted is None or wanted >= ZERO:
        return flag("long_only", "")
    return flag(
        "long_only", f"an exposure of {amount(wanted, 'USD')} would be a short sale: only long or flat"
    )
