"""Reading declared parameters, and what a person is told about wrong ones."""

from typing import Annotated, Literal

import msgspec
import pytest

from krakked_tui.domain.errors import ConfigError
from krakked_tui.strategies.parameters import Parameter, describe, read_parameters


class Declared(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One parameter of each kind."""

    bars: Annotated[int, msgspec.Meta(ge=2, le=50, description="How many bars.")] = 20
    factor: Annotated[float, msgspec.Meta(ge=0.5, le=4, description="How far.")] = 1.5
    mode: Annotated[Literal["fast", "slow"], msgspec.Meta(description="Which way.")] = "fast"
    eager: bool = False
    pair: Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[A-Z]+\Z",
            description="Which one.",
            extra_json_schema={"allowed": "a pair such as XBTUSD"},
        ),
    ] = "XBTUSD"

    def __post_init__(self) -> None:
        if self.eager and self.mode == "slow":
            raise ValueError("eager is true: use it with mode fast")


def problems_of(given: dict[str, object]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        read_parameters(Declared, given, "strategies.configs.s")
    return raised.value.problems


def test_parameters_are_described_as_declared() -> None:
    assert describe(Declared) == (
        Parameter("bars", 20, "a whole number from 2 to 50", "How many bars."),
        Parameter("factor", 1.5, "a number from 0.5 to 4", "How far."),
        Parameter("mode", "fast", '"fast" or "slow"', "Which way."),
        Parameter("eager", default=False, allowed="true or false", description=""),
        Parameter("pair", "XBTUSD", "a pair such as XBTUSD", "Which one."),
    )


def test_defaults_and_bounds() -> None:
    assert read_parameters(Declared, {}, "s") == Declared()
    given: dict[str, object] = {"bars": 2, "factor": 4, "mode": "slow"}
    assert read_parameters(Declared, given, "s") == Declared(bars=2, factor=4.0, mode="slow")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"bars": 1}, "bars is 1: allowed is a whole number from 2 to 50."),
        ({"bars": 51}, "bars is 51: allowed is a whole number from 2 to 50."),
        ({"bars": 2.5}, "bars is 2.5: allowed is a whole number from 2 to 50."),
        ({"bars": "20"}, "bars is '20': allowed is a whole number from 2 to 50."),
        ({"factor": float("nan")}, "factor is nan: allowed is a number from 0.5 to 4."),
        ({"factor": 4.1}, "factor is 4.1: allowed is a number from 0.5 to 4."),
        ({"mode": "medium"}, 'mode is \'medium\': allowed is "fast" or "slow".'),
        ({"eager": 1}, "eager is 1: allowed is true or false."),
        ({"pair": "xbt"}, "pair is 'xbt': allowed is a pair such as XBTUSD."),
        ({"bar": 3}, "bar: no such parameter; did you mean bars?"),
        ({"qqq": 3}, "qqq: no such parameter; known are bars, factor, mode, eager, pair."),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(given: dict[str, object], problem: str) -> None:
    assert problems_of(given) == (f"strategies.configs.s.{problem}",)


def test_all_problems_are_told_at_once() -> None:
    assert len(problems_of({"bars": 1, "factor": 9, "x": 1})) == 3


def test_values_that_do_not_fit_together() -> None:
    found = problems_of({"eager": True, "mode": "slow"})
    assert found == ("strategies.configs.s: eager is true: use it with mode fast",)


def test_hostile_values_are_cut_short() -> None:
    (problem,) = problems_of({"mode": "x" * 10_000})
    assert len(problem) < 200


def test_a_number_must_be_declared_with_both_bounds() -> None:
    class Unbounded(msgspec.Struct):
        bars: Annotated[int, msgspec.Meta(ge=2)] = 20

    with pytest.raises(TypeError, match="numbers need both bounds"):
        describe(Unbounded)


def test_a_text_must_say_what_it_takes() -> None:
    class Anything(msgspec.Struct):
        pair: Annotated[str, msgspec.Meta(description="Which one.")] = "XBTUSD"

    with pytest.raises(TypeError, match="texts their choices"):
        describe(Anything)
