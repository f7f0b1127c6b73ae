"""Whether anything was ever set up."""

from krakked_tui.bootstrap.configuration import Sources


def is_first_run(sources: Sources) -> bool:
    """Say whether neither a configuration nor a database is there, and none was named.

    A key alone does not count: a set-up that was cut short leaves one, and configuration comes last.
    """
    where = sources.where
    overlay = where.profile_file(sources.profile)
    traces = (where.config_file, overlay, where.runtime, where.database)
    return where.override is None and not any(trace.exists() for trace in traces)
