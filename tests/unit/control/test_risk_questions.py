"""Questions about risk and strategies, each answered from the facts of its moment."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from krakked_tui.control.risk_desk import RiskDesk
from krakked_tui.control.risk_questions import RiskQuestions, named
from krakked_tui.domain.errors import RefusedError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.moment import Moment
from tests.fakes.journal_look import RecordedLook
from tests.fakes.keeper import MemoryKeeper
from tests.scenarios.stage import OTHER, STRATEGY, Stage

D = Decimal


class EngineStub:
    """Hands out its moment."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.known = True

    def current(self) -> Moment:
        return Moment(at=self.stage.at, phase="running", state=self.stage.state if self.known else None)


class Rig:
    """Questions to an engine that answers at once, has ended, or never answers."""

    def __init__(self, pair: PairMetadata) -> None:
        self.stage = Stage(pair).ready()
        self.keeper = MemoryKeeper(STRATEGY, disabled=(OTHER,), risk=self.stage.state.settings.risk)
        self.engine = EngineStub(self.stage)
        self.alive = True
        desk = RiskDesk(lambda: 0.0, self.keeper, RecordedLook(self.stage.records))
        self.questions = RiskQuestions(desk, self.keeper, self.call)  # type: ignore[arg-type]

    def call(self, work: Callable[[EngineStub], None]) -> bool:
        if self.alive:
            work(self.engine)
        return self.alive


@pytest.fixture
def rig(xbtusd: PairMetadata) -> Rig:
    return Rig(xbtusd)


async def test_a_preview_says_what_would_change_and_changes_nothing(rig: Rig) -> None:
    rig.stage.bought()
    before = rig.keeper.config
    preview = await rig.questions.preview({"risk.max_open_positions": "3", "risk.max_per_asset_pct": "10"})
    assert [(each.key, each.old, each.new) for each in preview.changes] == [
        ("risk.max_open_positions", "10", "3"), ("risk.max_per_asset_pct", "50", "10"),
    ]  # fmt: skip
    (said,) = preview.violated
    assert said.startswith("XBT is at")
    assert rig.keeper.config is before


async def test_a_preview_of_what_cannot_be(rig: Rig) -> None:
    preview = await rig.questions.preview({"risk.max_open_positions": "many"})
    assert preview.problems == ("risk.max_open_positions is many: allowed is a number",)


async def test_a_preset_is_previewed_by_its_name(rig: Rig) -> None:
    asked: list[dict[str, str]] = []
    keep = rig.keeper.preview
    rig.keeper.preview = lambda changes: asked.append(dict(changes)) or keep({})  # type: ignore[method-assign,func-returns-value]
    await rig.questions.preset("conservative")
    assert asked[0]["risk.max_open_positions"] == "5"
    assert asked[0]["risk.protections.cooldown_minutes"] == "240"
    preview = await rig.questions.preset("\x1b]reckless")
    assert preview.problems == ("there is no preset '?]reckless'",)


@pytest.mark.parametrize("name", ["XBTUSD", "xbtusd", " btc/usd ", "xxbtzusd"])
async def test_what_a_buy_would_meet_by_any_name_of_the_pair(rig: Rig, name: str) -> None:
    found = await rig.questions.what_if(name, D(100), D(49_000))
    assert (found.pair, found.problem) == ("XBTUSD", "")
    assert D(90) < found.notional_usd <= D(100)
    assert len(found.checks) > 10


async def test_a_buy_of_what_nobody_knows(rig: Rig) -> None:
    assert (await rig.questions.what_if("nope", D(100), None)).problem.startswith("nope is not known")


async def test_an_order_is_explained(rig: Rig) -> None:
    entry = rig.stage.bought()
    found = await rig.questions.explain(entry.cl_ord_id)
    assert (found.plan_id, found.focus) == (entry.plan_id, entry.cl_ord_id)
    assert [fill.cl_ord_id for fill in found.fills] == [entry.cl_ord_id]
    assert found.fills[0].pnl == -entry.request.volume * 50_000 * D("0.004")
    assert (await rig.questions.explain("nothing")).problem.startswith("nothing is stored of 'nothing'")


async def test_silence_is_explained_of_those_that_run_and_those_that_do_not(rig: Rig) -> None:
    rig.stage.cycle()
    found = await rig.questions.explain_silence(STRATEGY.id, "btc/usd")
    assert (found.strategy_id, found.pair, found.gate) == (STRATEGY.id, "XBTUSD", "evaluated")
    assert (await rig.questions.explain_silence(OTHER.id, "XBTUSD")).gate == "enabled"
    with pytest.raises(RefusedError, match="there is no strategy 'mine'"):
        await rig.questions.explain_silence("mine", "XBTUSD")


async def test_an_engine_that_has_ended_is_said_to_have(rig: Rig) -> None:
    rig.alive = False
    with pytest.raises(RefusedError, match="the engine has stopped: krakked-tui explain"):
        await rig.questions.explain("k1")


async def test_an_engine_that_is_starting_is_asked_again(rig: Rig) -> None:
    rig.engine.known = False
    for question in (rig.questions.explain("k1"), rig.questions.what_if("XBTUSD", D(1), None)):
        with pytest.raises(RefusedError, match="ask again when it has started"):
            await question


async def test_a_failure_on_the_engines_loop_is_told_to_whoever_asked(rig: Rig) -> None:
    rig.stage.state.orders = None  # type: ignore[assignment]
    with pytest.raises(AttributeError):
        await rig.questions.what_if("XBTUSD", D(1), None)


async def test_an_engine_that_does_not_answer_is_not_waited_for_and_may_answer_later(
    xbtusd: PairMetadata,
) -> None:
    rig = Rig(xbtusd)
    works: list[Callable[[EngineStub], None]] = []
    desk = RiskDesk(lambda: 0.0, rig.keeper)
    slow = RiskQuestions(desk, rig.keeper, lambda work: works.append(work) or True, answer_seconds=0.01)  # type: ignore[arg-type,func-returns-value]
    with pytest.raises(RefusedError, match="too busy to answer"):
        await slow.explain("k1")
    works[0](rig.engine)


def test_a_pair_is_found_by_its_own_name_first(xbtusd: PairMetadata) -> None:
    known = {"XBTUSD": xbtusd, "btc/usd": xbtusd}
    assert named("btc/usd", known) == "btc/usd"
    assert named("BTC/USD", {"XBTUSD": xbtusd}) == "XBTUSD"
    assert named("?", known) == "?"
