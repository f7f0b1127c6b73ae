"""Limits, strategies and decisions that are shown are clean, and go back by the engine's own names."""

import msgspec

from krakked_tui.tui.risk_store import RiskStore
from tests.fakes import risk as fake_risk
from tests.fakes import strategies as fake_strategies

HOSTILE = "\x1b[2Jname\u202e"
SHOWN = "␛[2Jname\\u202e"


def test_every_text_is_clean_and_knows_its_name_at_the_engine() -> None:
    store, fake = RiskStore(), fake_risk.hostile(HOSTILE)
    risk = store.apply_risk(fake.view)
    (line,) = store.apply_strategies(fake_strategies.hostile(HOSTILE)).strategies
    (decision,) = store.apply_decisions(fake.decisions)
    assert (risk.kill_reason, risk.presets, risk.limits[0].key) == (SHOWN, (SHOWN,), SHOWN)
    assert (line.id, line.parameters[0].key, line.held[0].pair) == (SHOWN, SHOWN, SHOWN)
    assert line.intents[0].values[0][0] == SHOWN
    assert decision.plan_id == SHOWN
    assert store.name_at_the_engine(SHOWN) == HOSTILE
    assert store.name_at_the_engine("XBTUSD") == "XBTUSD"


def test_what_did_not_change_stays_the_same_object() -> None:
    store, decisions = RiskStore(), fake_risk.FakeRisk().decisions
    risk, strategies = fake_risk.OK, fake_strategies.normal()
    first = (store.apply_risk(risk), store.apply_strategies(strategies), store.apply_decisions(decisions))
    again = (store.apply_risk(risk), store.apply_strategies(strategies), store.apply_decisions(decisions))
    assert all(a is b for a, b in zip(first, again, strict=True))
    assert first[0] is risk, "clean texts cost no copy"
    assert first[1].strategies[3].equity is strategies.strategies[3].equity
    assert store.apply_risk(msgspec.structs.replace(risk, drift=True)).drift
