import sqlite3
from datetime import timedelta
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krakked_tui.domain.errors import NewerSchemaError, RefusedError, StorageError
from krakked_tui.sandbox.books import Changes
from krakked_tui.sandbox.orders import ExchangeEvent, OrderTraded
from krakked_tui.sandbox.state_file import SCHEMA_VERSION, StateFile
from tests.unit.sandbox.rig import Rig, stored
from tests.unit.sandbox.trading import add, now_of


def test_an_exchange_comes_back_as_it_was(tmp_path: Path) -> None:
    rig = Rig(stored(tmp_path / "s.db"))
    rig.buy("0.01", cl_ord_id="taken")
    rig.buy("0.02", str(rig.bid() - 500), cl_ord_id="waiting", oflags="post")
    rig.buy("0.03", str(rig.bid() - 900), userref="-5")
    (canceled,) = rig.buy("0.02", str(rig.bid() - 700))["txid"]
    rig.private("CancelOrder", txid=canceled)
    rig.wall.advance(1)
    rig.exchange.close()
    back = Rig(stored(tmp_path / "s.db"))
    assert back.exchange.clock.now() == rig.exchange.clock.now()
    assert dict(back.exchange.books.orders) == dict(rig.exchange.books.orders)
    assert dict(back.exchange.books.trades) == dict(rig.exchange.books.trades)
    assert list(back.exchange.books.entries) == list(rig.exchange.books.entries)
    assert back.exchange.account.balances == rig.exchange.account.balances
    assert back.exchange.account.held("USD") == rig.exchange.account.held("USD") > 0
    assert back.gatekeeper.api_key == rig.gatekeeper.api_key
    assert back.gatekeeper.api_secret == rig.gatekeeper.api_secret
    back.exchange.close()


def as_left_by_a_crash(path: Path) -> Path:
    """Copy what is on disk while the exchange still runs: what a killed one would leave."""
    copy = path.with_name("crashed.db")
    for suffix in ("", "-wal"):
        source = Path(f"{path}{suffix}")
        if source.exists():
            Path(f"{copy}{suffix}").write_bytes(source.read_bytes())
    return copy


def test_after_a_crash_nothing_is_lost_and_time_does_not_go_back(tmp_path: Path) -> None:
    rig = Rig(stored(tmp_path / "s.db", speed=60.0))
    rig.wall.advance(100)
    (order_id,) = rig.buy("0.01")["txid"]
    rig.wall.advance(0.9)
    seen = rig.exchange.catch_up()
    back = Rig(stored(as_left_by_a_crash(tmp_path / "s.db"), speed=60.0))
    assert back.exchange.clock.now() >= seen
    assert back.exchange.clock.now() - seen <= timedelta(seconds=5 * 60)
    assert order_id in back.exchange.books.orders
    assert back.exchange.account.balance("XBT") == Decimal("0.01")
    back.exchange.close()
    rig.exchange.close()


def test_a_stopped_clock_stands_where_it_stood_even_after_a_crash(tmp_path: Path) -> None:
    rig = Rig(stored(tmp_path / "s.db", speed=60.0))
    rig.wall.advance(10)
    rig.exchange.clock.pause()
    rig.buy("0.01")
    back = Rig(stored(as_left_by_a_crash(tmp_path / "s.db"), speed=60.0, paused=True))
    assert back.exchange.catch_up() == rig.exchange.catch_up()
    for each in (rig, back):
        each.exchange.close()


def test_a_resting_order_fills_after_a_restart_as_it_would_have_without(tmp_path: Path) -> None:
    rigs = [Rig(stored(tmp_path / name)) for name in ("stopped.db", "running.db")]
    price = str(rigs[0].bid() - 30)
    for rig in rigs:
        rig.buy("0.05", price, cl_ord_id="patient")
    rigs[0].exchange.close()
    rigs[0] = Rig(stored(tmp_path / "stopped.db"))
    for rig in rigs:
        rig.exchange.clock.jump(rigs[1].exchange.clock.now() + timedelta(hours=2))
        rig.exchange.catch_up()
    assert rigs[0].exchange.books.trades, "the test needs a price the market reaches"
    assert dict(rigs[0].exchange.books.trades) == dict(rigs[1].exchange.books.trades)
    for rig in rigs:
        rig.exchange.close()


def test_a_file_in_use_is_refused(tmp_path: Path) -> None:
    first = StateFile(tmp_path / "s.db")
    with pytest.raises(RefusedError, match=r"s\.db is in use"):
        StateFile(tmp_path / "s.db")
    first.close()
    StateFile(tmp_path / "s.db").close()


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database " * 100)
    with pytest.raises(StorageError, match=r"notes\.txt"):
        StateFile(text)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as database:
        database.execute("CREATE TABLE mine (x)")
    database.close()
    with pytest.raises(StorageError, match="not a sandbox state file"):
        StateFile(other)
    with pytest.raises(StorageError, match="cannot be used"):
        StateFile(tmp_path / "missing" / "s.db")


