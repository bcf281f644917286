"""Networks that are built for a checkpoint's weights: without others being drawn, and none that are far larger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode

from itrans.errors import CheckpointError

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from torch import Tensor


class FittingNetworks(TorchFunctionMode):
    """Refuses to build networks that are far larger than the states that are to be loaded into them.

    A checkpoint can ask for networks that no memory holds, and that take hours to build.

    Args:
        states: of all networks that are to be built, by name.
        path: the checkpoint, for messages.
    """

    def __init__(self, states: Mapping[str, Mapping[str, Tensor]], path: str | os.PathLike[str]) -> None:
        super().__init__()
        tensors = [tensor for state in states.values() for tensor in state.values() if isinstance(tensor, torch.Tensor)]
        self._path = path
        # Twice as much for weights of half the precision, and twice for what is made on the way.
        self._bytes = 4 * sum(tensor.numel() * tensor.element_size() for tensor in tensors) + _SMALL
        self._calls = 20 * len(tensors) + 10_000

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _MAKING:
            try:
                planned = func(*args, **kwargs | {"device": "meta", "pin_memory": False, "out": None})
                self._bytes -= planned.nbytes
            except (RuntimeError, OverflowError):  # more than there are numbers for
                self._bytes = -1
            self._calls -= 1
            if self._bytes < 0 or self._calls < 0:
                raise CheckpointError(
                    f"{self._path} cannot be used: the networks that its recipe describes are far larger than the "
                    "weights that it holds."
                )
        return func(*args, **kwargs)


_SMALL = 2**31
"""Bytes that any network may take: one may have another in it that no checkpoint holds."""

_MAKING = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn, torch.eye, torch.arange}
"""What the tensors of networks come from."""


class Uninitialised(TorchFunctionMode):
    """Skips the drawing of random initial values, which takes half a second for a U-Net."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _DRAWN_IN_PLACE and isinstance(tensor := args[0] if args else kwargs["tensor"], torch.nn.Parameter):
            return tensor
        return func(*args, **kwargs)


_DRAWN_IN_PLACE = {
    torch.Tensor.normal_,
    torch.Tensor.uniform_,
    torch.nn.init.normal_,
    torch.nn.init.uniform_,
    torch.nn.init.kaiming_uniform_,
}
