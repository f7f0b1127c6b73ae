"""What errors say by themselves."""

import pytest

from krakked_tui.kraken.errors import ErrorClass, KrakenProtocolError, NetworkError, Sent, printable


@pytest.mark.parametrize(
    ("sent", "proven"),
    [
        (Sent.NO, ErrorClass.NOT_EXECUTED),
        (Sent.MAYBE, ErrorClass.AMBIGUOUS),
        (Sent.YES, ErrorClass.AMBIGUOUS),
    ],
)
def test_only_a_request_that_never_left_is_proven_harmless(sent: Sent, proven: ErrorClass) -> None:
    assert NetworkError("x", sent).error_class is proven


def test_an_unreadable_answer_proves_nothing() -> None:
    assert KrakenProtocolError("x").error_class is ErrorClass.AMBIGUOUS


def test_printable() -> None:
    assert printable("EOrder:Insufficient funds") == "EOrder:Insufficient funds"
    assert printable("a\x1b[2J\u202eb\r\n") == "a?[2J?b??"
    assert printable("x" * 300) == "x" * 200 + "..."
