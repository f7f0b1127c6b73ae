"""API keys as the control door makes, shows and disables them."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec

from krakked_tui.sandbox.control import ControlError
from krakked_tui.sandbox.keys import Key, KeyRecord, KeyRing, make_key, make_secret
from krakked_tui.sandbox.permissions import PERMISSIONS, TRADING_PERMISSIONS, check_permissions
from krakked_tui.sandbox.wire import rfc3339


class KeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``POST /_sandbox/keys`` takes: ``KeyRecord`` has the words. ``valid_until`` is exchange time."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=32)] = "made on request"
    permissions: tuple[str, ...] = TRADING_PERMISSIONS
    nonce_window: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 0
    valid_until: datetime | None = None
    otp: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None
    ip_allowlist: Annotated[tuple[str, ...], msgspec.Meta(max_length=15)] = ()


def make_new_key(ring: KeyRing, body: bytes, now: datetime) -> dict[str, object]:
    """Make a key and return it, its secret included: this is the only time it is shown."""
    try:
        request = msgspec.json.decode(body or b"{}", type=KeyRequest)
        permissions = check_permissions(request.permissions)
    except msgspec.DecodeError as error:
        raise ControlError(
            f"The key cannot be made: {error}. It takes {', '.join(KeyRequest.__struct_fields__)}."
        ) from error
    except ValueError as error:
        raise ControlError(f"The key cannot be made: {error}.") from error
    if request.valid_until is not None and request.valid_until.tzinfo is None:
        raise ControlError("The key cannot be made: valid_until is an instant with its UTC offset.")
    record = KeyRecord(
        api_key=make_key(),
        api_secret=make_secret(),
        name=request.name,
        permissions=permissions,
        nonce_window=request.nonce_window,
        valid_until=None if request.valid_until is None else request.valid_until.astimezone(UTC),
        otp=request.otp,
        ip_allowlist=request.ip_allowlist,
        created_at=now,
        modified_at=now,
    )
    try:
        ring.add(record)
    except ValueError as error:
        raise ControlError(f"The key cannot be made: {error}.") from error
    return {"api_key": record.api_key, "api_secret": record.api_secret, "fingerprint": record.fingerprint}


def disable_key(ring: KeyRing, name: str, now: datetime) -> None:
    """Disable the key with this text or fingerprint; disabling twice changes nothing."""
    key = ring.named(name)
    if key is None:
        known = ", ".join(key.record.fingerprint for key in ring)
        raise ControlError(f"There is no such key; give key= one of {known}.")
    ring.disable(key, now)


def key_rows(ring: KeyRing) -> list[dict[str, object]]:
    """Print all keys by fingerprint, without anything secret."""
    return [_row(key) for key in ring]


def _row(key: Key) -> dict[str, object]:
    record = key.record
    return {
        "fingerprint": record.fingerprint,
        "name": record.name,
        "permissions": [name for name in PERMISSIONS if name in record.permissions],
        "nonce_window": record.nonce_window,
        "last_nonce": None if key.last_nonce < 0 else str(key.last_nonce),
        "valid_until": None if record.valid_until is None else rfc3339(record.valid_until),
        "otp": record.otp is not None,
        "disabled": record.disabled,
    }
