"""What the settings of the limits and of every strategy mean: a name, and a sentence for who changes them."""

RISK_WORDS: dict[str, tuple[str, str]] = {
    "risk.max_risk_per_trade_pct": (
        "Risk per trade", "Most that one position may lose at its stop, in percent of equity."),
    "risk.max_portfolio_risk_pct": (
        "Open risk", "Most that all positions together may lose at their stops, in percent of equity."),
    "risk.max_open_positions": (
        "Open positions", "Most pairs held at a time, open buy orders included."),
    "risk.max_per_asset_pct": (
        "One asset", "Most that may be held of one asset, in percent of equity."),
    "risk.max_daily_drawdown_pct": (
        "Daily drawdown", "Loss since the UTC day began that sets the kill switch, in percent of equity."),
    "risk.kill_switch_on_drift": (
        "Drift sets the kill switch", "true or false. Entries wait in any case while there is drift."),
    "risk.drift_confirm_syncs": (
        "Syncs that confirm drift", "Syncs in a row that must find drift before it sets the kill switch."),
    "risk.max_consecutive_order_errors": (
        "Order errors in a row", "Orders in a row that ended in an error and set the kill switch."),
    "risk.include_manual_positions": (
        "Manual positions count", "true or false: whether what no strategy holds uses up open positions."),
    "risk.volatility_lookback_bars": (
        "Bars of volatility", "Bars of the average true range behind the stops that strategies do not set."),
    "risk.min_liquidity_24h_usd": (
        "Least liquidity", "Dollars traded in 24 hours of a pair that is entered; empty: the universe's."),
    "risk.max_spread_bps": (
        "Widest spread", "At which a pair is entered, in hundredths of a percent."),
    "risk.max_price_deviation_pct": (
        "Price deviation", "Most that the live price may differ from the signal's close, in percent."),
    "risk.protections.cooldown_minutes": (
        "Cooldown after a loss", "Minutes for which a pair is not entered after an exit at a loss; 0: off."),
    "risk.protections.stop_guard_count": (
        "Stop guard: stops", "Stops hit within the window that pause all entries; 0: off."),
    "risk.protections.stop_guard_window_minutes": (
        "Stop guard: window", "Minutes within which those stops are counted."),
    "risk.protections.stop_guard_pause_minutes": (
        "Stop guard: pause", "Minutes for which entries pause then."),
    "risk.protections.low_profit_pct": (
        "Low profit", "A pair whose exits made less than this, in percent of their cost, is paused; 0: off."),
    "risk.protections.low_profit_window_minutes": (
        "Low profit: window", "Minutes within which those exits are counted, at least two of them."),
    "risk.protections.low_profit_pause_minutes": (
        "Low profit: pause", "Minutes for which that pair is not entered."),
    "risk.protections.max_consecutive_losses": (
        "Losses in a row", "Exits at a loss in a row that pause a strategy until the next UTC day; 0: off."),
    "risk.protections.max_entries_per_day": (
        "Entries per day", "Entries of all strategies together in one UTC day; 0: off."),
}  # fmt: skip
"""By dotted key, in the order of the form."""

PER_STRATEGY = "risk.max_per_strategy_pct"
MANUAL = "risk.include_manual_positions"
_PER_STRATEGY_HELP = (
    "Most that this strategy may have at work, in percent of equity; empty: no limit of its own."
)


def words(key: str) -> tuple[str, str]:
    """Return the name and the meaning of a setting; of one that is not known, its key."""
    if key.startswith(f"{PER_STRATEGY}."):
        return f"Strategy {key.removeprefix(f'{PER_STRATEGY}.')}", _PER_STRATEGY_HELP
    return RISK_WORDS.get(key, (key, ""))
