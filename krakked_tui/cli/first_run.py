"""The first start on a terminal: set-up comes before the engine."""

from krakked_tui.bootstrap.configuration import Sources
from krakked_tui.bootstrap.first_run import is_first_run
from krakked_tui.bootstrap.unlock import Unlocking


def set_up_first(sources: Sources, unlocking: Unlocking) -> bool:
    """Run the set-up when nothing was ever set up; False when the operator left it.

    Raises ``KrakkedError`` when the configuration that is there cannot be read.
    """
    if not is_first_run(sources):
        return True
    # Imported late: every other start does without.
    from krakked_tui.bootstrap.configuration import read_configuration
    from krakked_tui.bootstrap.profiles import make_directories
    from krakked_tui.bootstrap.session import open_log
    from krakked_tui.bootstrap.setup import AccountSetup
    from krakked_tui.engine.redaction import Redactor
    from krakked_tui.tui.setup.run import run_setup

    service = AccountSetup(sources, unlocking)
    config = read_configuration(sources).config

    def keep(report: str) -> None:
        make_directories(sources.where)
        log = open_log(sources.where, config, sources.profile, Redactor(), to_stdout=False)
        log.logger.error("setup_crashed", report=report)
        log.close()

    return run_setup(service, config.ui, on_crash_log=keep) is not None
