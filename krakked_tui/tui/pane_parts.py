"""The parts of panes that show one of several tables, and know which of them the keys go to."""

from enum import StrEnum


class RiskPart(StrEnum):
    """The tables of the risk pane."""

    LIMITS = "limits"
    EXPOSURE = "exposure"
    PROTECTIONS = "protections"
    DECISIONS = "decisions"


class StrategyPart(StrEnum):
    """The tables of the strategies pane: all of them above, one of the others below."""

    LIST = "list"
    ABOUT = "about"
    HELD = "held"
    INTENTS = "intents"
    PARAMETERS = "parameters"


BELOW = tuple(part for part in StrategyPart if part is not StrategyPart.LIST)
"""What can stand below the strategies."""
