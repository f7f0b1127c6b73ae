"""Made-up limits and decisions: pictures, previews, what-ifs and explanations."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from krakked_tui.control.risk_view import (
    ActionLine,
    CheckLine,
    DecisionLine,
    Explanation,
    FillLine,
    LimitLine,
    OrderLine,
    ProtectionLine,
    RiskPreview,
    RiskView,
    SettingChange,
    Silence,
    WhatIf,
)
from krakked_tui.control.strategy_view import IntentLine

D = Decimal
NOON = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
PRESETS = ("conservative", "balanced", "aggressive")


def limit(key: str, name: str, now: str, most: str, unit: str, **more: object) -> LimitLine:
    """A limit; ``now`` empty where it is about single orders."""
    value, threshold = D(now) if now else None, D(most)
    base = LimitLine(
        key=f"risk.{key}" if key else "",
        name=name,
        value=value,
        threshold=threshold,
        unit=unit,
        used_share=None if value is None else float(value / threshold),
        headroom=None if value is None else threshold - value,
        toml=most if key else "",
    )
    return msgspec.structs.replace(base, **more)


LIMITS = (
    limit("max_daily_drawdown_pct", "daily drawdown", "0.35", "10.0", "%"),
    limit("max_portfolio_risk_pct", "open risk", "2.31", "10.0", "%"),
    limit("max_open_positions", "open positions", "3", "10", "positions"),
    limit("max_per_asset_pct", "largest asset", "19.26", "20.0", "%", detail="XBT"),
    limit("max_per_strategy_pct.trend_following", "trend_following", "35.90", "40.0", "%"),
    limit("max_per_strategy_pct.mean_reversion", "mean_reversion", "10.29", "10.0", "%"),
    limit("protections.max_entries_per_day", "entries today", "4", "20", "entries"),
    limit("max_consecutive_order_errors", "order errors in a row", "0", "5", "errors"),
    limit("max_risk_per_trade_pct", "risk per trade", "", "1.0", "%"),
    limit("max_spread_bps", "spread", "", "100", "bps"),
    limit("max_price_deviation_pct", "price deviation", "", "5.0", "%"),
    limit("min_liquidity_24h_usd", "liquidity in 24h", "", "100000", "USD"),
    limit("", "cash", "", "5099.02", "USD", detail="after fees and open orders"),
)
PROTECTIONS = (
    ProtectionLine(
        "cooldown", "DOGEUSD", NOON + timedelta(minutes=41), "the exit at 11:41 lost 12.41 USD of 920.90"
    ),
    ProtectionLine(
        "losses in a row",
        "mean_reversion",
        NOON + timedelta(hours=12),
        "5 exits at a loss one after the other",
    ),
)
OK = RiskView(
    at=NOON,
    equity=D("10412.33"),
    daily_drawdown_pct=D("0.35"),
    account_truth="fresh",
    total_exposure_pct=D("46.19"),
    per_asset_pct=(("XBT", D("19.26")), ("ETH", D("16.68")), ("SOL", D("10.29"))),
    per_strategy_pct=(("trend_following", D("35.90")), ("mean_reversion", D("10.29"))),
    open_risk_pct=D("2.31"),
    loss_if_all_stops_hit_usd=D("240.52"),
    without_stop=("SOLUSD",),
    limits=LIMITS,
    protections=PROTECTIONS,
    presets=PRESETS,
)


def killed(*, persists: bool = True) -> RiskView:
    """The drawdown set the kill switch, and goes on unless told otherwise."""
    drawdown = limit("max_daily_drawdown_pct", "daily drawdown", "10.42", "10.0", "%")
    return msgspec.structs.replace(
        OK,
        kill_active=True,
        kill_reason="the day's loss is 10.42 % of equity, the limit 10.00 %",
        kill_cause="drawdown",
        kill_since=NOON - timedelta(minutes=2),
        kill_by="engine",
        kill_persists="the day's loss is still 10.42 %, the limit 10.00 %" if persists else "",
        refusal="the kill switch is on",
        daily_drawdown_pct=D("10.42"),
        limits=(drawdown, *LIMITS[1:]),
    )


def quiet() -> RiskView:
    """A fresh account: nothing held, nothing used."""
    fresh = tuple(
        each
        if each.value is None
        else limit(each.key.removeprefix("risk."), each.name, "0", each.toml, each.unit)
        for each in LIMITS
    )
    return RiskView(
        at=NOON,
        equity=D(10000),
        daily_drawdown_pct=D(0),
        account_truth="fresh",
        total_exposure_pct=D(0),
        open_risk_pct=D(0),
        loss_if_all_stops_hit_usd=D(0),
        limits=fresh,
        presets=PRESETS,
    )


CHECKS = (
    CheckLine("max_risk_per_trade_pct", D(0), D("0.98"), D("1.0"), D("1.0"), "%", "ok"),
    CheckLine("max_portfolio_risk_pct", D("2.31"), D("3.29"), D("10.0"), D("7.69"), "%", "ok"),
    CheckLine("max_open_positions", D(3), D(4), D(10), D(7), "positions", "ok"),
    CheckLine(
        "max_per_asset_pct", D("19.26"), D("24.06"), D("20.0"), D("0.74"), "%", "clamped",
        "24.06 % is cut to max_per_asset_pct, 20.00 %",
    ),
    CheckLine("pair_tradable", D(1), D(1), D(1), D(0), "flag", "ok"),
)  # fmt: skip
SPREAD = CheckLine(
    "max_spread_bps", D("131.5"), D("131.5"), D(100), D("-31.5"), "bps", "blocked",
    "the spread is 131.5 bps, above max_spread_bps, 100 bps",
)  # fmt: skip


def intent(pair: str, what: str = "enter", **changes: object) -> IntentLine:
    """A wish of the trend follower."""
    base = IntentLine(
        strategy_id="trend_following",
        pair=pair,
        intent=what,
        timeframe="1h",
        at=NOON - timedelta(minutes=1),
        signal_time=NOON - timedelta(minutes=61),
        confidence=D("0.72"),
        close=D("64120.1"),
        stop_price=D("61200.5"),
        take_profit_price=D("69959.3"),
        values=(("sma_20", 63811.4), ("sma_50", 62990.25), ("atr_20", 1459.8)),
        outcome="bought 0.03127711",
    )
    return msgspec.structs.replace(base, **changes)


def explanation(plan_id: str = "20261120T1159-001", **changes: object) -> Explanation:
    """A cycle that bought one pair, cut, and was kept from another."""
    xbt = ActionLine(
        "XBTUSD", "net", "open", D(0), D("0.03127711"),
        "two strategies agree: blended by confidence and weight", blocked=False,
        shares=(("breakout", D("0.01")), ("trend_following", D("0.02127711"))), checks=CHECKS,
    )  # fmt: skip
    doge = ActionLine(
        "DOGEUSD", "trend_following", "none", D(0), D(0), "blocked by max_spread_bps", blocked=True,
        checks=(SPREAD, *CHECKS[:3]),
    )  # fmt: skip
    history = (
        (NOON - timedelta(seconds=60), "pending: recorded before it is sent"),
        (NOON - timedelta(seconds=59, milliseconds=613), "open: Kraken took it as OSBX01-AAAAA-000001"),
        (NOON - timedelta(seconds=41), "filled"),
    )
    base = Explanation(
        plan_id=plan_id,
        at=NOON - timedelta(minutes=1),
        candle_time=NOON - timedelta(minutes=61),
        timeframes=("1h", "4h"),
        metadata=(("equity", "10412.33"), ("drawdown", "0.35 %"), ("data", "live"), ("config", "7f3a91c2")),
        intents=(
            intent("XBTUSD"),
            intent(
                "DOGEUSD", close=D("0.3821170"), stop_price=None, take_profit_price=None, outcome="blocked"
            ),
        ),
        actions=(xbt, doge),
        orders=(
            OrderLine(
                "kk-7f3a-000001", "XBTUSD", "buy", "limit", D("0.03127711"), D("0.03127711"), D("64118.2"),
                "filled", "entry", history,
            ),
        ),
        fills=(
            FillLine(
                "TSBX01", "kk-7f3a-000001", NOON - timedelta(seconds=41), D("0.03127711"), D("64118.2"),
                "5.21 USD",
            ),
            FillLine(
                "TSBX02", "kk-7f3a-000009", NOON - timedelta(seconds=9), D("0.03127711"), D("64520"),
                "5.25 USD", D("2.11"),
            ),
        ),
    )  # fmt: skip
    return msgspec.structs.replace(base, **changes)


def decision(number: int) -> DecisionLine:
    """A stored decision."""
    at = NOON - timedelta(hours=number)
    return DecisionLine(f"{at:%Y%m%dT%H%M}-{number:03d}", at, ("1h",), number % 4, number % 3, number % 2)


class FakeRisk:
    """Answers what the Risk screen and the why-view ask, and remembers it. ``fails`` answers instead."""

    def __init__(self, view: RiskView = OK, decisions: int = 12) -> None:
        self.view = view
        self.decisions = tuple(decision(number) for number in range(decisions))
        self.preview = RiskPreview()
        """Its problems and violations; the changes come from what is asked."""
        self.asked: list[tuple[object, ...]] = []
        self.fails: Exception | None = None
        self.explained = explanation()
        self.silences = [Silence("trend_following", "XBTUSD", "", "")]
        """Given one after the other; the last one stays."""
        self.checks: tuple[CheckLine, ...] = CHECKS

    def ask(self, *question: object) -> None:
        """Note a question, and fail if told to."""
        self.asked.append(question)
        if self.fails is not None:
            raise self.fails

    def previewed(self, changes: Mapping[str, str]) -> RiskPreview:
        """What changes would do."""
        self.ask("preview", dict(changes))
        old = {each.key: each.toml for each in self.view.limits}
        lines = tuple(SettingChange(key, old.get(key, ""), new) for key, new in changes.items())
        return msgspec.structs.replace(self.preview, changes=lines)

    def from_preset(self, name: str) -> RiskPreview:
        """What a preset would do."""
        self.ask("preset", name)
        changes = (
            SettingChange("risk.max_risk_per_trade_pct", "1.0", "0.5"),
            SettingChange("risk.max_open_positions", "10", "5"),
            SettingChange("risk.protections.cooldown_minutes", "60", "240"),
        )
        return msgspec.structs.replace(self.preview, changes=changes)

    def what_if(self, pair: str, usd: Decimal, stop_price: Decimal | None) -> WhatIf:
        """A buy that one limit cuts; of a pair nobody knows, a problem."""
        self.ask("what_if", pair, usd, stop_price)
        if pair not in {"XBTUSD", "DOGEUSD"}:
            return WhatIf(pair, usd, D(0), D(0), (), f"{pair} is not a pair of the universe.")
        if pair == "DOGEUSD":
            return WhatIf(pair, usd, D(0), D(0), (*self.checks, SPREAD))
        return WhatIf(pair, usd, D("0.0012"), D("76.94"), self.checks)

    def explain(self, name: str) -> Explanation:
        """The one explanation there is."""
        self.ask("explain", name)
        return self.explained

    def explain_silence(self, strategy_id: str, pair: str) -> Silence:
        """The next silence."""
        self.ask("silence", strategy_id, pair)
        found = self.silences.pop(0) if len(self.silences) > 1 else self.silences[0]
        return msgspec.structs.replace(found, strategy_id=strategy_id, pair=pair)


def hostile(text: str) -> FakeRisk:
    """One text in every text field."""
    check = CheckLine(text, D(1), D(1), D(1), D(1), text, text, text)
    blocked = msgspec.structs.replace(check, verdict="blocked")
    fake = FakeRisk(
        msgspec.structs.replace(
            killed(),
            kill_reason=text, kill_cause=text, kill_by=text, kill_persists=text, refusal=text,
            account_truth=text, per_asset_pct=((text, D(1)),), per_strategy_pct=((text, D(1)),),
            without_stop=(text,), protections=(ProtectionLine(text, text, NOON, text),), presets=(text,),
            limits=(LimitLine(text, text, D(1), D(2), text, 0.5, D(1), text, text),),
        ),
        0,
    )  # fmt: skip
    fake.decisions = (DecisionLine(text, NOON, (text,), 1, 1, 1),)
    fake.preview = RiskPreview((), (text,), (text,))
    fake.checks = (check, blocked)
    wish = intent(text, text, strategy_id=text, timeframe=text, values=((text, 1.0),), outcome=text)
    action = ActionLine(
        text,
        text,
        text,
        D(0),
        D(1),
        text,
        blocked=True,
        shares=((text, D(1)), (text, D(1))),
        checks=(check, blocked),
    )
    order = OrderLine(text, text, text, text, D(1), D(1), D(1), text, text, ((NOON, text),))
    fill = FillLine(text, text, NOON, D(1), D(1), text, D(1))
    fake.explained = Explanation(
        plan_id=text, focus=text, at=NOON, candle_time=NOON, timeframes=(text,), metadata=((text, text),),
        intents=(wish,), actions=(action,), orders=(order,), fills=(fill,), notes=(text,),
    )  # fmt: skip
    fake.silences = [Silence(text, text, text, text, text, text, None, NOON)]
    return fake
