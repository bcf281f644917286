"""The ResNet generators of pytorch-CycleGAN-and-pix2pix (junyanz), recognised by the names in their state dicts."""

from __future__ import annotations

import re
from collections.abc import Mapping

from torch import Tensor

from itrans.api import CheckpointError, Recognized
from itrans_pix2pix.junyanz import normalization


def resnet(state: Mapping[str, Tensor]) -> Recognized | None:
    """Return which `ResNetGenerator` a state dict is of, or None if it is of something else.

    Dropout has a number of its own in each block, and so has padding other than by zeros, so that the names tell
    whether there was any.

    Raises:
        CheckpointError: its first or last convolution is missing or is none.
    """
    padded = "model.0.weight" not in state
    first_block = f"model.{9 + padded}.conv_block"
    if not any(name.startswith(f"{first_block}.") for name in state):
        return None
    block_padded = f"{first_block}.0.weight" not in state
    second = state.get(f"{first_block}.{4 + 2 * block_padded}.weight")
    has_dropout = second is not None and second.ndim == 4
    numbers = [int(found[1]) for name in state if (found := re.match(r"model\.(\d{1,4})\.", name))]
    blocks = max(max(numbers) - 15 - 2 * padded, 0)
    names = _names(blocks, padded=padded, block_padded=block_padded, has_dropout=has_dropout)
    first, last = (state.get(f"{names[own]}.weight") for own in ("encoder.0", "decoder.4"))
    if blocks < 1 or first is None or last is None or first.ndim != 4 or last.ndim != 4:
        raise CheckpointError("This looks like a ResNet generator, but its first or last convolution is missing.")
    norms = [theirs for own, theirs in names.items() if own.endswith((".1.0", ".3.0", ".5.0", "layers.4"))]
    convolutions = [theirs for own, theirs in names.items() if theirs not in norms and own != "decoder.4"]
    normalized = normalization(state, convolutions, norms, likely="instance_affine")
    arguments = {
        "blocks": blocks,
        "filters": first.shape[0],
        "norm": normalized.norm,
        "dropout": 0.5 if has_dropout else 0.0,
        "bias": normalized.bias,
        "padding": "reflect" if padded else "zeros",
        "block_padding": "reflect" if block_padded else "zeros",
    }
    return Recognized(arguments, first.shape[1], last.shape[0], names, state, normalized.assumed)


def _names(blocks: int, *, padded: bool, block_padded: bool, has_dropout: bool) -> dict[str, str]:
    """Return what the file calls each layer; activations, paddings and dropout have numbers there too."""
    names: dict[str, str] = {}
    for position, number in enumerate((int(padded), 3 + padded, 6 + padded)):
        names |= {f"encoder.{2 * position}": f"model.{number}", f"encoder.{2 * position + 1}.0": f"model.{number + 1}"}
    for block in range(blocks):
        own, theirs = f"blocks.{block}.layers", f"model.{9 + padded + block}.conv_block"
        first = int(block_padded)
        second = first + 3 + has_dropout + block_padded
        names |= {f"{own}.0": f"{theirs}.{first}", f"{own}.1.0": f"{theirs}.{first + 1}"}
        names |= {f"{own}.3": f"{theirs}.{second}", f"{own}.4": f"{theirs}.{second + 1}"}
    after_blocks = 9 + padded + blocks
    for position, number in enumerate((after_blocks, after_blocks + 3)):
        names |= {f"decoder.{2 * position}": f"model.{number}", f"decoder.{2 * position + 1}.0": f"model.{number + 1}"}
    return names | {"decoder.4": f"model.{after_blocks + 6 + padded}"}
