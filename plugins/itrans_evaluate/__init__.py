"""Measuring a checkpoint on a split of its data set."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itrans_evaluate.evaluate import evaluate_checkpoint as evaluate_checkpoint
    from itrans_evaluate.result import Evaluation as Evaluation
    from itrans_evaluate.result import Score as Score

__all__ = ["Evaluation", "Score", "evaluate_checkpoint"]

_MODULES = {"Evaluation": "result", "Score": "result", "evaluate_checkpoint": "evaluate"}


def __getattr__(name: str) -> Any:
    """Import what is asked for, so that `itrans evaluate --help` need not wait for torch."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
