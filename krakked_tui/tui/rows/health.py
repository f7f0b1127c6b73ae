"""How each part of the program is doing: a word, and a sentence that says what happens or what to do.

One function per part. What is wrong comes first; a part that has not started is no problem.
"""

from collections.abc import Iterable, Sequence
from datetime import tzinfo
from enum import IntEnum
from typing import NamedTuple

from krakked_tui.control.market_view import ConnectionView, DataStatusView, IngestView
from krakked_tui.control.views import EngineView, HealthView, RateLimitView
from krakked_tui.tui.rows.dialogs import count, labelled
from krakked_tui.tui.rows.line import Line, Look, Span, clip, wrap
from krakked_tui.tui.rows.numbers import age, clock

LAG_WARNS_SECONDS = 5.0
OFFSET_WARNS_SECONDS = 1.0
USED_WARNS = 0.9
"""Share of a rate limit from which it is worth a word."""
_NAMED_MAX = 3
_NAME_WIDTH = 15


class State(IntEnum):
    """Worst first."""

    FAIL = 0
    WARN = 1
    WELL = 2
    WAIT = 3


_WORDS = {
    State.FAIL: Span(" FAIL ", Look.ALARM),
    State.WARN: Span(" WARN ", Look.WARN),
    State.WELL: Span(" ok   ", Look.GOOD),
    State.WAIT: Span(" wait ", Look.MUTED),
}


class Part(NamedTuple):
    """One part of the program."""

    name: str
    state: State
    text: str


def health(view: EngineView, data: DataStatusView, dropped: int, zone: tzinfo) -> list[Part]:
    """Return all parts, what is wrong first; ``dropped`` records are missing in the log's file."""
    parts = [
        _prices(data),
        *_exchange(data.system_status),
        *(_connection(each) for each in data.connections),
        *_deaf(data.deaf, data.deaf_count),
        _requests(data),
        _pace(data),
        _universe(data),
        *_candles(data, zone),
        _account(view.health),
        _journal(view.health),
        _rate_limits(view.rate_limits),
        *(_strategy(name, why) for name, why in view.health.strategy_errors),
        *_log(dropped),
    ]
    return sorted(parts, key=lambda part: min(part.state, State.WELL))


def health_head(parts: Sequence[Part], *, hidden: bool = False) -> Line:
    """Return all of it in one line; ``hidden`` says that not all lines below are in sight."""
    wrong = [part for part in parts if part.state <= State.WARN]
    if not wrong:
        return (Span("HEALTH  ", Look.TITLE), Span("all well", Look.GOOD))
    look = Look.ALARM if wrong[0].state is State.FAIL else Look.WARN
    names = ", ".join(part.name for part in wrong)
    scroll = Span("Tab, then down, for all  " if hidden else "", Look.KEY)
    problems = Span(f" {count(len(wrong), 'problem')} ", look)
    return (Span("HEALTH  ", Look.TITLE), problems, Span("  "), scroll, Span(names))


def health_lines(parts: Iterable[Part], width: int) -> list[Line]:
    """Return a line per part; sentences that need more go on below."""
    lines: list[Line] = []
    for part in parts:
        word, name = (
            _WORDS[part.state],
            Span(clip(part.name, _NAME_WIDTH - 1).ljust(_NAME_WIDTH), Look.STRONG),
        )
        room = width - len(word.text) - _NAME_WIDTH
        look = Look.MUTED if part.state is State.WAIT else Look.PLAIN
        first, *more = wrap(part.text, room, look) or [()]
        lines.append((word, name, *first))
        lines += labelled(Span(" " * (len(word.text) + _NAME_WIDTH)), more)
    return lines


def _prices(data: DataStatusView) -> Part:
    known = f"{data.fresh:,} fresh"
    for number, word in (
        (data.checked, "checked"), (data.quiet, "quiet"), (data.stale, "stale"), (data.never, "never"),
    ):  # fmt: skip
        known += f", {number:,} {word}" if number else ""
    if data.prices_trouble:
        known += f". Asking for them fails too: {data.prices_trouble}"
    match data.state:
        case "live" if data.stale + data.never > data.fresh + data.checked + data.quiet:
            text = "most pairs have none that can be used: these are not entered"
            return Part("Prices", State.WARN, f"{text}: {known}")
        case "live":
            return Part("Prices", State.WELL, f"live: {known}")
        case "polling":
            text = (
                "the stream brings none, so they are asked for: nothing new is opened, stops and exits go on"
            )
            return Part("Prices", State.WARN, f"{text}. It comes back by itself: {known}")
        case "stale":
            text = "the stream is open and brings none: nothing new is opened, exits go on at the last price"
            return Part("Prices", State.FAIL, f"{text}. It is renewed by itself: {known}")
        case "down":
            text = "none come in: nothing new is opened. Check this machine's network; it connects by itself"
            return Part("Prices", State.FAIL, f"{text}: {known}")
        case other:
            return Part("Prices", State.WAIT, f"{other}: {known}")


