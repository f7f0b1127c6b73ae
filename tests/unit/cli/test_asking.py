"""Questions on a plain terminal."""

import getpass as getpass_module
import warnings

import pytest

from krakked_tui.cli.asking import ask_masked
from krakked_tui.domain.errors import NoPasswordError
from krakked_tui.domain.secret import Secret
from tests.unit.credentials.builders import failure, told_of


def test_a_terminal_that_would_show_the_password_is_not_asked() -> None:
    def visible(_text: str) -> str:
        warnings.warn("Can not control echo", getpass_module.GetPassWarning, stacklevel=2)
        return "s3cret"

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        error = failure(lambda: ask_masked("Password: ", read=visible))
    assert type(error) is NoPasswordError
    assert "--password-file" in str(error)
    assert "s3cret" not in told_of(error)
    assert ask_masked("Password: ", read=lambda text: f"typed at {text}") == Secret("typed at Password: ")


@pytest.mark.parametrize("left", [EOFError, KeyboardInterrupt])
def test_who_leaves_is_not_asked_again(left: type[BaseException]) -> None:
    asked: list[str] = []

    def read(question: str) -> str:
        asked.append(question)
        raise left

    with pytest.raises(left):
        ask_masked("Password: ", read=read)
    assert asked == ["Password: "]
