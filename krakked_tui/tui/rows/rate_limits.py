"""What is left of the exchange's rate limits."""

from collections.abc import Sequence
from decimal import Decimal

from krakked_tui.control.views import RateLimitView
from krakked_tui.domain.money import ZERO
from krakked_tui.tui.rows.dashboard import NEARLY_USED, eighths
from krakked_tui.tui.rows.line import Line, Look, Span, clip, wrap
from krakked_tui.tui.rows.numbers import age

_NAME_WIDTH = 22
_COUNT_WIDTH = 12


def rate_limit_lines(limits: Sequence[RateLimitView], width: int) -> list[Line]:
    """Return for each limit how much is used, how long it blocks, and who spent it."""
    if not limits:
        return [(Span("Nothing has been counted yet: no call was made.", Look.MUTED),)]
    lines: list[Line] = []
    for limit in limits:
        lines += _limit_lines(limit, width)
    return lines


def _limit_lines(limit: RateLimitView, width: int) -> list[Line]:
    percent = Decimal(round(100 * limit.used / limit.limit)) if limit.limit else ZERO
    look = Look.WARN if percent >= NEARLY_USED or limit.blocked_seconds else Look.PLAIN
    count = f"{limit.used:.1f}/{limit.limit:g}".rjust(_COUNT_WIDTH)
    bar = eighths(percent, width - _NAME_WIDTH - _COUNT_WIDTH - 1)
    name = clip(limit.name, _NAME_WIDTH).ljust(_NAME_WIDTH)
    lines: list[Line] = [(Span(name, look), Span(count, look), Span(" "), Span(bar, Look.SHAPE))]
    if limit.blocked_seconds:
        text = f"Kraken refused: nothing of this kind is sent for {age(limit.blocked_seconds)}."
        lines += wrap(text, width, Look.ALARM)
    if limit.spenders:
        spent = ", ".join(f"{name} {units:g}" for name, units in limit.spenders)
        lines += wrap(f"last minute: {spent}", width, Look.MUTED)
    return lines
