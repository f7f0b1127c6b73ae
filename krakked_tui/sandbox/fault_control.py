"""Fault rules as the control door takes them."""

from typing import Final

import msgspec

from krakked_tui.sandbox.fault_plan import Faults, Now
from krakked_tui.sandbox.fault_profiles import PROFILES, ProfileName
from krakked_tui.sandbox.fault_rules import FaultError, Rule


class ProfileRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All rules of a named profile."""

    profile: ProfileName


_EXAMPLE: Final = '{"kind": "http", "where": "AddOrder", "status": 502, "after": true, "count": 1}'


def add_faults(faults: Faults, body: bytes, now: Now) -> list[int]:
    """Put one rule, a list of rules or a profile in force; return their numbers.

    Raises ``FaultError``, and changes nothing, when any of it makes no sense.
    """
    return faults.add(_read(body), now)


def _read(body: bytes) -> tuple[Rule, ...]:
    try:
        content = msgspec.json.decode(body)
        if isinstance(content, dict) and "profile" in content:
            return PROFILES[msgspec.convert(content, ProfileRequest).profile]
        if isinstance(content, dict):
            return (msgspec.convert(content, Rule),)
        return msgspec.convert(content, tuple[Rule, ...])
    except msgspec.DecodeError as error:
        raise FaultError(
            f"The faults cannot be read: {error}. A rule looks like {_EXAMPLE}, a profile like "
            f'{{"profile": "mild"}} ({", ".join(PROFILES)}).'
        ) from error
