"""Fewer bytes for the same picture: colours and attributes are sent only when they change.

The framework writes every run of text with all of its attributes and takes them back after it, which
is three quarters of what reaches a slow line.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_SGR = re.compile(r"(\x1b\[[0-9;]*m)")
_MOVES = re.compile(r"(?:\x1b\[[0-9;]*H|\r|\n)+")
_LINE_BEFORE_MOVE = re.compile(r"\n(?=\x1b\[[0-9]+;[0-9]+H)")
_RESET = "\x1b[0m"
_OFF = {"1": "22", "2": "22", "3": "23", "4": "24", "5": "25", "7": "27", "9": "29"}
"""What turns each attribute off."""
_COLOURS = {"3": "fore", "9": "fore", "4": "back", "10": "back"}


class Pen(NamedTuple):
    """How text looks: parameters of colours, empty for the terminal's own, and attributes."""

    fore: str = ""
    back: str = ""
    attributes: frozenset[str] = frozenset()


def thin(data: str) -> str:
    """Return output that looks the same. Each piece must begin, and will end, without attributes."""
    if "\x1b[" not in data:
        return data
    sent: Pen | None = Pen()
    wanted: Pen | None = Pen()
    out: list[str] = []
    for piece in _SGR.split(_LINE_BEFORE_MOVE.sub("", data)):
        if _SGR.fullmatch(piece):
            wanted = _changed(wanted, piece[2:-1])
            if wanted is None:  # something else than colours: as it came
                out.append(piece)
                sent = None
        elif piece:
            if wanted is not None and not _MOVES.fullmatch(piece):
                out.append(_change(sent, wanted))
                sent = wanted
            out.append(piece)
    if sent != Pen():
        out.append(_RESET)
    return "".join(out)


@lru_cache(maxsize=1024)
def _changed(pen: Pen | None, parameters: str) -> Pen | None:
    """Return the pen after a sequence, None when it is not known any more."""
    codes = iter((parameters or "0").split(";"))
    for code in codes:
        if code in {"0", ""}:
            pen = Pen()
        elif pen is not None:
            pen = _stepped(pen, code, codes)
    return pen


def _stepped(pen: Pen, code: str, rest: Iterator[str]) -> Pen | None:
    if code in _OFF:
        return pen._replace(attributes=pen.attributes | {code})
    side = _COLOURS.get(code[:-1])
    if code in {"38", "48"}:
        kind = next(rest, "")
        count = {"5": 1, "2": 3}.get(kind, 0)
        code = ";".join((code, kind, *(next(rest, "") for _ in range(count))))
        side = "fore" if code.startswith("38") else "back"
    elif code in {"39", "49"}:
        code = ""
    if side is None:
        return None
    return pen._replace(fore=code) if side == "fore" else pen._replace(back=code)


@lru_cache(maxsize=4096)
def _change(sent: Pen | None, wanted: Pen) -> str:
    """Return the shortest sequence from one pen to another; ``sent`` None is not known."""
    if sent == wanted:
        return ""
    anew = ["0", *sorted(wanted.attributes), *filter(None, (wanted.fore, wanted.back))]
    if sent is None:
        return f"\x1b[{';'.join(anew)}m"
    off = {_OFF[code] for code in sent.attributes - wanted.attributes}
    kept = {code for code in sent.attributes if _OFF[code] not in off}
    codes = [*sorted(off), *sorted(wanted.attributes - kept)]
    codes += [wanted.fore or "39"] if wanted.fore != sent.fore else []
    codes += [wanted.back or "49"] if wanted.back != sent.back else []
    return min((f"\x1b[{';'.join(each)}m" for each in (codes, anew)), key=len)
