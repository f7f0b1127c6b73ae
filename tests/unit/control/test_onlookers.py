"""Who looks at the market, and how often it is drawn for them."""

from krakked_tui.control.onlookers import (
    ASKED_SECONDS,
    LOOKED_SECONDS,
    PICTURE_SECONDS,
    RELEASE_SECONDS,
    Onlookers,
)
from krakked_tui.domain.candles import Timeframe
from krakked_tui.engine.focus import FocusPicture
from krakked_tui.engine.moment import Moment
from tests.fakes.clock import FakeClock


class FocusStub:
    """Where the engine looks."""

    def __init__(self) -> None:
        self.at: tuple[str | None, Timeframe] | None = None

    def look_at(self, name: str | None, timeframe: Timeframe) -> None:
        self.at = (name, timeframe)

    def picture(self) -> FocusPicture:
        return FocusPicture(pair=(self.at or ("", 0))[0] or "")


class Rig:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.clock.jump(1000)
        self.onlookers = Onlookers(self.clock.monotonic)
        self.focus = FocusStub()

    def draw(self) -> None:
        moment = Moment(at=self.clock.now(), wall=self.clock.monotonic())
        moment.focus = self.focus  # type: ignore[assignment]
        self.onlookers.draw(moment)

    def drawn(self) -> int:
        """Draw once, and return how many pictures there have been."""
        self.draw()
        return self.onlookers._view.version


def test_nobody_looks_and_nothing_is_drawn() -> None:
    rig = Rig()
    assert [rig.drawn() for _ in range(3)] == [0, 0, 0]


def test_who_asked_lately_still_looks() -> None:
    rig = Rig()
    rig.onlookers.ask()
    assert rig.drawn() == 1
    rig.clock.jump(ASKED_SECONDS)
    assert rig.drawn() == 2
    rig.clock.jump(PICTURE_SECONDS)
    assert rig.drawn() == 2
    rig.onlookers.ask()
    assert rig.drawn() == 3


def test_who_said_what_to_show_still_looks_and_who_said_nothing_does_not() -> None:
    rig = Rig()
    rig.onlookers.look_at("XBTUSD", Timeframe.M5)
    rig.clock.jump(LOOKED_SECONDS)
    assert rig.drawn() == 1
    assert rig.onlookers.ask().focus.pair == "XBTUSD"
    rig.clock.jump(LOOKED_SECONDS + 1)
    assert rig.drawn() == 1
    rig.onlookers.look_at(None, Timeframe.M5)
    assert rig.drawn() == 1
    assert rig.focus.at == (None, Timeframe.M5)


def test_pictures_and_orders_for_them_are_rationed() -> None:
    rig = Rig()
    orders = 0
    for _ in range(1000):
        rig.clock.jump(0.01)
        rig.onlookers.ask()
        if rig.onlookers.order():
            orders += 1
            rig.draw()
        rig.draw()
    assert orders == rig.onlookers.ask().version <= 10 / PICTURE_SECONDS


def test_one_order_waits_at_a_time_until_it_is_drawn_or_cancelled() -> None:
    rig = Rig()
    rig.onlookers.ask()
    assert rig.onlookers.order()
    assert not rig.onlookers.order(at_once=True)
    rig.draw()
    assert not rig.onlookers.order()
    assert rig.onlookers.order(at_once=True)
    rig.onlookers.cancel_order()
    assert rig.onlookers.order(at_once=True)


def test_a_pair_is_let_go_when_nobody_looks_and_followed_again_when_somebody_does() -> None:
    rig = Rig()
    rig.onlookers.look_at("XBTUSD", Timeframe.M5)
    shown = []
    for seconds in (RELEASE_SECONDS - 1, 1):
        rig.clock.jump(seconds)
        rig.draw()
        shown.append(rig.focus.at)
    rig.onlookers.ask()
    rig.draw()
    shown.append(rig.focus.at)
    assert shown == [("XBTUSD", Timeframe.M5), (None, Timeframe.M5), ("XBTUSD", Timeframe.M5)]


def test_a_look_before_the_engine_can_look_is_not_forgotten() -> None:
    rig = Rig()
    rig.onlookers.look_at("XBTUSD", Timeframe.M5)
    rig.onlookers.draw(Moment(at=rig.clock.now()))
    rig.draw()
    assert rig.focus.at == ("XBTUSD", Timeframe.M5)
