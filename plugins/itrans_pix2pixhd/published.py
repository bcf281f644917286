"""The global generator as NVIDIA's pix2pixHD saves it (`latest_net_G.pth`), recognised by names in its state dict."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from itrans.api import CheckpointError, Recognized

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_BLOCK = re.compile(r"model\.(\d{1,4})\.conv_block\.")
_FIRST_DOWN = 4
"""Before it come padding, the first convolution, its norm and its activation."""


def global_generator(state: Mapping[str, Tensor]) -> Recognized | None:
    """Return which `GlobalGenerator` a state dict is of, or None if it is of something else.

    A generator that halves the picture twice is the ResNet of CycleGAN, and left to that.

    Raises:
        CheckpointError: it has a norm with weights, or lacks its first or last convolution.
    """
    numbers = sorted({int(found[1]) for name in state if (found := _BLOCK.match(name))})
    if not numbers or (numbers[0] - _FIRST_DOWN) % 3 or "model.1.weight" not in state:
        return None
    downsamplings, blocks = (numbers[0] - _FIRST_DOWN) // 3, len(numbers)
    if downsamplings in {0, 2} or numbers != list(range(numbers[0], numbers[0] + blocks)):
        return None
    if "model.2.weight" in state:
        raise CheckpointError(
            "This looks like the global generator of pix2pixHD with a norm that has weights, as --norm batch saves it; "
            "with --norm instance, the default, it can be imported."
        )
    after_blocks = numbers[0] + blocks
    names = {"encoder.0.0": "model.1", "head.0": f"model.{after_blocks + 3 * downsamplings + 1}"}
    for level in range(downsamplings):
        names[f"encoder.{level + 1}.0"] = f"model.{_FIRST_DOWN + 3 * level}"
        names[f"decoder.{level}.0"] = f"model.{after_blocks + 3 * level}"
    for block, number in enumerate(numbers):
        names |= {
            f"blocks.{block}.layers.{own}": f"model.{number}.conv_block.{theirs}" for own, theirs in ((0, 1), (3, 5))
        }
    first, last = (state.get(f"{names[own]}.weight") for own in ("encoder.0.0", "head.0"))
    if first is None or last is None or first.ndim != 4 or last.ndim != 4:
        raise CheckpointError(
            "This looks like the global generator of pix2pixHD, but its first or last convolution is missing."
        )
    arguments = {"filters": first.shape[0], "downsamplings": downsamplings, "blocks": blocks, "norm": "instance"}
    return Recognized(arguments, first.shape[1], last.shape[0], names, state)
