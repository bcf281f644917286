"""Layers as an exported network has them: what a mode makes of them is written into the graph."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.modules.instancenorm import _InstanceNorm

from itrans.api import Noise

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from itrans.commands import Translator


@dataclass
class Feed:
    """The noise of a translation: an input of the exported network, since one picture has many translations.

    Attributes:
        modules: those that draw noise of a shape of their own, in the order of the network's inputs.
        values: what each of them gives, `(N, *shape)`, while the network runs.
    """

    modules: tuple[Noise, ...] = ()
    values: dict[Noise, Tensor] = field(default_factory=dict)


def noise_of(networks: Iterable[nn.Module]) -> Feed:
    """Return the noise that becomes inputs; that which has the shape of a feature map is not among it."""
    return Feed(tuple(module for module in modules_of(networks) if isinstance(module, Noise) and module.shape))


def is_random(module: nn.Module) -> bool:
    """Whether a layer is dropout that drops something."""
    return isinstance(module, _DropoutNd) and bool(module.p)


def depends_on_size(module: nn.Module) -> bool:
    """Whether a layer is noise that has the size of a feature map."""
    return isinstance(module, Noise) and not module.shape


def turn_dropout_off(networks: Iterable[nn.Module]) -> bool:
    """Let dropout drop nothing, in any mode; return whether there was any."""
    found = [module for module in modules_of(networks) if is_random(module)]
    for module in found:
        module.p = 0.0  # type: ignore[assignment]
    return bool(found)


def normalizes_by_picture(networks: Iterable[nn.Module], mode: str) -> bool:
    """Whether there are layers that normalise each picture by its own statistics."""
    return any(
        (isinstance(module, _BatchNorm) and own == "paper")
        or (isinstance(module, _InstanceNorm) and not module.track_running_stats)
        for module, own in _modes(networks, mode).items()
    )


def _modes(networks: Iterable[nn.Module], mode: str) -> dict[nn.Module, str]:
    """Return all layers, each with the mode that its network runs in: some are made for one of them."""
    found: dict[nn.Module, str] = {}
    for network in networks:
        found |= dict.fromkeys(network.modules(), getattr(network, "test_mode", mode))
    return found


def modules_of(networks: Iterable[nn.Module]) -> list[nn.Module]:
    """Return all layers, each once."""
    return list(dict.fromkeys(module for network in networks for module in network.modules()))


def drawn_values(
    translator: Translator, source: Tensor, direction: str | None, seed: int, fixed: Mapping[str, Any] | None = None
) -> list[dict[Any, Tensor]]:
    """Return what random layers draw for pictures of a size: for each of the translator's layers, values by shape.

    A mask is what a layer makes of ones, so each is given ones. `source` is planes `(1, C, H, W)`; `fixed` is what the
    method takes besides.
    """
    modules = modules_of(translator.generators.values())
    drawn: list[dict[Any, Tensor]] = [{} for _ in modules]
    handles = []
    for module, values in zip(modules, drawn, strict=True):
        if is_random(module) or depends_on_size(module):
            handles.append(module.register_forward_pre_hook(lambda _, given: (torch.ones_like(given[0]),)))
            handles.append(module.register_forward_hook(functools.partial(_note, values)))
    try:
        translator.translate_planes(source, direction, seed=seed, **(fixed or {}))
    finally:
        for handle in handles:
            handle.remove()
    return drawn


def _note(values: dict[Any, Tensor], _module: nn.Module, given: tuple[Tensor, ...], output: Tensor) -> None:
    values[tuple(given[0].shape[1:])] = output.detach().clone()


def write_mode(
    networks: Iterable[nn.Module], mode: str, feed: Feed, drawn: Sequence[Mapping[Any, Tensor]] = ()
) -> None:
    """Let layers do what they do in a mode, in a way that can be exported, in place.

    Args:
        networks: those of a translator that translates no longer.
        mode: `paper` normalises each picture by its own statistics.
        feed: where noise comes from.
        drawn: what random layers draw, see `drawn_values`; without, dropout is off.
    """
    modules = _modes(networks, mode)
    for (module, own), values in zip(modules.items(), drawn or [{}] * len(modules), strict=True):
        module.eval()
        forward: Any = None
        if module in feed.modules:
            forward = functools.partial(_fed, feed, module)
        elif depends_on_size(module):
            forward = functools.partial(_drawn_noise, values)
        elif is_random(module) and values:
            forward = functools.partial(_masked, values)
        elif isinstance(module, _BatchNorm) and own == "paper":
            plain = type(module).forward in (_BatchNorm.forward, nn.SyncBatchNorm.forward)
            forward = functools.partial(_normalize_alone if plain else _normalize_first, module)
        if forward is not None:
            module.forward = forward


def _normalize_alone(module: _BatchNorm, images: Tensor) -> Tensor:
    """Normalise each picture by its own mean and variance: batch normalisation of a batch of 1."""
    if images.ndim < 3:  # one value is its own mean
        return torch.zeros_like(images) + (0 if module.bias is None else module.bias)
    # Not functional.instance_norm, which refuses maps of one value.
    return torch.instance_norm(images, module.weight, module.bias, None, None, True, 0.0, module.eps, False)


def _normalize_first(module: _BatchNorm, images: Tensor) -> Tensor:
    """Do the same, and then what else a layer does, such as timm's, which have their activation in them.

    What is normalised already passes its own normalisation unchanged.
    """
    normalized = torch.instance_norm(images, None, None, None, None, True, 0.0, module.eps, False)
    module.running_mean = torch.zeros(images.shape[1])
    module.running_var = torch.full((images.shape[1],), 1 - module.eps)
    output: Tensor = type(module).forward(module, normalized)
    return output


def _masked(masks: Mapping[Any, Tensor], images: Tensor) -> Tensor:
    return images * masks[tuple(images.shape[1:])]


def _drawn_noise(values: Mapping[Any, Tensor], like: Tensor) -> Tensor:
    noise = values[tuple(like.shape[1:])]
    return noise.expand(like.shape[0], *noise.shape[1:]).clone()


def _fed(feed: Feed, module: Noise, like: Tensor) -> Tensor:
    return feed.values[module].clone()  # for networks that change it in place
