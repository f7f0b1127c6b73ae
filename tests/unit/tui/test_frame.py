"""When a frame is due."""

from krakked_tui.tui.frame import FrameClock


def test_a_focused_screen_paints_at_its_rate_in_spite_of_jitter() -> None:
    clock = FrameClock(4)
    assert clock.due(0.0, focused=True, busy=False)
    assert not clock.due(0.1, focused=True, busy=False)
    assert clock.due(0.24, focused=True, busy=False)


def test_an_unfocused_screen_paints_twice_a_second() -> None:
    clock = FrameClock(10)
    painted = [clock.due(tick / 10, focused=False, busy=False) for tick in range(11)]
    assert sum(painted) == 3


def test_a_slow_rate_is_not_sped_up_without_focus() -> None:
    clock = FrameClock(1)
    assert clock.due(0.0, focused=False, busy=False)
    assert not clock.due(0.6, focused=False, busy=False)


def test_nothing_is_painted_while_output_is_pending_and_the_next_tick_makes_up_for_it() -> None:
    clock = FrameClock(4)
    assert not clock.due(0.0, focused=True, busy=True)
    assert clock.due(0.01, focused=True, busy=False)
