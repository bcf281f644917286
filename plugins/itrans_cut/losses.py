"""PatchNCE (arXiv 2007.15651, section 3): a place of the output should be known by its own place of the source."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

import torch
from annotated_types import Ge, Gt
from torch import Tensor, nn
from torch.nn import functional

from itrans.api import ImageSpec, PluginError, Translated, apply_generator, did_you_mean

PIXELS = "pixels"
"""Stands for the picture itself among the layers."""

_AUTOMATIC = 4
"""Of the layers where none are named, besides the pixels."""


class PatchNCE(nn.Module):
    """The contrastive loss of CUT between a source and its output, in the features of the generator itself.

    Of each layer some places are drawn. What a small network of two layers makes of a place of the output should be
    nearer to what it makes of the same place of the source than to that of the other places. These networks are trained
    along. Source: arXiv 2007.15651, equation 3 and appendix C.1.

    Args:
        layers: names of modules of the network "generator", as `itrans inspect` shows them; `pixels` is the picture.
            Without any: the pixels, and four convolutions from the first to the last before the maps become larger.
        patches: how many places of a picture are drawn; 256 in the paper.
        width: of the networks and of what is compared; 256 in the paper.
        temperature: that similarities are divided by; 0.07 in the paper.
    """

    role: Literal["image"] = "image"
    trains = True

    def __init__(
        self,
        *,
        layers: Sequence[str] = (),
        patches: Annotated[int, Ge(2)] = 256,
        width: Annotated[int, Ge(1)] = 256,
        temperature: Annotated[float, Gt(0)] = 0.07,
    ) -> None:
        super().__init__()
        self.layers, self._patches, self._width, self._temperature = tuple(layers), patches, width, temperature
        self.heads = nn.ModuleList()
        self._generator: list[Any] = []  # in a list, so that its weights are not the loss's too

    def prepare(self, networks: Mapping[str, nn.Module], source: ImageSpec) -> None:
        """Make a network for each layer of the generator.

        Raises:
            PluginError: the method has no network "generator", or that has no such layer.
        """
        if "generator" not in networks:
            raise PluginError(
                'The loss "patch_nce" looks into the network "generator", and this method\'s networks are '
                f"{', '.join(networks)}."
            )
        self._generator = [networks["generator"]]
        known = [PIXELS, *self._inner_modules()]
        if unknown := [name for name in self.layers if name not in known]:
            raise PluginError(
                f'The generator has no layer "{unknown[0]}".{did_you_mean(unknown[0], known)} '
                f"Its layers are {', '.join(known)}."
            )
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            probe = torch.zeros(1, source.planes, 64, 64)
            self.layers = self.layers or self._automatic_layers(probe)
            channels = [features.shape[-1] for features, _ in self._features(probe, None)]
        for count in channels:
            layers = nn.Linear(count, self._width), nn.ReLU(), nn.Linear(self._width, self._width)
            self.heads.append(nn.Sequential(*layers))
        for parameter in self.heads.parameters():
            nn.init.normal_(parameter, 0.0, 0.02) if parameter.ndim > 1 else nn.init.zeros_(parameter)

    def forward(self, translated: Translated) -> Tensor:
        """Return the mean cross-entropy of telling each place among all that were drawn; over layers, their mean.

        Raises:
            PluginError: source and output differ in channels, so that the generator takes one of them only.
        """
        if translated.source.shape[1] != translated.output.shape[1]:
            raise PluginError(
                'The loss "patch_nce" sends outputs through the generator too: sources and targets should have equally '
                f"many channels, not {translated.source.shape[1]} and {translated.output.shape[1]}."
            )
        with torch.no_grad():  # what is compared with is not to move (equation 3, as the authors train it)
            keys = self._features(translated.source.float(), None)
        queries = self._features(translated.output.float(), [places for _, places in keys])
        values = [
            self._entropy(head, query, key)
            for head, (query, _), (key, _) in zip(self.heads, queries, keys, strict=True)
        ]
        return torch.stack(values).mean()

    def _entropy(self, head: nn.Module, query: Tensor, key: Tensor) -> Tensor:
        """Return the cross-entropy of one layer, of `(N, P, C)` of the output and the source."""
        query, key = (functional.normalize(head(one).float(), dim=-1) for one in (query, key))
        with torch.autocast(query.device.type, enabled=False):
            logits = query @ key.detach().transpose(1, 2) / self._temperature
        own = torch.arange(logits.shape[1], device=logits.device).expand(len(logits), -1)
        return functional.cross_entropy(logits.flatten(0, 1), own.flatten())

    def _features(self, picture: Tensor, places: Sequence[Tensor] | None) -> list[tuple[Tensor, Tensor]]:
        """Return what each layer has at some places, `(N, P, C)`, and the places: drawn, if none are given."""
        found: dict[str, tuple[Tensor, Tensor]] = {}

        def take(name: str, value: Tensor) -> None:
            if name in found:
                return  # a layer that is called again
            if not isinstance(value, Tensor) or value.ndim != 4:
                raise PluginError(f'The generator\'s layer "{name}" makes no feature maps: choose another.')
            maps = value.flatten(2).transpose(1, 2)
            if places is None:
                here = torch.randperm(maps.shape[1], device=maps.device)[: self._patches]
            else:
                here = places[self.layers.index(name)]
            found[name] = maps[:, here], here  # a copy, before an activation works in place
            if len(found) == len(self.layers):
                raise _EnoughError

        with contextlib.suppress(_EnoughError), _heard(self._inner_modules(), self.layers, take):
            if PIXELS in self.layers:
                take(PIXELS, picture)
            apply_generator(self._generator[0], picture)
        if missing := [name for name in self.layers if name not in found]:
            raise PluginError(f'The generator does not call its layer "{missing[0]}": choose another.')
        return [found[name] for name in self.layers]

    def _inner_modules(self) -> dict[str, nn.Module]:
        return {name: module for name, module in self._generator[0].named_modules() if name}

    def _automatic_layers(self, probe: Tensor) -> tuple[str, ...]:
        """Return the pixels, and convolutions spread evenly over those before the maps become larger."""
        sizes: dict[str, int] = {}
        convolutions = [name for name, module in self._inner_modules().items() if isinstance(module, nn.Conv2d)]
        with _heard(self._inner_modules(), convolutions, lambda name, maps: sizes.setdefault(name, maps.shape[-1])):
            apply_generator(self._generator[0], probe)
        names, widths = [*sizes], [*sizes.values()]
        last = next((place for place in range(len(names) - 1) if widths[place + 1] > widths[place]), len(names) - 1)
        chosen = [names[round(last * place / (_AUTOMATIC - 1))] for place in range(_AUTOMATIC)]
        return (PIXELS, *dict.fromkeys(chosen))


@contextlib.contextmanager
def _heard(
    modules: Mapping[str, nn.Module], names: Sequence[str], hear: Callable[[str, Tensor], object]
) -> Iterator[None]:
    """Tell what some modules put out, each after its name, for as long as this lasts."""

    def hook(name: str, _module: nn.Module, _inputs: object, output: Tensor) -> None:
        hear(name, output)

    handles = [modules[n].register_forward_hook(functools.partial(hook, n)) for n in names if n in modules]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class _EnoughError(Exception):
    """All layers have been seen: the rest of the generator need not be computed."""
