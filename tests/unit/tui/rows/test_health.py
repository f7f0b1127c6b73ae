"""How each part is doing: words, what to do, the worst first."""

from datetime import UTC

import msgspec
import pytest

from krakked_tui.control.market_view import ConnectionView, DataStatusView, IngestView
from krakked_tui.control.views import EngineView, HealthView, RateLimitView
from krakked_tui.tui.rows.health import Part, State, health, health_head, health_lines
from krakked_tui.tui.rows.line import text_of, width_of
from tests.fakes.controller import normal
from tests.fakes.market import NOON, ailing, well


def parts(data: DataStatusView | None = None, view: EngineView | None = None, dropped: int = 0) -> list[Part]:
    return health(view or normal(), data or well(60), dropped, UTC)


def part(name: str, found: list[Part]) -> Part:
    (one,) = [each for each in found if each.name == name]
    return one


def data(**changes: object) -> DataStatusView:
    return msgspec.structs.replace(well(60), **changes)


def inside(**changes: object) -> EngineView:
    return msgspec.structs.replace(normal(), **changes)


def test_a_healthy_program_has_one_line_per_part_within_80_columns() -> None:
    found = parts()
    assert {each.state for each in found} == {State.WELL}
    lines = health_lines(found, 79)
    assert len(lines) == len(found) == 10
    assert all(text_of(line).startswith(" ok   ") and width_of(line) <= 79 for line in lines)
    assert text_of(health_head(found)) == "HEALTH  all well"


def test_a_whole_universe_fits_too() -> None:
    big = msgspec.structs.replace(
        well(700), fresh=640, checked=30, quiet=20, stale=8, never=2,
        ingest=IngestView(NOON, 700, 0, 2_100, 12.3),
    )  # fmt: skip
    assert len(health_lines(parts(big), 79)) == 10


def test_the_worst_comes_first_and_the_line_above_names_what_is_wrong() -> None:
    found = parts(ailing(60))
    states = [each.state for each in found]
    assert states == sorted(states, key=lambda state: min(state, State.WELL))
    head = text_of(health_head(found))
    assert "10 problems   Exchange, market stream, Requests, Candle reading, Prices, account str" in head
    assert text_of(health_head(found, hidden=True)).count("Tab, then down, for all") == 1


@pytest.mark.parametrize(
    ("state", "how", "says"),
    [("live", State.WELL, "live: 60 fresh"), ("polling", State.WARN, "so they are asked for: nothing new"),
     ("stale", State.FAIL, "nothing new is opened, exits go on"),
     ("down", State.FAIL, "Check this machine's network"), ("starting", State.WAIT, "starting: 60 fresh")],
)  # fmt: skip
def test_prices(state: str, how: State, says: str) -> None:
    found = part("Prices", parts(data(state=state)))
    assert found.state is how
    assert says in found.text


def test_pairs_are_counted_by_freshness() -> None:
    found = part("Prices", parts(data(fresh=1_200, checked=4, quiet=3, stale=2, never=1)))
    assert found.text == "live: 1,200 fresh, 4 checked, 3 quiet, 2 stale, 1 never"


@pytest.mark.parametrize("status", ["maintenance", "cancel_only", "post_only", "unheard_of"])
def test_the_exchange_is_named_when_it_takes_less(status: str) -> None:
    assert part("Exchange", parts(data(system_status=status))).state is State.FAIL
    assert not [each for each in parts(data(system_status="online")) if each.name == "Exchange"]


def test_connections() -> None:
    refused = tuple(f"ticker P{number}USD: unknown" for number in range(5))
    found = parts(
        data(
            connections=(
                ConnectionView("market", connected=True, wanted=9, acked=4, failed=refused),
                ConnectionView("account", connected=False, detail="closed, retrying in 4 s"),
            )
        )
    )
    market = part("market stream", found)
    assert market.state is State.WARN
    assert "4 of 9 subscriptions; refused: ticker P0USD: unknown, " in market.text
    assert "P2USD: unknown and 2 more. Tried again slowly; the others go on." in market.text
    account = part("account stream", found)
    assert account == Part(
        "account stream", State.FAIL, "down: closed, retrying in 4 s. It connects again by itself."
    )


def test_subscriptions_on_their_way_are_no_problem() -> None:
    found = part(
        "a stream", parts(data(connections=(ConnectionView("a", connected=True, wanted=9, acked=4),)))
    )
    assert found == Part("a stream", State.WAIT, "up, 4 of 9 subscriptions; more are on their way")


@pytest.mark.parametrize(
    ("success", "failed", "how", "says"),
    [(None, None, State.WAIT, "none answered yet"), (3.0, None, State.WELL, "answered 3s ago"),
     (3.0, 90.0, State.WELL, "answered 3s ago; last error 1m30s ago: EBusy"),
     (90.0, 3.0, State.FAIL, "error 3s ago: EBusy (answered 1m30s ago). Tried again by itself."),
     (None, 3.0, State.FAIL, "error 3s ago: EBusy (never answered). Tried again by itself.")],
)  # fmt: skip
def test_requests(success: float | None, failed: float | None, how: State, says: str) -> None:
    status = data(rest_success_age=success, rest_error_age=failed, rest_error="EBusy")
    assert part("Requests", parts(status)) == Part("Requests", how, says)


