"""The tables of the Strategies screen: strategies, what they hold, wanted and are set to."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from decimal import Decimal

from krakked_tui.control.strategy_view import HeldLine, IntentLine, ParameterLine, StrategyLine
from krakked_tui.tui.rows.dialogs import labelled
from krakked_tui.tui.rows.line import Cell, Column, Line, Look, Row, Span, wrap
from krakked_tui.tui.rows.numbers import (
    NOTHING,
    clock,
    date_and_minute,
    fixed,
    gain_look,
    percent,
    quantity,
    signed,
)
from krakked_tui.tui.rows.why import values_text

STRATEGY_COLUMNS = (
    Column("STRATEGY", 20, most=30),
    Column("STATE", 8),
    Column("CANDLES", 8, most=14),
    Column("HELD", 5, number=True),
    Column("P&L", 10, number=True),
    Column("LAST", 8),
    Column("NEXT", 8),
    Column("TYPE", 14, rank=1, most=20),
    Column("ERROR", 12, rank=2, most=80),
)
HELD_COLUMNS = (
    Column("HELD", 10),
    Column("SIZE", 13, number=True, most=16),
    Column("VALUE", 10, number=True),
    Column("P&L", 9, number=True),
    Column("STOP", 10, number=True, most=12),
    Column("TARGET", 10, number=True, most=12),
    Column("TRAIL", 6, rank=1, number=True),
    Column("SOLD BY", 16, rank=2),
)
INTENT_COLUMNS = (
    Column("WANTED", 8),
    Column("PAIR", 9),
    Column("WHAT", 8),
    Column("CANDLE", 6),
    Column("CONF", 5, number=True),
    Column("CLOSE", 11, number=True),
    Column("BECAME", 24, most=44),
    Column("VALUES", 24, rank=1, most=80),
)
PARAMETER_COLUMNS = (
    Column("PARAMETER", 26, most=34),
    Column("", 1),
    Column("VALUE", 16, most=30),
    Column("DEFAULT", 12, most=20),
    Column("ALLOWED", 26, rank=1, most=40),
)
CHANGEABLE = "⏎"
PROBLEM_LINES = 4
"""Lines that such a sentence may take from the tables."""
_STATES = {
    "running": ("running", Look.GOOD),
    "disabled": ("disabled", Look.MUTED),
    "failed": ("FAILED", Look.ALARM),
    "waiting": ("waiting", Look.WARN),
}
NO_STRATEGIES = "No strategy is configured: see [strategies] in config.toml."
LOADING = "Waiting for the engine's first picture of the strategies."
NO_HELD = "It holds nothing."
NO_INTENTS = "It has wanted nothing yet. Press n to see why."
NO_PARAMETERS = "It has no parameters."


def state(line: StrategyLine) -> tuple[str, Look]:
    """Return how a strategy does; capitals ask for attention."""
    return _STATES.get(line.state, (line.state, Look.WARN))


def strategy_rows(lines: Sequence[StrategyLine], zone: tzinfo) -> list[Row]:
    """Return a row per strategy."""
    return [_strategy_row(line, zone) for line in lines]


def _strategy_row(line: StrategyLine, zone: tzinfo) -> Row:
    known = line.pnl is not None
    return Row(
        line.id,
        (
            Cell(line.id, Look.STRONG),
            Cell(*state(line)),
            Cell(", ".join(line.timeframes)),
            Cell(f"{line.positions}/{line.max_positions}"),
            Cell(
                money(line.pnl, sign=True),
                gain_look(line.pnl) if line.pnl is not None and known else Look.PLAIN,
            ),
            Cell(_clock(line.last_run, zone), Look.MUTED),
            Cell(_clock(line.next_run, zone)),
            Cell(line.type, Look.MUTED),
            Cell(line.error, Look.WARN),
        ),
    )


def _clock(at: datetime | None, zone: tzinfo) -> str:
    return NOTHING if at is None else clock(at, zone)


def money(value: Decimal | None, *, sign: bool = False) -> str:
    """Return dollars and cents without the sign of dollars, a dash for what is not known."""
    if value is None:
        return NOTHING
    return signed(value, 2) if sign else fixed(value, 2)


def price(value: Decimal | None) -> str:
    """Return all digits of a price, a dash for none."""
    return NOTHING if value is None else quantity(value)


def held_rows(held: Sequence[HeldLine], zone: tzinfo) -> list[Row]:
    """Return a row per pair that a strategy holds, with the prices at which it is sold between candles."""
    return [
        Row(
            each.pair,
            (
                Cell(each.pair, Look.STRONG),
                Cell(quantity(each.size)),
                Cell(money(each.value)),
                Cell(money(each.pnl, sign=True), Look.PLAIN if each.pnl is None else gain_look(each.pnl)),
                Cell(price(each.stop_price), Look.WARN if exposed(each) else Look.PLAIN),
                Cell(price(each.take_profit_price)),
                Cell(NOTHING if each.trailing_pct is None else percent(each.trailing_pct)),
                Cell(NOTHING if each.sold_by is None else date_and_minute(each.sold_by, zone)),
            ),
        )
        for each in held
    ]


def exposed(held: HeldLine) -> bool:
    """Say whether nothing limits the loss of what is held."""
    return held.stop_price is None and held.trailing_pct is None


def intent_rows(intents: Sequence[IntentLine], zone: tzinfo) -> list[Row]:
    """Return a row per intent, newest first as given."""
    return [
        Row(
            f"{index}/{each.at.isoformat()}/{each.pair}",
            (
                Cell(clock(each.at, zone), Look.MUTED),
                Cell(each.pair, Look.STRONG),
                Cell(each.intent),
                Cell(each.timeframe),
                Cell(fixed(each.confidence, 2)),
                Cell(quantity(each.close)),
                Cell(each.outcome),
                Cell(values_text(each.values), Look.MUTED),
            ),
        )
        for index, each in enumerate(intents)
    ]


def parameter_rows(parameters: Sequence[ParameterLine]) -> list[Row]:
    """Return a row per parameter; the marked ones can be changed."""
    return [
        Row(
            each.key,
            (
                Cell(each.name, Look.PLAIN if each.value == each.default else Look.STRONG),
                Cell(CHANGEABLE if each.changeable else "", Look.KEY),
                Cell(each.value or NOTHING),
                Cell(each.default or NOTHING, Look.MUTED),
                Cell(each.allowed, Look.MUTED),
            ),
        )
        for each in parameters
    ]


def problem_lines(problems: Sequence[str], width: int) -> list[Line]:
    """Return the first file that could not be loaded in full, and how many there are besides."""
    if not problems:
        return []
    more = f" ({len(problems) - 1} more: see the log, key 8)" if len(problems) > 1 else ""
    return labelled(Span("! ", Look.WARN), wrap(f"{problems[0]}{more}", width - 2)[:PROBLEM_LINES])
