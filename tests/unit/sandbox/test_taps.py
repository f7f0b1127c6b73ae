from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from krakked_tui.sandbox.fault_plan import Faults, Now, Strike
from krakked_tui.sandbox.fault_rules import Rule
from krakked_tui.sandbox.fault_wire import PROXY_TEXT
from krakked_tui.sandbox.places import PLACES
from krakked_tui.sandbox.taps import Close, Item, Pause, Tap

NOW = Now(0.0, datetime(2026, 1, 5, tzinfo=UTC))
PONG = '{"method":"pong"}'


def message(channel: str, number: int = 1, **fields: Any) -> str:
    content = {"channel": channel, "type": "update", "data": [], "sequence": number, **fields}
    return msgspec.json.encode(content).decode()


class Rig:
    """A tap and what it was told to note."""

    def __init__(self, *rules: Rule) -> None:
        self.faults = Faults(PLACES)
        self.faults.add(rules, NOW)
        self.noted: list[tuple[str, str]] = []
        self.tap = Tap(self.faults, self.note)

    def note(self, strike: Strike, channel: str) -> None:
        self.noted.append((strike.kind, channel))

    def send(self, text: str, wall: float = 0.0) -> list[Item]:
        return self.tap.pass_on(text, Now(wall, NOW.exchange))


def test_without_rules_nobody_needs_to_look() -> None:
    assert Rig().tap.open
    rig = Rig(Rule(kind="drop", where="book", count=1))
    assert not rig.tap.open
    assert rig.send(message("ticker")) == [message("ticker")]
    assert rig.send(message("book")) == []
    assert rig.send(message("book")) == [message("book")]
    assert rig.noted == [("drop", "book")]
    rig.faults.clear()
    assert rig.tap.open


@pytest.mark.parametrize(
    ("rule", "items"),
    [
        (Rule(kind="duplicate"), [message("ticker"), message("ticker")]),
        (Rule(kind="delay", seconds=0.5), [Pause(0.5), message("ticker")]),
        (Rule(kind="proxy"), [PROXY_TEXT, message("ticker")]),
        (Rule(kind="close", code=1008), [Close(1008)]),
        (Rule(kind="close"), [Close(1012)]),
        (Rule(kind="drop"), []),
    ],
)
def test_what_becomes_of_a_message(rule: Rule, items: list[Item]) -> None:
    assert Rig(rule).send(message("ticker")) == items


def test_replies_are_left_alone() -> None:
    assert Rig(Rule(kind="drop")).send(PONG) == [PONG]


def test_garbage_is_no_json() -> None:
    junk, text = Rig(Rule(kind="garbage")).send(message("ticker"))
    assert text == message("ticker")
    assert isinstance(junk, str)
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(junk)


def test_two_messages_change_places() -> None:
    rig = Rig(Rule(kind="reorder", count=1))
    assert rig.send(message("executions", 1)) == []
    assert rig.send(message("executions", 2)) == [message("executions", 2), message("executions", 1)]
    assert rig.tap.open is False, "the rule is spent, but another may come"
    always = Rig(Rule(kind="reorder"))
    sent = [always.send(message("executions", number)) for number in range(1, 5)]
    assert [len(items) for items in sent] == [0, 2, 0, 2], "nothing piles up"


def test_a_reply_lets_go_of_what_was_held() -> None:
    rig = Rig(Rule(kind="reorder", count=1))
    rig.send(message("ticker"))
    assert rig.send(PONG) == [message("ticker"), PONG]


def test_a_checksum_is_wrong_but_looks_right() -> None:
    rig = Rig(Rule(kind="checksum"))
    (text,) = rig.send(message("book", checksum=2**32 - 1))
    assert msgspec.json.decode(str(text))["checksum"] == 0
    assert rig.send(message("ticker", checksum=5)) == [message("ticker", checksum=5)]


def test_a_gap_stays_until_the_next_snapshot() -> None:
    rig = Rig(Rule(kind="sequence", count=2, every=2))
    numbers = []
    for number in range(1, 7):
        (text,) = rig.send(message("executions", number))
        numbers.append(msgspec.json.decode(str(text))["sequence"])
    assert numbers == [1, 3, 4, 6, 7, 8]
    rig.faults.clear()
    assert not rig.tap.open, "it still has to number on"
    snapshot = message("executions", 1, type="snapshot")
    assert rig.send(snapshot) == [snapshot]
    assert rig.tap.open


def test_a_silent_stall_ends_by_time_or_with_the_faults() -> None:
    rig = Rig(Rule(kind="stall", where="ticker", seconds=10, count=1))
    assert rig.send(message("book"), 0.0) == [message("book")]
    assert rig.send(message("ticker"), 0.0) == []
    assert rig.send(message("book"), 9.9) == []
    assert rig.send(PONG, 9.9) == []
    assert rig.send(message("book"), 10.0) == [message("book")]
    for_ever = Rig(Rule(kind="stall"))
    for_ever.send(message("ticker"))
    assert for_ever.send(message("ticker"), 1e9) == []
    for_ever.faults.clear()
    assert not for_ever.tap.open
    assert for_ever.send(message("ticker")) == [message("ticker")]
    assert for_ever.tap.open
