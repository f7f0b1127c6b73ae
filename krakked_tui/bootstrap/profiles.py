"""What belongs to a profile before any of it is opened: its name, directories, and identity."""

import re
import secrets
from collections.abc import Callable
from pathlib import Path

from krakked_tui.config.places import Places, repair_permissions
from krakked_tui.domain.errors import RefusedError, StorageError, UsageError
from krakked_tui.kraken.keys import ApiKey
from krakked_tui.kraken.settings import host_of, is_kraken
from krakked_tui.market.settings import CandleStoreSettings
from krakked_tui.storage.files import make_private_directory, replace_private_file
from krakked_tui.storage.journal import stored_account

_PROFILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_TAKEN = frozenset({"candles"})
_INSTANCE = re.compile(r"[0-9a-z]{3}")
DEMO_PROFILE = "demo"
DEMO_ACCOUNT = "sandbox:"
"""How the accounts of demos are called in their databases."""
_DEMO_DATABASES = ("krakked.db", "sandbox.db")
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"


def check_profile_name(profile: str) -> None:
    """Refuse a name that is no directory name on every system. Raises ``UsageError``."""
    if not _PROFILE_NAME.fullmatch(profile):
        raise UsageError(
            f"--profile is {profile[:40]!r}: use at most 32 of a to z, 0 to 9, - and _,"
            " a letter or digit first"
        )
    if profile in _TAKEN:
        raise UsageError(f"--profile is {profile!r}, which is the name of a directory all profiles share")


def make_directories(where: Places) -> None:
    """Make the profile's directories, for their owner only. Raises ``StorageError``."""
    for directory in (where.data, where.state):
        make_private_directory(directory)


def make_private(where: Places) -> tuple[str, ...]:
    """Make files of ours private that are not, with a sentence for each. Raises ``StorageError``."""
    return tuple(
        f"{loose}: it has been made so" if loose.ours else str(loose) for loose in repair_permissions(where)
    )


def check_demo(where: Places) -> None:
    """Refuse a profile that holds anything but a demo's books. Raises ``RefusedError``, ``StorageError``."""
    account = "paper" if where.paper_books.exists() else stored_account(where.database)
    if account is not None and not account.startswith(DEMO_ACCOUNT):
        raise RefusedError(
            f"{where.data} holds the books of the account {account}, not of a demo:"
            " choose another profile with --profile"
        )


def forget_demo(where: Places) -> None:
    """Forget an earlier demo: our books and the exchange's go together, and nothing else goes.

    Candles stay: they are a function of the seed alone. The profile must have passed ``check_demo``.
    """
    try:
        for name in _DEMO_DATABASES:
            for ending in ("", "-wal", "-shm"):
                (where.data / f"{name}{ending}").unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(f"{error.filename} cannot be removed ({error.strerror})") from error


def candle_root(where: Places, settings: CandleStoreSettings) -> Path:
    """Return the directory that has one directory of candles per exchange."""
    return Path(settings.root_dir).expanduser().absolute() if settings.root_dir else where.candles


def candles_of(rest_url: str, sandbox_market: str) -> str:
    """Return the name of an exchange's directory of candles: no two exchanges share one.

    ``sandbox_market`` is which market it says it plays, empty when it is no sandbox.
    """
    if sandbox_market:
        return f"sandbox-{sandbox_market.removeprefix('seed-')}"
    return "kraken" if is_kraken(rest_url) else f"other-{re.sub('[^a-z0-9.-]', '-', host_of(rest_url))}"


def universe_path(where: Places, exchange: str) -> Path:
    """Return where the last universe of an exchange lies, by the name that ``candles_of`` gives it."""
    return where.data / f"universe-{exchange}.json"


def nonce_path(where: Places, key: ApiKey) -> Path:
    """Return where a key's nonces lie: above the profiles, because all that use the key share them."""
    return where.state.parent / f"nonces-{key.fingerprint}"


def read_or_make_instance_id(where: Places) -> str:
    """Return the profile's instance id, made once and kept. Raises ``StorageError``.

    It lies apart from the database, so that our orders can be told when that is lost.
    """
    path = where.instance
    try:
        kept = path.read_bytes().decode("ascii", errors="replace").strip()
    except FileNotFoundError:
        made = "".join(secrets.choice(_ALPHABET) for _ in range(3))
        replace_private_file(path, made.encode())
        return made
    except OSError as error:
        raise StorageError(f"{path} cannot be read ({error.strerror})") from error
    if not _INSTANCE.fullmatch(kept):
        raise StorageError(
            f"{path} holds no instance id, which is part of the ids of all orders of this profile: put it"
            " back from a backup; or, without open orders, remove the file and a new one is made"
        )
    return kept


def instance_id(where: Places) -> Callable[[], str]:
    """Return what reads the profile's instance id, for whoever opens the database."""
    return lambda: read_or_make_instance_id(where)
