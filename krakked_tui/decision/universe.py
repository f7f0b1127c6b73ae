"""What the exchange lists and takes just now: pairs come and go, change their grid or their status."""

from collections.abc import Sequence

import msgspec

from krakked_tui.decision import events as e
from krakked_tui.decision.effects import Level
from krakked_tui.decision.outcome import Outcome
from krakked_tui.decision.state import State, book
from krakked_tui.domain.pairs import PairStatus, SystemStatus
from krakked_tui.market.universe import diff

NAMES_MAX = 10
"""Names in one field of a log line; of the others there is a count."""


def universe_changed(state: State, out: Outcome, event: e.UniverseChanged) -> None:
    """Take over what is listed now.

    A pair that is gone stays known, as delisted and with what was known of it last, for as long as
    anything of ours is about it. Whoever holds ``state.known`` sees the change: it stays the same object.
    """
    before = {name: pair for name, pair in state.known.items() if pair.status is not PairStatus.DELISTED}
    kept = (state.needed_pairs() | state.books.state.positions.keys()) & state.known.keys()
    gone = {
        name: msgspec.structs.replace(state.known[name], status=PairStatus.DELISTED)
        for name in sorted(kept - event.known.keys())
    }
    state.known.clear()
    state.known.update(event.known | gone)
    state.books.know(event.known.values())
    _book_listed(state)
    traded, state.tradable = state.tradable, event.tradable & event.known.keys()
    for name in state.marks.keys() - state.known.keys():
        del state.marks[name]
    change = diff(before, event.known)
    if not change and traded == state.tradable:
        return
    held = state.holdings.keys() & {*change.removed, *change.status_changed}
    statuses = [f"{name} ({event.known[name].status})" for name in change.status_changed]
    numbers = f"{len(state.tradable)} are traded, {len(traded)} were before"
    level = Level.WARNING if held else Level.INFO
    out.log(
        level, "universe_changed", f"the exchange's pairs: {change}; {numbers}",
        added=_named(change.added), removed=_named(change.removed), status_changed=_named(statuses),
        precision_changed=_named(change.precision_changed), held=_named(sorted(held)),
        traded_now=_named(sorted(state.tradable - traded)),
        traded_no_more=_named(sorted(traded - state.tradable)),
        pairs=len(event.known), tradable=len(state.tradable),
    )  # fmt: skip


def _book_listed(state: State) -> None:
    """Book the trades whose pair is listed after all."""
    listed = [trade for trade in state.unbooked.values() if trade.pair in state.known]
    for trade in listed:
        del state.unbooked[trade.trade_id]
    if listed:
        book(state, listed, ())


def system_status_changed(state: State, out: Outcome, event: e.SystemStatusChanged) -> None:
    """Take over what the exchange as a whole takes."""
    if event.status is state.system:
        return
    before, state.system = state.system, event.status
    online = event.status is SystemStatus.ONLINE
    barring = not online and (event.status is not None or before is not SystemStatus.ONLINE)
    if event.status is None:
        message = f"what the exchange takes is not known while the market stream is down; it was {before}"
    elif online:
        message = "the exchange is online" if before is None else "the exchange is online again"
    else:
        message = f"{state.system_refusal()}; it was {before or 'not known'}"
    out.log(
        Level.WARNING if barring else Level.INFO, "system_status_changed", message,
        status=str(event.status or "unknown"), before=str(before or "unknown"),
    )  # fmt: skip


def release_closes(state: State, out: Outcome) -> None:
    """Let go of the closes that wait for the exchange and need not any more. Called after every event."""
    for pair in tuple(state.barred):
        held = pair in state.holdings
        if held and not state.permits(pair).exit:
            continue
        del state.barred[pair]
        state.flatten_next_wall.pop(pair, None)
        if not held:
            continue
        if pair in state.urgent:
            state.urgent[pair] = msgspec.structs.replace(state.urgent[pair], tries=0, next_wall=0.0)
        out.log(Level.INFO, "close_allowed_again", f"{pair}: the exchange takes sales again", pair=pair)


def _named(names: Sequence[str]) -> str:
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")
