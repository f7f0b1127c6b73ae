"""The prices that decisions are made at: those of now, and what is left of those that stopped coming."""

from collections.abc import Mapping

import msgspec

from krakked_tui.decision.events import Mark
from krakked_tui.decision.state import State
from krakked_tui.market.freshness import Freshness


def take_marks(state: State, marks: Mapping[str, Mark], wall: float) -> None:
    """Replace all prices by these, taken at wall second ``wall``.

    A pair that is not among them has no price any more. One that something of ours is about keeps its last,
    as a stale one with its age: good for getting out, never for an entry.
    """
    missing = state.marks.keys() - marks.keys()
    if missing:
        needed = state.needed_pairs()
        for pair in missing:
            mark = state.marks.pop(pair)
            if pair in needed:
                state.marks[pair] = _aged(mark, wall)
    state.marks.update(marks)


def _aged(mark: Mark, wall: float) -> Mark:
    age = max(wall - mark.quote.received, mark.age)
    return msgspec.structs.replace(mark, age=age, freshness=Freshness.STALE)
