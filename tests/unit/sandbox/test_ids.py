import re

from krakked_tui.sandbox.ids import LEDGER, ORDER, TRADE, make_id, position_id

_FORM = re.compile(r"[OTL][A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{6}")


def test_ids_have_krakens_form() -> None:
    for letter in (ORDER, TRADE, LEDGER):
        for number in range(200):
            assert _FORM.fullmatch(make_id(7, letter, number))


def test_ids_follow_from_seed_and_counter_and_are_unique() -> None:
    ids = [make_id(7, ORDER, number) for number in range(2000)]
    assert ids == [make_id(7, ORDER, number) for number in range(2000)]
    assert len(set(ids)) == 2000
    assert make_id(8, ORDER, 1) != make_id(7, ORDER, 1)


def test_a_position_id_looks_like_a_trades() -> None:
    assert _FORM.fullmatch(position_id("OQCLML-BW3P3-BUCMWZ"))
