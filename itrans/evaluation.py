"""Where `evaluate_checkpoint` was in itrans 0.1: it is in the package `itrans_evaluate` now."""

from __future__ import annotations

import importlib
from typing import Any

_MOVED_TO = "itrans_evaluate"


def __getattr__(name: str) -> Any:
    """Return what the package has under this name."""
    return getattr(importlib.import_module(_MOVED_TO), name)
