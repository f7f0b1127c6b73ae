"""Plain-text pictures of screens: compared with files, rewritten with KRAKKED_UPDATE_GOLDENS=1."""

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "goldens"


def compare(screens: dict[str, str]) -> None:
    """Compare screens with their golden files, or write the files when asked to."""
    agreed = {}
    for name, text in screens.items():
        path = FOLDER / f"{name}.txt"
        if os.environ.get("KRAKKED_UPDATE_GOLDENS"):
            FOLDER.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        agreed[name] = path.read_text(encoding="utf-8") if path.exists() else ""
    changed = [name for name, text in screens.items() if text != agreed[name]]
    assert not changed, f"{changed} differ: read them, then renew with KRAKKED_UPDATE_GOLDENS=1"


def left_over(names: set[str]) -> set[str]:
    """Return golden files that belong to no test; removes them when goldens are renewed."""
    left = {path.stem for path in FOLDER.glob("*.txt")} - names
    if os.environ.get("KRAKKED_UPDATE_GOLDENS"):
        for name in left:
            (FOLDER / f"{name}.txt").unlink()
        return set()
    return left
