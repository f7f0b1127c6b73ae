"""The secrets that environment variables bring in."""

from collections.abc import Iterator, Mapping, MutableMapping

from krakked_tui.domain.secret import MASK, Secret

API_KEY = "KRAKEN_API_KEY"
API_SECRET = "KRAKEN_API_SECRET"  # noqa: S105 - the name of a variable
MASTER_PASSWORD = "KRAKKED_MASTER_PASSWORD"  # noqa: S105 - the name of a variable
SECRET_NAMES = (API_KEY, API_SECRET, MASTER_PASSWORD)


class GuardedEnvironment(Mapping[str, str]):
    """An environment that may be printed: the values of the secret variables show as ``***``."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take a copy."""
        self._plain = {name: text for name, text in environment.items() if name not in SECRET_NAMES}
        self._secrets = {name: Secret(environment[name]) for name in SECRET_NAMES if name in environment}
        # A traceback that prints local variables must not show it.
        del environment

    def secret(self, name: str) -> Secret | None:
        """Return the value of one of ``SECRET_NAMES``; None when it is not set, or empty."""
        return self._secrets.get(name) or None

    def __getitem__(self, name: str) -> str:
        return self._secrets[name].reveal() if name in self._secrets else self._plain[name]

    def __iter__(self) -> Iterator[str]:
        yield from self._plain
        yield from self._secrets

    def __len__(self) -> int:
        return len(self._plain) + len(self._secrets)

    def __repr__(self) -> str:
        hidden = ", ".join(f"{name}={MASK}" for name in self._secrets)
        return f"GuardedEnvironment({len(self._plain)} others, {hidden})"


def guarded(environment: Mapping[str, str]) -> GuardedEnvironment:
    """Return the environment in the form that may be printed."""
    return environment if isinstance(environment, GuardedEnvironment) else GuardedEnvironment(environment)


def take_from_environment(environment: MutableMapping[str, str]) -> GuardedEnvironment:
    """Return the environment and remove the secret variables from the original.

    Call it once, early, with ``os.environ``: child processes and whatever prints ``os.environ`` do not
    have them then. The system's own record of how the process was started keeps them, for its owner
    and root.
    """
    taken = GuardedEnvironment(environment)
    for name in SECRET_NAMES:
        environment.pop(name, None)
    return taken
