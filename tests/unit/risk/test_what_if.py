"""What every limit would say to a buy that nobody has asked for."""

from decimal import Decimal

import pytest

from krakked_tui.domain.plans import Verdict
from krakked_tui.domain.safety import KillSwitch
from krakked_tui.risk.context import RiskContext
from krakked_tui.risk.limits import MINIMUMS, PERMISSIONS
from krakked_tui.risk.settings import RiskSettings
from krakked_tui.risk.what_if import OF_STRATEGIES, Hypothesis, what_if
from tests.unit.risk.builders import SETTINGS, facts, make_context, make_holding, make_state


def ask(
    usd: str,
    context: RiskContext | None = None,
    stop: str | None = None,
    pair: str = "XBTUSD",
    settings: RiskSettings = SETTINGS,
) -> Hypothesis:
    stop_price = None if stop is None else Decimal(stop)
    return what_if(pair, Decimal(usd), context or make_context(), settings, stop_price=stop_price)


def verdict(answer: Hypothesis, limit: str) -> Verdict:
    (check,) = (check for check in answer.checks if check.limit == limit)
    return check.verdict


def test_a_buy_within_every_limit_is_bought_whole() -> None:
    answer = ask("400", stop="80")
    assert facts(answer.size, answer.notional_usd, answer.blocked, answer.problem) == (4, 400, False, "")
    assert {check.verdict for check in answer.checks} == {Verdict.OK}
    # The caps of a strategy's budget and of its places are nobody's; the rest is there.
    assert len(answer.checks) == len(PERMISSIONS) - len(OF_STRATEGIES) + 1 + 5 + len(MINIMUMS)


@pytest.mark.parametrize(
    ("usd", "cut"), [("499.99", False), ("500", False), ("500.01", True), ("9000", True)]
)
def test_too_large_a_buy_is_cut(usd: str, cut: bool) -> None:
    answer = ask(usd, stop="99")
    assert (verdict(answer, "max_per_asset_pct") is Verdict.CLAMPED) is cut
    assert answer.size == min(Decimal(usd) / 100, Decimal(5)).quantize(Decimal("0.0001"), "ROUND_DOWN")


def test_what_stands_against_it_is_told_with_everything_else() -> None:
    context = make_context(kill_switch=KillSwitch(active=True, reason="drill"))
    answer = ask("400", context, "80")
    assert facts(answer.size, answer.notional_usd, answer.blocked) == (0, 0, True)
    assert verdict(answer, "kill_switch") is Verdict.BLOCKED
    assert verdict(answer, "cash") is Verdict.OK


@pytest.mark.parametrize(
    ("atr", "size"),
    [
        (None, "1"),  # all of it is taken to be lost: $100 of risk
        ("10", "4"),
        ("25", "2"),
        ("80", "1"),
    ],
)
def test_without_a_stop_volatility_says_what_it_risks(atr: str | None, size: str) -> None:
    answer = ask("400", make_context(make_state(atr=atr)))
    assert answer.size == Decimal(size)
    assert verdict(answer, "cost_min") is Verdict.OK


@pytest.mark.parametrize("stop", ["0", "-1", "100", "101"])
def test_a_stop_that_is_none_is_told(stop: str) -> None:
    answer = ask("400", stop=stop)
    assert answer.blocked
    assert verdict(answer, "stop_distance") is Verdict.BLOCKED


def test_what_is_held_already_counts() -> None:
    context = make_context(holdings={"XBTUSD": make_holding()})
    assert ask("900", context, "99").size == 0  # 2 at a stop of 50 use up the pair's risk
    wide = RiskSettings(max_risk_per_trade_pct=Decimal(5), max_per_asset_pct=Decimal(8))
    assert ask("900", context, "99", settings=wide).size == 6


@pytest.mark.parametrize("usd", ["0", "-5", "NaN", "Infinity"])
def test_an_amount_that_buys_nothing_is_a_problem(usd: str) -> None:
    answer = ask(usd)
    assert answer.problem == f"{usd} USD buys nothing: name an amount above 0"
    assert answer.checks == ()


def test_a_pair_that_is_not_known_or_has_no_price_is_a_problem() -> None:
    assert ask("5", pair="QQQUSD").problem.startswith("QQQUSD is not known here")
    assert ask("5", make_context(make_state(price=None))).problem.startswith("no price of XBTUSD")
