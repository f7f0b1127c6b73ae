"""Whose shares an urgent close is about."""

from decimal import Decimal

import pytest

from krakked_tui.decision.parts import UrgentClose, joined

D = Decimal


@pytest.mark.parametrize(
    ("before", "more", "whose"),
    [
        (None, {"a": D(9)}, {"a": D(9)}),
        (None, {}, {}),
        (UrgentClose(whose={"a": D(9)}), {"b": None}, {"a": D(9), "b": None}),
        (UrgentClose(whose={"a": None}), {"a": D(8)}, {"a": D(8)}),
        (UrgentClose(whose={"a": D(9)}), {"a": D(8)}, {"a": D(9)}),
        (UrgentClose(whose={"a": D(9)}), {}, {}),
        (UrgentClose(), {"a": D(9)}, {}),
    ],
)
def test_who_is_added_stays_and_everyone_is_everyone(
    before: UrgentClose | None, more: dict[str, Decimal | None], whose: dict[str, Decimal | None]
) -> None:
    close = joined(before, more)
    assert close.whose == whose
    assert close.of("a")
    assert close.of("z") is not bool(whose)


def test_tries_and_pauses_stay() -> None:
    close = joined(UrgentClose(3, 9.0, {"a": None}, "told"), {"b": None})
    assert (close.tries, close.next_wall, close.told) == (3, 9.0, "told")
