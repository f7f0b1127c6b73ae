"""The terminal screen: what an operator sees of a running engine, and the keys that command it.

It talks to a controller only; it decides nothing, and nothing that happens to it may reach the engine.
"""

import os

from krakked_tui.tui.recording import drop_framework_variables

# Here, since only this package imports the framework, and nothing in it is imported before this.
drop_framework_variables(os.environ)
