"""The gates in their order, each shut in turn."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from krakked_tui.domain.candles import Timeframe
from krakked_tui.domain.intents import IntentType, StrategyIntent
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.gates import Gate, Shut, first_shut
from krakked_tui.engine.risk_facts import RiskFacts
from krakked_tui.market.freshness import Freshness
from krakked_tui.strategies.loaded import LoadedStrategy, Origin
from krakked_tui.strategies.settings import StrategySettings, UniverseFilter
from tests.scenarios.stage import STRATEGY, Stage
from tests.unit.engine.risk_builders import Asked, built, candles, facts_of, frames

D = Decimal
FLAT = [100] * 60


class Rig:
    """A strategy and a pair of which every gate is open, until something is changed."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.asked = stage, Asked(stage)
        self.loaded: LoadedStrategy | None = built(ma_fast=3, ma_slow=5)
        self.settings: StrategySettings = self.loaded.strategy.settings
        self.closes: list[int] = FLAT
        self.pair = "XBTUSD"
        self.changes: dict[str, Any] = {}
        self.seen: dict[Timeframe, Timeframe] = {}
        """Whose decisions those of a timeframe are taken to be."""

    def decide(self, *intents: StrategyIntent) -> None:
        self.stage.cycle(*intents)

    def shut(self) -> Shut | None:
        rows = candles(self.pair, self.closes, self.stage.at)
        changes = {"frames": frames(*rows), **self.changes}
        engine = self.asked.engine()
        facts = msgspec.structs.replace(engine.facts, **changes)
        newest = {tf: self.asked.decisions.newest(self.seen.get(tf, tf)) for tf in self.settings.timeframes}
        return first_shut(
            facts, self.settings, self.loaded, self.pair, {tf: r for tf, r in newest.items() if r is not None}
        )

    def gate(self) -> str:
        found = self.shut()
        return "" if found is None else found.gate


@pytest.fixture
def rig(xbtusd: PairMetadata) -> Rig:
    return Rig(Stage(xbtusd).ready())


def test_a_signal_that_bought_meets_no_gate_that_is_shut(rig: Rig) -> None:
    rig.decide(rig.stage.intent())
    assert rig.shut() is None


def test_every_gate_in_its_order(rig: Rig) -> None:
    """Everything is shut; the gates are opened one after the other."""
    rig.closes = [100] * 3
    mark = msgspec.structs.replace(rig.stage.state.marks["XBTUSD"], freshness=Freshness.STALE, age=75.0)
    rig.settings = msgspec.structs.replace(rig.settings, universe_filter=UniverseFilter(pairs=("ETHUSD",)))
    rig.changes = {
        "halted": "cycles are paused",
        "settings": msgspec.structs.replace(rig.stage.state.settings, strategies=()),
        "errors": {STRATEGY.id: "boom"},
        "tradable": frozenset(),
        "market_trouble": "no price since noon",
        "marks": {"XBTUSD": mark},
    }
    seen: list[Shut] = []

    def look() -> None:
        found = rig.shut()
        assert found is not None
        seen.append(found)

    for opened in ("halted", "settings", "errors", "tradable"):
        look()
        del rig.changes[opened]
    look()
    rig.settings = msgspec.structs.replace(rig.settings, universe_filter=UniverseFilter())
    look()
    rig.closes = FLAT
    look()
    del rig.changes["market_trouble"]
    look()
    del rig.changes["marks"]
    look()
    rig.decide()
    look()
    rig.stage.later(60)
    rig.decide(rig.stage.intent(stop=None))
    look()
    gates = [shut.gate for shut in seen]
    assert gates == [
        Gate.ENGINE, Gate.ENABLED, Gate.FAILED, Gate.LISTED, Gate.FILTER, Gate.CANDLES, Gate.MARKET_DATA,
        Gate.MARKET_DATA, Gate.EVALUATED, Gate.SIGNAL, "stop_distance",
    ]  # fmt: skip
    by_gate = {shut.gate: shut for shut in seen}
    assert by_gate[Gate.ENGINE].reason == "cycles are paused: no cycle runs"
    assert by_gate[Gate.FAILED].reason.endswith("boom")
    assert by_gate[Gate.FILTER].reason.endswith("is not among its pairs")
    assert (by_gate[Gate.CANDLES].value, by_gate[Gate.CANDLES].threshold) == ("3", "15 candles")
    assert (seen[6].reason, seen[7].value) == ("market data is unusable: no price since noon", "stale")
    assert "75 s old" in seen[7].reason
    assert "at 2026-01-05 00:01 UTC" in by_gate[Gate.EVALUATED].reason


