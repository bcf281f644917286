"""Where things are kept that can be made again."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def cache_folder(name: str) -> Path:
    """Return the folder for something that can be made again, such as a drawn data set; it is not created.

    It is `$ITRANS_CACHE/name` if that variable is set, else `itrans/name` in the user's cache folder.
    """
    if chosen := os.environ.get("ITRANS_CACHE"):
        return Path(chosen).expanduser() / name
    if sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    elif sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "itrans" / name
