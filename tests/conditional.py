"""A method that translates with more than a picture, its data and its recipe: what third parties may write."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from itrans.api import (
    DATASETS,
    GENERATORS,
    METHODS,
    Batch,
    ImageSpec,
    Noise,
    Pair,
    Runtime,
    Translated,
    WeightedLoss,
    apply_generator,
)

COLOURS = ("red", "green", "blue")

RECIPE = {
    "dataset": {"name": "coloured"},
    "augment": {"size": 16, "mirror": True},
    "method": {"name": "painted"},
    "generator": {"name": "brush"},
    "loss": [{"name": "l1"}],
    "train": {"epochs": 1, "batch_size": 3, "precision": "fp32", "workers": 0},
    "log": {"pictures": 0, "page": False},
}


class Coloured:
    """Pictures of which one channel, the pair's colour, becomes white."""

    source = ImageSpec(3)
    target = ImageSpec(3)

    def __init__(self, *, split: str, count: int = 6) -> None:
        self.extras = {
            "colour": COLOURS,
            "mask": ImageSpec(1),
            "age": float,
            "year": int,
            "style": ImageSpec(3, aligned=False),
        }
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Pair:
        random = np.random.default_rng(index)
        source = random.integers(0, 255, (20, 24, 3), np.uint8)
        target = source.copy()
        target[..., index % 3] = 255
        style = random.integers(0, 255, (30, 16, 3), np.uint8)
        mask = source[..., :1].copy()
        more = {"colour": index % 3, "mask": mask, "age": 1.5, "year": 1900 + index, "style": style}
        return Pair(source, target, f"pair-{index}", more)


class Brush(nn.Module):
    """A convolution that sees the source, a mask and a colour."""

    size_multiple = 8

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(in_channels + 1 + len(COLOURS), out_channels, 3, padding=1)
        self.noise = Noise()

    def forward(self, source: Tensor, mask: Tensor, *, colour: Tensor) -> Tensor:
        planes = nn.functional.one_hot(colour, len(COLOURS)).to(source)[:, :, None, None]
        seen = torch.cat([source, mask, planes.expand(-1, -1, *source.shape[-2:])], 1)
        return torch.tanh(self.layer(seen) + 0.01 * self.noise(source))


class Painted:
    """Learns with the mask and the colour of each pair; a style may be given when it translates."""

    directions: ClassVar = {"paint": ("source", "target"), "repaint": ("target", "target")}
    generators = ("generator",)

    def __init__(self, *, build_generator, source, target, extras, losses: list[WeightedLoss]) -> None:
        self.offered = dict(extras)
        self.generator = build_generator(source.planes, target.planes)
        self.losses = losses

    @property
    def networks(self):
        return {"generator": self.generator}

    def step(self, batch: Batch, runtime: Runtime):
        output = apply_generator(self.generator, batch.source, batch.extras["mask"], colour=batch.extras["colour"])
        loss = self.losses[0].loss(Translated(batch.source, batch.target, output, extras=batch.extras))
        with runtime.update("generator") as update:
            update({"l1": loss})
        return {"l1": loss.detach()}

    def translate(
        self,
        source: Tensor,
        direction: str = "paint",
        *,
        colour: Tensor,
        mask: Tensor,
        style: Tensor | None = None,
        gain: Annotated[float, Field(ge=0)] = 1.0,
        finish: Literal["matt", "gloss"] = "matt",
    ) -> Tensor:
        if direction not in self.directions:
            raise ValueError(f'There is no "{direction}".')
        output = gain * apply_generator(self.generator, source, mask, colour=colour)
        if style is not None:
            output = output / 2 + style.mean((2, 3), keepdim=True) / 2
        return (-output if finish == "gloss" else output).clamp(-1, 1)


def register() -> None:
    """Register all three for this process."""
    DATASETS.register("coloured", replace=True)(Coloured)
    GENERATORS.register("brush", replace=True)(Brush)
    METHODS.register("painted", replace=True)(Painted)


def unregister() -> None:
    """Take them back."""
    DATASETS.unregister("coloured")
    GENERATORS.unregister("brush")
    METHODS.unregister("painted")
