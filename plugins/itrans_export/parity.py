"""How far the outputs of an exported file are from those of its checkpoint, on pictures."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from itrans.api import ItransError, apply_generator, error_text, scale_of
from itrans_export.layers import noise_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from fractions import Fraction

    from itrans.commands import Translator
    from itrans_export.description import Description

    Run = Callable[[Tensor, Sequence[Tensor]], Tensor]
    """A file's network: sources `(N, C, H, W)` of sizes that it takes, and noise, to outputs."""


@dataclass
class _Candidate:
    """A file's network, as a generator that is given the noise of the reference."""

    run: Run
    noise: list[Tensor]
    size_multiple: int
    scale: Fraction

    def __call__(self, source: Tensor) -> Tensor:
        return self.run(source, self.noise)


class FailedRunError(ItransError):
    """A network that was exported without a fault cannot be run."""


def largest_difference(
    translator: Translator,
    description: Description,
    run: Run,
    pictures: Sequence[Tensor],
    fixed: Mapping[str, Any] | None = None,
) -> float:
    """Return by how much a value of an output differs at most, where black is 0 and white is 1; infinity for NaN.

    Args:
        translator: the checkpoint's, in the mode of the export, and without dropout where that has none.
        description: of the export.
        run: runs it.
        pictures: `(1, C, H, W)` each. They are also compared in a batch, and cut to another size, where that is taken.
        fixed: options and extras that are part of the exported network.

    Raises:
        FailedRunError: the exported network fails.
    """
    largest, scale = 0.0, scale_of(translator.method)
    if translator.goes_back(description.direction):
        scale = 1 / scale
    for source in _sources(pictures, description):
        expected, noise = _reference(translator, description, source, fixed or {})
        candidate = _Candidate(run, noise, description.size_multiple, scale)
        try:
            made = apply_generator(candidate, source)
        except Exception as error:  # of whatever runs it
            raise FailedRunError(
                f"The exported network does not run on pictures {tuple(source.shape)}: {error_text(error)}"
            ) from error
        difference = float((made - expected).abs().max()) / 2
        largest = max(largest, difference) if math.isfinite(difference) else math.inf
    return largest


def _sources(pictures: Sequence[Tensor], description: Description) -> Iterator[Tensor]:
    if description.size is not None:
        pictures = [functional.interpolate(picture, description.size) for picture in pictures]
    yield from pictures
    first = pictures[0]
    if description.any_batch:
        yield torch.cat([first, first.flip(-1), -first])
    if description.size is None:
        height, width = (max(side * 3 // 4, min(side, description.size_multiple + 1)) for side in first.shape[2:])
        yield first[:, :, :height, :width]


def _reference(
    translator: Translator, description: Description, source: Tensor, fixed: Mapping[str, Any]
) -> tuple[Tensor, list[Tensor]]:
    """Return what the checkpoint makes of sources, and the noise that it draws."""
    modules = noise_of(translator.generators.values()).modules
    noise: dict[nn.Module, Tensor] = {}

    def note(module: nn.Module, _given: object, output: Tensor) -> None:
        noise[module] = output.detach().clone()

    handles = [module.register_forward_hook(note) for module in modules]
    try:
        translate = functools.partial(translator.translate_planes, direction=description.direction)
        expected = translate(source, seed=description.seed, **fixed)
    finally:
        for handle in handles:
            handle.remove()
    return expected, [noise[module] for module in modules]
