"""Every step of set-up at two sizes, as text."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import product

import msgspec
import pytest

from krakked_tui.control.setup import KeyCheck, KeyringState, UniversePreview
from krakked_tui.domain.errors import StorageError
from tests.fakes.setup import (
    FACTS,
    SAVED_LIVE,
    FakeSetup,
    accepted,
    malformed,
    partial,
    refused,
    unreachable,
    withdraws,
)
from tests.tui.goldens import compare
from tests.tui.setup_driving import PASSWORD, Hands

SIZES = ((80, 24), (120, 40))
REPLACING = msgspec.structs.replace(
    FACTS,
    secrets_exist=True,
    keyring=KeyringState(usable=False, detail="no keyring service answers (no D-Bus session)"),
    environment_key="KRAKEN_API_KEY and KRAKEN_API_SECRET are set: this key is used before any saved one.",
)
TROUBLE = UniversePreview(trouble="api.kraken.com did not answer in 10 s.")


async def nothing(_hands: Hands) -> None:
    """Stay at the first step."""


async def to_key(hands: Hands) -> None:
    await hands.press("down", "up", "enter")


async def to_check(hands: Hands) -> None:
    await to_key(hands)
    await hands.enter_key()


async def to_checking(hands: Hands) -> None:
    hands.fake.hold = asyncio.Event()
    await to_check(hands)


async def to_password(hands: Hands) -> None:
    await to_check(hands)
    await hands.click("#next")


async def to_typed_password(hands: Hands) -> None:
    await to_password(hands)
    await hands.type(PASSWORD[:10])


async def to_mismatch(hands: Hands) -> None:
    await to_typed_password(hands)
    await hands.press("enter", "x", "enter")


async def to_region(hands: Hands) -> None:
    await to_password(hands)
    await hands.enter_password()


async def to_region_without_key(hands: Hands) -> None:
    await to_key(hands)
    await hands.click("#skip")


async def to_review(hands: Hands) -> None:
    await to_region(hands)
    await hands.press("down", "enter")


async def to_review_without_key(hands: Hands) -> None:
    await to_region_without_key(hands)
    await hands.press("enter")


async def to_saved(hands: Hands) -> None:
    await to_review(hands)
    await hands.press("enter")


async def to_live_review(hands: Hands) -> None:
    await hands.press("down", "enter")
    await hands.enter_key()
    await hands.click("#next")
    await hands.enter_password()
    await hands.press("enter")


async def to_live_saved(hands: Hands) -> None:
    await to_live_review(hands)
    await hands.press("enter")


async def to_leaving(hands: Hands) -> None:
    await to_review(hands)
    await hands.press("q")


Walk = Callable[[Hands], Awaitable[None]]


def checked(check: KeyCheck) -> Callable[[], FakeSetup]:
    return lambda: FakeSetup(checks=[check])


STATES: dict[str, tuple[Callable[[], FakeSetup], Walk]] = {
    "welcome": (FakeSetup, nothing),
    "welcome-again": (lambda: FakeSetup(REPLACING), nothing),
    "key": (FakeSetup, to_key),
    "key-again": (lambda: FakeSetup(REPLACING), to_key),
    "checking": (FakeSetup, to_checking),
    "accepted": (checked(accepted()), to_check),
    "withdraws": (checked(withdraws()), to_check),
    "partial": (checked(partial()), to_check),
    "malformed": (checked(malformed()), to_check),
    "refused": (checked(refused()), to_check),
    "unreachable": (checked(unreachable()), to_check),
    "password": (FakeSetup, to_typed_password),
    "password-mismatch": (lambda: FakeSetup(REPLACING), to_mismatch),
    "region": (FakeSetup, to_region),
    "region-trouble": (lambda: FakeSetup(previews=[TROUBLE]), to_region_without_key),
    "review": (FakeSetup, to_review),
    "review-no-key": (FakeSetup, to_review_without_key),
    "review-unvalidated": (lambda: FakeSetup(REPLACING, checks=[unreachable()]), to_review),
    "not-saved": (lambda: FakeSetup(saves=[StorageError("No space left on the disk.")]), to_saved),
    "saved": (FakeSetup, to_saved),
    "review-live": (FakeSetup, to_live_review),
    "saved-live": (lambda: FakeSetup(saves=[SAVED_LIVE]), to_live_saved),
    "leaving": (FakeSetup, to_leaving),
}


def name(state: str, size: tuple[int, int]) -> str:
    return f"setup-{state}-{size[0]}x{size[1]}"


EXPECTED = {name(state, size) for state, size in product(STATES, SIZES)}


@pytest.mark.parametrize("size", SIZES, ids=["small", "large"])
@pytest.mark.parametrize("state", STATES)
async def test_the_steps_look_as_agreed(state: str, size: tuple[int, int]) -> None:
    make, walk = STATES[state]
    async with Hands(make()).open(size) as hands:
        await walk(hands)
        compare({name(state, size): hands.text})
