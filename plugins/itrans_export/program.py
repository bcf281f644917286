"""From a checkpoint to a program of PyTorch's export: a graph that takes planes, and as many sizes as it can."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.fx.experimental import _config as sizes

from itrans.api import ItransError, error_text, scale_of
from itrans_export.layers import noise_of, write_mode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from torch.export import ExportedProgram

    from itrans.commands import Translator

NO_OTHER = "it cannot be exported for others"
"""Why a network takes one size only, as the end of a sentence."""

_EXAMPLE = 64
"""The shorter side, at least, of the picture that is traced. Nothing is computed with it."""


class Translation(nn.Module):
    """What a method's `translate` does, as one network: sources and noise `(N, ...)` to outputs, all in [-1, 1].

    Args:
        translator: whose layers have been made exportable, see `write_mode`.
        direction: of the translator.
        drawn: what random layers draw.
        fixed: what the method takes besides: options, and extras that are numbers.
    """

    def __init__(
        self,
        translator: Translator,
        direction: str,
        drawn: Sequence[Mapping[Any, Tensor]] = (),
        fixed: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        extras, given = translator.accepted.extras, fixed or {}
        self._numbers = {name: value for name, value in given.items() if name in extras}
        self._dtypes = {name: torch.float32 if extras[name] is float else torch.int64 for name in self._numbers}
        options = {name: value for name, value in given.items() if name not in extras}
        networks = translator.generators
        self.feed = noise_of(networks.values())
        write_mode(networks.values(), translator.mode, self.feed, drawn)
        for name, network in networks.items():
            self.add_module(f"network_{name.replace('.', '_')}", network.requires_grad_(False))
        self._translate: Callable[..., Tensor] = functools.partial(
            translator.method.translate, direction=direction, **options
        )

    @property
    def size_multiple(self) -> int:
        """Of which height and width are multiples."""
        return multiple_of(self.children())

    def forward(self, source: Tensor, *noise: Tensor) -> Tensor:
        """Translate `(N, C, H, W)`; height and width are multiples of `size_multiple`."""
        self.feed.values = dict(zip(self.feed.modules, noise, strict=True))
        numbers = {
            name: torch.full((source.shape[0],), value, dtype=self._dtypes[name], device=source.device)
            for name, value in self._numbers.items()
        }
        try:
            return self._translate(source, **numbers)
        finally:
            self.feed.values = {}


def multiple_of(networks: Iterable[nn.Module]) -> int:
    """Return of what the height and the width of pictures are multiples that some networks translate."""
    multiples = [
        number
        for network in networks
        for number in (getattr(network, "size_multiple", 1), scale_of(network).denominator)
    ]
    return math.lcm(*map(int, multiples))


@dataclass(frozen=True)
class Program:
    """A graph, and what it takes.

    Attributes:
        exported: the graph.
        size: the only height and width of sources that it takes, padded; None where any multiple will do.
        any_batch: whether it takes several pictures at once.
        reason: why it takes one size or one picture only; empty where it takes any, or was asked for one.
    """

    exported: ExportedProgram
    size: tuple[int, int] | None
    any_batch: bool
    reason: str = ""


def program_of(network: Translation, channels: int, fixed: tuple[int, int], *, is_fixed: bool) -> Program:
    """Return the graph that takes the most sizes, of those that can be made of a network.

    Args:
        network: what is exported.
        channels: how many planes its sources have.
        fixed: a height and a width that will do where it does not take any.
        is_fixed: whether to try no other.

    Raises:
        ItransError: it cannot be exported at all.
    """
    multiple = network.size_multiple
    height, width = (-(-side // multiple) * multiple for side in fixed)
    cause: Exception | None = None
    for any_size, any_batch in [*([] if is_fixed else [(True, True)]), (False, True), (False, False)]:
        try:
            exported = _exported(network, channels, (height, width), any_size=any_size, any_batch=any_batch)
        except Exception as error:  # of the exporter, or what a network raises for pictures of another size
            cause = cause or error
            continue
        reason = "" if any_size or is_fixed else NO_OTHER
        return Program(exported, None if any_size else (height, width), any_batch, reason)
    assert cause is not None
    raise ItransError(f"The network cannot be exported. PyTorch says:\n{error_text(cause)}") from cause


def _exported(
    network: Translation, channels: int, fixed: tuple[int, int], *, any_size: bool, any_batch: bool
) -> ExportedProgram:
    multiple, batch = network.size_multiple, Dim("batch", min=1)
    count = max(3, -(-_EXAMPLE // multiple))
    sides = (count * multiple, (count + 2) * multiple) if any_size else fixed
    example = torch.zeros(2 if any_batch else 1, channels, *sides)
    noise = tuple(torch.zeros(len(example), *module.shape) for module in network.feed.modules)
    some = {0: batch} if any_batch else {}
    dynamic: dict[int, Any] = dict(some)
    if any_size:
        dynamic |= {2: multiple * Dim("height", min=1), 3: multiple * Dim("width", min=1)}
    shapes = (dynamic, *([tuple(some for _ in noise)] if noise else []))
    # Without this patch, a graph would not take a picture of the smallest size, whose innermost map is one pixel.
    with sizes.patch(backed_size_oblivious=True), torch.no_grad():  # type: ignore[attr-defined]
        exported = torch.export.export(network, (example, *noise), dynamic_shapes=shapes, strict=False)
        if any_batch:  # some layers lay down that there are several pictures
            exported.module()(torch.zeros(1, channels, *fixed), *(values[:1] for values in noise))
    for node in exported.graph.nodes:
        node.meta.pop("stack_trace", None)  # lines and places of source files on this machine
    return exported
