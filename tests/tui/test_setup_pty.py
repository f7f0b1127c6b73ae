"""Set-up as a real program in a real terminal: typed and pasted keys, loss, crash."""

import signal
import termios
from hashlib import sha256
from pathlib import Path

import pytest

from tests.tui.real_terminal import RealTerminal
from tests.tui.setup_driving import KEY, PASSWORD, SECRET

WELCOME = "What is it for?"


def digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def bracketed(text: str) -> str:
    return f"\x1b[200~{text}\x1b[201~"


def setup(folder: Path, *options: str, size: tuple[int, int] = (80, 24), **environment: str) -> RealTerminal:
    return RealTerminal(folder, *options, size=size, program="pty_setup", **environment)


def assert_never_shown(terminal: RealTerminal) -> None:
    shown = terminal.raw.decode(errors="replace")
    for secret in (KEY, SECRET, PASSWORD):
        assert secret[:6] not in shown
        assert secret[-6:] not in shown


@pytest.mark.parametrize("how", ["typed", "pasted", "pasted as keys"])
def test_a_whole_set_up_from_the_first_key_to_the_last(tmp_path: Path, how: str) -> None:
    with setup(tmp_path) as terminal:
        terminal.wait_for(WELCOME)
        terminal.send("\r")
        terminal.wait_for("Settings > API")
        if how == "typed":
            for text in (KEY, "\t", SECRET, "\r"):
                terminal.send(text)
        elif how == "pasted":
            terminal.send(bracketed(f"\r\n  {KEY[:30]}\r\n{KEY[30:]} \r\n"))
            terminal.send("\t")
            terminal.send(bracketed(f"{SECRET}\n"))
            terminal.send("\r")
        else:
            terminal.send(f"{KEY}\r{SECRET}\r")  # a terminal without bracketed paste
        terminal.wait_for("ACCEPTED")
        terminal.wait_for("Use this key")
        terminal.send("\r")
        terminal.wait_for("strength: nothing typed yet")
        terminal.send(f"{PASSWORD}\r")
        terminal.wait_for("■ strong")
        terminal.send(f"{PASSWORD}\r")
        terminal.wait_for("XBTUSD")
        terminal.send("\r")
        terminal.wait_for("Nothing has been written yet.")
        terminal.send("\r")
        terminal.wait_for("SAVED")
        terminal.send("\r")
        assert terminal.wait_for_end() == 0
        assert terminal.result["saved"]
        assert terminal.result["checked"] == [[digest(KEY), digest(SECRET)]]
        assert terminal.result["passwords"] == [digest(PASSWORD)]
        assert terminal.result["closed"]
        assert terminal.result["signals_restored"]
        assert terminal.result["threads"] == ["MainThread"]
        assert termios.tcgetattr(terminal.slave) == terminal.modes
        assert_never_shown(terminal)


def test_escape_goes_back_and_ctrl_q_asks_before_what_was_typed_is_lost(tmp_path: Path) -> None:
    with setup(tmp_path) as terminal:
        terminal.wait_for(WELCOME)
        terminal.send("\r")
        terminal.wait_for("Settings > API")
        terminal.send(KEY)
        terminal.send("\x1b")
        terminal.wait_for(WELCOME)
        terminal.send("\x11")
        terminal.wait_for("What was typed is forgotten.")
        terminal.send("y")
        assert terminal.wait_for_end() == 0
        assert not terminal.result["saved"]
        assert terminal.result["checked"] == []
        assert_never_shown(terminal)


@pytest.mark.parametrize("how", ["q", "SIGTERM"])
def test_leaving_after_saving_starts_nothing(tmp_path: Path, how: str) -> None:
    with setup(tmp_path) as terminal:
        terminal.wait_for(WELCOME)
        terminal.send("\r")
        terminal.wait_for("Settings > API")
        terminal.send("\t\t\t\r")
        terminal.wait_for("XBTUSD")
        terminal.send("\r")
        terminal.wait_for("Nothing has been written yet.")
        terminal.send("\r")
        terminal.wait_for("Start paper trading")
        if how == "q":
            terminal.send("q")
        else:
            terminal.signal(signal.SIGTERM)
        assert terminal.wait_for_end() == 0
        assert terminal.result["passwords"] == [""], "it was saved, without a key"
        assert not terminal.result["saved"], "nobody asked to start"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_set_up_in_order(tmp_path: Path, number: signal.Signals) -> None:
    with setup(tmp_path) as terminal:
        terminal.wait_for(WELCOME)
        terminal.signal(number)
        assert terminal.wait_for_end() == 0
        assert not terminal.result["saved"]
        assert terminal.result["closed"]
        assert termios.tcgetattr(terminal.slave) == terminal.modes


