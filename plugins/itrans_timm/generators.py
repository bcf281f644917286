"""A U-Net whose encoder is a backbone of timm."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import torch
from annotated_types import Ge, Lt
from torch import Tensor, nn
from torch.nn import functional

from itrans_timm.backbones import Backbone, Positive, strides_of

Norm: TypeAlias = Literal["batch", "instance", "none"]
"""How the decoder's activations are normalised: over the batch, over each picture, or not."""

_FULL_WIDTH = 8
"""The decoder's widest layers have 8 times as many channels as its last one."""


class TimmUNet(nn.Module):
    """A U-Net with a backbone of timm as its encoder.

    The backbone's feature maps are the skip connections. Most backbones begin at a quarter or a half of the picture's
    size; plain convolutions make the feature maps of the sizes above, so that the decoder sees every pixel of the
    source. A layer of the decoder doubles its map, joins the skip connection of that size, and has two 3x3
    convolutions. After Ronneberger et al., arXiv 1505.04597.

    Args:
        in_channels: of the source. timm adapts pretrained weights of the first layer to it.
        out_channels: of the output.
        backbone: its name in timm, such as `resnet34`, `convnext_tiny` or `swin_tiny_patch4_window7_224`: any whose
            feature maps have several sizes.
        pretrained: start with weights that timm downloads.
        weights_file: start with weights from this file, as timm would download it.
        depth: how often height and width are halved at most; by default as often as in the backbone.
        frozen_stages: how many of the backbone's feature maps, from the first, are made by weights that are not
            trained.
        image_size: height and width of the pictures, for a backbone that takes one size only.
        filters: channels of the decoder's last layer; there are 8 times as many in the widest.
        norm: of the decoder: `batch`, `instance` or `none`.
        dropout: the probability of dropping a value in the decoder's widest layers.
        initialize: False if a checkpoint's weights will be loaded.

    Attributes:
        size_multiple: height and width have to be multiples of this.

    Raises:
        ValueError: timm has no such backbone, or it cannot be an encoder, or its weights cannot be had.
    """

    channels_last = True

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        backbone: str = "resnet34",
        pretrained: bool = False,
        weights_file: str | None = None,
        depth: Positive | None = None,
        frozen_stages: Annotated[int, Ge(0)] = 0,
        image_size: Positive | None = None,
        filters: Positive = 32,
        norm: Norm = "batch",
        dropout: Annotated[float, Ge(0), Lt(1)] = 0.0,
        initialize: bool = True,
    ) -> None:
        super().__init__()
        self.backbone = Backbone(
            backbone,
            in_channels,
            layers=_layers(backbone, depth, image_size),
            pretrained=pretrained,
            weights_file=weights_file,
            frozen_stages=frozen_stages,
            image_size=image_size,
            initialize=initialize,
        )
        widths = dict(zip(self.backbone.strides, self.backbone.channels, strict=True))
        deepest = max(widths)
        # Layers that are left out for the depth may have windows that have to fit.
        self.size_multiple = self.backbone.size or max(strides_of(backbone, image_size))
        self.stem = nn.ModuleList()
        width = in_channels
        for stride in _strides(min(widths) // 2):
            made = filters * min(stride, _FULL_WIDTH)
            self.stem.append(_Layer(width, made, norm, stride=1 if stride == 1 else 2))
            width = widths[stride] = made
        self.decoder = nn.ModuleList()
        width = widths[deepest]
        for stride in reversed(_strides(deepest // 2)):
            made = filters * min(stride, _FULL_WIDTH)
            layers: list[nn.Module] = [_Layer(width + widths.get(stride, 0), made, norm), _Layer(made, made, norm)]
            if dropout and stride >= _FULL_WIDTH:
                layers.append(nn.Dropout(dropout))
            self.decoder.append(nn.Sequential(*layers))
            width = made
        self.head = nn.Conv2d(width, out_channels, 3, padding=1)

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, H, W)` in [-1, 1].

        Raises:
            DataError: the backbone takes pictures of another size only.
        """
        skips: dict[int, Tensor] = {}
        x = source
        for level, layer in enumerate(self.stem):
            x = skips[2**level] = layer(x)
        skips |= dict(zip(self.backbone.strides, self.backbone(source), strict=True))
        deepest = max(skips)
        x = skips.pop(deepest)
        for layer, stride in zip(self.decoder, reversed(_strides(deepest // 2)), strict=True):
            size = [source.shape[2] // stride, source.shape[3] // stride]
            x = functional.interpolate(x, size=size, mode="nearest")
            if stride in skips:
                # Some backbones do not pad, so that their maps are a little smaller.
                x = torch.cat([_as_large_as(skips[stride], size), x], dim=1)
            x = layer(x)
        return torch.tanh(self.head(x))


class _Layer(nn.Sequential):
    """A 3x3 convolution, a norm and ReLU."""

    def __init__(self, in_channels: int, out_channels: int, norm: Norm, *, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=norm != "batch"),
            _norm_layer(norm, out_channels),
            nn.ReLU(inplace=True),
        )


def _norm_layer(norm: Norm, channels: int) -> nn.Module:
    if norm == "batch":
        return nn.BatchNorm2d(channels)
    return nn.InstanceNorm2d(channels) if norm == "instance" else nn.Identity()


def _as_large_as(feature: Tensor, size: list[int]) -> Tensor:
    if list(feature.shape[2:]) == size:
        return feature
    return functional.interpolate(feature, size=size, mode="bilinear", align_corners=False)


def _strides(largest: int) -> list[int]:
    """Return 1, 2, 4 and so on, up to the largest."""
    return [2**level for level in range(largest.bit_length())]


def _layers(backbone: str, depth: int | None, image_size: int | None) -> list[int]:
    """Return the numbers of the feature maps to use: the last one of each size, down to the depth.

    Raises:
        ValueError: the backbone's feature maps are of one size, or none is as large as the depth wants.
    """
    strides = strides_of(backbone, image_size)
    last = {stride: layer for layer, stride in enumerate(strides)}
    if len(last) < 2 or any(stride.bit_count() != 1 for stride in last):
        raise ValueError(
            f'The feature maps of the backbone "{backbone}" have the strides {", ".join(map(str, strides))}, and an '
            "encoder's are halved step by step: choose a hierarchical one"
        )
    kept = [layer for stride, layer in last.items() if depth is None or stride <= 2**depth]
    if not kept:
        raise ValueError(
            f'depth is {depth}, and the backbone "{backbone}" begins at 1/{min(last)} of the picture: '
            f"{min(last).bit_length() - 1} is the smallest depth"
        )
    return kept
