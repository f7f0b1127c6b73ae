"""What the owner of an account does beside the bot: every way in which Kraken moves money, by chance.

Whatever is done is written down as it ought to be told: cash flows with their type, and what they are worth.
Only what was brought in here is spent here, so that nothing is taken away from the bot's own strategies.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple

from krakked_tui.domain.precision import at_scale
from tests.integration.ledger_truth import (
    CASH,
    D,
    Truth,
    asset_names,
    base_of,
    equity,
    prices,
    read_truth,
)
from tests.integration.processes import SandboxProcess

LOUD_PART, QUIET_PART = D("0.03"), D("0.0004")
"""Of equity: what must be reported by itself, and what must not, even some of it together."""

SCALES = {CASH: 4, "EUR": 4, "USDT": 8, "FEE": 2}
SCALE = 8
"""Decimals of amounts: those of a lot, or of the asset's own scale if that has fewer."""

COINS = ("XBT", "ETH", "SOL", "DOT")
FORMS = ("F", "B", "M")
PAIRS = ("XBTUSD", "ETHUSD", "SOLUSD", "DOTUSD", "USDTUSD", "XBTEUR", "ETHEUR", "SOLEUR", "ETHXBT")
DUST = ("LTC", "LINK", "ZEC")
"""Assets that no strategy buys, so that all there is of them may be swept away."""

PRICELESS = "FEE"
"""The exchange's own credit: nothing says what it is worth."""


Act = Callable[[Decimal], object]
"""Does one thing that is worth about so many dollars."""


class Flow(NamedTuple):
    """A cash flow as it should be told; ``worth`` in dollars, about, None when nothing says it."""

    kind: str
    asset: str
    amount: Decimal
    worth: Decimal | None


