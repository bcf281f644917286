"""The coarse-to-fine generator of pix2pixHD (arXiv 1711.11585, section 3.2): a global network and a local enhancer."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

from itrans.api import Recognized
from itrans_pix2pixhd.layers import Norm, Positive, Residual, down, head, initialize, outer, up
from itrans_pix2pixhd.published import global_generator


class GlobalGenerator(nn.Module):
    """The global generator of pix2pixHD: c7s1-64, d128 to d1024, residual blocks of 1024, u512 to u64, c7s1-3.

    Source: Wang et al., arXiv 1711.11585, section 3.2 and appendix; it translates up to 1024x512 there.

    Args:
        in_channels: of the source.
        out_channels: of the output.
        filters: channels of the first layer; each layer that halves the picture doubles them.
        downsamplings: how many times the picture is halved.
        blocks: how many residual blocks there are.
        norm: `instance` as in the paper, `batch` or `none`.

    Attributes:
        size_multiple: height and width have to be multiples of this, `2**downsamplings`.
    """

    channels_last = True

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        filters: Positive = 64,
        downsamplings: Positive = 4,
        blocks: Positive = 9,
        norm: Norm = "instance",
    ) -> None:
        super().__init__()
        self.size_multiple = 2**downsamplings
        widths = [filters * 2**level for level in range(downsamplings)]
        self.encoder = nn.Sequential(outer(in_channels, filters, norm), *(down(width, norm) for width in widths))
        self.blocks = nn.Sequential(*(Residual(filters * 2**downsamplings, norm) for _ in range(blocks)))
        self.decoder = nn.Sequential(*(up(2 * width, norm) for width in reversed(widths)))
        self.head = head(filters, out_channels)
        initialize(self)

    def features(self, source: Tensor) -> Tensor:
        """Return the last feature map, `(N, filters, H, W)`, of which the output is made."""
        features: Tensor = self.decoder(self.blocks(self.encoder(source)))
        return features

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, H, W)` in [-1, 1]."""
        output: Tensor = self.head(self.features(source))
        return output

    @staticmethod
    def recognize(state: Mapping[str, Tensor]) -> Recognized | None:
        """Recognise weights of NVIDIA's pix2pixHD; return None if they belong to another network.

        Raises:
            CheckpointError: they belong to this network but cannot be used.
        """
        return global_generator(state)


class LocalEnhancer(nn.Module):
    """The whole generator of pix2pixHD: an enhancer at full size around a global generator at half size.

    The global generator's last feature map is added to that of the enhancer after c7s1-32 and d64; residual blocks, u32
    and c7s1-3 follow. Train the generator `global` alone first, then give its checkpoint to this one. Source: Wang et
    al., arXiv 1711.11585, section 3.2.

    Args:
        in_channels: of the source.
        out_channels: of the output.
        filters: channels of the enhancer's first layer; the global generator has twice as many in its own.
        blocks: residual blocks of the enhancer.
        global_downsamplings: how many times the global generator halves its picture.
        global_blocks: residual blocks of the global generator.
        norm: `instance` as in the paper, `batch` or `none`.
        global_weights: a checkpoint of stage one, whose generator `global` training starts with. It is read only when
            training starts.
        freeze_global: keep the global generator as it is, as the paper does at first.
        initialize: False if a checkpoint's weights will be loaded.

    Attributes:
        size_multiple: height and width have to be multiples of this, twice that of the global generator.

    Raises:
        ValueError: `global_weights` is missing, is no checkpoint of itrans, or does not fit.
    """

    channels_last = True

    def __init__(
        self,
        *,
        in_channels: int,
        out_channels: int,
        filters: Positive = 32,
        blocks: Positive = 3,
        global_downsamplings: Positive = 4,
        global_blocks: Positive = 9,
        norm: Norm = "instance",
        global_weights: str | None = None,
        freeze_global: bool = False,
        initialize: bool = True,
    ) -> None:
        super().__init__()
        self.size_multiple = 2 ** (global_downsamplings + 1)
        self.global_generator = GlobalGenerator(
            in_channels=in_channels,
            out_channels=out_channels,
            filters=2 * filters,
            downsamplings=global_downsamplings,
            blocks=global_blocks,
            norm=norm,
        )
        del self.global_generator.head  # only its features are wanted
        self.front = nn.Sequential(outer(in_channels, filters, norm), down(filters, norm))
        self.back = nn.Sequential(*(Residual(2 * filters, norm) for _ in range(blocks)), up(2 * filters, norm))
        self.head = head(filters, out_channels)
        _initialize_enhancer(self)
        if global_weights is not None and initialize:
            _load_global(self.global_generator, Path(global_weights))
        self._frozen = freeze_global
        if freeze_global:
            self.global_generator.requires_grad_(False)

    def train(self, mode: bool = True) -> Self:
        """Set the training mode; a frozen global generator stays in evaluation mode."""
        super().train(mode)
        if self._frozen:
            self.global_generator.eval()
        return self

    def forward(self, source: Tensor) -> Tensor:
        """Translate `(N, Cin, H, W)` in [-1, 1] to `(N, Cout, H, W)` in [-1, 1]."""
        half = functional.avg_pool2d(source, 3, stride=2, padding=1, count_include_pad=False)
        features = self.front(source) + self.global_generator.features(half)
        output: Tensor = self.head(self.back(features))
        return output


def _initialize_enhancer(network: LocalEnhancer) -> None:
    for part in (network.front, network.back, network.head):
        initialize(part)


def _load_global(network: GlobalGenerator, path: Path) -> None:
    state = _generator_state(path)
    kept = {name: value for name, value in state.items() if not name.startswith("head.")}
    try:
        network.load_state_dict(kept)
    except RuntimeError as error:
        reason = "; ".join(line.strip() for line in str(error).splitlines()[1:3])
        raise ValueError(
            f'global_weights = "{path}" does not fit: it should hold the generator "global" with twice the filters of '
            f"this one, and equal downsamplings, blocks, norm and channels ({reason})"
        ) from error


def _generator_state(path: Path) -> dict[str, Tensor]:
    if not path.is_file():
        raise ValueError(
            f'global_weights = "{path}" is not there: train stage one first, a recipe with the generator "global"'
        )
    # What a file raises that is no checkpoint depends on what else it is.
    unfit = (pickle.UnpicklingError, RuntimeError, OSError, EOFError, LookupError, TypeError, ValueError)
    try:
        record: Any = torch.load(path, map_location="cpu", weights_only=True)
        state: dict[str, Tensor] = {**record["networks"], **record["training"].get("averages", {})}["generator"]
    except (*unfit, AttributeError) as error:
        raise ValueError(f'global_weights = "{path}" is not a checkpoint of itrans with a generator') from error
    return state
