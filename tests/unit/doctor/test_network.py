"""The way to the exchange, and its clock against ours."""

from pathlib import Path

import pytest

from krakked_tui.doctor.exchange import TimeSample, Unreachable
from krakked_tui.doctor.findings import Finding, Status
from krakked_tui.doctor.network import (
    exchange,
    judge_clock,
    judge_failure,
    judge_host,
    judge_status,
    judge_time_sync,
    judge_websocket,
    kind_of_trouble,
    offset_bounds,
    time_sync,
    websocket,
)
from krakked_tui.kraken.errors import KrakenError, ServiceUnavailableError
from krakked_tui.kraken.settings import ConnectionSettings
from krakked_tui.ports import StreamState
from tests.unit.doctor.patients import FakeExchange, FakeSurroundings, patient, sample

URL = "https://api.kraken.com"


@pytest.mark.parametrize(
    ("offset", "status", "says"),
    [
        (0.0, Status.OK, "agrees"),
        (10.0, Status.PROBLEM, "10.5 s behind the exchange's"),
        (-10.0, Status.PROBLEM, "9.5 s ahead of the exchange's"),
        (3.0, Status.WARNING, "3.5 s behind"),
        (-3.0, Status.WARNING, "2.5 s ahead of"),
        (-1.0, Status.OK, "agrees"),
    ],
)
def test_our_clock_is_judged_by_the_exchange(offset: float, status: Status, says: str) -> None:
    found = judge_clock([sample(offset, round_trip=0.0)])
    assert found.status is status
    assert says in found.detail
    assert ("timedatectl" in found.fix) == (status is not Status.OK)


def test_several_answers_narrow_the_doubt() -> None:
    # Server 2.3 s ahead; asked at .0, .3 and .6 of a second.
    asked = [sample().asked.replace(microsecond=at * 100_000) for at in (0, 3, 8)]
    ahead = [at.replace(second=2 + (at.microsecond >= 700_000), microsecond=0) for at in asked]
    samples = [TimeSample(at, at, server) for at, server in zip(asked, ahead, strict=True)]
    assert offset_bounds(samples) == pytest.approx((2.2, 2.7))
    assert judge_clock(samples).status is Status.WARNING


def test_answers_that_contradict_each_other_leave_the_last() -> None:
    assert offset_bounds([sample(0), sample(50)]) == pytest.approx((49.98, 51.0))


def test_a_slow_answer_proves_nothing() -> None:
    assert judge_clock([sample(-8.0, round_trip=9.0)]).status is Status.PROBLEM
    assert judge_clock([sample(4.0, round_trip=9.0)]).status is Status.OK


@pytest.mark.parametrize(
    ("offset", "speed", "says"),
    [
        (-40 * 86400.0, 60.0, "runs 60 times as fast"),
        (-40 * 86400.0, 0.0, "stands still"),
        (-40 * 86400.0, 1.0, "keeps its own time"),
        (7.0, 2.5, "runs 2.5 times"),
    ],
)
def test_a_sandbox_may_keep_its_own_time(offset: float, speed: float, says: str) -> None:
    found = judge_clock([sample(offset, speed=speed)])
    assert found.status is Status.OK
    assert says in found.detail


def test_a_sandbox_in_our_time_is_a_clock_like_any() -> None:
    assert judge_clock([sample(10.0, speed=1.0)]).status is Status.PROBLEM
    assert judge_clock([sample(-40 * 86400.0)]).status is Status.PROBLEM, "Kraken is never a day off"


