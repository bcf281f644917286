"""From a checkpoint to what translates with it, by one call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itrans.translating.translator import Translator

if TYPE_CHECKING:
    import os

    from itrans.networks.test_mode import Mode
    from itrans.training.devices import Precision


def load(
    checkpoint: str | os.PathLike[str],
    *,
    device: str = "auto",
    mode: Mode = "paper",
    seed: int = 0,
    precision: Precision = "auto",
) -> Translator:
    """Return what translates pictures with a checkpoint, a file or a run's folder; nothing else is needed.

    The arguments, and what is raised, are those of `Translator`.
    """
    return Translator(checkpoint, device=device, mode=mode, seed=seed, precision=precision)
