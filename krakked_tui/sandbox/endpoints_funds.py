"""The private REST endpoints about money, fees and the key itself."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from krakked_tui.domain.money import ZERO
from krakked_tui.domain.pairs import FeeTier
from krakked_tui.domain.precision import half_up
from krakked_tui.sandbox.calls import Call, Endpoint
from krakked_tui.sandbox.exchange import Exchange
from krakked_tui.sandbox.faults import (
    UNKNOWN_ASSET,
    UNKNOWN_FUNDING_ASSET,
    UNKNOWN_PAIR,
    UNKNOWN_WITHDRAW_KEY,
    ApiError,
)
from krakked_tui.sandbox.permissions import QUERY_FUNDS, QUERY_OPEN, WEBSOCKETS, WITHDRAW_FUNDS
from krakked_tui.sandbox.signing import TOKEN_SECONDS
from krakked_tui.sandbox.wire import text, unix_second
from krakked_tui.sim.fees import TIER_WINDOW

_DECIMALS: Final = 4
"""Scale of TradeBalance and TradeVolume."""


def balance(call: Call) -> object:
    """``Balance``: what is owned, holds not subtracted."""
    account, known = call.exchange.account, call.exchange.catalog.assets
    return {
        known[name].raw_name: text(amount, known[name].decimals) for name, amount in account.balances.items()
    }


def balance_ex(call: Call) -> object:
    """``BalanceEx``: balances with what open orders hold."""
    account, known = call.exchange.account, call.exchange.catalog.assets
    return {
        known[name].raw_name: {
            "balance": text(amount, known[name].decimals),
            "hold_trade": text(account.held(name), known[name].decimals),
        }
        for name, amount in account.balances.items()
    }


def trade_balance(call: Call) -> object:
    """``TradeBalance``: the account's worth in one asset; nothing is ever on margin."""
    exchange = call.exchange
    asset = exchange.catalog.find_asset(call.params.text("asset") or "ZUSD")
    if asset is None:
        raise ApiError(UNKNOWN_ASSET)
    unit = exchange.usd_value(asset.name, Decimal(1), call.at)
    if not unit:
        raise ApiError(UNKNOWN_ASSET)
    balances = exchange.account.balances.items()
    worth = sum((exchange.usd_value(name, amount, call.at) for name, amount in balances), ZERO) / unit
    unexecuted = sum(
        (
            exchange.usd_value(name, exchange.account.held(name), call.at)
            for name in exchange.account.balances
        ),
        ZERO,
    )
    total, zero = _money(worth), _money(ZERO)
    return {
        "eb": total,
        "tb": total,
        "m": zero,
        "n": zero,
        "c": zero,
        "v": zero,
        "e": total,
        "mf": total,
        "uv": _money(unexecuted / unit),
    }


def trade_volume(call: Call) -> object:
    """``TradeVolume``: the 30-day volume, and with ``pair`` where it stands on their fee ladders."""
    volume = _volume(call.exchange, call.at)
    answer: dict[str, object] = {
        "currency": "ZUSD",
        "volume": _money(volume),
        "fees": None,
        "fees_maker": None,
    }
    names = call.params.names_in("pair")
    if names:
        listings = [call.exchange.catalog.find(name) for name in names]
        pairs = [listing.pair for listing in listings if listing is not None]
        if len(pairs) < len(names):
            raise ApiError(UNKNOWN_PAIR)
        answer["fees"] = {pair.raw_name: _tier_row(pair.fees_taker, volume) for pair in pairs}
        answer["fees_maker"] = {pair.raw_name: _tier_row(pair.fees_maker, volume) for pair in pairs}
    return answer


def open_positions(call: Call) -> object:
    """``OpenPositions``: none, since nothing is ever on margin."""
    call.params.flag("docalcs", default=False)
    return {}


def websockets_token(call: Call) -> object:
    """``GetWebSocketsToken``."""
    return {"token": call.gatekeeper.issue_token(call.key), "expires": TOKEN_SECONDS}


def api_key_info(call: Call) -> object:
    """``GetApiKeyInfo``: what the caller's own key may do; every value is a text or a list of texts."""
    assert call.key is not None, "only a private call comes here"
    record = call.key.record
    return {
        "api_key_name": record.name,
        "api_key": record.api_key,
        "nonce": str(max(0, call.key.last_nonce)),
        "nonce_window": str(record.nonce_window),
        "permissions": record.permissions,
        "iban": "",
        "valid_until": _second(record.valid_until),
        "query_from": "0",
        "query_to": "0",
        "created_time": _second(record.created_at),
        "modified_time": _second(record.modified_at),
        "ip_allowlist": record.ip_allowlist,
        "last_used": _second(call.key.last_used),
    }


def withdraw_info(call: Call) -> object:
    """``WithdrawInfo``: refused, because this account has no withdrawal address."""
    if call.exchange.catalog.find_asset(call.params.text("asset") or "") is None:
        raise ApiError(UNKNOWN_FUNDING_ASSET)
    raise ApiError(UNKNOWN_WITHDRAW_KEY)


def _money(amount: Decimal) -> str:
    return text(half_up(amount, _DECIMALS), _DECIMALS)


def _second(at: datetime | None) -> str:
    """Print an instant as unix seconds, 0 for none."""
    return "0" if at is None else str(unix_second(at))


def _volume(exchange: Exchange, at: datetime) -> Decimal:
    """Return what was traded within the 30 days before ``at``, in USD."""
    total = ZERO
    for trade in reversed(list(exchange.books.trades.values())):
        if trade.time <= at - TIER_WINDOW:
            break
        quote = exchange.catalog.listings[trade.pair].pair.quote
        total += exchange.usd_value(quote, trade.cost, trade.time)
    return total


def _tier_row(ladder: Sequence[FeeTier], volume: Decimal) -> dict[str, object]:
    """Print where a volume stands on a ladder; there is nothing next at its top."""
    reached = [tier for tier in ladder if tier.volume_usd <= volume]
    above = [tier for tier in ladder if tier.volume_usd > volume]
    percents = [tier.percent for tier in ladder]
    now = reached[-1] if reached else FeeTier(ZERO, ZERO)
    return {
        "fee": _money(now.percent),
        "minfee": _money(min(percents, default=ZERO)),
        "maxfee": _money(max(percents, default=ZERO)),
        "nextfee": _money(above[0].percent) if above else None,
        "nextvolume": _money(above[0].volume_usd) if above else None,
        "tiervolume": _money(now.volume_usd),
    }


FUNDS: Final = (
    Endpoint("Balance", balance, needs=(QUERY_FUNDS,)),
    Endpoint("BalanceEx", balance_ex, needs=(QUERY_FUNDS,)),
    Endpoint("TradeBalance", trade_balance, accepts=("asset", "aclass"), needs=(QUERY_FUNDS,)),
    Endpoint("TradeVolume", trade_volume, accepts=("pair", "fee-info"), needs=(QUERY_FUNDS,)),
    Endpoint(
        "OpenPositions", open_positions, accepts=("txid", "docalcs", "consolidation"), needs=(QUERY_OPEN,)
    ),
    Endpoint("GetWebSocketsToken", websockets_token, needs=(WEBSOCKETS,)),
    Endpoint("GetApiKeyInfo", api_key_info),
    Endpoint(
        "WithdrawInfo",
        withdraw_info,
        accepts=("asset", "key", "amount"),
        needs=(QUERY_FUNDS,),
        also=(WITHDRAW_FUNDS,),
    ),
)
