"""The form of an API key and its secret: whether two texts can be a pair of Kraken's."""

import base64
import binascii
import re
from typing import Final

from krakked_tui.domain.secret import Secret

KEY_CHARACTERS: Final = 56
SECRET_CHARACTERS: Final = 88
_SECRET_BYTES = 64
_KEY = re.compile(rf"[A-Za-z0-9+/]{{{KEY_CHARACTERS}}}")
_QUOTES = "\"'`"


def tidied(entered: Secret) -> Secret:
    """Return what was entered without what comes along when it is pasted: blanks, line ends, quotes."""
    return Secret("".join(entered.reveal().split()).strip(_QUOTES))


def form_problem(api_key: Secret, api_secret: Secret) -> str:
    """Say in one sentence why two tidied texts cannot be a key pair; empty when they can.

    No part of either is in it. A secret whose letters were mixed up is only found out by Kraken.
    """
    if not api_key or not api_secret:
        return f"The API {'key' if not api_key else 'secret'} is empty."
    if _looks_like_key(api_secret) and _looks_like_secret(api_key):
        return "Key and secret are swapped: the longer one, ending in ==, is the secret."
    if api_key == api_secret:
        return "Key and secret are the same text: one of them was pasted twice."
    if not _looks_like_key(api_key):
        return _key_problem(api_key)
    return "" if _looks_like_secret(api_secret) else _secret_problem(api_secret)


def _key_problem(api_key: Secret) -> str:
    length = len(api_key.reveal())
    if _looks_like_secret(api_key):
        return "The API key looks like a secret: enter the shorter text, which Kraken calls API key."
    if length != KEY_CHARACTERS:
        return f"The API key has {length} characters, and Kraken's have {KEY_CHARACTERS}."
    return "The API key has characters that Kraken's never have: only letters, digits, + and / occur."


def _secret_problem(api_secret: Secret) -> str:
    length = len(api_secret.reveal())
    if _looks_like_key(api_secret):
        return "The API secret looks like a key: enter the longer text, which Kraken calls private key."
    if length != SECRET_CHARACTERS:
        return f"The API secret has {length} characters, and Kraken's have {SECRET_CHARACTERS}."
    return "The API secret is not base64, as Kraken's are: only letters, digits, +, / and a final == occur."


def _looks_like_key(text: Secret) -> bool:
    return _KEY.fullmatch(text.reveal()) is not None


def _looks_like_secret(text: Secret) -> bool:
    try:
        return len(base64.b64decode(text.reveal(), validate=True)) == _SECRET_BYTES
    except (binascii.Error, ValueError):
        return False
