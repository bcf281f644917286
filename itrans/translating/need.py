"""How much memory a picture takes to be translated, measured on a small one."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from itrans.pictures.room import free_memory

if TYPE_CHECKING:
    from collections.abc import Callable

    from itrans.protocols import ImageArray

_PROBE = 256
"""The side of the picture on which memory is measured: what most generators pad smaller ones to."""

SCRATCH = 1.5
"""By how much a computation takes more than its tensors, at most: convolutions copy what they read into other orders.
Measured on the CPU, in fp32 and bf16, of U-Net, ResNet, pix2pixHD's and timm's generators: 1.0 to 1.6 times."""


class _LiveBytes(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts how many bytes of tensors are alive at once, at most, of those that are made under it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._counted: set[int] = set()
        self._now, self.most = 0, 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if not isinstance(tensor, torch.Tensor):
                continue
            storage = tensor.untyped_storage()
            if storage._cdata not in self._counted:
                self._counted.add(storage._cdata)
                self._now += storage.nbytes()
                self.most = max(self.most, self._now)
                weakref.finalize(storage, self._forget, storage._cdata, storage.nbytes())
        return result

    def _forget(self, key: int, size: int) -> None:
        self._counted.discard(key)
        self._now -= size


def memory_of(computation: Callable[[], object]) -> int:
    """Return about how many bytes a computation takes, above what is there before it."""
    with _LiveBytes() as live:
        computation()
    return int(live.most * SCRATCH)


class Need:
    """The memory that translating takes: measured once for each direction and type of picture."""

    def __init__(self, translate: Callable[[ImageArray, str | None], object]) -> None:
        self._translate = translate
        self._per_pixel: dict[tuple[str | None, int, str], float] = {}

    def of(self, image: ImageArray, direction: str | None) -> float:
        """Return about how many bytes a picture takes; only its shape and type matter."""
        channels = image.shape[2]
        key = direction, channels, image.dtype.name
        if key not in self._per_pixel:
            small = np.zeros((_PROBE, _PROBE, channels), image.dtype)
            self._translate(small, direction)  # what is made once, such as weights of another type, is there
            self._per_pixel[key] = memory_of(lambda: self._translate(small, direction)) / _PROBE**2
        return float(self._per_pixel[key] * image.size / channels)


def free_memory_of(device: torch.device) -> int | None:
    """Return how many bytes are free on a device; None if that is unknown."""
    if device.type == "cuda":
        unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + unused
    return free_memory() if device.type == "cpu" else None
