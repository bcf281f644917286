"""Backbones of timm: networks that make feature maps from pictures, at several scales."""

from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeAlias

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from itrans.api import DataError, counted
from itrans_timm.networks import check_name, create_network, download_network, download_note, read_network

if TYPE_CHECKING:
    from collections.abc import Sequence

Positive: TypeAlias = Annotated[int, Ge(1)]
Layers: TypeAlias = list[Annotated[int, Ge(0)]]
"""Numbers of feature maps, as timm counts them: 0 is the first, and the largest."""

_log = logging.getLogger("itrans")


class Backbone(nn.Module):
    """A backbone of timm for pictures in [-1, 1], without its classifier.

    Args:
        name: its name in timm; `timm.list_models()` lists all. It may end in a tag that chooses weights, such as
            `resnet50.a1_in1k`.
        in_channels: of the pictures.
        layers: the feature maps to make; None is all of them.
        pretrained: have timm download weights, which were learned from photographs in most cases.
        weights_file: a file with weights (`.pth` or `.safetensors`), as timm would download it; nothing is downloaded.
        frozen_stages: how many feature maps, from the first, are made by weights that are not trained.
        image_size: the height and width of all pictures, for a backbone that takes one size only.
        initialize: False if a checkpoint's weights will be loaded; then no file is read, and none
            downloaded.

    Attributes:
        channels: of each feature map.
        strides: of each feature map: how many pixels of the picture lie between neighbours.
        size: the only height and width that it takes, or None.

    Raises:
        ValueError: timm knows no such backbone, it has no feature maps or not these, its weights cannot be had or do
            not fit, or it takes no `image_size`.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        name: str,
        in_channels: int,
        *,
        layers: Sequence[int] | None = None,
        pretrained: bool = False,
        weights_file: str | None = None,
        frozen_stages: int = 0,
        image_size: int | None = None,
        initialize: bool = True,
    ) -> None:
        super().__init__()
        self.name = name
        check_name(name)
        options: dict[str, Any] = {"in_chans": in_channels, "features_only": True}
        if layers is not None:
            options["out_indices"] = tuple(layers)
        if weights_file is not None and initialize:
            called = f'weights_file = "{weights_file}"'
            self.network, flexible = read_network(name, Path(weights_file), called, options, image_size)
        elif pretrained and initialize:
            _log.info(download_note(name))
            instead = "name it as weights_file", "set pretrained = false"
            self.network, flexible = download_network(name, instead, options, image_size)
        else:
            self.network, flexible = create_network(name, options, image_size)
        settings = self.network.pretrained_cfg
        self.size = image_size
        if image_size is None and settings.get("fixed_input_size") and not flexible:
            self.size = int(settings["input_size"][-1])
        self.channels: list[int] = list(self.network.feature_info.channels())
        self.strides: list[int] = list(self.network.feature_info.reduction())
        self._channels_last = str(getattr(self.network, "output_fmt", "")).endswith("NHWC")
        for key, values in (("mean", settings["mean"]), ("deviation", settings["std"])):
            self.register_buffer(key, _per_channel(values, in_channels))
        self._frozen: list[nn.Module] = []
        if initialize:  # else nothing is going to be trained
            self._freeze(frozen_stages)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Return feature maps `(N, C, H / stride, W / stride)` of `(N, C, H, W)` in [-1, 1].

        Raises:
            DataError: it takes pictures of another size only.
        """
        height, width = pictures.shape[2:]
        if self.size is not None and (height, width) != (self.size, self.size):
            raise DataError(
                f'The backbone "{self.name}" takes pictures of {self.size}x{self.size} only, and this one is '
                f"{width}x{height}. Give it the size of your pictures as image_size, or choose a backbone without "
                "a fixed size."
            )
        features: list[Tensor] = self.network((pictures * 0.5 + 0.5 - self.mean) / self.deviation)
        if self._channels_last:
            features = [feature.permute(0, 3, 1, 2) for feature in features]
        return features

    def train(self, mode: bool = True) -> Self:
        """Set the training mode; frozen layers stay in evaluation mode."""
        super().train(mode)
        for module in self._frozen:
            module.eval()
        return self

    def _freeze(self, stages: int) -> None:
        """Keep the weights that make the first feature maps, and train none that make no feature map."""
        if stages > len(self.strides):
            raise ValueError(
                f'frozen_stages is {stages}, and the backbone "{self.name}" makes '
                f"{counted(len(self.strides), 'feature map')}"
            )
        made = self._weights_behind(len(self.strides))
        kept = self._weights_behind(stages) if stages else set()
        for weight in self.network.parameters():
            weight.requires_grad_(weight in made and weight not in kept)
        # Statistics of batch normalisation belong to the weights.
        self._frozen = [
            module for module in self.network.modules() if isinstance(module, _BatchNorm) and module.weight in kept
        ]

    def _weights_behind(self, stages: int) -> set[nn.Parameter]:
        """Return the parameters that the first feature maps depend on, found by their gradients."""
        weights = list(self.network.parameters())
        side = self.size or max(64, 2 * max(self.strides))
        training = self.network.training
        self.network.eval()
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            features = self(torch.zeros(1, self.mean.shape[1], side, side))[:stages]
            total = torch.stack([feature.sum() for feature in features]).sum()
            found = torch.autograd.grad(total, weights, allow_unused=True)
        self.network.train(training)
        return {weight for weight, gradient in zip(weights, found, strict=True) if gradient is not None}


@functools.cache
def strides_of(name: str, image_size: int | None) -> tuple[int, ...]:
    """Return the strides of all feature maps of a backbone. Raises what `Backbone` does."""
    return tuple(Backbone(name, 3, image_size=image_size, initialize=False).strides)


def _per_channel(values: Sequence[float], channels: int) -> Tensor:
    """Return one value for each of some channels, `(1, C, 1, 1)`: timm knows those of red, green and blue."""
    chosen = [sum(values) / len(values)] if channels == 1 else [values[i % len(values)] for i in range(channels)]
    return torch.tensor(chosen).view(1, -1, 1, 1)
