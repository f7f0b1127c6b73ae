"""``krakked-tui explain``: why something was bought or sold, or was not, from the candle to what it made."""

import os
from collections.abc import Callable
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

from cyclopts import Parameter

if TYPE_CHECKING:
    from krakked_tui.control.risk_view import Explanation

DEFAULT_PROFILE = "paper"
WIDTH = 80

Flag = Annotated[bool, Parameter(negative=())]


class Explain(Protocol):
    """Where explanations come from."""

    def __call__(self, *, name: str, profile: str, config: Path | None) -> "Explanation":
        """Tell the whole chain of a plan, an order or a trade. Raises ``KrakkedError``."""


def explain_from_journal(*, name: str, profile: str, config: Path | None) -> "Explanation":
    """Implement ``Explain`` by a profile's journal."""
    # Imported late: --help must not pay for it.
    from krakked_tui.bootstrap.explain import explain
    from krakked_tui.domain.money import trap_floats

    trap_floats()
    return explain(name=name, profile=profile, config=config, environment=dict(os.environ))


def explain_command(ask: Explain) -> Callable[..., int]:
    """Return the command ``explain`` over these explanations."""

    def explain(
        order_or_plan: str,
        /,
        *,
        json: Flag = False,
        profile: str = DEFAULT_PROFILE,
        config: Path | None = None,
    ) -> int:
        """Tell why something was bought or sold, or was not, from the candle and the limits to the result.

        It reads the database only, also beside a running Krakked. Times are UTC, numbers as recorded.

        Parameters
        ----------
        order_or_plan
            Id of a plan, of an order (Krakked's or Kraken's), or of a trade.
        json
            Print it as JSON, for programs.
        profile
            Whose decisions.
        config
            Read this configuration file instead of the one in the configuration directory.
        """
        found = ask(name=order_or_plan.strip(), profile=profile, config=config)
        print(_as_json(found) if json else _as_text(found))
        return 0

    return explain


def _as_json(found: "Explanation") -> str:
    import msgspec

    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()


def _as_text(found: "Explanation") -> str:
    from krakked_tui.tui.rows.why import why_lines
    from krakked_tui.tui.text import clean

    lines = why_lines(found, UTC, WIDTH, most=None)
    return "\n".join("".join(clean(span.text) for span in line).rstrip() for line in lines)
