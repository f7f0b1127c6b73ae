"""REST results about money that comes, goes and changes wallets, and about exported reports.

As in ``wire``: only the fields we read, every number from its original digits.
"""

from decimal import Decimal

import msgspec

from krakked_tui.kraken.wire import Row


class DepositMethod(Row, frozen=True):
    """A way in; ``limit`` is False when there is none."""

    method: str
    limit: Decimal | bool = False
    fee: Decimal | None = None
    minimum: Decimal | None = None


class DepositAddress(Row, frozen=True):
    """Where to send an asset; some networks want a ``tag`` or a ``memo`` as well."""

    address: str
    expiretm: str
    new: bool = False
    tag: str | None = None
    memo: str | None = None


class Transfer(Row, frozen=True):
    """One deposit or withdrawal. ``refid`` is the one of its ledger row; ``time`` in unix seconds."""

    method: str
    asset: str
    refid: str
    amount: Decimal
    time: Decimal
    status: str
    aclass: str = "currency"
    txid: str | None = None
    info: str | None = None
    fee: Decimal | None = None
    key: str | None = None
    status_property: str | None = msgspec.field(name="status-prop", default=None)


class WithdrawMethod(Row, frozen=True):
    """A way out."""

    asset: str
    method: str
    network: str | None = None
    minimum: Decimal | None = None


class WithdrawAddress(Row, frozen=True):
    """A destination the account's owner has named ``key``."""

    address: str
    asset: str
    method: str
    key: str
    verified: bool = False


class WithdrawInfo(Row, frozen=True):
    """What a withdrawal would cost; ``amount`` is net of ``fee``."""

    method: str
    limit: Decimal
    amount: Decimal
    fee: Decimal


class Reference(Row, frozen=True):
    """The id of a withdrawal or wallet transfer that was asked for."""

    refid: str


class ExportId(Row, frozen=True):
    """The id of a report that is being made."""

    id: str


class ExportReport(Row, frozen=True):
    """The state of one report; times are unix seconds."""

    id: str
    report: str
    status: str
    createdtm: str
    completedtm: str


class ExportRemoved(Row, frozen=True):
    """Whether a report was deleted or cancelled."""

    delete: bool = False
    cancel: bool = False
