"""Where things lie on disk."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
import platformdirs

APP = "krakked"


class Places(msgspec.Struct, frozen=True):
    """Directories of one profile. ``candles`` is shared by profiles of the same exchange."""

    config: Path
    data: Path
    state: Path
    candles: Path

    @property
    def database(self) -> Path:
        """The profile's journal."""
        return self.data / "krakked.db"

    @property
    def log(self) -> Path:
        """The profile's log file."""
        return self.state / "krakked.log"


def places(profile: str, environment: Mapping[str, str]) -> Places:
    """Return the directories of a profile: below ``KRAKKED_HOME`` when set, else the platform's."""
    home = environment.get("KRAKKED_HOME")
    if home:
        root = Path(os.path.abspath(Path(home).expanduser()))
        config, data, state = root / "config", root / "data", root / "state"
    else:
        config = platformdirs.user_config_path(APP)
        data = platformdirs.user_data_path(APP)
        state = platformdirs.user_state_path(APP)
    return Places(config=config, data=data / profile, state=state / profile, candles=data / "candles")
