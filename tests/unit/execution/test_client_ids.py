"""Client ids tell ours from foreign."""

from hypothesis import given
from hypothesis import strategies as st

from krakked_tui.execution import client_ids

TAGS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=3, max_size=3)


@given(TAGS, TAGS, st.integers(0, client_ids.SUFFIX_LIMIT - 1))
def test_what_is_made_can_be_read_again(instance: str, tag: str, number: int) -> None:
    made = client_ids.make(instance, tag, number)
    assert len(made) == 18
    assert client_ids.parse(made) == client_ids.ClientId(instance, tag, number)


@given(st.text(max_size=40))
def test_other_texts_are_not_ours(text: str) -> None:
    parsed = client_ids.parse(text)
    assert parsed is None or client_ids.make(parsed.instance, parsed.tag, parsed.number) == text


def test_known_foreign_forms() -> None:
    for text in (None, "", "6d1b345e-2821-40e2-ad83-4ecb18a06876", "KABCTFV00000000001", "kabctfv0000000000"):
        assert client_ids.parse(text) is None


def test_the_local_id_has_the_form_of_a_uuid_and_depends_on_the_client_id_alone() -> None:
    one, two = client_ids.local_id("kabctfv00000000001"), client_ids.local_id("kabctfv00000000002")
    assert [len(part) for part in one.split("-")] == [8, 4, 4, 4, 12]
    assert one == client_ids.local_id("kabctfv00000000001") != two