def test_lag_and_a_wrong_clock() -> None:
    found = part("Pace and clock", parts(data(lag_seconds=7.0, clock_offset_seconds=-2.5)))
    assert found.state is State.WARN
    assert found.text.startswith("41 messages/s, lag 7.0 s, clock -2.500 s. Prices come late")
    assert "set it (NTP)" in found.text
    assert part("Pace and clock", parts(data(lag_seconds=None, clock_offset_seconds=None))) == Part(
        "Pace and clock", State.WELL, "41 messages/s"
    )


def test_the_universe() -> None:
    assert part("Universe", parts(data(pairs_known=0))).state is State.WAIT
    none = part("Universe", parts(data(pairs_tradable=0)))
    assert none.state is State.WARN
    assert "press 9 for [universe]" in none.text
    troubled = part("Universe", parts(data(universe_trouble="EBusy")))
    assert troubled.text.startswith("60 of 1,670 pairs tradable, read 12m ago; cannot be read: EBusy.")


def test_candles() -> None:
    failed = IngestView(NOON, done=50, failed=10, rows=49, seconds=31.4, failures=("A", "B", "C", "D"))
    some = part("Candles", parts(data(ingest=failed)))
    assert some.state is State.WARN
    assert "50 pairs, 49 rows, 31 s, 10 failed (A, B, C and 7 more), tried again" in some.text
    every = msgspec.structs.replace(failed, done=0)
    assert part("Candles", parts(data(ingest=every))).state is State.FAIL
    assert part("Candles", parts(data(ingest=None))) == Part("Candles", State.WELL, "next 12:15:00")
    assert part("Candles", parts(data(ingest=None, next_boundary=None))) == Part(
        "Candles", State.WAIT, "none read yet"
    )


@pytest.mark.parametrize(
    ("missing", "incomplete", "says"),
    [(0, 0, ""), (1, 0, "1 pair still to be read; "), (12, 0, "12 pairs still to be read; "),
     (12, 3, "12 pairs still to be read; 3 with too short a history for the strategies yet; ")],
)  # fmt: skip
def test_candles_that_are_still_to_be_read_are_counted(missing: int, incomplete: int, says: str) -> None:
    found = part("Candles", parts(data(ingest=None, missing=missing, incomplete=incomplete)))
    assert found == Part("Candles", State.WELL, f"{says}next 12:15:00")
    found = part("Candles", parts(data(missing=missing, incomplete=incomplete)))
    assert found.text.endswith(f"2.1 s; {says}next 12:15:00")


def test_an_open_breaker_and_an_unwilling_store_have_lines_of_their_own() -> None:
    found = parts(data(breaker_seconds=231.0, breaker_reason="5 failures in a row", unstored=12))
    assert part("Candle reading", found) == Part(
        "Candle reading", State.FAIL, "paused for 3m51s more: 5 failures in a row. It goes on by itself."
    )
    assert "12 closed candles not stored yet" in part("Candle store", found).text


def test_silent_topics_are_named() -> None:
    found = part(
        "Silent topics", parts(data(deaf=("ticker A", "ticker B", "ticker C", "ticker D"), deaf_count=42))
    )
    assert "ticker A, ticker B, ticker C and 39 more. Subscribed to anew" in found.text


def test_account_and_journal() -> None:
    ill = HealthView(journal_trouble="disk full", account_trouble="EBusy", account_age=95.0)
    found = parts(view=inside(health=ill))
    assert part("Journal", found).state is State.FAIL
    assert "No order is sent until it can" in part("Journal", found).text
    assert part("Account", found).text.startswith("cannot be read: EBusy. Confirmed 1m35s ago.")
    never = parts(view=inside(health=HealthView(account_trouble="EBusy")))
    assert "Never confirmed." in part("Account", never).text
    assert part("Account", parts(view=inside(health=HealthView()))).state is State.WAIT


def test_a_failed_strategy_and_lost_records_appear() -> None:
    ill = HealthView(strategy_errors=(("trend", "ValueError: x"),))
    found = parts(view=inside(health=ill), dropped=3)
    text = part("Strategy", found).text
    assert "trend failed and does not run: ValueError: x. Its stops are watched. Press 3, then t" in text
    assert part("Log", found).text.startswith("3 records did not get into the file")


def test_rate_limits() -> None:
    blocked = RateLimitView("private calls", used=20, limit=20, blocked_seconds=12.0)
    found = part("Rate limits", parts(view=inside(rate_limits=(blocked,))))
    assert "Kraken refused private calls: none is sent for 12s" in found.text
    nearly = RateLimitView("private calls", used=19, limit=20)
    assert part("Rate limits", parts(view=inside(rate_limits=(nearly,)))).state is State.WARN
    assert part("Rate limits", parts(view=inside(rate_limits=()))).state is State.WAIT


def test_long_sentences_go_on_under_themselves() -> None:
    lines = [text_of(line) for line in health_lines([Part("Prices", State.FAIL, "word " * 30)], 60)]
    assert len(lines) > 1
    assert lines[0].startswith(" FAIL Prices         word")
    assert all(line.startswith(" " * 21 + "word") for line in lines[1:])
