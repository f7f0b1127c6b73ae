"""How hard a master password is to guess."""

from decimal import FloatOperation, localcontext

import msgspec

from krakked_tui.domain.secret import Secret

WORDS = ("hopeless", "weak", "fair", "good", "strong")
"""For the scores 0 to 4."""
MIN_SCORE = 2
"""Weaker ones are refused."""
_JUDGED_CHARACTERS = 40
"""What comes after can only make it stronger, and signs that replace letters take long to judge."""
_OBVIOUS = ("krakked", "kraken", "bitcoin", "trading", "master", "password")


class Strength(msgspec.Struct, frozen=True):
    """``score`` from 0 (hopeless) to 4 (strong), the word for it, and what would make it better."""

    score: int
    words: str
    advice: str = ""

    @property
    def enough(self) -> bool:
        """Whether the password may be used."""
        return self.score >= MIN_SCORE


def strength(password: Secret) -> Strength:
    """Judge a password, locally: mostly within milliseconds, a contrived one takes a second."""
    if not password:
        return Strength(0, WORDS[0], "Type a password.")
    judged = _judged(password)
    if judged is None:
        return Strength(0, WORDS[0], "This password cannot be judged: use letters, digits and signs.")
    score, advice = judged
    return Strength(score, WORDS[score], advice)


def _judged(password: Secret) -> tuple[int, str] | None:
    from zxcvbn import zxcvbn  # its dictionaries take a moment to load

    try:
        with localcontext() as context:
            context.traps[FloatOperation] = False  # its estimates mix floats into decimals; no money here
            found = zxcvbn(password.reveal()[:_JUDGED_CHARACTERS], user_inputs=list(_OBVIOUS))
    except Exception:  # noqa: BLE001 - whatever it is, its traceback holds the password
        return None
    feedback = found["feedback"]
    advice = [feedback["warning"], *feedback["suggestions"]]
    return int(found["score"]), " ".join(part for part in advice if part)
