"""Secret text, wrapped so that it shows nowhere."""

import hashlib
from hmac import compare_digest
from typing import NoReturn

MASK = "***"


class Secret:
    """A password, key or token. Prints, logs and formats as ``***``; refuses to be pickled.

    Only ``reveal`` gives the text: call it where the text is used, and keep no copy, not even in a
    local variable: a traceback may print those.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    @property
    def fingerprint(self) -> str:
        """Eight hex digits that tell secrets apart and reveal nothing."""
        return hashlib.sha256(self._text.encode(errors="surrogatepass")).hexdigest()[:8]

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # Text of the environment may hold lone surrogates, which no plain encoding takes.
        return compare_digest(
            self._text.encode(errors="surrogatepass"), other._text.encode(errors="surrogatepass")
        )

    __hash__ = None  # type: ignore[assignment] # a secret is no key of a table

    def __repr__(self) -> str:
        return MASK

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __copy__(self) -> "Secret":
        return self

    def __deepcopy__(self, memo: object) -> "Secret":
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("A secret is not pickled.")

    def __getstate__(self) -> NoReturn:
        raise TypeError("A secret is not pickled.")
