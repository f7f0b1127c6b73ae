import pytest

from krakked_tui.sandbox import lockout
from krakked_tui.sandbox.faults import ApiError
from krakked_tui.sandbox.lockout import Lockout


def test_three_strikes_and_out() -> None:
    ban = Lockout(3, 60.0)
    for now in (1.0, 2.0):
        ban.strike("a", now)
        ban.check("a", now)
    ban.strike("a", 3.0)
    assert ban.seconds_left("a", 3.0) == 60
    with pytest.raises(ApiError, match="EGeneral:Temporary lockout"):
        ban.check("a", 10.0)
    assert ban.seconds_left("a", 10.0) == 60, "the call made it start over"
    ban.check("b", 10.0)
    ban.check("a", 70.0)
    ban.strike("a", 71.0)
    ban.check("a", 71.0)


def test_a_good_call_forgives() -> None:
    ban = Lockout(2, 60.0)
    ban.strike("a", 1.0)
    ban.forgive("a")
    ban.strike("a", 2.0)
    ban.check("a", 2.0)


def test_it_does_not_remember_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lockout, "_NAMES_MAX", 3)
    ban = Lockout(1, 60.0)
    for number in range(5):
        ban.strike(f"{number}", 1.0)
    assert [ban.seconds_left(f"{number}", 1.0) for number in range(5)] == [0, 0, 60, 60, 60]