class Acts:
    """Does things to an account at random; remembers what should be told of them."""

    def __init__(self, sandbox: SandboxProcess, seed: int) -> None:
        self.rng = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.flows: list[Flow] = []
        self.worth = D(0)
        """Of what was done since this was set to 0, in dollars, as reports of external activity add it up."""
        self.apart: tuple[str, Decimal] | None = None
        """How much of what has left its balance for another form of it, and has not arrived there."""
        self._sandbox = sandbox
        self._names = asset_names(sandbox)
        self._stash: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._prices: Mapping[str, Decimal] = {}
        self._note_first_balances()
        self.quiet = self._quiet_acts()
        self.loud = self._loud_acts()

    def _quiet_acts(self) -> dict[str, Act]:
        """What is not worth a report."""
        return {
            "deposit cash": lambda worth: self.deposit(CASH, worth),
            "deposit coin": lambda worth: self.deposit(self._coin(), worth),
            "deposit euro": lambda worth: self.deposit("EUR", worth),
            "withdraw cash": lambda worth: self.withdraw(CASH, worth),
            "withdraw coin": lambda worth: self.withdraw(self._coin(), worth),
            "earn": self._earn,
            "earn cash": lambda worth: self._into(CASH, "F", worth),
            "leave earn": self._leave_earn,
            "stake": self._stake,
            "unstake": self._unstake,
            "stake, first half": self._stake_half,
            "stake, second half": self._stake_rest,
            "staking reward": lambda worth: self._reward(f"{self._coin()}.S", worth, "staking", fee=True),
            "earn reward": lambda worth: self._reward(f"{self._coin()}.F", worth, "earn", "reward"),
            "reward": lambda worth: self._reward(self._coin(), worth, "reward"),
            "dividend": lambda worth: self._reward(CASH, worth, "dividend"),
            "credit": lambda worth: self._single("fee_credit", CASH, worth, "credit"),
            "fee credit": self._priceless,
            "adjustment": self._adjust,
            "buy": self._buy,
            "sell": self._sell,
            "buy, fee in base": lambda worth: self._buy(worth, fee_in_base=True),
            "sell, fee in base": lambda worth: self._sell(worth, fee_in_base=True),
            "sell for euro": lambda worth: self._trade("XBTEUR", "sell", worth),
            "buy with euro": lambda worth: self._trade("XBTEUR", "buy", worth),
            "sell ether for bitcoin": lambda worth: self._trade("ETHXBT", "sell", worth),
            "buy ether with bitcoin": lambda worth: self._trade("ETHXBT", "buy", worth, fee_in_base=True),
            "convert cash": lambda worth: self._convert(CASH, self._coin(), worth),
            "convert coins": self._convert_coins,
            "leave dust": self._leave_dust,
            "sweep dust": self._sweep,
        }

    def _loud_acts(self) -> dict[str, Act]:
        """What must be reported by itself; in this order none needs more than those before it brought."""
        return {
            "large deposit": lambda worth: self.deposit(CASH, worth),
            "large purchase": lambda worth: self._trade("XBTUSD", "buy", worth),
            "large sale": lambda worth: self._trade("XBTUSD", "sell", worth),
            "large conversion": lambda worth: self._convert(CASH, "SOL", worth),
            "large conversion back": lambda worth: self._convert("SOL", CASH, worth),
            "large withdrawal": lambda worth: self.withdraw(CASH, worth),
        }

    def found(self) -> None:
        """Give the account a past."""
        self._prices = prices(self._sandbox)
        for asset, worth in (*((coin, 6000) for coin in COINS), ("EUR", 2000), ("USDT", 500), (CASH, 20_000)):
            self.deposit(asset, D(worth))
        for act in self.quiet.values():
            act(D(10))

    def truth(self) -> Truth:
        """The exchange's truth now."""
        return read_truth(self._sandbox, self._names)

    def do(self, name: str) -> None:
        """Do one thing, of about the size that its name promises."""
        self._prices = prices(self._sandbox)
        whole = equity(self.truth(), self._prices)
        if name in self.loud:
            self.loud[name](at_scale(whole * LOUD_PART * self._some(), 2))
        else:
            self.quiet[name](at_scale(whole * QUIET_PART * self._some(), 2))
        self.done[name] += 1

    def deposit(self, asset: str, worth: Decimal) -> Decimal:
        """Bring something in, and return how much; of coins the exchange takes a fee."""
        amount = self._amount(asset, worth)
        fee = self._fee(asset, amount)
        self._market("deposit", asset=asset, amount=amount, fee=fee)
        self._flow("deposit", asset, amount - fee)
        return amount - fee

    def withdraw(self, asset: str, worth: Decimal) -> None:
        """Take something away, with a fee on top."""
        amount = self._amount(asset, worth)
        fee = self._fee(asset, amount)
        self._need(asset, amount + fee)
        self._market("withdrawal", asset=asset, amount=amount, fee=fee)
        self._flow("withdrawal", asset, -amount - fee)

    def unexplained(self, asset: str, amount: Decimal) -> None:
        """Change a balance so that no row says why."""
        self._market("unexplained", asset=asset, amount=amount)

    def _note_first_balances(self) -> None:
        for asset, amount in self.truth().balances.items():
            self.flows.append(Flow("deposit", asset, amount, amount if asset == CASH else None))

    def _earn(self, worth: Decimal) -> None:
        self._into(self._coin(), self.rng.choice(FORMS), worth)

    def _into(self, asset: str, form: str, worth: Decimal) -> None:
        subtype = "autoallocation" if form == "F" else None
        self._move(asset, f"{asset}.{form}", self._amount(asset, worth), type="earn", subtype=subtype)

    def _leave_earn(self, worth: Decimal) -> None:
        forms = [name for name, amount in self._stash.items() if name[-2:] in {".F", ".B", ".M"} and amount]
        if not forms:
            self._earn(worth)
            return
        name = self.rng.choice(forms)
        part = self._down(name, self._stash[name] / self.rng.choice((1, 3)))
        self._move(name, base_of(name), part or self._stash[name], type="earn")

    def _stake(self, worth: Decimal) -> None:
        coin = self._coin()
        self._move(coin, f"{coin}.S", self._amount(coin, worth), type="staking")

    def _unstake(self, worth: Decimal) -> None:
        staked = [name for name, amount in self._stash.items() if name.endswith(".S") and amount]
        if not staked:
            self._stake(worth)
            return
        name = self.rng.choice(staked)
        self._move(name, base_of(name), self._stash[name], type="staking")

    def _stake_half(self, worth: Decimal) -> None:
        """Book the first side of a transfer; the other one comes some time later."""
        if self.apart is not None:
            self._stake_rest(worth)
        coin = self._coin()
        amount = self._amount(coin, worth)
        self._need(coin, amount)
        self._market("transfer", asset=coin, amount=-amount, type="transfer", subtype="spottostaking")
        self._stash[coin] -= amount
        self.apart = (coin, amount)

    def _stake_rest(self, worth: Decimal) -> None:
        if self.apart is None:
            self._stake_half(worth)
        assert self.apart is not None
        (coin, amount), self.apart = self.apart, None
        name = f"{coin}.S"
        self._market("transfer", asset=name, amount=amount, type="transfer", subtype="stakingfromspot")
        self._stash[name] += amount

    def _move(self, source: str, target: str, amount: Decimal, **more: str | None) -> None:
        self._need(source, amount)
        self._market("move", source=source, target=target, amount=amount, **more)
        self._stash[source] -= amount
        self._stash[target] += amount

    def _reward(self, name: str, worth: Decimal, kind: str, subtype: str = "", *, fee: bool = False) -> None:
        self._single("reward", name, worth, kind, subtype, fee=fee)

    def _single(
        self, flow: str, name: str, worth: Decimal, kind: str, subtype: str = "", *, fee: bool = False
    ) -> None:
        amount = self._amount(name, worth)
        taken = self._down(name, amount / 5) if fee else D(0)
        self._market("transfer", asset=name, amount=amount, fee=taken, type=kind, subtype=subtype)
        self._flow(flow, name, amount - taken)

    def _adjust(self, worth: Decimal) -> None:
        """Correct a balance."""
        self._single("adjustment", self.rng.choice(COINS), worth, "adjustment")

    def _priceless(self, worth: Decimal) -> None:
        amount = self._down(PRICELESS, worth)
        self._market("transfer", asset=PRICELESS, amount=amount, type="transfer")
        self._flow("fee_credit", PRICELESS, amount)

    def _buy(self, worth: Decimal, *, fee_in_base: bool = False) -> None:
        self._trade(self.rng.choice(PAIRS[:4]), "buy", worth, fee_in_base=fee_in_base)

    def _sell(self, worth: Decimal, *, fee_in_base: bool = False) -> None:
        self._trade(self.rng.choice(PAIRS[:4]), "sell", worth, fee_in_base=fee_in_base)

    def _trade(self, pair: str, side: str, worth: Decimal, *, fee_in_base: bool = False) -> None:
        quote = next(each for each in (CASH, "EUR", "XBT") if pair.endswith(each))
        base = pair.removesuffix(quote)
        volume = self._amount(base, worth)
        given = base if side == "sell" else quote
        self._need(given, volume if side == "sell" else self._amount(quote, worth * D("1.05")))
        self._traded(
            self._market("external_trade", pair=pair, side=side, volume=volume, fee_in_base=fee_in_base)
        )
        self.worth += worth

    def _traded(self, answer: Mapping[str, Any]) -> None:
        """Take over what a trade of ours moved."""
        for row in self.truth().ledger.values():
            refid, *_, name, amount, fee, _balance = row
            if refid in answer["trades"]:
                assert isinstance(amount, Decimal)
                assert isinstance(fee, Decimal)
                self._stash[str(name)] += amount - fee

    def _convert_coins(self, worth: Decimal) -> None:
        source, target = self.rng.sample([*COINS, "EUR", "USDT"], 2)
        self._convert(source, target, worth)

    def _convert(self, source: str, target: str, worth: Decimal) -> None:
        spent, received = self._amount(source, worth), self._amount(target, worth * D("0.985"))
        fee = self._down(source, spent / 200)
        self._need(source, spent + fee)
        self._market(
            "conversion", spend=source, spend_amount=spent, receive=target, receive_amount=received, fee=fee
        )
        self._stash[source] -= spent + fee
        self._stash[target] += received
        self.worth += worth

    def _leave_dust(self, worth: Decimal) -> None:
        """Buy a little too much to forget and too little to sell: what a trade rounds down to."""
        asset = self.rng.choice(DUST)
        volume = self._down(asset, D(self.rng.randint(1, 99)) / 10**5)
        self._traded(self._market("external_trade", pair=f"{asset}USD", side="buy", volume=volume))
        self._market("deposit", asset=asset, amount=D("0.00001"))
        self._flow("deposit", asset, D("0.00001"))
        self.worth += min(worth, volume * self._prices[asset])

    def _sweep(self, worth: Decimal) -> None:
        truth = self.truth()
        small = [asset for asset in DUST if truth.available(asset)]
        if not small:
            self._leave_dust(worth)
            return
        received = self._amount(CASH, D("0.05"))
        self._market("dust_sweep", assets=small, receive=CASH, receive_amount=received, fee=D("0.0015"))

    def _coin(self) -> str:
        return self.rng.choice(COINS)

    def _some(self) -> Decimal:
        """Between once and twice, with many digits."""
        return 1 + D(self.rng.randint(1, 999_999)) / 1_000_000

    def _amount(self, name: str, worth: Decimal) -> Decimal:
        return self._down(name, worth / self._prices[base_of(name)])

    def _down(self, name: str, amount: Decimal) -> Decimal:
        return at_scale(amount, SCALES.get(base_of(name), SCALE), ROUND_DOWN)

    def _fee(self, asset: str, amount: Decimal) -> Decimal:
        return D(0) if asset == CASH and self.rng.random() < 0.5 else self._down(asset, amount / 500)

    def _need(self, name: str, amount: Decimal) -> None:
        """Bring in what is about to be spent, if there is not enough of it that is ours to spend."""
        left = self.truth().available(name) if name == CASH else self._stash[name]
        if left < amount:
            self.deposit(name, (amount - left) * 2 * self._prices[base_of(name)])

    def _flow(self, kind: str, name: str, amount: Decimal) -> None:
        asset = base_of(name)
        price = self._prices.get(asset)
        self.flows.append(Flow(kind, asset, amount, None if price is None else amount * price))
        self._stash[name] += amount
        self.worth += abs(amount) * (price or 0)

    def _market(self, action: str, **details: object) -> dict[str, Any]:
        spelled = {name: str(each) if isinstance(each, Decimal) else each for name, each in details.items()}
        return self._sandbox.market(action=action, **spelled)
