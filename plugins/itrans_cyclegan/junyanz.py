"""The ResNet generators of pytorch-CycleGAN-and-pix2pix (junyanz), recognised by the names in their state dicts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from itrans.api import CheckpointError, Recognized
from itrans_pix2pix.junyanz import normalization

_FIRST_BLOCK, _AFTER_BLOCKS = 10, 17
"""The number of the first block, and the last convolution's if there were no blocks."""


def resnet(state: Mapping[str, Tensor]) -> Recognized | None:
    """Return which `ResNetGenerator` a state dict is of, or None if it is of something else.

    Dropout has a number of its own in each block, so that the names tell whether there was any.

    Raises:
        CheckpointError: its first or last convolution is missing or is none.
    """
    if not any(name.startswith(f"model.{_FIRST_BLOCK}.conv_block.") for name in state):
        return None
    numbers = [int(found[1]) for name in state if (found := re.match(r"model\.(\d{1,4})\.", name))]
    blocks = max(max(numbers) - _AFTER_BLOCKS, 0)
    second = state.get(f"model.{_FIRST_BLOCK}.conv_block.6.weight")
    has_dropout = second is not None and second.ndim == 4
    names = _names(blocks, has_dropout=has_dropout)
    first, last = (state.get(f"{names[own]}.weight") for own in ("encoder.0", "decoder.4"))
    if blocks < 1 or first is None or last is None or first.ndim != 4 or last.ndim != 4:
        raise CheckpointError("This looks like a ResNet generator, but its first or last convolution is missing.")
    norms = [theirs for own, theirs in names.items() if own.endswith((".1.0", ".3.0", ".5.0", "layers.4"))]
    convolutions = {
        theirs: int(own in {"decoder.0", "decoder.2"})
        for own, theirs in names.items()
        if theirs not in norms and own != "decoder.4"
    }
    norm, state = normalization(state, convolutions, norms)
    arguments = {"blocks": blocks, "filters": first.shape[0], "norm": norm, "dropout": 0.5 if has_dropout else 0.0}
    return Recognized(arguments, first.shape[1], last.shape[0], names, state)


def _names(blocks: int, *, has_dropout: bool) -> dict[str, str]:
    """Return what the file calls each layer; activations, paddings and dropout have numbers there too."""
    names: dict[str, str] = {}
    for position, number in enumerate((1, 4, 7)):
        names |= {f"encoder.{2 * position}": f"model.{number}", f"encoder.{2 * position + 1}.0": f"model.{number + 1}"}
    for block in range(blocks):
        own, theirs = f"blocks.{block}.layers", f"model.{_FIRST_BLOCK + block}.conv_block"
        second = 6 if has_dropout else 5
        names |= {f"{own}.0": f"{theirs}.1", f"{own}.1.0": f"{theirs}.2"}
        names |= {f"{own}.3": f"{theirs}.{second}", f"{own}.4": f"{theirs}.{second + 1}"}
    for position, number in enumerate((_FIRST_BLOCK + blocks, _FIRST_BLOCK + 3 + blocks)):
        names |= {f"decoder.{2 * position}": f"model.{number}", f"decoder.{2 * position + 1}.0": f"model.{number + 1}"}
    return names | {"decoder.4": f"model.{_AFTER_BLOCKS + blocks}"}
