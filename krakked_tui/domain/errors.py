"""Every error Krakked raises on purpose, split by whose fault it is.

KrakkedError
    UsageError              the command line is wrong                        exit 2
    ConfigError             a config file is wrong (all findings at once)    exit 4
    RefusedError            we refuse: a lock is held, a mode is not allowed exit 6
    CredentialsError        the keys, or what locks them up
        NoCredentialsError  there are none: the caller starts the first-run set-up
        SecretsFileError    wrong password or corrupted secrets file: never says which
        NoPasswordError     nobody gave the master password
    StorageError            our own files
        NewerSchemaError    the database is from a newer version
        AccountMismatchError  the database belongs to another account
        JournalError        a commit did not happen
    DataError               market data we do not have
        NoDataError         never arrived
        StaleDataError      too old
        UnknownPairError    no such pair
    ExchangeError           the exchange or the way to it
        AccessError         it refuses our key; asking again cannot help
        RateLimitedError    it is asked too often; asking again later helps
    PositionNotFoundError   nothing was ever held under that pair
    IllegalTransitionError  an order cannot go from one status to that other
"""

from collections.abc import Sequence


class KrakkedError(Exception):
    """Base of all. The message is one sentence a user can act on; never a secret in it."""

    exit_code = 1


class UsageError(KrakkedError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class ConfigError(KrakkedError):
    """Configuration problems, all of them together."""

    exit_code = 4

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class RefusedError(KrakkedError):
    """Krakked refuses to do this now, and says why."""

    exit_code = 6


class CredentialsError(KrakkedError):
    """Something about the API key or the password that locks it up; never a secret in it."""


class NoCredentialsError(CredentialsError):
    """There is no API key; the first-run set-up makes one available."""

    exit_code = 6


class SecretsFileError(CredentialsError):
    """The secrets file does not open. What is wrong is not said, because it cannot be known."""

    def __init__(self) -> None:
        super().__init__("Wrong password or corrupted secrets file")


class NoPasswordError(CredentialsError):
    """The secrets file is locked and no source gave the master password."""

    exit_code = 6


class StorageError(KrakkedError):
    """A file of ours cannot be read or written."""


class NewerSchemaError(StorageError):
    """The database was written by a newer version of Krakked."""


class AccountMismatchError(StorageError):
    """The database belongs to another account than the broker."""


class JournalError(StorageError):
    """A commit did not happen: nothing of it may be acted on."""


class DataError(KrakkedError):
    """Market data that cannot be given."""


class NoDataError(DataError):
    """The data has never arrived."""


class StaleDataError(DataError):
    """The data is older than the tolerance. ``age_seconds`` is wall time."""

    def __init__(self, what: str, age_seconds: float) -> None:
        super().__init__(f"{what} is {age_seconds:.0f} s old")
        self.age_seconds = age_seconds


class UnknownPairError(DataError):
    """There is no such pair."""


class ExchangeError(KrakkedError):
    """The exchange, or the way to it, failed a request that changes nothing there."""


class AccessError(ExchangeError):
    """The exchange refuses our key; asking again cannot help."""


class RateLimitedError(ExchangeError):
    """The exchange is asked too often, and did not do this.

    ``retry_after`` is for how long (wall seconds) nothing should be asked, 0 when it did not say.
    """

    retry_after: float = 0.0


class PositionNotFoundError(KrakkedError):
    """Nothing was ever held under that pair."""


class IllegalTransitionError(KrakkedError):
    """An order status may not follow another: a bug of ours or a surprise of the exchange's."""
