"""The way of a picture through a network: which values are made from which others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from itrans_inspect.layers import on_meta

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itrans_inspect.calls import Inputs
    from itrans_inspect.subject import Network

_JOINS = {"cat": "concatenation", "concat": "concatenation", "concatenate": "concatenation"}
_SUMS = {"add", "add_", "__add__", "__radd__", "__iadd__"}
_POOLS = {
    "max_pool2d": "max-pool", "avg_pool2d": "mean-pool", "adaptive_avg_pool2d": "mean-pool",
    "adaptive_max_pool2d": "max-pool",
}  # fmt: skip
_CONVS = {"conv1d", "conv2d", "conv3d"}
_TRANSPOSED = {"conv_transpose1d", "conv_transpose2d", "conv_transpose3d"}


@dataclass
class Value:
    """A tensor that a function made of others.

    Attributes:
        shape: without the batch.
        inputs: what it was made of, as far as the picture has a part in it.
        depth: how many functions the longest way from the picture to it has.
        operation: what made it, in words; empty for what changes no size by design, such as an activation.
        kind: `conv`, `transposed`, `linear`, `pool`, `resize`, `concatenation`, `sum`, or empty.
        call: which of the calls that something made of the picture is given to has made it, and its place among what
            that call returns: the same whenever the network is run in the same way.
    """

    shape: tuple[int, ...]
    inputs: list[Value] = field(default_factory=list, repr=False)
    depth: int = 0
    operation: str = ""
    kind: str = ""
    call: tuple[int, int] = (-1, 0)

    @property
    def main(self) -> Value | None:
        """What it was made of by the longest way; a gate of fewer values, such as an attention's, is not looked at."""
        largest = max((_numel(value) for value in self.inputs), default=0)
        full = [value for value in self.inputs if self.kind == "concatenation" or _numel(value) == largest]
        return max(full, key=lambda value: value.depth, default=None)

    def way(self) -> list[Value]:
        """Return the main way from the picture to this value, both included."""
        found: list[Value] = []
        value: Value | None = self
        while value is not None:
            found.append(value)
            value = value.main
        return found[::-1]


def _numel(value: Value) -> int:
    total = 1
    for side in value.shape:
        total *= side
    return total


def flow_of(network: Network, size: int) -> Value | None:
    """Return a generator's output with all that it was made of; None if the source has no part in it.

    Args:
        network: a generator.
        size: height and width of its source, a multiple of what it takes.

    Raises:
        ItransError: the network does not take pictures of that size.
    """

    def followed(module: nn.Module, inputs: Inputs) -> Value | None:
        following = Following(inputs.places[0])
        with following:
            output = module(*inputs.places, **inputs.named)
        return following.value_of(output)

    return on_meta(network, size, followed)


class Following(TorchFunctionMode):
    """Notes every function of torch that is called on something that was made of the picture."""

    def __init__(self, picture: Tensor) -> None:
        super().__init__()
        # The tensors are kept, lest another one gets the identity of one that is gone.
        self._known: dict[int, tuple[Tensor, Value]] = {id(picture): (picture, Value(tuple(picture.shape[1:])))}
        self._calls = 0

    def value_of(self, tensor: Any) -> Value | None:
        """Return what is known of a tensor."""
        return self._known[id(tensor)][1] if id(tensor) in self._known else None

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        inputs = [value for tensor in _tensors((args, kwargs)) if (value := self.value_of(tensor)) is not None]
        if not inputs:
            return func(*args, **kwargs)
        result = func(*self.arguments(self._calls, args), **self.arguments(self._calls, kwargs))
        kind, operation = _operation(getattr(func, "__name__", ""), args, kwargs)
        for place, tensor in enumerate(_tensors(result)):
            depth = max(value.depth for value in inputs) + 1
            value = Value(tuple(tensor.shape[1:]), inputs, depth, operation, kind, (self._calls, place))
            self._known[id(tensor)] = tensor, value
            self.note(value, tensor)
        self._calls += 1
        return result

    def arguments(self, call: int, given: Any) -> Any:
        """Return what a call is given, positions or names, in place of what the network gives it: here, the same."""
        return given

    def note(self, value: Value, tensor: Tensor) -> None:
        """Take note of what a call has made; a later one may write over the tensor."""


def _tensors(structure: Any) -> Iterator[Tensor]:
    if isinstance(structure, Tensor):
        yield structure
    elif isinstance(structure, dict):
        yield from _tensors(list(structure.values()))
    elif isinstance(structure, list | tuple):
        for part in structure:
            yield from _tensors(part)


def _operation(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, str]:
    """Return the kind of a function, and what it does in words."""
    if name in _CONVS | _TRANSPOSED:
        weight = kwargs.get("weight", args[1] if len(args) > 1 else None)
        stride = kwargs.get("stride", args[3] if len(args) > 3 else 1)
        kernel = "x".join(str(side) for side in weight.shape[2:]) if isinstance(weight, Tensor) else ""
        kind = "transposed" if name in _TRANSPOSED else "conv"
        words = "transposed conv" if kind == "transposed" else "conv"
        return kind, f"{words} {kernel}{_with_stride(stride)}"
    if name == "linear":
        return "linear", "linear"
    if name in _POOLS:
        kernel = kwargs.get("kernel_size", args[1] if len(args) > 1 else 2)
        words = _POOLS[name] if name.startswith("adaptive") else f"{_POOLS[name]} {_side(kernel)}x{_side(kernel)}"
        return "pool", words
    if name == "interpolate":
        return "resize", f"resize ({kwargs.get('mode', 'nearest')})"
    if name in {"pixel_shuffle", "pixel_unshuffle"}:
        return "resize", name.replace("_", " ")
    if name in _JOINS:
        dim = kwargs.get("dim", args[1] if len(args) > 1 else 0)
        return ("concatenation", "concatenation") if dim in (1, -3) else ("", "")
    return ("sum", "sum") if name in _SUMS else ("", "")


def _with_stride(stride: Any) -> str:
    return f", stride {_side(stride)}" if _side(stride) != 1 else ""


def _side(size: Any) -> int:
    return int(size[0]) if isinstance(size, list | tuple | torch.Size) else int(size)
