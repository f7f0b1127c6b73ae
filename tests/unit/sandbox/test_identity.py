from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krakked_tui.domain.errors import RefusedError
from krakked_tui.sandbox.identity import identify
from krakked_tui.sandbox.settings import SandboxSettings

GIVEN = SandboxSettings(
    seed=9,
    start=datetime(2026, 3, 1, tzinfo=UTC),
    pairs="all",
    balance={"USD": Decimal("10.50"), "XBT": Decimal(1)},
    api_key="key",
    api_secret="c2VjcmV0",
    state=Path("books.db"),
    replay=Path("/recordings/2021"),
)


def test_a_new_exchange_takes_what_is_given_else_the_defaults() -> None:
    identity = identify(SandboxSettings(), {})
    assert (identity.seed, identity.start, identity.pairs) == (7, datetime(2026, 1, 5, tzinfo=UTC), "default")
    assert identity.balance == {"USD": Decimal(10000)}
    assert identity.api_key != identify(SandboxSettings(), {}).api_key
    assert identify(GIVEN, {}).seed == 9


def test_a_stored_exchange_stays_what_it_is() -> None:
    identity = identify(GIVEN, {})
    assert identify(SandboxSettings(), identity.facts()) == identity
    assert identify(GIVEN, identity.facts()) == identity


@pytest.mark.parametrize(
    ("option", "change"),
    [
        ("--seed", {"seed": 10}),
        ("--start", {"start": datetime(2026, 3, 2, tzinfo=UTC)}),
        ("--pairs", {"pairs": "default"}),
        ("--balance", {"balance": {"USD": Decimal(11)}}),
        ("--replay", {"replay": Path("/recordings/other")}),
        ("--api-key", {"api_key": "other"}),
        ("--api-secret", {"api_secret": "b3RoZXI="}),
    ],
)
def test_a_contradiction_is_refused_by_name_and_shows_no_secret(option: str, change: dict[str, Any]) -> None:
    facts = identify(GIVEN, {}).facts()
    with pytest.raises(RefusedError, match=f"{option} contradicts.*books.db") as refusal:
        identify(msgspec.structs.replace(GIVEN, **change), facts)
    assert "b3RoZXI" not in str(refusal.value)


def test_what_is_replayed_means_the_same_from_anywhere() -> None:
    identity = identify(SandboxSettings(replay=Path("recordings")), {})
    assert identity.replay == Path.cwd() / "recordings"
    assert identify(SandboxSettings(), identity.facts()).replay == identity.replay
    older = identify(SandboxSettings(), {}).facts()
    del older["replay"]
    assert identify(SandboxSettings(), older).replay is None
