"""What is listed is loaded once, and refreshed on demand."""

import asyncio

import httpx
import pytest

from krakked_tui.kraken.errors import NetworkError
from tests.unit.kraken.exchange import ASSET_PAIRS, ScriptedKraken, ok


async def test_whoever_needs_symbols_first_loads_them_for_all() -> None:
    kraken = ScriptedKraken()
    listing = kraken.listing()
    async with asyncio.TaskGroup() as group:
        loads = [group.create_task(listing.symbols()) for _ in range(3)]
    assert len({id(load.result()) for load in loads}) == 1
    assert [call.method for call in kraken.calls] == ["Assets", "AssetPairs"]


async def test_a_failed_load_is_tried_again_next_time() -> None:
    kraken = ScriptedKraken()
    kraken.on("Assets", *[httpx.ConnectError("x")] * 4, *kraken.answers["Assets"])
    listing = kraken.listing()
    with pytest.raises(NetworkError):
        await listing.symbols()
    assert (await listing.symbols()).pair("BTC/USD").raw == "XXBTZUSD"


async def test_a_refresh_translates_new_pairs_and_remembers_old_ones() -> None:
    kraken = ScriptedKraken()
    listing = kraken.listing()
    pairs, assets = await listing.refresh()
    assert [pair.canonical for pair in pairs] == ["XBTUSD"]
    assert [asset.name for asset in assets] == ["XBT", "USD"]
    moved = {**ASSET_PAIRS["XXBTZUSD"], "altname": "XBTUSD2", "wsname": "XBT2/USD"}
    kraken.on("AssetPairs", ok({"NEWID": moved}))
    pairs, _ = await listing.refresh()
    assert [pair.canonical for pair in pairs] == ["XBTUSD2"]
    symbols = await listing.symbols()
    assert symbols.pair("XXBTZUSD").canonical == "XBTUSD"
    assert symbols.pair("NEWID").canonical == "XBTUSD2"
