"""What all sections of a page are about, and what they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.modules.dropout import _DropoutNd

from itrans.api import Noise, counted
from itrans_inspect.explaining.colours import Scale, shown_planes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from itrans.commands import CheckpointFile, Translator
    from itrans_inspect.explaining.passage import Passage
    from itrans_inspect.explaining.picture import Picture

_LARGEST_MAP = 160


@dataclass(frozen=True)
class Scene:
    """A picture, and the checkpoint that it is followed through.

    Attributes:
        picture: the picture.
        passage: its way through the generator.
        translator: of the checkpoint, with the mode and the seed that are looked at.
        record: what is in the checkpoint.
        direction: one of the translator's; None is the first.
    """

    picture: Picture
    passage: Passage
    translator: Translator
    record: CheckpointFile
    direction: str | None

    @property
    def output(self) -> Tensor:
        """What the generator makes of the picture, `(1, C', scale H, scale W)`."""
        return self.passage.output

    def shown_source(self) -> NDArray[np.uint8]:
        """Return the source as people look at it, RGB `(H, W, 3)`."""
        spec = self.translator.specs(self.direction)[0]
        return shown_planes(self.picture.source, spec, self.picture.source, spec)

    def shown(self, planes: Tensor) -> NDArray[np.uint8]:
        """Return an output or a target as people look at it, RGB `(H, W, 3)`."""
        source, target = self.translator.specs(self.direction)
        return shown_planes(planes, target, self.picture.source, source)

    def boundary(self) -> tuple[float, str]:
        """Return the logit between translated and real, and a sentence where that is not plain."""
        losses = [loss for loss in self.record.recipe.get("loss", []) if isinstance(loss, dict)]
        objectives = {loss["objective"] for loss in losses if "objective" in loss}
        if objectives == {"lsgan"}:
            return 0.5, "This run's objective is least squares, which draws real patches to 1 and others to 0."
        if objectives and objectives <= {"vanilla", "hinge"}:
            return 0.0, ""
        return 0.0, "What a logit of 0 means depends on this run's loss: look at the difference of the two pictures."

    def dropout(self) -> str:
        """Return what is random in the generator, as a sentence."""
        modules = [*self.passage.network.modules()]
        layers = sum(isinstance(module, _DropoutNd) and module.p > 0 for module in modules)
        drawn = any(isinstance(module, Noise) for module in modules)
        if layers:
            is_on = self.translator.mode == "paper"
            return f"dropout is {'on' if is_on else 'off'}: {counted(layers, 'layer')} of the generator has it"
        return "the generator draws its own noise" if drawn else "the generator has no dropout"


def l1(one: Tensor, other: Tensor) -> float:
    """Return the mean absolute difference of two pictures in [-1, 1], on a scale from 0 to 1."""
    return float((one - other).abs().mean()) / 2


def change(one: Tensor, other: Tensor) -> Tensor:
    """Return how much two pictures `(1, C, H, W)` differ at each pixel, `(H, W)`, on a scale from 0 to 1."""
    return (one - other)[0].abs().mean(dim=0) / 2


def small(values: Tensor) -> Tensor:
    """Return a map `(H, W)` or maps `(C, H, W)` made smaller where they are too large for a page."""
    largest = max(values.shape[-2:])
    if largest <= _LARGEST_MAP:
        return values
    size = [max(1, round(side * _LARGEST_MAP / largest)) for side in values.shape[-2:]]
    maps = values.reshape(1, -1, *values.shape[-2:])
    return torch.nn.functional.interpolate(maps, size, mode="area").reshape(*values.shape[:-2], *size)


def amounts(*maps: Tensor) -> Scale:
    """Return one scale from 0 for several maps."""
    return Scale.of_amounts(*maps)