def test_orders_that_wait_come_back_as_they_were(tmp_path: Path) -> None:
    settings = stored(tmp_path / "s.db", balance={"USD": Decimal(90_000), "XBT": Decimal(1)})
    rig = Rig(settings)
    more = {"close[ordertype]": "stop-loss-limit", "close[price]": "#2%", "close[price2]": "-5"}
    rig.buy("0.01", "50000", expiretm="+3600", oflags="fcib", stptype="cancel-both", **more)
    base = {"pair": "XBTUSD", "type": "sell", "volume": "0.01"}
    rig.private("AddOrder", **base, ordertype="trailing-stop-limit", price="+1%", price2="-2.5")
    rig.private("AddOrder", **base, ordertype="stop-loss", price="50000")
    rig.private("AddOrder", pair="XBTUSD", type="buy", ordertype="market", volume="50", oflags="viqc")
    (first, *_) = rig.exchange.books.open_orders
    rig.private("AmendOrder", txid=first, limit_price="50001")
    rig.wall.advance(60)
    rig.exchange.catch_up()
    rig.exchange.close()
    back = Rig(settings)
    assert dict(back.exchange.books.orders) == dict(rig.exchange.books.orders)
    for name in ("resting", "armed"):
        before, after = (set(getattr(each.exchange.floor, name)["XBTUSD"]) for each in (rig, back))
        assert before == after
        assert before
    assert back.exchange.floor.expiries == rig.exchange.floor.expiries
    assert back.exchange.account.held("USD") == rig.exchange.account.held("USD") > 0
    back.exchange.close()


def test_a_file_of_the_first_format_is_brought_up_to_date(tmp_path: Path) -> None:
    old = sqlite3.connect(tmp_path / "s.db")
    old.executescript(resources.files("krakked_tui.sandbox").joinpath("sql", "schema.sql").read_text("utf-8"))
    old.execute(f"PRAGMA application_id = {0x4B727362}")
    old.execute("PRAGMA user_version = 1")
    old.execute(
        "INSERT INTO orders VALUES (1, 'OQ7KLM-2AB3C-D4EF5G', 'XBTUSD', 'buy', 'limit', '0.10000000', "
        "'50000.0', 'GTC', 0, 'mine', NULL, '2026-01-05T00:00:00+00:00', 'open', '0', '0', '0', NULL, NULL)"
    )
    old.execute(
        "INSERT INTO ledger (entry_id, refid, time, type, subtype, asset, amount, fee, balance) VALUES "
        "('L', 'Q', '2026-01-05T00:00:00+00:00', 'deposit', '', 'USD', '10000.0000', '0.0000', '10000.0000')"
    )
    old.commit()
    old.close()
    new = StateFile(tmp_path / "s.db")
    (order,) = new.books().open_orders.values()
    assert (order.order_id, order.place, order.held, order.draft.close) == (
        "OQ7KLM-2AB3C-D4EF5G",
        1,
        Decimal(0),
        None,
    )
    new.close()
    again = sqlite3.connect(tmp_path / "s.db")
    assert again.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
    again.close()


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    StateFile(tmp_path / "s.db").close()
    database = sqlite3.connect(tmp_path / "s.db")
    database.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    database.close()
    with pytest.raises(NewerSchemaError, match="newer version"):
        StateFile(tmp_path / "s.db")


def test_what_could_not_be_stored_is_stored_with_the_next_change(tmp_path: Path) -> None:
    rig = Rig(stored(tmp_path / "s.db"))
    order = add(rig, price="50000")
    impossible = msgspec.structs.replace(order, number=2**63, order_id="OAAAAA-AAAAA-AAAAAA")
    changes = Changes(orders={"one": now_of(rig, order), "two": impossible})
    with pytest.raises(StorageError, match="cannot be used"):
        rig.exchange._state.save(changes, {"time": "never"}, rig.exchange.books)
    (row,) = rig.exchange._state.books().orders.values()
    assert row.order_id == order.order_id
    assert rig.exchange._state.facts()["time"] != "never"
    rig.private("CancelOrder", txid=order.order_id)
    rig.exchange.close()


@pytest.mark.parametrize("failure", [StorageError("disk full"), KeyboardInterrupt()])
def test_a_failed_save_loses_nothing(tmp_path: Path, failure: BaseException) -> None:
    rig = Rig(stored(tmp_path / "s.db"))
    save, heard = rig.exchange._state.save, list[ExchangeEvent]()
    rig.exchange.listen(heard.append)

    def fail(*_: object) -> None:
        raise failure

    rig.exchange._state.save = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(type(failure)):
        rig.buy("0.01", cl_ord_id="first")
    assert not heard, "what is not stored is not told"
    rig.exchange._state.save = save  # type: ignore[method-assign]
    rig.buy("0.01", cl_ord_id="second")
    assert len([event for event in heard if isinstance(event, OrderTraded)]) == 2
    rig.exchange.close()
    back = Rig(stored(tmp_path / "s.db"))
    assert dict(back.exchange.books.orders) == dict(rig.exchange.books.orders)
    assert dict(back.exchange.books.trades) == dict(rig.exchange.books.trades)
    assert back.exchange.account.balances == rig.exchange.account.balances
    back.exchange.close()


class Interrupted(sqlite3.Connection):
    """A connection whose next commit is interrupted from outside."""

    armed = False

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and Interrupted.armed:
            Interrupted.armed = False
            raise KeyboardInterrupt
        return super().execute(sql, *parameters)


def test_an_interrupted_save_is_rolled_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **k, factory=Interrupted))
    state = StateFile(tmp_path / "s.db")
    Interrupted.armed = True
    with pytest.raises(KeyboardInterrupt):
        state.save(Changes(), {"time": "never"}, state.books())
    assert state.facts() == {}
    state.save(Changes(), {"time": "now"}, state.books())
    assert state.facts() == {"time": "now"}
    state.close()
