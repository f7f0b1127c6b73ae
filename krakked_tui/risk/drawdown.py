"""The loss of the UTC day, and when it is too much."""

from decimal import Decimal

from krakked_tui.domain.money import ZERO, percent_of
from krakked_tui.domain.safety import DayStart
from krakked_tui.risk.checks import amount
from krakked_tui.risk.settings import RiskSettings


def daily_drawdown_pct(day_start: DayStart, equity: Decimal, net_cash_flows: Decimal) -> Decimal:
    """Return the day's loss as a positive percentage of the capital at work, zero without a loss.

    The capital is the opening equity plus the deposits and minus the withdrawals since
    (``net_cash_flows``, in USD): moving money in or out is neither gain nor loss.
    """
    capital = day_start.equity + net_cash_flows
    loss = capital - equity
    return percent_of(loss, capital) if capital > ZERO and loss > ZERO else ZERO


def drawdown_reason(drawdown_pct: Decimal, settings: RiskSettings) -> str:
    """Say why the kill switch must be set; empty while the loss is below ``max_daily_drawdown_pct``."""
    if drawdown_pct < settings.max_daily_drawdown_pct:
        return ""
    return (
        f"equity is {amount(drawdown_pct, '%')} below the day's opening;"
        f" max_daily_drawdown_pct is {amount(settings.max_daily_drawdown_pct, '%')}"
    )
