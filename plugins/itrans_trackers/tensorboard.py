"""TensorBoard: `tensorboard --logdir runs`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from itrans.api import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from itrans.api import ImageArray


class TensorBoard:
    """Writes event files into the run's folder, as `tensorboard/`.

    Args:
        step: the step at which the run begins: TensorBoard hides what was written after it before.

    Raises:
        PluginError: the package `tensorboard` is not installed.
    """

    def __init__(self, *, step: int = 0) -> None:
        try:
            from torch.utils.tensorboard.writer import SummaryWriter
        except ImportError as error:
            raise PluginError("TensorBoard is not installed: pip install 'itrans[tensorboard]'") from error
        self._writer_of, self._step = SummaryWriter, step

    def start(self, recipe: Mapping[str, Any], folder: Path) -> None:
        """Begin a file of events; the recipe is its text."""
        purged = self._step + 1 if self._step else None
        self._writer = self._writer_of(str(folder / "tensorboard"), purge_step=purged)
        indented = "".join(f"    {line}\n" for line in json.dumps(recipe, indent=2).splitlines())
        self._writer.add_text("recipe", indented, self._step)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Write numbers."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def pictures(self, step: int, name: str, image: ImageArray) -> None:
        """Write a picture."""
        self._writer.add_image(name, image, step, dataformats="HWC")
        self._writer.flush()

    def finish(self, outcome: str) -> None:
        """Close the file."""
        self._writer.close()
