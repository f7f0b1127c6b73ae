"""Keeps the framework from recording what is typed, and from doing what its own variables say.

Textual reads ``TEXTUAL`` and ``TEXTUAL_*`` when it is imported and when an app starts. Some of them write
every key, and so the API key and the master password, to a file that everybody may read
(``TEXTUAL_LOG``, ``TEXTUAL_DEBUG``) or send it to another program (``TEXTUAL=devtools``); others press
keys, take pictures of the screen or replace the driver.
"""

from collections.abc import MutableMapping

HARMLESS = frozenset({"TEXTUAL_COLOR_SYSTEM", "TEXTUAL_DISABLE_KITTY_KEY"})
"""These fit the screen to a terminal and do nothing else."""


def drop_framework_variables(environment: MutableMapping[str, str]) -> None:
    """Remove every variable of the framework but the harmless ones, before it is imported."""
    for name in tuple(environment):
        if (name == "TEXTUAL" or name.startswith("TEXTUAL_")) and name not in HARMLESS:
            del environment[name]
