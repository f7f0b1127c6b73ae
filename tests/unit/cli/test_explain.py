"""``krakked-tui explain`` over explanations that a fake gives."""

import json
from pathlib import Path

import cyclopts
import msgspec
import pytest

from krakked_tui.cli.explain import WIDTH, explain_command
from krakked_tui.control.risk_view import Explanation
from krakked_tui.domain.errors import NoDataError
from tests.fakes import risk


class Teller:
    """Implements ``Explain``; remembers what it was asked for."""

    def __init__(self, found: Explanation) -> None:
        self.found = found
        self.asked: list[tuple[str, str, Path | None]] = []

    def __call__(self, *, name: str, profile: str, config: Path | None) -> Explanation:
        self.asked.append((name, profile, config))
        return self.found


def run(teller: Teller, *arguments: str) -> int:
    app = cyclopts.App(name="krakked-tui", result_action="return_value")
    app.command(explain_command(teller))
    result = app(["explain", *arguments], exit_on_error=False, print_error=False)
    assert isinstance(result, int)
    return result


@pytest.fixture
def teller() -> Teller:
    return Teller(risk.explanation())


def test_the_whole_chain_fits_a_terminal(teller: Teller, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(teller, "kabc") == 0
    text = capsys.readouterr().out
    order = [
        text.index(title)
        for title in ("BLOCKED", "INTENTS", "ACTIONS", "ORDERS", "FILLS", "THE ACCOUNT THEN")
    ]
    assert order == sorted(order)
    assert "sma_20 63811.4" in text
    assert "trend_following wants to enter XBTUSD on 1h" in text
    assert max(map(len, text.splitlines())) <= WIDTH
    assert not any(line.endswith(" ") for line in text.splitlines())
    assert teller.asked == [("kabc", "paper", None)]


def test_whose_decisions_and_from_which_configuration(
    teller: Teller, capsys: pytest.CaptureFixture[str]
) -> None:
    run(teller, " p1 ", "--profile", "live", "--config", "my.toml")
    assert teller.asked == [("p1", "live", Path("my.toml"))]


def test_json_has_every_digit(teller: Teller, capsys: pytest.CaptureFixture[str]) -> None:
    run(teller, "p1", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["plan_id"] == teller.found.plan_id
    assert told["orders"][0]["volume"] == "0.03127711"
    assert msgspec.json.decode(json.dumps(told), type=Explanation) == teller.found


def test_what_others_wrote_is_harmless_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = risk.hostile("\x1b[2J\u202eevil").explained
    run(Teller(hostile), "p1")
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    action = msgspec.structs.replace(hostile.actions[0], reason="word " * 200 + "end")
    run(Teller(msgspec.structs.replace(hostile, actions=(action,))), "p1")
    assert "end" in capsys.readouterr().out


def test_what_nobody_knows_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    def nothing(**_: object) -> Explanation:
        raise NoDataError("nothing is stored of 'x'")

    app = cyclopts.App(name="krakked-tui", result_action="return_value")
    app.command(explain_command(nothing))
    with pytest.raises(NoDataError):
        app(["explain", "x"], exit_on_error=False, print_error=False)
    assert capsys.readouterr().out == ""


def test_a_long_decision_is_printed_to_its_end(teller: Teller, capsys: pytest.CaptureFixture[str]) -> None:
    bought, blocked = teller.found.actions
    many = (bought, *(msgspec.structs.replace(blocked, pair=f"P{number}USD") for number in range(270)))
    run(Teller(msgspec.structs.replace(teller.found, actions=many)), "p1")
    text = capsys.readouterr().out
    assert "P269USD" in text
    assert "THE ACCOUNT THEN" in text
    assert max(map(len, text.splitlines())) <= WIDTH
