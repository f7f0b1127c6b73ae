"""Questions to the controller whose answers take a while: asked beside the screen, never waited for."""

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal
from typing import Generic, TypeVar

from krakked_tui.control.controller import Controller
from krakked_tui.control.risk_view import Explanation, RiskPreview, Silence, WhatIf
from krakked_tui.domain.errors import KrakkedError
from krakked_tui.tui.dispatch import Work
from krakked_tui.tui.store import cleaned
from krakked_tui.tui.text import clean

T = TypeVar("T")


class Inquiry(Generic[T]):
    """One question, and what came of it."""

    def __init__(self, asked_at: float) -> None:
        self.asked_at = asked_at
        """Monotonic seconds."""
        self.answer: T | None = None
        """Clean: every text in it may be shown as it is. None before it came, and when none came."""
        self.raw: T | None = None
        """The answer as it came, with the names that the engine knows."""
        self.trouble = ""
        """One sentence: why there is no answer."""

    @property
    def pending(self) -> bool:
        """Whether the answer is still to come."""
        return self.answer is None and not self.trouble


class Inquirer:
    """Asks questions. ``run`` does the work beside the screen and repaints after it.

    ``name_at_the_engine`` turns what is shown into what the engine calls it; ``on_error`` takes errors
    that nobody foresaw, which must not end the screen.
    """

    def __init__(
        self,
        controller: Controller,
        now: Callable[[], float],
        name_at_the_engine: Callable[[str], str],
        run: Callable[[Work], None],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._controller = controller
        self._now = now
        self._name = name_at_the_engine
        self._run = run
        self._on_error = on_error

    def preview(self, changes: Mapping[str, str]) -> Inquiry[RiskPreview]:
        """Ask what a change of settings would do; keys are the engine's."""
        return self._ask(lambda: self._controller.preview(changes))

    def preset(self, name: str) -> Inquiry[RiskPreview]:
        """Ask what a preset would change."""
        return self._ask(lambda: self._controller.preset(self._name(name)))

    def what_if(self, pair: str, usd: Decimal, stop_price: Decimal | None) -> Inquiry[WhatIf]:
        """Ask what every limit would answer to a buy of a pair."""
        return self._ask(lambda: self._controller.what_if(self._name(pair), usd, stop_price))

    def explain(self, name: str) -> Inquiry[Explanation]:
        """Ask for the whole chain of a decision, by plan id or any id of one of its orders."""
        return self._ask(lambda: self._controller.explain(self._name(name)))

    def explain_silence(self, strategy_id: str, pair: str) -> Inquiry[Silence]:
        """Ask why a strategy does not trade a pair now."""
        return self._ask(lambda: self._controller.explain_silence(self._name(strategy_id), self._name(pair)))

    def age(self, inquiry: Inquiry[T]) -> float:
        """Return how many seconds ago a question was asked."""
        return self._now() - inquiry.asked_at

    def _ask(self, question: Callable[[], Awaitable[T]]) -> Inquiry[T]:
        inquiry: Inquiry[T] = Inquiry(self._now())
        self._run(self._until_answered(inquiry, question))
        return inquiry

    async def _until_answered(self, inquiry: Inquiry[T], question: Callable[[], Awaitable[T]]) -> None:
        try:
            inquiry.raw = await question()
            inquiry.answer = cleaned(inquiry.raw)
        except KrakkedError as error:
            inquiry.trouble = clean(str(error)) or "The engine refused without saying why."
        except Exception as error:  # noqa: BLE001 - an unanswered question is shown; it must not end the screen
            self._on_error(error)
            inquiry.trouble = f"Internal error ({type(error).__name__}); the log has the details."
