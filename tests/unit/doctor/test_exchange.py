"""The real door to the exchange, where nobody answers; with a sandbox: tests/integration."""

import socket
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from krakked_tui.config.places import places
from krakked_tui.doctor.exchange import KrakenExchange, Unreachable
from krakked_tui.doctor.network import kind_of_trouble
from krakked_tui.engine.clock import ExchangeClock
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.settings import ConnectionSettings

Ask = Callable[[KrakenExchange], Coroutine[Any, Any, object]]


class Impatient(ExchangeClock):
    """Waits for nothing."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(0)


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[KrakenExchange]:
    with socket.socket() as taken:
        # Bound, but not listening: whoever connects is refused.
        taken.bind(("127.0.0.1", 0))
        at = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = ConnectionSettings(
            rest_url=f"http://{at}",
            ws_public_url=f"ws://{at}/v2",
            ws_private_url=f"ws://{at}/auth/v2",
            public_calls_per_second=1000,
        )
        where = places("paper", {"KRAKKED_HOME": str(tmp_path)})
        yield KrakenExchange(settings, where, lambda: datetime(2026, 1, 5, tzinfo=UTC), Impatient)


async def test_nobody_there_is_told_with_the_networks_own_words(nobody: KrakenExchange) -> None:
    with pytest.raises(Unreachable) as raised:
        await nobody.status()
    assert kind_of_trouble(raised.value.cause) == "refused"
    state = await nobody.greet()
    assert not state.connected
    assert kind_of_trouble(state.detail) == "refused"


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(lambda exchange: exchange.times(), id="times"),
        pytest.param(lambda exchange: exchange.audit(ApiKey("key", "c2VjcmV0")), id="audit"),
    ],
)
async def test_every_question_raises_the_same(nobody: KrakenExchange, ask: Ask) -> None:
    with pytest.raises(Unreachable):
        await ask(nobody)
