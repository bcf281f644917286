"""Normalisation by what the parts of one picture have together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from itrans.networks.test_mode import Mode


class SharedStatistics:
    """Means and variances of a picture's parts, by which each part is normalised as it would be within the whole.

    Normalised by its own statistics alone, a part would have other colours than its neighbours. The first batch that
    is translated with these, a few parts from all over the picture, is normalised by what it has together. Batches
    after it are normalised by the same.

    Attributes:
        is_complete: whether that first batch is through.
    """

    def __init__(self) -> None:
        self._values: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
        self.is_complete = False

    def complete(self) -> None:
        """Normalise by what has been gathered from now on."""
        self.is_complete = True

    def forward_of(self, module: nn.Module, layer: int, mode: Mode) -> Callable[[Tensor], Tensor] | None:
        """Return what stands in for the forward of a layer in a pass; None for a layer without such statistics."""
        if not _takes_statistics(module, mode):
            return None
        calls = iter(range(1_000_000))
        return lambda images: self._normalize(module, (layer, next(calls)), images)

    def _normalize(self, module: nn.Module, key: tuple[int, int], images: Tensor) -> Tensor:
        if key not in self._values or not self.is_complete:
            self._values[key] = statistics_of(images)
        mean, variance = self._values[key]
        if not is_plain(module):
            return forward_by(module, images, mean, variance)
        weight, bias, eps = module.weight, module.bias, module.eps
        return functional.batch_norm(images, mean, variance, weight, bias, training=False, eps=eps)  # type: ignore[arg-type]


def is_plain(module: nn.Module) -> bool:
    """Return whether a layer does nothing but normalise: its class may have added an activation, say."""
    plain = (_BatchNorm.forward, nn.SyncBatchNorm.forward, _InstanceNorm.forward)
    return type(module).forward in plain


def statistics_of(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of each channel, over all pictures and places."""
    others = [dimension for dimension in range(images.ndim) if dimension != 1]
    variance, mean = torch.var_mean(images.float(), others, correction=0)
    return mean, variance


def forward_by(module: nn.Module, images: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Call a layer with statistics in the place of those that it has gathered; it is not in training."""
    kept: tuple[Any, Any] = module.running_mean, module.running_var
    module.running_mean, module.running_var = mean, variance
    try:
        output: Tensor = type(module).forward(module, images)
    finally:
        module.running_mean, module.running_var = kept
    return output


def normalizes_by_picture(networks: Iterable[nn.Module], mode: Mode) -> bool:
    """Return whether networks have layers that normalise by a picture's own statistics."""
    return any(_takes_statistics(module, mode) for network in networks for module in network.modules())


def _takes_statistics(module: nn.Module, mode: Mode) -> bool:
    if isinstance(module, _InstanceNorm):
        return not module.track_running_stats and is_plain(module)
    return isinstance(module, _BatchNorm) and (mode == "paper" or module.running_mean is None)