@pytest.mark.parametrize(
    ("cause", "kind"),
    [
        ("[Errno -2] Name or service not known", "dns"),
        ("cannot connect: [Errno -3] Temporary failure in name resolution", "dns"),
        ("[Errno 8] nodename nor servname provided, or not known", "dns"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed", "tls"),
        ("All connection attempts failed", "refused"),
        ("cannot connect: [Errno 111] Connect call failed ('127.0.0.1', 9)", "refused"),
        ("", "silent"),
        ("timed out during opening handshake", "silent"),
    ],
)
def test_trouble_is_told_apart(cause: str, kind: str) -> None:
    assert kind_of_trouble(cause) == kind
    found = judge_failure("exchange", URL, Unreachable("no answer", cause))
    assert found.status is Status.PROBLEM
    assert "api.kraken.com cannot be reached" in found.detail
    assert found.fix
    assert "{" not in found.fix


def test_an_error_in_the_answer_is_no_trouble_with_the_network() -> None:
    found = judge_failure("exchange", URL, ServiceUnavailableError("Time: EService:Unavailable\x1b"))
    assert found.detail == "api.kraken.com answers with an error: Time: EService:Unavailable?"


@pytest.mark.parametrize(
    ("settings", "status", "says"),
    [
        ({}, Status.OK, "Kraken: api.kraken.com"),
        (
            {"rest_url": "http://127.0.0.1:1", "ws_public_url": "ws://127.0.0.1:1/v2", "ws_private_url": "ws://[::1]:1/v2"},
            Status.OK,
            "a sandbox on this machine",
        ),
        ({"rest_url": "http://127.0.0.1:1"}, Status.PROBLEM, "mixes"),
        ({"rest_url": "https://kraken.example", "allow_other_host": True}, Status.WARNING, "kraken.example"),
    ],
)  # fmt: skip
def test_the_host(settings: dict[str, str], status: Status, says: str) -> None:
    found = judge_host(ConnectionSettings(**settings))  # type: ignore[arg-type]
    assert found.status is status
    assert says in found.detail


def test_modes_other_than_online_are_worth_a_word() -> None:
    assert judge_status(URL, "online").status is Status.OK
    found = judge_status(URL, "cancel_only\x1b[2J")
    assert found.status is Status.WARNING
    assert "\x1b" not in found.detail


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (StreamState(name="market", connected=True), Status.OK),
        (StreamState(name="market", connected=True, detail="the exchange is in maintenance"), Status.WARNING),
        (StreamState(name="market", connected=False, detail="cannot connect: refused"), Status.PROBLEM),
    ],
)
def test_the_websocket(state: StreamState, status: Status) -> None:
    assert judge_websocket("wss://ws.kraken.com/v2", state).status is status


@pytest.mark.parametrize("error", [Unreachable("no"), KrakenError("odd")])
def test_every_failure_of_a_call_is_a_finding(tmp_path: Path, error: Exception) -> None:
    def found(**answers: object) -> list[Finding]:
        context = patient(tmp_path, exchange=FakeExchange(**answers))
        return [*exchange(context), *websocket(context)]

    assert [each.status for each in found(status=error)] == [Status.PROBLEM, Status.SKIPPED, Status.OK]
    assert [each.status for each in found(times=error)] == [Status.OK, Status.PROBLEM, Status.OK]
    assert [each.status for each in found(greet=error)] == [Status.OK, Status.OK, Status.PROBLEM]


@pytest.mark.parametrize(
    ("output", "status"),
    [
        ("NTP=yes\nNTPSynchronized=yes\n", Status.OK),
        ("NTP=no\nNTPSynchronized=yes\n", Status.OK),
        ("NTP=yes\nNTPSynchronized=no\n", Status.WARNING),
        ("NTP=no\nNTPSynchronized=no\n", Status.WARNING),
        ("garbage", Status.SKIPPED),
        (None, Status.SKIPPED),
    ],
)
def test_the_systems_own_time_keeping(tmp_path: Path, output: str | None, status: Status) -> None:
    surroundings = FakeSurroundings({})
    surroundings.commands = {} if output is None else {("timedatectl", "show"): output}
    [found] = time_sync(patient(tmp_path, surroundings))
    assert found.status is status
    assert judge_time_sync({}).status is Status.SKIPPED
