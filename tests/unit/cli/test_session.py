"""An engine is run to its end, whatever happens to the screen."""

from datetime import timedelta
from typing import cast

import pytest

from krakked_tui.bootstrap.session import Session
from krakked_tui.cli import session as session_module
from krakked_tui.cli.session import run_session


class FakeSession:
    """Ends when stopped; remembers in which order it was used."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.stopped = False

    def start(self) -> None:
        self.calls.append("start")

    def stop(self, reason: str, *, by: str, hurry: bool = False) -> None:
        if not self.stopped:
            self.calls.append(f"stop by {by}")
        self.stopped = True

    def join(self, timeout: float) -> bool:
        return self.stopped

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    monkeypatch.setattr(session_module.Stopper, "install", lambda _stopper: None)
    return FakeSession()


def test_a_screen_that_breaks_stops_the_engine_before_anything_is_closed(
    fake: FakeSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_arguments: object) -> None:
        raise RuntimeError("bug")

    monkeypatch.setattr(session_module, "_show", broken)
    with pytest.raises(RuntimeError):
        run_session(cast("Session", fake), with_ui=True, limit=None)
    assert fake.calls == ["start", "stop by cli", "close"]


def test_the_limit_counts_from_the_start(fake: FakeSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        session_module, "_limit", lambda session, _limit: session.stop("--run-for is over", by="limit")
    )
    assert run_session(cast("Session", fake), with_ui=False, limit=timedelta(seconds=1)) == 0
    assert fake.calls == ["start", "stop by limit", "close"]
