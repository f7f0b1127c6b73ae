"""What is known before the first check."""

from pathlib import Path

import pytest

from krakked_tui.doctor.exchange import KrakenExchange
from krakked_tui.doctor.opening import Request, open_context
from krakked_tui.domain.errors import UsageError
from tests.unit.credentials.builders import ALERT_URL, API_TOKEN, PASSWORD, saved
from tests.unit.doctor.patients import FakeSurroundings, healthy_home, patient


def test_a_bad_profile_name_is_a_mistake_of_the_command_line() -> None:
    with pytest.raises(UsageError, match="--profile"):
        open_context(Request(profile="../x"), FakeSurroundings({}))


def test_the_real_exchange_is_asked_unless_told_otherwise(tmp_path: Path) -> None:
    surroundings = FakeSurroundings({"KRAKKED_HOME": str(tmp_path)})
    assert isinstance(open_context(Request(profile="paper"), surroundings).exchange, KrakenExchange)
    offline = open_context(Request(profile="paper", offline=True), surroundings)
    assert (offline.exchange, offline.offline) == (None, "--offline was given")
    assert list(tmp_path.iterdir()) == []


def test_without_a_configuration_nobody_is_asked(tmp_path: Path) -> None:
    bad = patient(tmp_path, environment={"KRAKKED__RISK__MAX_OPEN_POSITION": "3"})
    assert bad.loaded is None
    assert bad.exchange is None
    assert bad.config_problems


def test_the_demo_has_its_own_defaults(tmp_path: Path) -> None:
    demo = patient(tmp_path, request=Request(profile="demo"))
    assert demo.loaded is not None
    assert demo.loaded.config.scheduler.snapshot_seconds == 60


def test_every_secret_there_is_becomes_unprintable(tmp_path: Path) -> None:
    saved(healthy_home(tmp_path).secrets)
    context = patient(
        tmp_path, environment={"KRAKKED_MASTER_PASSWORD": PASSWORD, "KRAKKED_SANDBOX_KEY": "sandbox-key"}
    )
    for plain in (PASSWORD, ALERT_URL, API_TOKEN, "sandbox-key"):
        assert plain not in context.redactor.clean(f"about {plain} here")