def test_a_pair_that_is_not_listed_and_one_that_is_not_let_in(rig: Rig) -> None:
    rig.changes = {"tradable": frozenset()}
    found = rig.shut()
    assert found == Shut(
        Gate.LISTED,
        "XBTUSD is not among the pairs that the rules of the universe let in",
        "its status is online",
    )
    rig.changes = {"known": {}, "tradable": frozenset()}
    assert rig.shut() == Shut(Gate.LISTED, "the exchange does not list XBTUSD")


def test_a_filter_that_counts_candles(rig: Rig) -> None:
    rig.settings = msgspec.structs.replace(rig.settings, universe_filter=UniverseFilter(min_history_bars=61))
    found = rig.shut()
    assert found is not None
    assert found.reason == "its universe filter leaves XBTUSD out: it has 60 of 61 candles"


def test_candles_that_stopped_coming(rig: Rig) -> None:
    rig.decide()
    rig.stage.at += timedelta(minutes=1)
    rig.changes = {"frames": frames(*candles("XBTUSD", FLAT, rig.stage.at - timedelta(minutes=1)))}
    assert rig.gate() == Gate.SIGNAL, "the newest candle is on its way"
    rig.changes = {"frames": frames(*candles("XBTUSD", FLAT, rig.stage.at - timedelta(minutes=2)))}
    found = rig.shut()
    assert found is not None
    assert (found.gate, found.value) == (Gate.CANDLES, "2026-01-04 23:58 UTC")


def test_no_price_at_all(rig: Rig) -> None:
    rig.changes = {"marks": {}}
    found = rig.shut()
    assert found == Shut(Gate.MARKET_DATA, "no price of XBTUSD has arrived", "never")


def test_a_signal_that_is_not_there_shows_the_indicators(rig: Rig) -> None:
    rig.decide()
    found = rig.shut()
    assert found is not None
    assert found.gate == Gate.SIGNAL
    assert found.value.startswith("close 100, ")
    assert "sma" in found.value or "ma_" in found.value
    assert found.threshold == "its enter condition true"


def test_the_users_own_code_is_not_run_for_a_picture(rig: Rig) -> None:
    assert rig.loaded is not None
    calls = type(rig.loaded.strategy).generate_intents
    ran: list[str] = []

    class Own(type(rig.loaded.strategy)):  # type: ignore[misc]
        def generate_intents(self, ctx: Any) -> Any:
            return calls(self, ctx)

        def signals(self, frame: Any) -> Any:
            ran.append("signals")
            return super().signals(frame)

    rig.loaded = LoadedStrategy(Own(rig.settings), Origin("file", "own", "Own"))
    assert rig.loaded.in_worker
    rig.decide()
    found = rig.shut()
    assert found is not None
    assert (found.gate, found.value, ran) == (Gate.SIGNAL, "", [])


def test_indicators_that_fail_are_left_out(rig: Rig) -> None:
    assert rig.loaded is not None

    class Broken(type(rig.loaded.strategy)):  # type: ignore[misc]
        def signals(self, frame: Any) -> Any:
            raise ZeroDivisionError

    rig.loaded = LoadedStrategy(Broken(rig.settings), rig.loaded.origin)
    rig.decide()
    found = rig.shut()
    assert found is not None
    assert found.value == ""


