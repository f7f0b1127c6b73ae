"""Made-up strategies in every state: running with positions, disabled, failed, waiting for candles."""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.control.commands import EnableStrategy
from krakked_tui.control.strategy_view import (
    HeldLine,
    ParameterLine,
    StrategiesView,
    StrategyLine,
)
from tests.fakes.risk import intent

D = Decimal
NOON = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
_BASE = "strategies.configs.trend_following"
PARAMETERS = (
    ParameterLine(
        f"{_BASE}.ma_fast", "ma_fast", "20", "20", "a whole number, 2 to 200",
        "Candles of the fast moving average.",
    ),
    ParameterLine(
        f"{_BASE}.ma_slow", "ma_slow", "60", "50", "a whole number, 3 to 500",
        "Candles of the slow moving average.",
    ),
    ParameterLine(
        f"{_BASE}.max_positions", "max_positions", "6", "6", "a whole number, 1 to 1000",
        "Most pairs it may hold at a time.",
    ),
    ParameterLine(
        f"{_BASE}.timeframes", "timeframes", '["1h", "4h"]', '["1h", "4h"]', "a list of timeframes",
        "Candles it is evaluated on.",
    ),
    ParameterLine(
        f"{_BASE}.per_trade_target_r_multiple", "per_trade_target_r_multiple", "", "", "above 0, at most 100",
        "Take-profit in multiples of the stop's distance; empty: none.",
    ),
    ParameterLine(f"{_BASE}.tag", "tag", '"tfo"', '"tfo"', "three letters or digits", "Its orders carry it.",
                  changeable=False),
)  # fmt: skip
HELD = (
    HeldLine(
        "XBTUSD", D("0.03127711"), D("2005.49"), D("40.11"), NOON - timedelta(hours=3), D("59695.8"),
        D("69959.3"), D("4.5"), NOON + timedelta(days=3),
    ),
    HeldLine("ETHUSD", D("0.512"), D("1736.32"), D("34.73"), NOON - timedelta(hours=3), D("3157.25")),
    HeldLine("SOLUSD", D("6.25"), None, None, NOON - timedelta(hours=3)),
)  # fmt: skip


def strategy(name: str, **changes: object) -> StrategyLine:
    """A strategy that holds nothing."""
    base = StrategyLine(
        id=name,
        type=name,
        enabled=True,
        state="running",
        tag=name[:3],
        timeframes=("1h",),
        max_positions=6,
        exposure_usd=D(0),
        exposure_pct=D(0),
        pnl=D(0),
        last_run=NOON - timedelta(minutes=1),
        next_run=NOON + timedelta(minutes=59),
        idea="Buys what rises and sells what falls.",
    )
    return msgspec.structs.replace(base, **changes)


def trend_following() -> StrategyLine:
    """The one with everything."""
    made = [D(0), D("12.41"), D("3.02"), D("-8.5"), D("4.2"), D("23.18")]
    return strategy(
        "trend_following",
        userref=7001,
        timeframes=("1h", "4h"),
        positions=3,
        exposure_usd=D("3741.81"),
        exposure_pct=D("35.90"),
        budget_pct=D("40.0"),
        pnl=D("23.18"),
        last_intents_at=NOON - timedelta(minutes=1),
        last_actions_at=NOON - timedelta(minutes=1),
        idea="Follows trends: buys when a fast average is above a slow one, leaves when it falls below.",
        parameters=PARAMETERS,
        held=HELD,
        intents=(
            intent("XBTUSD"),
            intent("DOGEUSD", outcome="blocked: the spread is 131.5 bps, above max_spread_bps, 100 bps",
                   close=D("0.3821170")),
            intent("SOLUSD", "exit", outcome="sold 6.25", close=D("171.44"), stop_price=None,
                   take_profit_price=None),
        ),
        equity=tuple((NOON - timedelta(hours=6 - hour), value) for hour, value in enumerate(made)),
    )  # fmt: skip


def normal() -> StrategiesView:
    """One in every state."""
    error = "ZeroDivisionError: float division by zero in strategies/mine.py, line 41"
    return StrategiesView(
        NOON,
        (
            strategy(
                "breakout", enabled=False, state="disabled", next_run=None, last_run=None,
                idea="Buys when a price leaves the range of the last days.",
            ),
            strategy("mean_reversion", state="failed", error=error, pnl=D("-41.20"), next_run=None),
            strategy("momentum_rotation", state="waiting", timeframes=("1d",), last_run=None, pnl=None),
            trend_following(),
        ),
    )  # fmt: skip


def switched(view: StrategiesView, command: EnableStrategy) -> StrategiesView:
    """Do what an accepted command does."""
    return msgspec.structs.replace(
        view,
        strategies=tuple(
            msgspec.structs.replace(
                line,
                enabled=command.enabled,
                state="running" if command.enabled else "disabled",
                error="",
            )
            if line.id == command.strategy_id
            else line
            for line in view.strategies
        ),
    )


def hostile(text: str) -> StrategiesView:
    """One text in every text field."""
    wish = intent(text, text, strategy_id=text, timeframe=text, values=((text, 1.0),), outcome=text)
    line = StrategyLine(
        id=text, type=text, enabled=True, state=text, tag=text, timeframes=(text,), error=text, idea=text,
        parameters=(ParameterLine(text, text, text, text, text, text),),
        held=(HeldLine(text, D(1), D(1), D(1), NOON),),
        intents=(wish,),
        equity=((NOON, D(0)), (NOON, D("1e30"))),
    )  # fmt: skip
    return StrategiesView(NOON, (line,), (text, text))
