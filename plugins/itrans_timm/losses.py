"""A loss that compares pictures by the feature maps of a timm backbone."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor, nn
from torch.nn import functional

from itrans.api import DataError, Translated, counted
from itrans_timm.backbones import Backbone, Layers, Positive

_SEED = 0


class PerceptualLoss(nn.Module):
    """The distance between the feature maps of the output and of the target, in a network that is not trained.

    The distances of the layers are means over all values, multiplied by their weights and added. Source: Johnson et
    al., arXiv 1603.08155, section 3.2, where the network is VGG-16 and the distance is squared.

    A grey picture is repeated in all three channels. Without pretrained weights, the network has random ones, the same
    in each run.

    Args:
        backbone: its name in timm.
        layers: which feature maps are compared, as timm counts them, 0 being the first.
        layer_weights: a factor for each layer; 1 for each if it is left out.
        distance: `l1` or `l2` (squared).
        pretrained: use the weights that timm downloads.
        weights_file: use weights from this file, as timm would download it.
        image_size: height and width of the pictures, for a backbone that takes one size only.

    Raises:
        ValueError: timm has no such backbone, or it has no such layers, its weights cannot be had, or `layer_weights`
            are not as many as `layers`.
    """

    role: Literal["image"] = "image"

    def __init__(
        self,
        *,
        backbone: str = "vgg16",
        layers: Layers = [0, 1, 2, 3],  # noqa: B006  # nothing changes it, and recipes show it
        layer_weights: list[Annotated[float, Ge(0)]] | None = None,
        distance: Literal["l1", "l2"] = "l1",
        pretrained: bool = True,
        weights_file: str | None = None,
        image_size: Positive | None = None,
    ) -> None:
        super().__init__()
        if not layers or len(set(layers)) < len(layers):
            raise ValueError("layers has to name at least one layer, and each once")
        factors = layer_weights if layer_weights is not None else [1.0] * len(layers)
        if len(factors) != len(layers):
            raise ValueError(
                f"layer_weights has {counted(len(factors), 'value')} for {counted(len(layers), 'layer')}: each has one"
            )
        # timm puts the feature maps in their order, whatever the order that they are asked for in.
        self._factors = [factor for _, factor in sorted(zip(layers, factors, strict=True))]
        self._distance = functional.l1_loss if distance == "l1" else functional.mse_loss
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(_SEED)  # a run that is resumed needs the same network
            self.backbone = Backbone(
                backbone,
                3,
                layers=sorted(layers),
                pretrained=pretrained,
                weights_file=weights_file,
                image_size=image_size,
            )
        self.requires_grad_(False).eval()

    def forward(self, translated: Translated) -> Tensor:
        """Return a scalar.

        Raises:
            DataError: the pictures have neither 1 nor 3 channels, or the backbone takes those of another size only.
        """
        output = self.backbone(_as_rgb(translated.output))
        with torch.no_grad():
            target = self.backbone(_as_rgb(translated.target))
        distances = [
            factor * self._distance(made.float(), wanted.float())
            for factor, made, wanted in zip(self._factors, output, target, strict=True)
        ]
        return torch.stack(distances).sum()


def _as_rgb(pictures: Tensor) -> Tensor:
    channels = pictures.shape[1]
    if channels not in {1, 3}:
        raise DataError(f'The loss "perceptual" compares pictures of 1 or 3 channels, and these have {channels}.')
    return pictures.expand(-1, 3, -1, -1)
