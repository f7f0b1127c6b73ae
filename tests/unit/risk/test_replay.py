"""A decision made again from what is stored of it."""

import zlib
from collections.abc import Mapping
from datetime import timedelta
from typing import TypeVar

import msgspec
import pytest

from krakked_tui.domain.intents import IntentType
from krakked_tui.domain.safety import KillCause, KillSwitch
from krakked_tui.risk.context import MANUAL, Protection, ProtectionKind
from krakked_tui.risk.gate import evaluate
from krakked_tui.risk.replay import BYTES_MAX, decide_again, encode
from krakked_tui.risk.settings import RiskSettings
from tests.unit.domain.builders import START
from tests.unit.risk.builders import (
    SETTINGS,
    make_context,
    make_holding,
    make_intent,
    make_pending,
    make_share,
    make_state,
    make_strategy,
    money,
)

T = TypeVar("T")
NAMES = [f"P{n}USD" for n in range(300)]
CONTEXT = make_context(
    *(make_state(pair, "101.37", spread="0.11", fee_pct="0.4", atr="3.3") for pair in NAMES),
    make_state("OLDUSD", None),
    equity="12345.6789",
    slippage_bps="50",
    holdings={
        "P0USD": make_holding(make_share("1.5", "trend", "90")),
        "P1USD": make_holding(make_share("9", MANUAL), make_share("0.7", "gone")),
        "OLDUSD": make_holding(price="0"),
    },
    pending={"P2USD": make_pending(make_share("1", "other", "95"))},
    strategies={
        name: make_strategy(target_r="1.7", trailing="3", holding_minutes=9)
        for name in ("trend", "other", "third", "spare")
    },
    blocked_pairs={"P4USD": "why not", "P299USD": "nobody asks"},
    protections=(
        Protection(ProtectionKind.COOLDOWN, START + timedelta(hours=1), "lost", pair="P5USD"),
        Protection(ProtectionKind.COOLDOWN, START + timedelta(hours=1), "lost", pair="P298USD"),
        Protection(ProtectionKind.CONSECUTIVE_LOSSES, START, "lost", strategy_id="third"),
        Protection(ProtectionKind.CONSECUTIVE_LOSSES, START, "lost", strategy_id="spare"),
    ),
)
INTENTS = [
    make_intent("P0USD", IntentType.EXIT),
    make_intent("P1USD", IntentType.EXIT, strategy_id="gone"),
    make_intent("OLDUSD", IntentType.EXIT),
    *(make_intent(f"P{n}USD", stop="90") for n in range(2, 8)),
    make_intent("P6USD", stop=None, atr="4.4", strategy_id="other"),
    make_intent("P7USD", strategy_id="third"),
    make_intent("P8USD", IntentType.HOLD),
    make_intent("QQQUSD"),
]
LIMITS = RiskSettings(max_per_strategy_pct={"trend": money(20)[0]}, max_open_positions=9)


def test_a_decision_is_made_again_to_the_same_actions() -> None:
    actions = evaluate(INTENTS, CONTEXT, LIMITS)
    assert len({action.action_type for action in actions}) >= 3
    again = decide_again(encode(CONTEXT, LIMITS, INTENTS))
    assert again == actions
    assert msgspec.json.encode(again) == msgspec.json.encode(actions)


def backwards(mapping: Mapping[str, T]) -> dict[str, T]:
    return dict(reversed(list(mapping.items())))


def test_equal_inputs_make_equal_bytes() -> None:
    other_way_round = msgspec.structs.replace(
        CONTEXT,
        pairs=backwards(CONTEXT.pairs),
        holdings=backwards(CONTEXT.holdings),
        strategies=backwards(CONTEXT.strategies),
    )
    assert encode(other_way_round, LIMITS, INTENTS[::-1]) == encode(CONTEXT, LIMITS, INTENTS)


def test_only_what_is_concerned_is_kept() -> None:
    packed = encode(CONTEXT, LIMITS, INTENTS)
    assert len(packed) < 3000
    for stranger in (b"P100USD", b"P298USD", b"P299USD", b"spare"):
        assert stranger not in zlib.decompress(packed)
    seen = [msgspec.structs.replace(intent, metadata={"rsi": 30.5}) for intent in INTENTS]
    assert encode(CONTEXT, LIMITS, seen) == packed


def test_the_kill_switch_is_kept() -> None:
    switch = KillSwitch(active=True, cause=KillCause.DRIFT, reason="drift", since=START, by="engine")
    context = msgspec.structs.replace(CONTEXT, kill_switch=switch)
    assert decide_again(encode(context, LIMITS, INTENTS)) == evaluate(INTENTS, context, LIMITS)


def test_without_intents_there_is_nothing_to_decide() -> None:
    assert decide_again(encode(CONTEXT, SETTINGS, [])) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"nonsense",
        zlib.compress(b"nonsense"),
        zlib.compress(msgspec.msgpack.encode([1, 2])),
        encode(CONTEXT, LIMITS, INTENTS)[:-20],
        zlib.compress(b"\x00" * (BYTES_MAX + 1), 1),
    ],
)
def test_bytes_that_are_none_of_ours_are_refused(wrong: bytes) -> None:
    with pytest.raises(ValueError, match="the stored inputs of a decision cannot be read"):
        decide_again(wrong)


def test_another_form_is_refused() -> None:
    values = msgspec.msgpack.decode(zlib.decompress(encode(CONTEXT, LIMITS, INTENTS)))
    other = zlib.compress(msgspec.msgpack.encode([2, *values[1:]]))
    with pytest.raises(ValueError, match="form 2; this version decides again from form 1"):
        decide_again(other)
