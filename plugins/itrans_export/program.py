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

from itrans.api import ItransError, error_text
from itrans_export.layers import noise_of, write_mode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from torch.export import ExportedProgram

    from itrans.commands import Translator

_EXAMPLE = 64
"""The shorter side, at least, of the picture that is traced. Nothing is computed with it."""

_LONGEST_REASON = 200


class Translation(nn.Module):
    """What a method's `translate` does, as one network: sources and noise `(N, ...)` to outputs, all in [-1, 1].

    Args:
        translator: whose layers have been made exportable, see `write_mode`.
        direction: of the translator.
        drawn: what random layers draw.
    """

    def __init__(self, translator: Translator, direction: str, drawn: Sequence[Mapping[Any, Tensor]] = ()) -> None:
        super().__init__()
        networks = translator.generators
        self.feed = noise_of(networks.values())
        write_mode(networks.values(), translator.mode, self.feed, drawn)
        for name, network in networks.items():
            self.add_module(name.replace(".", "_"), network.requires_grad_(False))
        self._translate = functools.partial(translator.method.translate, direction=direction)

    @property
    def size_multiple(self) -> int:
        """Of which height and width are multiples."""
        return math.lcm(*(int(getattr(network, "size_multiple", 1)) for network in self.children()))

    def forward(self, source: Tensor, *noise: Tensor) -> Tensor:
        """Translate `(N, C, H, W)`; height and width are multiples of `size_multiple`."""
        self.feed.values = dict(zip(self.feed.modules, noise, strict=True))
        try:
            return self._translate(source)
        finally:
            self.feed.values = {}


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


def program_of(
    network: Translation, channels: int, fixed: tuple[int, int], *, is_fixed: bool, reason: str = ""
) -> Program:
    """Return the graph that takes the most sizes, of those that can be made of a network.

    Args:
        network: what is exported.
        channels: how many planes its sources have.
        fixed: a height and a width that will do where it does not take any.
        is_fixed: whether to try no other.
        reason: why not, where nobody has asked for it.

    Raises:
        ItransError: it cannot be exported at all.
    """
    multiple = network.size_multiple
    height, width = (-(-side // multiple) * multiple for side in fixed)
    plans: list[tuple[int | None, bool]] = [*([] if is_fixed else [(1, True), (2, True)]), (None, True), (None, False)]
    cause: Exception | None = None
    for least, any_batch in plans:
        try:
            exported = _exported(network, channels, (height, width), least, any_batch=any_batch)
        except Exception as error:  # of the exporter, or what a network raises for pictures of another size
            cause = cause or error
            continue
        if cause is not None and least is None:
            reason = _in_short(cause)
        return Program(exported, (height, width) if least is None else None, any_batch, reason)
    assert cause is not None
    raise ItransError(f"The network cannot be exported: PyTorch says of it:\n{error_text(cause)}") from cause


def _exported(
    network: Translation, channels: int, fixed: tuple[int, int], least: int | None, *, any_batch: bool
) -> ExportedProgram:
    multiple, batch = network.size_multiple, Dim("batch", min=1)
    count = max(3, -(-_EXAMPLE // multiple))
    sides = fixed if least is None else (count * multiple, (count + 2) * multiple)
    example = torch.zeros(2 if any_batch else 1, channels, *sides)
    noise = tuple(torch.zeros(len(example), *module.shape) for module in network.feed.modules)
    some = {0: batch} if any_batch else {}
    dynamic: dict[int, Any] = dict(some)
    if least is not None:
        dynamic |= {2: multiple * Dim("height", min=least), 3: multiple * Dim("width", min=least)}
    shapes = (dynamic, *([tuple(some for _ in noise)] if noise else []))
    # Without this patch, a graph would not take a picture of the smallest size, whose innermost map is one pixel.
    with sizes.patch(backed_size_oblivious=True), torch.no_grad():  # type: ignore[attr-defined]
        exported = torch.export.export(network, (example, *noise), dynamic_shapes=shapes, strict=False)
        if any_batch:  # some layers lay down that there are several pictures
            exported.module()(example[:1], *(values[:1] for values in noise))
    return exported


def _in_short(error: Exception) -> str:
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return line if len(line) <= _LONGEST_REASON else f"{line[:_LONGEST_REASON]}..."
