"""Pictures of the market, made only while somebody looks.

The engine's loop makes them; whoever wants one, in whatever thread, says so and takes the latest.
"""

from collections.abc import Callable, Sequence

from krakked_tui.control.market_picture import MarketPicture
from krakked_tui.control.market_view import MarketView
from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.moment import Moment
from krakked_tui.engine.signals import AnyStrategy

ASKED_SECONDS = 2.0
"""Whoever asked for a picture this lately still looks."""
LOOKED_SECONDS = 10.0
"""Whoever said this lately which pair to show still looks."""
RELEASE_SECONDS = 30.0
"""After so long without anybody, the pair's book and trades are not followed any more."""
PICTURE_SECONDS = 0.2
"""Between two pictures."""

_NEVER = float("-inf")


class Onlookers:
    """Knows who looks, and shows them the market. Seconds are wall seconds."""

    def __init__(self, monotonic: Callable[[], float], strategies: Sequence[AnyStrategy] = ()) -> None:
        """``strategies`` are those whose indicators the charts show."""
        self._monotonic = monotonic
        self._picture = MarketPicture(strategies)
        self._view = MarketView()
        self._wanted: tuple[str | None, Timeframe] = (None, Timeframe.M1)
        self._asked = self._looked = self._drawn = _NEVER
        self._ordered = False

    def use(self, strategies: Sequence[AnyStrategy]) -> None:
        """Show the indicators of these strategies from the next picture on. Any thread."""
        self._picture = MarketPicture(strategies)

    def ask(self) -> MarketView:
        """Return the latest picture. Any thread."""
        self._asked = self._monotonic()
        return self._view

    def look_at(self, pair: str | None, timeframe: Timeframe) -> None:
        """Say which pair to show closely. Any thread."""
        self._wanted = (pair, timeframe)
        self._looked = self._monotonic() if pair is not None else _NEVER

    def order(self, *, at_once: bool = False) -> bool:
        """Say whether the engine's loop should be asked for a picture now. Any thread.

        Once only, until it has been drawn, or ``cancel_order`` called because nobody will. ``at_once``
        asks although the last one is new.
        """
        if self._ordered or not (at_once or self._monotonic() - self._drawn >= PICTURE_SECONDS):
            return False
        self._ordered = True
        return True

    def cancel_order(self) -> None:
        """Forget an order: there is no engine to draw. Any thread."""
        self._ordered = False

    def focus(self, moment: Moment) -> None:
        """Have the engine look where we do. Engine's loop."""
        if moment.focus is not None:
            idle = self._monotonic() - max(self._asked, self._looked)
            pair, timeframe = self._wanted
            moment.focus.look_at(pair if idle < RELEASE_SECONDS else None, timeframe)

    def draw(self, moment: Moment) -> None:
        """Make a picture if somebody looks and the last one is not too new. Engine's loop."""
        self.focus(moment)
        now = self._monotonic()
        watched = now - self._asked <= ASKED_SECONDS or now - self._looked <= LOOKED_SECONDS
        try:
            if watched and now - self._drawn >= PICTURE_SECONDS:
                self._drawn = now
                self._view = self._picture.view(moment)
        finally:
            self._ordered = False
