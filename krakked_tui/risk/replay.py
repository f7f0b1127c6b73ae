"""What a decision was made from, as bytes to store, and the decision made again from them."""

import zlib
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import chain
from typing import TypeVar

import msgspec

from krakked_tui.domain.candles import Quote
from krakked_tui.domain.intents import StrategyIntent
from krakked_tui.domain.pairs import PairMetadata
from krakked_tui.domain.plans import RiskAdjustedAction
from krakked_tui.market.freshness import Freshness
from krakked_tui.risk.context import PairState, RiskContext
from krakked_tui.risk.gate import evaluate
from krakked_tui.risk.settings import RiskSettings

T = TypeVar("T")
VERSION = 1
BYTES_MAX = 64 * 1024 * 1024
"""Most that stored inputs are unpacked to."""


class _Pair(msgspec.Struct, frozen=True, array_like=True):
    """A pair's state without what no decision depends on: fee ladders, leverage, figures of 24 hours."""

    metadata: PairMetadata
    prices: tuple[Decimal, Decimal, Decimal] | None
    freshness: Freshness
    taker_fee_pct: Decimal
    price_age: float
    liquidity_24h_usd: Decimal | None
    atr: Decimal | None


class _Inputs(msgspec.Struct, frozen=True, array_like=True):
    version: int
    context: RiskContext
    pairs: dict[str, _Pair]
    settings: RiskSettings
    intents: tuple[StrategyIntent, ...]


_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
_DECODER = msgspec.msgpack.Decoder(_Inputs)


def encode(context: RiskContext, settings: RiskSettings, intents: Iterable[StrategyIntent]) -> bytes:
    """Pack what ``evaluate`` is told, narrowed to what it depends on for these intents.

    Equal inputs make equal bytes, in whatever order the intents and mappings come.
    """
    wishes = tuple(sorted((msgspec.structs.replace(i, metadata={}) for i in intents), key=_ENCODER.encode))
    inputs = _Inputs(
        VERSION,
        _narrowed(context, wishes),
        {pair: _packed(context.pairs[pair]) for pair in _concerned(context, wishes) if pair in context.pairs},
        settings,
        wishes,
    )
    return zlib.compress(_ENCODER.encode(inputs))


def decide_again(inputs: bytes) -> tuple[RiskAdjustedAction, ...]:
    """Return the actions that ``evaluate`` gave for what ``encode`` packed.

    Raises ``ValueError`` for bytes that are none of ours, or of a version that decided by other rules.
    """
    try:
        unpacked = zlib.decompressobj().decompress(inputs, BYTES_MAX)
        found = _DECODER.decode(unpacked)
    except (zlib.error, msgspec.DecodeError) as error:
        raise ValueError(f"the stored inputs of a decision cannot be read: {error}") from error
    if found.version != VERSION:
        raise ValueError(
            f"the stored inputs are of form {found.version}; this version decides again from form {VERSION}"
        )
    pairs = {pair: _unpacked(pair, packed, found.context) for pair, packed in found.pairs.items()}
    return evaluate(found.intents, msgspec.structs.replace(found.context, pairs=pairs), found.settings)


def _concerned(context: RiskContext, intents: Iterable[StrategyIntent]) -> list[str]:
    return sorted({intent.pair for intent in intents} | context.holdings.keys() | context.pending_buys.keys())


def _narrowed(context: RiskContext, intents: Iterable[StrategyIntent]) -> RiskContext:
    wishes = tuple(intents)
    pairs = {wish.pair for wish in wishes}
    held = (share for holding in context.holdings.values() for share in holding.shares)
    bought = (share for buy in context.pending_buys.values() for share in buy.shares)
    strategies = {wish.strategy_id for wish in wishes} | {share.strategy_id for share in chain(held, bought)}
    return msgspec.structs.replace(
        context,
        pairs={},
        strategies=_only(context.strategies, strategies),
        blocked_pairs=_only(context.blocked_pairs, pairs),
        protections=tuple(
            protection
            for protection in context.protections
            if protection.pair in {"", *pairs} and protection.strategy_id in {"", *strategies}
        ),
    )


def _only(mapping: Mapping[str, T], keys: set[str]) -> dict[str, T]:
    return {key: value for key, value in mapping.items() if key in keys}


def _packed(state: PairState) -> _Pair:
    quote = state.quote
    return _Pair(
        msgspec.structs.replace(
            state.metadata, fees_taker=(), fees_maker=(), leverage_buy=(), leverage_sell=()
        ),
        None if quote is None else (quote.bid, quote.ask, quote.last),
        state.freshness,
        state.taker_fee_pct,
        state.price_age,
        state.liquidity_24h_usd,
        state.atr,
    )


def _unpacked(pair: str, packed: _Pair, context: RiskContext) -> PairState:
    quote = None if packed.prices is None else Quote(pair, *packed.prices, time=context.now, received=0.0)
    return PairState(
        packed.metadata, quote, packed.freshness, packed.taker_fee_pct, packed.price_age,
        packed.liquidity_24h_usd, packed.atr,
    )  # fmt: skip