_EXCHANGE = {
    "maintenance": "Kraken is in maintenance: nothing can be traded or cancelled. It goes on by itself.",
    "cancel_only": "Kraken takes cancels only: no entries, no exits. It goes on by itself.",
    "post_only": "Kraken takes resting orders only: no entries, no exits. It goes on by itself.",
}


def _exchange(status: str) -> list[Part]:
    """Return nothing while there is nothing to say."""
    if status in {"", "online"}:
        return []
    text = _EXCHANGE.get(status, f"Kraken says {status}: see status.kraken.com")
    return [Part("Exchange", State.FAIL, text)]


def _connection(connection: ConnectionView) -> Part:
    name = f"{connection.name} stream"
    if not connection.connected:
        why = connection.detail or "not connected"
        return Part(name, State.FAIL, f"down: {why}. It connects again by itself.")
    subscribed = f"up, {connection.acked:,} of {connection.wanted:,} subscriptions"
    if connection.failed:
        refused = _some(connection.failed, len(connection.failed))
        text = f"{subscribed}; refused: {refused}. Tried again slowly; the others go on."
        return Part(name, State.WARN, text)
    if connection.acked < connection.wanted:
        detail = connection.detail or "more are on their way"
        return Part(name, State.WAIT, f"{subscribed}; {detail}")
    text = subscribed if connection.wanted else "up"
    return Part(name, State.WELL, f"{text}; {connection.detail}" if connection.detail else text)


def _some(names: Sequence[str], count: int) -> str:
    """Return the first names, and how many of ``count`` there are besides."""
    more = count - min(len(names), _NAMED_MAX)
    return ", ".join(names[:_NAMED_MAX]) + (f" and {more:,} more" if more > 0 else "")


def _deaf(topics: Sequence[str], count: int) -> list[Part]:
    if not topics:
        return []
    text = f"says nothing of what a request shows: {_some(topics, count)}. Subscribed to anew by itself."
    return [Part("Silent topics", State.WARN, text)]


def _requests(data: DataStatusView) -> Part:
    success, failed = data.rest_success_age, data.rest_error_age
    answered = "never answered" if success is None else f"answered {age(success)} ago"
    if failed is None:
        state = State.WAIT if success is None else State.WELL
        return Part("Requests", state, answered if success is not None else "none answered yet")
    error = f"error {age(failed)} ago: {data.rest_error}"
    if success is None or failed < success:
        return Part("Requests", State.FAIL, f"{error} ({answered}). Tried again by itself.")
    return Part("Requests", State.WELL, f"{answered}; last {error}")


def _pace(data: DataStatusView) -> Part:
    facts = [f"{data.messages_per_second:.0f} messages/s"]
    advice, state = "", State.WELL
    if data.lag_seconds is not None:
        facts.append(f"lag {data.lag_seconds:.1f} s")
        if data.lag_seconds > LAG_WARNS_SECONDS:
            advice, state = "Prices come late: this machine or its line is overloaded.", State.WARN
    offset = data.clock_offset_seconds
    if offset is not None:
        facts.append(f"clock {offset:+.3f} s")
        if abs(offset) > OFFSET_WARNS_SECONDS:
            wrong = "This machine's clock is wrong: set it (NTP). Candles follow the exchange's clock."
            advice, state = f"{advice} {wrong}".strip(), State.WARN
    text = ", ".join(facts)
    return Part("Pace and clock", state, f"{text}. {advice}" if advice else text)


