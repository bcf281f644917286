"""Dropout and batch normalisation at test time, so that a picture's translation depends on the picture alone.

The paper keeps dropout on at test time (it is the only noise) and normalises by the statistics of the test batch, which
it takes at batch size 1 (Isola et al., arXiv 1611.07004, section 3.3). Mode `paper` does the same for every picture of
a batch by itself, with dropout masks that a seed draws: the same picture gives the same output in any company.
Mode `running` turns dropout off and normalises by the statistics gathered in training.
"""

from __future__ import annotations

import contextlib
import functools
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.dropout import _DropoutNd

from itrans.data.sampler import derived_seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Mode: TypeAlias = Literal["paper", "running"]
MODES: tuple[Mode, ...] = ("paper", "running")


@contextlib.contextmanager
def test_mode(networks: Iterable[nn.Module], mode: Mode, seed: int) -> Iterator[None]:
    """Put networks into one of the two modes, without gradients, for as long as the block lasts.

    Args:
        networks: modules; their own training flags come back when the block ends.
        mode: `paper` or `running`.
        seed: of the dropout masks; a mask depends on it, on the layer and on the layer's height and width.
    """
    networks = list(networks)
    modules = list(dict.fromkeys(module for network in networks for module in network.modules()))
    flags = [module.training for module in modules]
    replaced: list[nn.Module] = []
    try:
        for layer, module in enumerate(modules):
            module.training = False
            forward = _paper_forward(module, derived_seed(seed, layer)) if mode == "paper" else None
            if forward is not None:
                module.forward = forward
                replaced.append(module)
        # Not inference_mode: what a network keeps for later, such as a grid of positions, must serve training too.
        with torch.no_grad(), _uncompiled(networks):
            yield
    finally:
        for module in replaced:
            del module.forward
        for module, flag in zip(modules, flags, strict=True):
            module.training = flag


def _uncompiled(networks: Iterable[nn.Module]) -> contextlib.AbstractContextManager[object]:
    """Run compiled networks as written: compiling them again for this mode would take longer than it gains."""
    if not any(getattr(network, "_compiled_call_impl", None) for network in networks):
        return contextlib.nullcontext()  # the compiler takes seconds to import
    stance: contextlib.AbstractContextManager[object] = torch.compiler.set_stance("force_eager")
    return stance


def _paper_forward(module: nn.Module, seed: int) -> functools.partial[Tensor] | _SeededDropout | None:
    if isinstance(module, _BatchNorm):
        return functools.partial(_normalized_by_itself, module)
    if isinstance(module, _DropoutNd) and type(module) in _MASK_RANKS:
        return _SeededDropout(module.p, _MASK_RANKS[type(module)], seed)
    return None


_MASK_RANKS: dict[type[nn.Module], int | None] = {nn.Dropout: None, nn.Dropout1d: 2, nn.Dropout2d: 2, nn.Dropout3d: 2}
"""How many leading dimensions a dropout's mask varies in: all, or sample and channel."""


def _normalized_by_itself(module: _BatchNorm, images: Tensor) -> Tensor:
    """Normalise each sample by its own mean and variance over height and width: batch normalisation of a batch of 1."""
    if images.ndim < 3 or images[0, 0].numel() == 1:  # one value is its own mean
        shape = (1, -1, *([1] * (images.ndim - 2)))
        return torch.zeros_like(images) + (0 if module.bias is None else module.bias.view(shape).to(images.dtype))
    if images.is_cpu:  # where instance_norm copies channels-last memory forth and back, at twice the time
        normalized = [
            functional.batch_norm(image, None, None, module.weight, module.bias, training=True, eps=module.eps)
            for image in torch.split(images, 1)
        ]
        return torch.cat(normalized)
    return functional.instance_norm(
        images, weight=module.weight, bias=module.bias, use_input_stats=True, eps=module.eps
    )


class _SeededDropout:
    """Dropout with one mask for every sample of a batch, drawn once for each shape."""

    def __init__(self, probability: float, rank: int | None, seed: int) -> None:
        self._probability, self._rank, self._seed = probability, rank, seed
        self._mask: Tensor | None = None

    def __call__(self, images: Tensor) -> Tensor:
        shape = (1, *images.shape[1:]) if self._rank is None else (1, images.shape[1], *([1] * (images.ndim - 2)))
        if self._mask is None or self._mask.shape != shape or self._mask.dtype != images.dtype:
            # drawn on the CPU, so that every device has the same
            generator = torch.Generator().manual_seed(self._seed)
            keep = torch.rand(shape, generator=generator) >= self._probability
            scale = 1 / (1 - self._probability) if self._probability < 1 else 0.0
            self._mask = (keep * scale).to(device=images.device, dtype=images.dtype)
        return images * self._mask


class CastWeights:
    """Weights of convolutions and linear layers in the precision that autocast computes them in, cast once.

    Autocast would cast them anew for every batch, which for a U-Net takes a sixth of the time of a batch of 8.

    Args:
        networks: modules whose weights are not going to change.
        dtype: bf16 or fp16.
    """

    def __init__(self, networks: Iterable[nn.Module], dtype: torch.dtype) -> None:
        layers = dict.fromkeys(module for network in networks for module in network.modules())
        weights = [layer.weight for layer in layers if isinstance(layer, (_ConvNd, nn.Linear))]
        self._weights = [
            (weight, weight.data, weight.data.to(dtype))
            for weight in dict.fromkeys(weights)
            if isinstance(weight, nn.Parameter) and weight.dtype == torch.float32
        ]

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Put them in the place of the weights for as long as the block lasts."""
        try:
            for weight, _, cast in self._weights:
                weight.data = cast
            yield
        finally:
            for weight, stored, _ in self._weights:
                weight.data = stored
