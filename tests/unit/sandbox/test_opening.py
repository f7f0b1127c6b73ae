import decimal
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from krakked_tui.domain.errors import UsageError
from krakked_tui.sandbox.opening import open_exchange
from krakked_tui.sandbox.settings import SandboxSettings
from tests.unit.sandbox.rig import Rig


@pytest.mark.parametrize(
    ("balance", "complaint"),
    [
        ({"NOPE": Decimal(1)}, "no asset NOPE"),
        ({"USD": Decimal(-1)}, "from 0 up"),
        ({"USD": Decimal("NaN")}, "from 0 up"),
    ],
)
def test_a_senseless_balance_is_refused(balance: dict[str, Decimal], complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        open_exchange(SandboxSettings(balance=balance))


@pytest.mark.parametrize("year", [1999, 2200, 9999])
def test_a_start_out_of_this_world_is_refused(year: int) -> None:
    with pytest.raises(UsageError, match=f"--start {year}-01-01"):
        open_exchange(SandboxSettings(start=datetime(year, 1, 1, tzinfo=UTC)))


def test_a_failed_start_leaves_the_state_file_free(tmp_path: Path) -> None:
    settings = SandboxSettings(state=tmp_path / "s.db", api_secret="not base64!")
    with pytest.raises(UsageError):
        open_exchange(settings)
    exchange, keeper = open_exchange(SandboxSettings(state=tmp_path / "s.db", api_key="mine"))
    assert keeper.api_key == "mine"
    exchange.close()


def test_a_recording_is_played_and_found_again_after_a_restart(tmp_path: Path) -> None:
    (tmp_path / "XBTUSD_1.csv").write_text(
        "1617148800,58781.1,59800.0,56813.8,58786.2,5.4,57\n1617148860,58786.2,58786.2,58786.2,58786.2,0.1,1\n"
    )
    state = tmp_path / "s.db"
    for settings in (
        SandboxSettings(replay=tmp_path, state=state, paused=True),
        SandboxSettings(state=state),
    ):
        exchange, _keeper = open_exchange(settings)
        assert exchange.market.quote("XBTUSD", 1_767_571_260_000_000).last == 587_862
        exchange.close()
    with pytest.raises(UsageError, match="no file to play"):
        open_exchange(SandboxSettings(replay=tmp_path / "nowhere"))


def test_given_permissions_hold_from_now_on(tmp_path: Path) -> None:
    state = tmp_path / "s.db"
    for given, found in ((None, 7), (("query-funds",), 1), (None, 1)):
        exchange, keeper = open_exchange(SandboxSettings(state=state, permissions=given))
        assert len(keeper.ring.main.record.permissions) == found
        exchange.close()


def test_money_is_exact_whatever_context_the_caller_has() -> None:
    with decimal.localcontext(decimal.Context(prec=9)):
        rig = Rig(SandboxSettings(balance={"XBT": Decimal(10) ** 18}))
        assert rig.private("Balance") == {"XXBT": "1000000000000000000.0000000000"}
        rig.exchange.close()