def _universe(data: DataStatusView) -> Part:
    read = "" if data.universe_age is None else f", read {age(data.universe_age)} ago"
    text = f"{data.pairs_tradable:,} of {data.pairs_known:,} pairs tradable{read}"
    if data.universe_trouble:
        advice = "The list stays in use and is asked for again by itself."
        return Part("Universe", State.WARN, f"{text}; cannot be read: {data.universe_trouble}. {advice}")
    if not data.pairs_known:
        return Part("Universe", State.WAIT, "not read yet")
    if not data.pairs_tradable:
        return Part("Universe", State.WARN, f"{text}. Nothing passes the filters: press 9 for [universe].")
    return Part("Universe", State.WELL, text)


def _candles(data: DataStatusView, zone: tzinfo) -> list[Part]:
    parts = []
    if data.breaker_seconds is not None:
        why = data.breaker_reason or "too many failures"
        text = f"paused for {age(data.breaker_seconds)} more: {why}. It goes on by itself."
        parts.append(Part("Candle reading", State.FAIL, text))
    if data.unstored:
        waiting = count(data.unstored, "closed candle")
        text = f"{waiting} not stored yet: is the disk full? Tried again at every close."
        parts.append(Part("Candle store", State.WARN, text))
    following = f"next {clock(data.next_boundary, zone)}" if data.next_boundary is not None else ""
    if data.ingest is None:
        state, text = (State.WELL, "") if following else (State.WAIT, "none read yet")
    else:
        state, text = _round(data.ingest, zone)
    return [*parts, Part("Candles", state, "; ".join(filter(None, (text, *_unread(data), following))))]


def _unread(data: DataStatusView) -> Iterable[str]:
    """Say what is not there yet; it comes by itself."""
    if data.missing:
        yield f"{count(data.missing, 'pair')} still to be read"
    if data.incomplete:
        yield f"{data.incomplete:,} with too short a history for the strategies yet"


def _round(done: IngestView, zone: tzinfo) -> tuple[State, str]:
    seconds = f"{done.seconds:.1f}" if done.seconds < 10 else f"{done.seconds:.0f}"
    text = f"read {clock(done.at, zone)}: {done.done:,} pairs, {done.rows:,} rows, {seconds} s"
    if not done.failed:
        return State.WELL, text
    names = f" ({_some(done.failures, done.failed)})" if done.failures else ""
    text = f"{text}, {done.failed:,} failed{names}, tried again in the next round"
    return (State.WARN if done.done else State.FAIL), text


def _account(health: HealthView) -> Part:
    confirmed = "" if health.account_age is None else f"confirmed {age(health.account_age)} ago"
    if health.account_trouble:
        text = f"cannot be read: {health.account_trouble}. {confirmed.capitalize() or 'Never confirmed'}."
        return Part("Account", State.FAIL, f"{text} Asked again by itself; nothing new is opened.")
    if not confirmed:
        return Part("Account", State.WAIT, "not confirmed by the exchange yet")
    return Part("Account", State.WELL, confirmed)


def _journal(health: HealthView) -> Part:
    if not health.journal_trouble:
        return Part("Journal", State.WELL, "written")
    text = f"cannot be written: {health.journal_trouble}. No order is sent until it can: free disk space."
    return Part("Journal", State.FAIL, text)


def _rate_limits(limits: Sequence[RateLimitView]) -> Part:
    blocked = [limit for limit in limits if limit.blocked_seconds]
    if blocked:
        worst = max(blocked, key=lambda limit: limit.blocked_seconds)
        text = f"Kraken refused {worst.name}: none is sent for {age(worst.blocked_seconds)}, then it goes on."
        return Part("Rate limits", State.WARN, f"{text} Press l for all.")
    ranked = sorted(limits, key=_share, reverse=True)
    if not ranked:
        return Part("Rate limits", State.WAIT, "no call has been counted yet")
    text = ", ".join(f"{limit.name} {limit.used:.0f}/{limit.limit:g}" for limit in ranked[:2])
    if _share(ranked[0]) >= USED_WARNS:
        return Part("Rate limits", State.WARN, f"{text}: calls wait until there is room. Press l for all.")
    return Part("Rate limits", State.WELL, text)


def _share(limit: RateLimitView) -> float:
    return limit.used / limit.limit if limit.limit else 0.0


def _strategy(name: str, why: str) -> Part:
    text = f"{name} failed and does not run: {why}. Its stops are watched. Press 3, then t, to enable it."
    return Part("Strategy", State.FAIL, text)


def _log(dropped: int) -> list[Part]:
    if not dropped:
        return []
    text = f"{count(dropped, 'record')} did not get into the file: is the disk full or slow?"
    return [Part("Log", State.WARN, text)]
