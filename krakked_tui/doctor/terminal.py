"""The terminal that the screen would be drawn on, and what lies between it and the operator's eyes."""

from collections.abc import Iterator, Mapping

from krakked_tui.doctor.findings import Finding, ok, problem, skipped, warning
from krakked_tui.doctor.surroundings import Surroundings

COLUMNS_MIN, LINES_MIN = 80, 24
_TRUE_COLOUR = frozenset({"truecolor", "24bit"})
_LOCALE_VARIABLES = ("LC_ALL", "LC_CTYPE", "LANG")


def terminal(surroundings: Surroundings) -> Iterator[Finding]:
    """Check the terminal: what it is, its colours, letters and size, and the way to it."""
    environment = surroundings.environment
    yield judge_terminal(environment, is_terminal=surroundings.is_terminal())
    yield judge_colours(environment)
    yield judge_locale(environment)
    yield judge_size(surroundings.terminal_size() if surroundings.is_terminal() else None)
    yield judge_screen(environment)
    yield judge_ssh(environment)


def judge_terminal(environment: Mapping[str, str], *, is_terminal: bool) -> Finding:
    """Judge whether there is a terminal for the screen."""
    kind = environment.get("TERM", "")
    if not is_terminal:
        return skipped("terminal", "this is not a terminal; without one the engine runs with --no-ui")
    if kind in {"", "dumb", "unknown"}:
        return problem(
            "terminal",
            f"TERM is {kind!r}, which cannot show a screen",
            "Set TERM to what your terminal is, such as export TERM=xterm-256color, or use --no-ui",
        )
    return ok("terminal", f"TERM is {kind}")


def judge_colours(environment: Mapping[str, str]) -> Finding:
    """Judge how many colours there are."""
    kind = environment.get("TERM", "")
    if environment.get("NO_COLOR"):
        return ok("colours", "none, as NO_COLOR asks; signs and words carry all meaning")
    if environment.get("COLORTERM", "").lower() in _TRUE_COLOUR or kind.endswith("-direct"):
        return ok("colours", "16 million")
    if has_256_colours(kind):
        return ok("colours", "256")
    if not kind:
        return skipped("colours", "TERM is not set")
    wanted = f"{kind.partition('-')[0]}-256color" if kind.startswith(("screen", "tmux")) else "xterm-256color"
    return warning(
        "colours",
        f"16 at most, since TERM is {kind}",
        f"Use a terminal with 256 colours, so that TERM is {wanted}",
    )


def has_256_colours(kind: str) -> bool:
    """Say whether a terminal type has at least 256 colours."""
    return "256col" in kind or kind.endswith("-direct") or kind in {"xterm-kitty", "alacritty", "foot"}


def judge_locale(environment: Mapping[str, str]) -> Finding:
    """Judge whether lines and signs beyond ASCII will come out right."""
    name, value = next(
        ((name, value) for name in _LOCALE_VARIABLES if (value := environment.get(name, ""))), ("LANG", "")
    )
    if value.upper().replace("-", "").partition(".")[2].startswith("UTF8"):
        return ok("locale", f"UTF-8 ({name}={value})")
    shown = f"{name} is {value}" if value else "neither LC_ALL nor LANG is set"
    return warning(
        "locale",
        f"not UTF-8: {shown}; lines and charts may come out as question marks",
        "Put into ~/.profile, then log in again: export LC_ALL=C.UTF-8",
    )


def judge_size(size: tuple[int, int] | None) -> Finding:
    """Judge columns and lines."""
    if size is None:
        return skipped("size", "this is not a terminal")
    columns, lines = size
    if columns >= COLUMNS_MIN and lines >= LINES_MIN:
        return ok("size", f"{columns} columns, {lines} lines")
    return warning(
        "size",
        f"{columns} columns, {lines} lines: parts of the screen will be cut off",
        f"Make the window, or the tmux pane, at least {COLUMNS_MIN} columns wide and {LINES_MIN} lines high",
    )


def judge_screen(environment: Mapping[str, str]) -> Finding:
    """Judge GNU screen, when we are in it."""
    if "STY" not in environment:
        return ok("screen", "not inside GNU screen")
    if has_256_colours(environment.get("TERM", "")):
        return ok("screen", "inside GNU screen, with 256 colours")
    return warning(
        "screen", "inside GNU screen without 256 colours", "Put into ~/.screenrc: term screen-256color"
    )


def judge_ssh(environment: Mapping[str, str]) -> Finding:
    """Judge what happens when the line to the operator breaks."""
    remote = bool(environment.get("SSH_CONNECTION") or environment.get("SSH_TTY"))
    if not remote:
        return ok("ssh", "not over SSH")
    if "TMUX" in environment or "STY" in environment:
        return ok("ssh", "over SSH, in a session that outlives the connection")
    return warning(
        "ssh",
        "over SSH without tmux: when the connection breaks, the terminal is lost and the engine stops",
        "Start it inside tmux: tmux new -s krakked; come back with: tmux attach -t krakked",
    )
