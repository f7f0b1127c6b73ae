"""The screen as a real program in a real terminal: start, keys, resize, loss, stall, crash."""

import re
import signal
import termios
import time
from pathlib import Path

import pytest

from tests.tui.real_terminal import RealTerminal

STALL_SECONDS = 4.0
"""Stock Textual stops its own loop after about three and a half."""

COLOUR = re.compile(rb"\x1b\[[0-9;]*?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])[0-9;]*m")


def test_it_paints_obeys_keys_and_leaves_the_terminal_as_it_was(tmp_path: Path) -> None:
    with RealTerminal(tmp_path) as terminal:
        terminal.wait_for("POSITIONS")
        terminal.send("\x1a\x1a")
        terminal.send("\x0b")
        terminal.wait_for("KILL ON")
        terminal.send("4")
        terminal.wait_for("OPEN 3")
        terminal.send("q")
        terminal.wait_for("Stop and leave")
        terminal.send("y")
        assert terminal.wait_for_end() == 0
        assert terminal.result["reason"] == "quit"
        assert terminal.result["commands"] == ["SetKillSwitch", "Shutdown"]
        assert terminal.result["threads"] == ["MainThread"]
        assert b"\x1b[?1049l" in terminal.raw
        assert b"\x1b[?25h" in terminal.raw
        assert termios.tcgetattr(terminal.slave) == terminal.modes


def test_ctrl_c_asks_before_it_leaves_and_stop_signals_of_the_shell_are_refused(tmp_path: Path) -> None:
    with RealTerminal(tmp_path) as terminal:
        terminal.wait_for("POSITIONS")
        terminal.signal(signal.SIGTSTP)
        terminal.send("\x03")
        terminal.wait_for("Stop and leave")
        terminal.signal(signal.SIGCONT)
        terminal.send("\x03y")
        assert terminal.wait_for_end() == 0
        assert terminal.result["commands"] == ["Shutdown"]


def test_a_small_terminal_is_told_the_size_and_recovers(tmp_path: Path) -> None:
    with RealTerminal(tmp_path, size=(60, 20)) as terminal:
        terminal.wait_for("80x24 or more; this is 60x20")
        terminal.resize(80, 24)
        terminal.signal(signal.SIGWINCH)
        terminal.wait_for("POSITIONS")
        terminal.resize(79, 24)
        terminal.signal(signal.SIGWINCH)
        terminal.wait_for("80x24 or more; this is 79x24")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_for_end() == 0
        assert terminal.result["reason"] == "signal"
        assert terminal.result["detail"] == "SIGTERM"


def test_a_hangup_ends_the_screen_in_order(tmp_path: Path) -> None:
    with RealTerminal(tmp_path) as terminal:
        terminal.wait_for("POSITIONS")
        terminal.hang_up()
        assert terminal.wait_for_end(reading=False) == 0
        assert (terminal.result["reason"], terminal.result["detail"]) == ("signal", "SIGHUP")


def test_a_lost_terminal_is_noticed_without_a_hangup(tmp_path: Path) -> None:
    with RealTerminal(tmp_path, "hup=ignore") as terminal:
        terminal.wait_for("POSITIONS")
        terminal.hang_up()
        assert terminal.wait_for_end(reading=False) == 0
        assert terminal.result["reason"] == "terminal_lost"
        assert terminal.result["commands"] == []


def test_a_stalled_terminal_delays_nothing_and_the_screen_catches_up(tmp_path: Path) -> None:
    with RealTerminal(tmp_path, "hz=10", size=(120, 40)) as terminal:
        terminal.wait_for("POSITIONS")
        time.sleep(STALL_SECONDS)
        terminal.send("\x0b")
        terminal.wait_for("KILL SWITCH ON")
        terminal.send("qy")
        assert terminal.wait_for_end() == 0
        assert terminal.result["loop_gap"] < 1.0
        assert terminal.result["thread_gap"] < 0.5
        assert terminal.result["commands"] == ["SetKillSwitch", "Shutdown"]


def test_a_signal_ends_the_screen_while_the_terminal_is_stalled(tmp_path: Path) -> None:
    with RealTerminal(tmp_path, "hz=10", size=(120, 40)) as terminal:
        terminal.wait_for("POSITIONS")
        time.sleep(2.0)
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_for_end(8.0, reading=False) == 0
        assert terminal.result["reason"] == "signal"


