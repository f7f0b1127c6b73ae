"""What the rate limits look like: used, nearly used up, refused."""

from krakked_tui.control.views import RateLimitView
from krakked_tui.tui.rows.line import Line, Look
from krakked_tui.tui.rows.rate_limits import rate_limit_lines


def text(line: Line) -> str:
    return "".join(span.text for span in line).rstrip()


def test_a_limit_shows_units_a_bar_and_who_spent_them() -> None:
    limit = RateLimitView("private calls", 5, 20, spenders=(("Ledgers", 4.0), ("BalanceEx", 1.0)))
    lines = rate_limit_lines([limit], 50)
    assert [text(line) for line in lines] == [
        "private calls               5.0/20 ███▊",
        "last minute: Ledgers 4, BalanceEx 1",
    ]
    assert lines[0][0].look is Look.PLAIN


def test_a_limit_nearly_used_up_warns() -> None:
    assert rate_limit_lines([RateLimitView("a", 15.8, 20)], 50)[0][0].look is Look.PLAIN
    assert rate_limit_lines([RateLimitView("a", 16, 20)], 50)[0][0].look is Look.WARN


def test_a_refusal_says_how_long_nothing_is_sent() -> None:
    lines = rate_limit_lines([RateLimitView("private calls", 0, 20, blocked_seconds=900)], 80)
    assert lines[0][0].look is Look.WARN
    assert text(lines[1]) == "Kraken refused: nothing of this kind is sent for 15m."
    assert lines[1][0].look is Look.ALARM


def test_without_a_call_there_is_nothing_to_show() -> None:
    assert [text(line) for line in rate_limit_lines([], 60)] == [
        "Nothing has been counted yet: no call was made."
    ]
