"""Every setting of the limits has a name and a meaning in the form."""

import msgspec

from krakked_tui.risk.settings import ProtectionSettings, RiskSettings
from krakked_tui.tui.rows.risk_words import MANUAL, PER_STRATEGY, RISK_WORDS, words


def test_every_setting_is_explained_and_no_other() -> None:
    own = {f"risk.{field.name}" for field in msgspec.structs.fields(RiskSettings)}
    own -= {"risk.protections", PER_STRATEGY}
    own |= {f"risk.protections.{field.name}" for field in msgspec.structs.fields(ProtectionSettings)}
    assert set(RISK_WORDS) == own
    assert MANUAL in own


def test_names_differ_and_fit_the_form() -> None:
    names = [name for name, _ in RISK_WORDS.values()]
    assert len(set(names)) == len(names)
    assert all(len(name) < 28 for name in names)
    assert all(text.endswith(".") for _, text in RISK_WORDS.values())


def test_a_strategy_has_a_share_of_its_own_and_the_unknown_keeps_its_key() -> None:
    assert words(f"{PER_STRATEGY}.breakout")[0] == "Strategy breakout"
    assert words("risk.unheard_of") == ("risk.unheard_of", "")