def test_no_color_means_no_colour(tmp_path: Path) -> None:
    with RealTerminal(tmp_path, NO_COLOR="") as terminal:
        terminal.wait_for("POSITIONS")
        terminal.send("\x0b")
        terminal.wait_for("KILL ON")
        assert not COLOUR.search(terminal.raw)


def test_sixteen_colours_are_enough(tmp_path: Path) -> None:
    with RealTerminal(tmp_path, TERM="linux") as terminal:
        terminal.wait_for("POSITIONS")
        assert b"38;5;" not in terminal.raw
        assert b"38;2;" not in terminal.raw
        assert COLOUR.search(terminal.raw)


def test_a_crash_shows_two_lines_and_no_values(tmp_path: Path) -> None:
    with RealTerminal(tmp_path, "crash=yes") as terminal:
        assert terminal.wait_for_end() == 1
        end = terminal.raw.rpartition(b"\x1b[?1049l")[2].decode()
        assert "the screen stopped on an internal error (RuntimeError)." in end
        assert "The report is in the log" in end
        assert len(re.findall(r"[^\r\n]*[a-z]{3}[^\r\n]*", end)) == 2
        assert terminal.result["reason"] == "crashed"
        (report,) = terminal.result["crashes"]
        assert "view failed" in report
        assert "kQH5HW" not in report + terminal.raw.decode(errors="replace")


def test_a_moving_market_is_shown_and_followed_to_the_last_pair(tmp_path: Path) -> None:
    with RealTerminal(tmp_path, "pairs=200", size=(120, 40), program="pty_market") as terminal:
        terminal.wait_for("POSITIONS")
        terminal.send("6")
        terminal.wait_for("PAIR 200")
        terminal.wait_for("TAPE XBTUSD")
        terminal.send("G]")
        terminal.wait_for("[5m]")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_for_end() == 0
        assert terminal.result["crashes"] == []
        assert terminal.result["asked"][0] == ["XBTUSD", "1m"]
        assert terminal.result["asked"][-1][0] is None


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_logs_and_health_move_and_are_searched(tmp_path: Path, size: tuple[int, int]) -> None:
    with RealTerminal(tmp_path, size=size) as terminal:
        terminal.wait_for("POSITIONS")
        terminal.send("8")
        terminal.wait_for("HEALTH  all well")
        terminal.wait_for("Rate limits")
        terminal.wait_for("LOG 20")
        terminal.send("k")
        terminal.wait_for("PAUSED")
        terminal.send("/")
        terminal.wait_for("part of a record")
        terminal.send("order_")
        terminal.wait_for("LOG 2 ")
        terminal.send("\r")
        terminal.wait_for("with “order_”: 2 of")
        terminal.send("\r")
        terminal.wait_for("EOrder:Insufficient funds")
        terminal.send("qc")
        terminal.wait_for("3 commands of this run")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_for_end() == 0
        assert terminal.result["crashes"] == []


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_the_portfolio_is_filtered_drilled_into_and_left(tmp_path: Path, size: tuple[int, int]) -> None:
    with RealTerminal(tmp_path, size=size) as terminal:
        terminal.wait_for("POSITIONS")
        terminal.send("5")
        terminal.wait_for("Realized +171.39 USD")
        terminal.send("bj\r")
        terminal.wait_for("/ ETHUSD")
        terminal.wait_for("TRADE 15")
        terminal.send("jj\r")
        terminal.wait_for("sell ETHUSD as taker")
        terminal.send("q/")
        terminal.wait_for("part of a name")
        terminal.send("xbt\r")
        terminal.wait_for("/ XBTUSD")
        terminal.send("r")
        terminal.wait_for("until, such as")
        terminal.send("2026-11-01")
        terminal.wait_for("│ 2026-11-01")
        unfocused = terminal.background("until, such as")
        terminal.send("\t")
        # Whoever types faster than the focus moves types into the first field.
        terminal.wait_for_focus("until, such as", unfocused)
        terminal.send("2026-11-16\r")
        terminal.wait_for("t 2026-11-01 until 2026-11-16")
        terminal.wait_for("the command that exports this" if size == (80, 24) else "--until 2026-11-16")
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_for_end() == 0
        assert terminal.result["crashes"] == []
