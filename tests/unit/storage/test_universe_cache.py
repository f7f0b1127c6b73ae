import stat
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from krakked_tui.domain.errors import StorageError
from krakked_tui.domain.pairs import FeeTier, PairMetadata
from krakked_tui.ports import ListedPairs
from krakked_tui.storage import universe_cache
from krakked_tui.storage.universe_cache import UniverseFile
from tests.unit.domain.builders import make_pair

LISTED = ListedPairs(datetime(2026, 1, 5, tzinfo=UTC), (make_pair(), make_pair("ETHUSD")), ("XBTUSD",))


async def written(path: Path) -> bytes:
    await UniverseFile(path).save(LISTED)
    return content_of(path)


def content_of(path: Path) -> bytes:
    return path.read_bytes()


def names_in(path: Path) -> list[str]:
    return [each.name for each in path.iterdir()]


async def test_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "universe.json"
    await written(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert names_in(tmp_path) == ["universe.json"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_damage_is_as_good_as_none(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "universe.json"
    content = await written(path)
    at = data.draw(st.integers(0, len(content) - 2))
    flipped = data.draw(st.integers(1, 255))
    path.write_bytes(content[:at] + bytes([content[at] ^ flipped]) + content[at + 1 :])
    assert await UniverseFile(path).load() in (None, LISTED)
    path.write_bytes(content[:at])
    assert await UniverseFile(path).load() is None


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"{}", b"\xff\xfe\n\xff", b"[" * 200_000, b'{"version":1,"sha256":""}\n{}', b"null\nnull\n"],
)
async def test_what_is_no_universe_at_all(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "universe.json"
    path.write_bytes(content)
    assert await UniverseFile(path).load() is None


async def test_a_flipped_digit_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "universe.json"
    content = await written(path)
    assert b'"price_decimals":2' in content
    path.write_bytes(content.replace(b'"price_decimals":2', b'"price_decimals":3'))
    assert await UniverseFile(path).load() is None


async def test_another_version_is_none(tmp_path: Path) -> None:
    path = tmp_path / "universe.json"
    content = await written(path)
    path.write_bytes(content.replace(b'"version":1', b'"version":2', 1))
    assert await UniverseFile(path).load() is None


@pytest.mark.parametrize(
    "nonsense",
    [
        replace(make_pair(), tick_size=Decimal("NaN")),
        replace(make_pair(), tick_size=Decimal(0)),
        replace(make_pair(), lot_size=Decimal(-1)),
        replace(make_pair(), order_min=Decimal("Infinity")),
        replace(make_pair(), fees_taker=(FeeTier(Decimal(0), Decimal("NaN")),)),
    ],
)
async def test_numbers_that_are_none_are_none(tmp_path: Path, nonsense: PairMetadata) -> None:
    path = tmp_path / "universe.json"
    await UniverseFile(path).save(msgspec.structs.replace(LISTED, pairs=(nonsense,)))
    assert await UniverseFile(path).load() is None


async def test_a_moment_without_a_zone_is_none(tmp_path: Path) -> None:
    cache = UniverseFile(tmp_path / "universe.json")
    await cache.save(msgspec.structs.replace(LISTED, at=datetime(2026, 1, 5)))  # noqa: DTZ001
    assert await cache.load() is None


async def test_a_directory_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "universe.json"
    path.mkdir()
    assert await UniverseFile(path).load() is None
    with pytest.raises(StorageError, match=r"universe\.json cannot be written"):
        await UniverseFile(path).save(LISTED)


async def test_its_size_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "universe.json"
    content = await written(path)
    many = (make_pair("X" * 1_000_000),) * 6
    with pytest.raises(StorageError, match=r"6 pairs take \d+ bytes, and 16777216 are allowed"):
        await UniverseFile(path).save(msgspec.structs.replace(LISTED, pairs=many))
    assert path.read_bytes() == content, "what was there is unchanged"
    path.write_bytes(content + b" " * universe_cache.BYTES_MAX)
    assert await UniverseFile(path).load() is None
