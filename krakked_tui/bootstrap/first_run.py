"""Whether anything was ever set up."""

import os

from krakked_tui.bootstrap.configuration import Sources


def is_first_run(sources: Sources) -> bool:
    """Say whether neither a configuration nor a database is there, and none was named.

    A key or a profile's overlay alone do not count: a set-up that was cut short leaves them, and
    ``config.toml`` comes last.
    """
    where = sources.where
    traces = (where.config_file, where.runtime, where.database)
    return where.override is None and not any(map(os.path.lexists, traces))