@pytest.mark.parametrize("hup", ["obey", "ignore"])
def test_a_lost_terminal_ends_set_up_with_nothing_saved(tmp_path: Path, hup: str) -> None:
    with setup(tmp_path, f"hup={hup}") as terminal:
        terminal.wait_for(WELCOME)
        terminal.send("\r")
        terminal.wait_for("Settings > API")
        terminal.send(KEY)
        terminal.wait_for("••••")
        terminal.hang_up()
        assert terminal.wait_for_end(reading=False) == 0
        assert not terminal.result["saved"]
        assert terminal.result["closed"]
        assert terminal.result.get("reason", "terminal_lost") == "terminal_lost"


def test_a_crash_says_so_and_shows_no_key(tmp_path: Path) -> None:
    with setup(tmp_path, "crash=yes") as terminal:
        terminal.wait_for(WELCOME)
        terminal.send("\r")
        terminal.wait_for("Settings > API")
        terminal.send(f"{KEY}\r{SECRET}\r")
        assert terminal.wait_for_end() == 1
        assert "Set-up stopped on an internal error" in terminal.result["error"]
        (report,) = terminal.result["crashes"]
        assert "Traceback" in report
        for text in (report, terminal.result["error"]):
            assert KEY[:6] not in text
            assert SECRET[:6] not in text
        assert_never_shown(terminal)
        assert termios.tcgetattr(terminal.slave) == terminal.modes


def test_no_color_means_no_colour(tmp_path: Path) -> None:
    from tests.tui.test_pty import COLOUR

    with setup(tmp_path, NO_COLOR="") as terminal:
        terminal.wait_for(WELCOME)
        terminal.send("\r")
        terminal.wait_for("Settings > API")
        assert not COLOUR.search(terminal.raw)


def test_a_small_terminal_is_told_the_size_and_recovers(tmp_path: Path) -> None:
    with setup(tmp_path, size=(60, 20)) as terminal:
        terminal.wait_for("80x24 or more; this is 60x20")
        terminal.resize(80, 24)
        terminal.signal(signal.SIGWINCH)
        terminal.wait_for(WELCOME)
        terminal.send("q")
        assert terminal.wait_for_end() == 0


def test_the_screen_of_the_engine_follows_on_the_same_terminal(tmp_path: Path) -> None:
    with setup(tmp_path, "then=screen") as terminal:
        terminal.wait_for(WELCOME)
        terminal.send("q")
        terminal.wait_for("POSITIONS")
        terminal.send("9")
        terminal.wait_for("API KEY")
        terminal.send("q")
        terminal.wait_for("Stop and leave")
        terminal.send("y")
        assert terminal.wait_for_end() == 0
        assert terminal.result["screen"] == "quit"
        assert terminal.result["crashes"] == []
        assert termios.tcgetattr(terminal.slave) == terminal.modes


@pytest.mark.parametrize("program", ["pty_setup", "pty_program"])
def test_no_variable_of_the_framework_makes_it_record_what_is_typed(tmp_path: Path, program: str) -> None:
    log = tmp_path / "textual.log"
    with RealTerminal(
        tmp_path, program=program, TEXTUAL_LOG=str(log), TEXTUAL="devtools,debug", TEXTUAL_DEBUG="1"
    ) as terminal:
        if program == "pty_setup":
            terminal.wait_for(WELCOME)
            terminal.send("\r")
            terminal.wait_for("Settings > API")
            terminal.send(KEY)
            terminal.wait_for("•" * len(KEY))
        else:
            terminal.wait_for("POSITIONS")
            terminal.send("?")
            terminal.wait_for("HELP")
        terminal.signal(signal.SIGTERM)
        terminal.wait_for_end()
    assert [path.name for path in tmp_path.iterdir()] == ["result.json"]
