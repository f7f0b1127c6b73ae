"""The books of a running engine, held against the exchange's own truth, whatever is done to the account.

Every kind of row that Kraken books, by chance, while strategies trade and the engine is stopped and killed:
nothing is missing, doubled or wrong, every cash flow has its type, what others do is reported, and drift is
where it was made, and nowhere else.
"""

import os
import time
from pathlib import Path

import pytest

from tests.integration.ledger_scene import LedgerScene, Tally
from tests.integration.processes import running_sandbox_process

SHORT_SPEED, LONG_SPEED = 20.0, 60.0
LONG_SECONDS = float(os.environ.get("KRAKKED_TEST_LEDGER_SECONDS", "600"))
"""Of the long form; a shorter one has all of its restarts and drifts, and fewer acts between them."""

OFFLINE_MAX = 4
"""Quiet acts while no engine runs; together they are still not worth a report."""


class _Deck:
    """Names in an order of chance, each as often as the others."""

    def __init__(self, scene: LedgerScene, names: list[str]) -> None:
        self._rng = scene.acts.rng
        self._names = names
        self._left: list[str] = []

    def draw(self) -> str:
        if not self._left:
            self._left = self._rng.sample(self._names, len(self._names))
        return self._left.pop()


class _Play:
    """A scene of several parts, each of which ends with a stop or a kill."""

    def __init__(self, scene: LedgerScene) -> None:
        self._scene = scene
        self._quiet = _Deck(scene, list(scene.acts.quiet))
        self._loud = [*scene.acts.loud]

    def part(self, acts: int, seconds: float, loud: int) -> None:
        """Do so many things, the loud ones among them, in so many seconds or longer."""
        rng, until = self._scene.acts.rng, time.monotonic() + seconds
        times = sorted(rng.randrange(acts) for _ in range(loud))
        for number in range(acts):
            while times and times[0] <= number:
                times.pop(0)
                self._scene.loudly(self._next_loud())
            self._scene.quietly(self._quiet.draw())
            pause = (until - time.monotonic()) / (acts - number)
            if pause > 0:
                self._scene.engine.drain(2 * pause * rng.random())

    def restart(self, *, killed: bool, loudly: bool) -> None:
        """End the engine, do things while there is none, and start one."""
        scene = self._scene
        if killed:
            scene.quietly(self._quiet.draw())
            scene.kill()
        else:
            scene.stop()
        for _ in range(scene.acts.rng.randint(1, OFFLINE_MAX)):
            scene.quietly(self._quiet.draw())
        if loudly:
            scene.loudly(self._next_loud(), restart=True)
        else:
            scene.start()

    def _next_loud(self) -> str:
        name = self._loud.pop(0)
        self._loud.append(name)
        return name


def prove(
    home: Path, *, speed: float, seconds: float, restarts: int, acts: int, loud: int, seed: int
) -> Tally:
    """Play a scene of ``restarts`` + 1 parts, each with so many acts, all but one with a drift; check all."""
    state = home.parent / "exchange.db"
    with running_sandbox_process("--speed", f"{speed:g}", "--seed", "7", "--state", str(state)) as sandbox:
        scene = LedgerScene(sandbox, home, seed)
        try:
            scene.acts.found()
            scene.start()
            play = _Play(scene)
            for number in range(restarts + 1):
                play.part(acts, seconds / (restarts + 1), loud)
                if number:
                    scene.drift(killed=number % 3 == 1)
                if number < restarts:
                    play.restart(killed=number % 2 == 1, loudly=number % 3 == 0)
            scene.stop()
            scene.check_flows()
            scene.check_reports()
            return scene.tally()
        finally:
            scene.close()


@pytest.mark.timeout(180)
def test_whatever_is_done_to_the_account_the_books_are_the_exchanges(tmp_path: Path) -> None:
    tally = prove(tmp_path / "home", speed=SHORT_SPEED, seconds=0, restarts=1, acts=16, loud=1, seed=1)
    assert (tally.kills, tally.stops, tally.drifts) == (1, 2, 1)


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_ten_minutes_of_everything_and_the_books_are_the_exchanges(tmp_path: Path) -> None:
    acts = max(10, round(LONG_SECONDS / 9))
    tally = prove(
        tmp_path / "home", speed=LONG_SPEED, seconds=LONG_SECONDS, restarts=8, acts=acts, loud=4, seed=2
    )
    assert tally.kills >= 4
    assert tally.stops >= 4
    assert tally.drifts == 8
