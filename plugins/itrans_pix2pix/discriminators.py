"""The discriminator of Pix2Pix (arXiv 1611.07004, sections 3.2.2 and 6.1.2): PatchGAN, for every patch size."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from annotated_types import Ge
from torch import Tensor, nn

from itrans.api import DataError, Recognized, counted
from itrans_pix2pix import junyanz
from itrans_pix2pix.initialization import initialize
from itrans_pix2pix.layers import Down, Norm, Positive, convolution_bias

_DEEPEST = 6
"""Layers of stride 2 of the largest patch that `patch` knows, 574."""

DEFAULT_LAYERS = 3
"""Three layers of stride 2 see patches of 70x70, the paper's choice."""


def patch_size(layers: int) -> int:
    """Return how many pixels wide a patch is that one logit judges, given the number of layers of stride 2.

    Walking back from a logit through two 4x4 convolutions of stride 1 gives 7 pixels, and each layer of stride 2 makes
    `2r + 2` of `r`, hence `9 * 2**layers - 2`; without any such layer the discriminator sees single pixels.
    """
    return 9 * 2**layers - 2 if layers else 1


class PatchGAN(nn.Module):
    """PatchGAN: judges every patch of a picture on its own, real or translated.

    Its 4x4 convolutions are `layers` of stride 2 (C64-C128-C256 for 70x70 patches), one of stride 1 (C512), and one to
    a single channel of logits, with LeakyReLU(0.2) between them. For patches of 1x1 they are 1x1: C64-C128. Source:
    arXiv 1611.07004, sections 3.2.2 and 6.1.2.

    Args:
        in_channels: of the picture that it judges.
        condition_channels: of the source that it also sees; 0 if it sees none.
        patch: how many pixels wide a patch is; 70, the paper's, if `layers` is not given either.
        layers: how many convolutions of stride 2 there are, for patches beyond those: they are `9 * 2**layers - 2`
            wide; 0 is the pixel discriminator.
        filters: channels of the first layer; they double three times.
        norm: `batch` as in the paper, `instance`, `instance_affine` or `none`. The first and last layers have none.
        bias: whether the convolutions before a norm have biases, and the last of the pixel discriminator; left out, all
            but under batch norm.

    Raises:
        ValueError: `patch` and `layers` disagree, there is no such patch or norm, or `layers` is negative.
    """

    channels_last = True

    def __init__(
        self,
        *,
        in_channels: int,
        condition_channels: int,
        patch: Literal[1, 16, 34, 70, 142, 286, 574] | None = None,
        layers: Annotated[int, Ge(0)] | None = None,
        filters: Positive = 64,
        norm: Norm = "batch",
        bias: bool | None = None,
    ) -> None:
        super().__init__()
        self.condition_channels = condition_channels
        self._of_depth = functools.partial(
            PatchGAN,
            in_channels=in_channels,
            condition_channels=condition_channels,
            filters=filters,
            norm=norm,
            bias=bias,
        )
        strided = _strided_layers(patch, layers)
        # A logit needs two pixels of what the last stride leaves, and the stride-1 layer takes one more.
        self._smallest_size = 3 * 2**strided if strided else 1
        self._layers = strided

        bias = convolution_bias(norm, bias)
        width = in_channels + condition_channels
        self.blocks = nn.ModuleList()
        if strided == 0:
            self.blocks.append(Down(width, filters, norm="none", bias=True, kernel=1, stride=1))
            self.blocks.append(Down(filters, filters * 2, norm=norm, bias=bias, kernel=1, stride=1))
            self.head = nn.Conv2d(filters * 2, 1, kernel_size=1, bias=bias)
        else:
            for level in range(strided + 1):
                out = filters * min(2**level, 8)
                first, last = level == 0, level == strided
                self.blocks.append(
                    Down(width, out, norm="none" if first else norm, bias=first or bias, stride=1 if last else 2)
                )
                width = out
            self.head = nn.Conv2d(width, 1, kernel_size=4, padding=1)
        initialize(self)

    @staticmethod
    def recognize(state: Mapping[str, Tensor]) -> Recognized | None:
        """Return the PatchGAN of pytorch-CycleGAN-and-pix2pix that weights are of, or None; see `junyanz.patchgan`."""
        return junyanz.patchgan(state)

    @property
    def receptive_field(self) -> int:
        """How many pixels wide a patch is that one logit judges."""
        field = 1
        for module in reversed(list(self.modules())):
            if isinstance(module, nn.Conv2d):
                field = (field - 1) * module.stride[0] + module.kernel_size[0]
        return field

    def depths(self, size: int) -> list[dict[str, int | bool]]:
        """Describe this discriminator with other numbers of layers, for `itrans inspect`.

        Args:
            size: height and width of the pictures that it judges.

        Returns:
            For 0 to 6 layers, or its own, if it has more: `layers`, `receptive_field`, `logits` (along one side; 0
            where a picture is too small), `parameters`, and whether this one has so many: `in_use`.
        """
        found: list[dict[str, int | bool]] = []
        for layers in range(max(self._layers, _DEEPEST) + 1):
            with torch.device("meta"):
                other = self._of_depth(layers=layers)
            logits = size if layers == 0 else max(0, size // 2**layers - 2) if size >= other._smallest_size else 0
            found.append(
                {
                    "layers": layers,
                    "receptive_field": other.receptive_field,
                    "logits": logits,
                    "parameters": sum(parameter.numel() for parameter in other.parameters()),
                    "in_use": layers == self._layers,
                }
            )
        return found

    def forward(self, image: Tensor, condition: Tensor | None) -> Tensor:
        """Return the logits of a picture's patches: above 0 for real, below for translated.

        Args:
            image: `(N, C, H, W)` in [-1, 1].
            condition: the source, `(N, condition_channels, H, W)` in [-1, 1]; None if `condition_channels` is 0.

        Returns:
            `(N, 1, H', W')`, one logit for a patch; 30x30 for 256x256 and patches of 70.

        Raises:
            ValueError: the condition is missing, or there should be none.
            DataError: the picture is too small for a single logit.
        """
        x = self._input(image, condition)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(x)
        return logits

    def features(self, image: Tensor, condition: Tensor | None) -> list[Tensor]:
        """Return the activations after each block, `(N, C', H', W')` each, for feature matching.

        Args:
            image: see `forward`.
            condition: see `forward`.

        Raises:
            ValueError: see `forward`.
            DataError: see `forward`.
        """
        x = self._input(image, condition)
        found = []
        for block in self.blocks:
            x = block(x)
            found.append(x)
        return found

    def _input(self, image: Tensor, condition: Tensor | None) -> Tensor:
        if (condition is None) != (self.condition_channels == 0):
            raise ValueError(
                f"This PatchGAN sees a source of {counted(self.condition_channels, 'channel')} with the "
                "picture, but got none."
                if condition is None
                else "This PatchGAN sees the picture alone (condition_channels = 0), but got a source too."
            )
        height, width = image.shape[-2:]
        if min(height, width) < self._smallest_size:
            raise DataError(
                f"Pictures of {width}x{height} are too small for PatchGAN with patches of {self.receptive_field}: "
                f"they must be at least {self._smallest_size}x{self._smallest_size}. Choose a smaller patch."
            )
        return image if condition is None else torch.cat([condition, image], dim=1)


def _strided_layers(patch: int | None, layers: int | None) -> int:
    """Return how many layers of stride 2 are asked for."""
    if layers is not None and layers < 0:
        raise ValueError(f"PatchGAN cannot have {layers} layers: layers is 0 or more.")
    if patch is None:
        return DEFAULT_LAYERS if layers is None else layers
    known = {patch_size(count): count for count in range(_DEEPEST + 1)}
    if patch not in known:
        raise ValueError(
            f"PatchGAN has no patches of {patch}: patch is one of {', '.join(map(str, known))}; beyond, give layers."
        )
    if layers is not None and layers != known[patch]:
        raise ValueError(
            f"PatchGAN got patch = {patch} and layers = {layers}, but patches of {patch} take "
            f"{counted(known[patch], 'layer')}, and {counted(layers, 'layer')} see patches of {patch_size(layers)}. "
            "Give one of the two."
        )
    return known[patch]
