"""Secrets do not belong in configuration: how they are recognised, by name and by look.

Configuration is shown, logged, backed up and mailed to others for help.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

from krakked_tui.config.problems import Path, looks_like_a_key

REFUSAL = (
    "looks like a secret, which does not belong in configuration:"
    " remove it there and enter it with krakked-tui setup, which keeps it encrypted"
)

_NAMES = (
    "apikey",
    "privatekey",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "token",
    "credential",
    "bearer",
)
_ALERT_NAMES = ("url", "target", "webhook")
_LOGIN_IN_URL = re.compile(r"://[^/\s@]*:[^/\s@]*@")


def is_secret(path: Path, value: object) -> bool:
    """Say whether a key or its text looks like a secret. What lies inside tables is not looked at."""
    return _is_named_so(path) or _looks_so(path, value)


def is_secret_amount(path: Path, value: object) -> bool:
    """Say the same of an amount under a free name, where TOKEN may well be the name of a coin."""
    return not isinstance(value, int | float | Decimal) and is_secret(path, value)


def _is_named_so(path: Path) -> bool:
    name = re.sub(r"[^a-z]", "", path[-1].lower())
    if any(word in name for word in _NAMES):
        return True
    return path[0].lower() == "alerts" and any(word in name for word in _ALERT_NAMES)


def _looks_so(path: Path, value: object) -> bool:
    if not isinstance(value, str):
        return False
    alerts = path[0].lower() == "alerts"
    return looks_like_a_key(value) or bool(_LOGIN_IN_URL.search(value)) or (alerts and "://" in value)


def secrets_within(path: Path, value: object) -> Iterator[Path]:
    """Yield the keys at and below ``path`` that look like secrets; a list counts as its key."""
    if is_secret(path, value):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from secrets_within((*path, key), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            if any(True for _ in secrets_within(path, inner)):
                yield path
                return
