"""Questions on a plain terminal."""

import getpass as getpass_module
import io
import signal
import warnings

import pytest

from krakked_tui.cli.asking import ask_line, ask_masked
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


def test_what_is_no_text_is_asked_for_again(capsys: pytest.CaptureFixture[str]) -> None:
    typed = iter([b"s3cret\xff", b"\xfe", b"s3cret"])
    assert ask_masked("Key: ", read=lambda _question: next(typed).decode()) == Secret("s3cret")
    shown = capsys.readouterr().out
    assert shown.count("no UTF-8 text") == 2
    assert "s3cret" not in shown


def test_a_line_that_is_no_text_is_asked_for_again(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        lines = io.BytesIO(b"\xff" + b" " * 9000 + b"\n")
        patch.setattr("sys.stdin", io.TextIOWrapper(lines, encoding="utf-8"))
        assert ask_line("Well? ").strip() == ""
    assert "no UTF-8 text" in capsys.readouterr().out


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_program_that_is_told_to_end_unwinds(number: signal.Signals, code: int) -> None:
    def read(_question: str) -> str:
        signal.raise_signal(number)
        return "never"

    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(SystemExit) as ended:
            ask_masked("Password: ", read=read)
        assert ended.value.code == code
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_or_handled_stays_so() -> None:
    heard: list[int] = []

    def read(_question: str) -> str:
        signal.raise_signal(signal.SIGHUP)
        return "on"

    for handler in (signal.SIG_IGN, lambda number, _frame: heard.append(number)):
        before = signal.signal(signal.SIGHUP, handler)
        try:
            assert ask_masked("?", read=read) == Secret("on")
            assert signal.getsignal(signal.SIGHUP) is handler
        finally:
            signal.signal(signal.SIGHUP, before)
    assert heard == [signal.SIGHUP]
