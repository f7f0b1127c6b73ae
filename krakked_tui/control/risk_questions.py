"""Questions about risk and strategies that take a moment: answered from fresh facts, in a thread."""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from decimal import Decimal
from typing import Protocol, TypeVar

from krakked_tui.config.changes import Previewed
from krakked_tui.control.explanation_picture import explanation_of, unknown
from krakked_tui.control.risk_desk import RiskDesk
from krakked_tui.control.risk_picture import preset_changes, preview_of, silence_of, what_if_of
from krakked_tui.control.risk_view import Explanation, RiskPreview, Silence, WhatIf
from krakked_tui.domain.errors import RefusedError
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.engine.chains import find_chain
from krakked_tui.engine.engine import Engine
from krakked_tui.engine.portfolio_service import PortfolioFacts
from krakked_tui.engine.portfolio_service import take_facts as take_portfolio_facts
from krakked_tui.engine.risk_facts import Taken, take, work_out

ANSWER_SECONDS = 10.0
"""How long (wall) the engine's loop may take to hand out facts."""
NAME_MAX = 60

T = TypeVar("T")
Call = Callable[[Callable[[Engine], None]], bool]


class PreviewDoor(Protocol):
    """Who says what a change of settings would make. Any thread; may block on a change under way."""

    def preview(self, changes: Mapping[str, str]) -> Previewed:
        """Say what it would make. Changes nothing, raises nothing."""
        ...


class RiskQuestions:
    """Answers, each from the facts of its moment. Raises ``RefusedError`` when there are none."""

    def __init__(
        self, desk: RiskDesk, keeper: PreviewDoor, call: Call, answer_seconds: float = ANSWER_SECONDS
    ) -> None:
        """``call`` has something done on the engine's loop; False when that has ended."""
        self._answer_seconds = answer_seconds
        self._desk = desk
        self._keeper = keeper
        self._call = call

    async def preview(self, changes: Mapping[str, str]) -> RiskPreview:
        """Say what a change of settings would do."""
        taken = await self._taken(_now)
        return await asyncio.to_thread(self._preview, dict(changes), taken)

    async def preset(self, name: str) -> RiskPreview:
        """Say what filling ``risk`` from a preset would change."""
        changes = preset_changes(name)
        if changes is None:
            return RiskPreview(problems=(f"there is no preset {_shown(name)}",))
        return await self.preview(changes)

    async def what_if(self, pair: str, usd: Decimal, stop_price: Decimal | None) -> WhatIf:
        """Say what every limit would answer to a buy."""
        taken = await self._taken(_now)
        name = named(pair, taken.state.known)

        def answer() -> WhatIf:
            with self._desk.engine(work_out(taken, (name,))) as engine:
                return what_if_of(engine.what_if(name, usd, stop_price))

        return await asyncio.to_thread(answer)

    async def explain(self, name: str) -> Explanation:
        """Tell the whole chain of a decision. Raises ``StorageError`` too."""
        facts = await self._taken(_portfolio_facts)

        def answer() -> Explanation:
            chain = find_chain(name, self._desk.traded(facts), self._desk.journal)
            return unknown(name) if chain is None else explanation_of(chain)

        return await asyncio.to_thread(answer)

    async def explain_silence(self, strategy_id: str, pair: str) -> Silence:
        """Say why a strategy does not trade a pair now."""
        taken = await self._taken(_now)
        name = named(pair, taken.state.known)

        def answer() -> Silence:
            with self._desk.engine(work_out(taken)) as engine:
                if not engine.knows(strategy_id):
                    raise RefusedError(f"there is no strategy {_shown(strategy_id)}")
                return silence_of(engine.explain_silence(strategy_id, name))

        return await asyncio.to_thread(answer)

    def _preview(self, changes: dict[str, str], taken: Taken) -> RiskPreview:
        previewed = self._keeper.preview(changes)
        with self._desk.engine(work_out(taken)) as engine:
            return preview_of(previewed, engine)

    async def _taken(self, take: Callable[[Engine], T | None]) -> T:
        """Have facts taken on the engine's loop."""
        future: Future[T | None] = Future()

        def work(engine: Engine) -> None:
            if not future.set_running_or_notify_cancel():
                return  # whoever asked has given up
            try:
                future.set_result(take(engine))
            except Exception as error:  # noqa: BLE001 - it is whoever asked that is told
                future.set_exception(error)

        if not self._call(work):
            raise RefusedError("the engine has stopped: krakked-tui explain still tells of what was decided")
        try:
            found = await asyncio.wait_for(asyncio.wrap_future(future), self._answer_seconds)
        except TimeoutError as error:
            raise RefusedError("the engine is too busy to answer: ask again") from error
        if found is None:
            raise RefusedError("the engine does not know the account yet: ask again when it has started")
        return found


def named(pair: str, known: Mapping[str, PairMetadata]) -> str:
    """Return the canonical name of a pair by any of its names, whatever their case; else what was given."""
    if pair in known:
        return pair
    wanted = pair.strip().upper()
    for name, each in known.items():
        if wanted in {name.upper(), each.ws_symbol.upper(), each.rest_symbol.upper(), each.raw_name.upper()}:
            return name
    return pair


def _now(engine: Engine) -> Taken | None:
    return take(engine.current())


def _portfolio_facts(engine: Engine) -> PortfolioFacts | None:
    moment = engine.current()
    return None if moment.state is None else take_portfolio_facts(moment.state, moment.at)


def _shown(name: str) -> str:
    return repr("".join(each if each.isprintable() else "?" for each in name[:NAME_MAX]))
