"""tmux, when we are in it: its settings decide what colours and keys get through."""

import re
from collections.abc import Iterator

import msgspec

from krakked_tui.doctor.findings import Finding, Status, ok, skipped, warning
from krakked_tui.doctor.surroundings import Surroundings
from krakked_tui.doctor.terminal import has_256_colours

ESCAPE_MS_MAX = 50
_OPTIONS = (
    "default-terminal",
    "escape-time",
    "focus-events",
    "mouse",
    "terminal-overrides",
    "terminal-features",
)
_CONF = "Put into ~/.tmux.conf:"


class TmuxFacts(msgspec.Struct, frozen=True):
    """What tmux says of itself; an empty text where it says nothing."""

    version: str = ""
    kind: str = ""
    """TERM inside the session."""
    options: dict[str, str] = {}
    client_features: str = ""

    def option(self, name: str) -> str:
        """Return the value of an option, empty when it is not known."""
        return self.options.get(name, "")


def tmux(surroundings: Surroundings) -> Iterator[Finding]:
    """Check tmux's settings, if this runs inside it."""
    environment = surroundings.environment
    if not environment.get("TMUX"):
        yield skipped("tmux", "not inside tmux")
        return
    # One question after another: an old tmux that does not know an option still answers the others.
    answers = {name: surroundings.run("tmux", "show", "-gv", name) for name in _OPTIONS}
    facts = TmuxFacts(
        version=(surroundings.run("tmux", "-V") or "").strip()[:40],
        kind=environment.get("TERM", ""),
        options={name: answer.strip() for name, answer in answers.items() if answer is not None},
        client_features=(surroundings.run("tmux", "display", "-p", "#{client_termfeatures}") or "").strip(),
    )
    yield from judge_tmux(facts)


def judge_tmux(facts: TmuxFacts) -> Iterator[Finding]:
    """Judge what tmux says."""
    if not facts.version and not facts.options:
        yield warning(
            "tmux",
            "inside tmux, but it does not answer",
            "Try: tmux -V; tmux show -g. If they fail, start a new session: tmux new -s krakked",
        )
    else:
        yield ok("tmux", facts.version or "tmux of an unknown version")
    yield _colours(facts)
    yield from _escape_time(facts.option("escape-time"))
    yield from _focus(facts.option("focus-events"))
    yield from _mouse(facts.option("mouse"))


def _colours(facts: TmuxFacts) -> Finding:
    configured = facts.option("default-terminal")
    poor = next((kind for kind in (configured, facts.kind) if kind and not has_256_colours(kind)), None)
    if poor is not None:
        says = "its default-terminal is" if poor == configured else "TERM is"
        return warning(
            "tmux_colours",
            f"tmux without 256 colours: {says} {poor[:40]}",
            f'{_CONF} set -g default-terminal "tmux-256color" (then: tmux kill-server, and start it anew)',
        )
    if not configured and not facts.kind:
        return skipped("tmux_colours", "neither tmux nor TERM says how many colours there are")
    offered = (
        f"{facts.option('terminal-overrides')},{facts.option('terminal-features')},{facts.client_features}"
    )
    if re.search(r"[,:\s](?:RGB|Tc)(?![A-Za-z])", f",{offered}"):
        return ok("tmux_colours", "256, and exact ones (RGB)")
    return Finding(
        "tmux_colours",
        Status.OK,
        "256; themes are made for that",
        f'{_CONF} set -ga terminal-overrides ",*256col*:RGB" (only if you want exact colours)',
    )


def _escape_time(text: str) -> Iterator[Finding]:
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        return
    if int(text) > ESCAPE_MS_MAX:
        yield warning(
            "tmux_escape_time",
            f"Esc takes {int(text)} ms to arrive (q does the same at once)",
            f"{_CONF} set -sg escape-time 20",
        )
    else:
        yield ok("tmux_escape_time", f"{int(text)} ms")


def _focus(text: str) -> Iterator[Finding]:
    if text == "on":
        yield ok("tmux_focus", "the screen learns whether somebody looks at it")
    elif text == "off":
        yield warning(
            "tmux_focus",
            "focus-events is off: the screen cannot save work while nobody looks at it",
            f"{_CONF} set -g focus-events on",
        )


def _mouse(text: str) -> Iterator[Finding]:
    if text == "on":
        yield ok("tmux_mouse", "clicks and the wheel reach the screen")
    elif text == "off":
        # Nothing needs a mouse, and switching it on changes how text is selected.
        yield Finding(
            "tmux_mouse",
            Status.OK,
            "off; every action has a key",
            f"{_CONF} set -g mouse on (only if you want to click)",
        )
