"""The boundary for text that others wrote: after ``clean`` it is harmless and one cell per character.

Exchange errors, strategy names and pair names may carry escape sequences, direction overrides or
characters that terminals measure differently. They are made visible instead of being obeyed, and
every character that stays takes exactly one cell, so that ``len`` is the width on screen.
"""

import unicodedata
from functools import lru_cache

LENGTH_MAX = 300
"""Characters kept of one text; more than any error sentence of the exchange."""

_CONTROL_PICTURES = 0x2400
_DELETE_PICTURE = "\u2421"
_ONE_CELL_SYMBOLS = range(0x2010, 0x2C00)
_ONE_CELL_LETTERS_END = 0x1100
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})


@lru_cache(maxsize=4096)
def clean(text: str, length_max: int = LENGTH_MAX) -> str:
    r"""Return ``text`` with everything but plain one-cell characters made visible, cut to a length.

    Control characters become their pictures (ESC is U+241B), others an escape such as ``\u202e``.
    Idempotent.
    """
    composed = unicodedata.normalize("NFC", text[:length_max])
    shown = "".join(map(_visible, composed))
    if len(shown) > length_max or len(text) > length_max:
        return shown[: length_max - 1] + "…"
    return shown


def _visible(character: str) -> str:
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if code == 0x7F:
        return _DELETE_PICTURE
    if _takes_one_cell(character, code):
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def _takes_one_cell(character: str, code: int) -> bool:
    if code >= _ONE_CELL_LETTERS_END and code not in _ONE_CELL_SYMBOLS:
        return False
    return (
        unicodedata.category(character)[0] in "LNPS"
        and unicodedata.east_asian_width(character) not in "WF"
        and unicodedata.bidirectional(character) not in _RIGHT_TO_LEFT
    )