def test_what_is_held_waits_for_its_exit(rig: Rig) -> None:
    rig.stage.bought()
    rig.stage.later(60)
    rig.decide()
    found = rig.shut()
    assert found is not None
    assert (found.gate, found.reason) == (Gate.SIGNAL, f"{STRATEGY.id} holds 0.08 of XBTUSD already")


@pytest.mark.parametrize(
    ("kind", "words"),
    [(IntentType.EXIT, "wants to exit XBTUSD"), (IntentType.HOLD, "wants to leave XBTUSD as it is")],
)
def test_a_wish_that_is_no_entry(rig: Rig, kind: IntentType, words: str) -> None:
    rig.decide(msgspec.structs.replace(rig.stage.intent(kind), metadata={"rsi": 51.25}))
    found = rig.shut()
    assert found == Shut(Gate.SIGNAL, f"{STRATEGY.id} {words}", "rsi 51.25")


def test_an_increase_is_an_entry(rig: Rig) -> None:
    rig.decide(rig.stage.intent(IntentType.INCREASE))
    assert rig.shut() is None


def test_confidence_is_asked_before_the_other_limits(rig: Rig) -> None:
    rig.stage.state.market_usable = False
    weak = msgspec.structs.replace(rig.stage.intent(), confidence=D("0.42"))
    rig.decide(weak)
    rig.stage.state.market_usable = True
    found = rig.shut()
    assert found is not None
    assert (found.gate, found.value, found.threshold) == (
        "min_signal_confidence",
        "0.42 confidence",
        "0.6 confidence",
    )
    rig.stage.later(60)
    rig.stage.state.market_usable = False
    rig.decide(rig.stage.intent())
    rig.stage.state.market_usable = True
    assert rig.gate() == "no_new_risk"


def test_a_signal_that_no_limit_refused_and_that_came_to_nothing(rig: Rig) -> None:
    rig.stage.bought()
    rig.stage.later(60)
    rig.decide(rig.stage.intent())
    found = rig.shut()
    assert found == Shut("plan", f"{STRATEGY.id} holds XBTUSD already")


def test_of_several_timeframes_the_one_that_came_furthest_tells(rig: Rig) -> None:
    both = (Timeframe.M1, Timeframe.H1)
    rig.settings = msgspec.structs.replace(rig.settings, timeframes=both)
    rig.decide()
    found = rig.shut()
    assert found is not None
    assert (found.gate, "1m" in found.reason) == (Gate.SIGNAL, True), "1h has not closed yet"
    rig.seen = {Timeframe.M1: Timeframe.D1, Timeframe.H1: Timeframe.M1}
    found = rig.shut()
    assert found is not None
    assert (found.gate, "1h" in found.reason) == (Gate.SIGNAL, True), "1m has not closed yet"
    rig.seen = {}
    rig.stage.later(60)
    rig.decide(rig.stage.intent())
    assert rig.shut() is None, "open on one of them is open"


def test_the_wishes_of_others_and_of_other_pairs_are_not_its_own(rig: Rig) -> None:
    other = msgspec.structs.replace(rig.stage.intent(), strategy_id="breakout_v1")
    rig.decide(other)
    assert rig.gate() == Gate.SIGNAL
    rig.stage.later(60)
    rig.decide(rig.stage.intent())
    rig.pair = "ETHUSD"
    eth = msgspec.structs.replace(rig.stage.pair, canonical="ETHUSD", base="ETH")
    facts: RiskFacts = facts_of(rig.stage)
    rig.changes = {
        "known": {**facts.known, "ETHUSD": eth}, "tradable": facts.tradable | {"ETHUSD"},
        "marks": {"ETHUSD": facts.marks["XBTUSD"]},
    }  # fmt: skip
    assert rig.gate() == Gate.SIGNAL
