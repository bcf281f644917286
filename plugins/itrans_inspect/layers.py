"""A network layer by layer: output shapes, parameters and multiply-adds."""

from __future__ import annotations

import contextlib
import copy
import logging
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.utils.flop_counter import FlopCounterMode

from itrans.api import ItransError, PluginError, scale_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from itrans_inspect.calls import Inputs
    from itrans_inspect.subject import Network

COUNTED = (
    "Multiply-adds of one picture, as PyTorch's FlopCounterMode counts them: of convolutions, matrix products and "
    "attention, without biases; and one for each value that a normalisation puts out. Activations, pooling, resizing "
    "and sums are not counted."
)

_log = logging.getLogger("itrans")

_Result = TypeVar("_Result")

_NORMS = (_NormBase, nn.LayerNorm, nn.GroupNorm)


@dataclass
class Layer:
    """A module that computes something itself.

    Attributes:
        path: of the module in the network.
        kind: its class.
        parameters: its own, in all calls together.
        module: the module.
        shape: of its last output, without the batch; None if it was not called or puts out something else.
        multiply_adds: of all its calls for one picture.
        calls: how often it is called.
        inputs: the tensors of its last call.
        output: of its last call.
    """

    path: str
    kind: str
    parameters: int
    module: nn.Module = field(repr=False)
    shape: tuple[int, ...] | None = None
    multiply_adds: int = 0
    calls: int = 0
    inputs: tuple[Any, ...] = field(default=(), repr=False)
    output: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class Traced:
    """A network that one picture went through.

    Attributes:
        network: the network.
        size: height and width of the picture, a multiple of what the network takes.
        layers: in the order in which they are called; those that are not called come last.
        outputs: the shapes of what it puts out, without the batch.
    """

    network: Network
    size: int
    layers: list[Layer]
    outputs: list[tuple[int, ...]]

    @property
    def parameters(self) -> int:
        """How many parameters the network has, shared ones once."""
        return sum(parameter.numel() for parameter in self.network.module.parameters())

    @property
    def multiply_adds(self) -> int:
        """How many multiply-adds a picture takes; see `COUNTED`."""
        return sum(layer.multiply_adds for layer in self.layers)


def trace(network: Network, size: int) -> Traced:
    """Send a picture without content through a network, and note what each layer makes of it.

    Args:
        network: what to look at, left as it is.
        size: height and width of the picture; rounded up to the network's `size_multiple`.

    Raises:
        ItransError: the network does not take pictures of that size.
    """
    multiple = math.lcm(getattr(network.module, "size_multiple", 1), scale_of(network.module).denominator)
    size += -size % multiple

    def observed(module: nn.Module, inputs: Inputs) -> Traced:
        with _noting_calls(module) as (layers, order):
            outputs = module(*inputs.places, **inputs.named)
        order += [layer for layer in layers if not layer.calls]
        listed = outputs if isinstance(outputs, list | tuple) else [outputs]
        return Traced(network, size, order, [tuple(output.shape[1:]) for output in listed])

    if network.kind is None:
        layers = [_layer(path, module) for path, module in network.module.named_modules() if _computes(module)]
        return Traced(network, size, layers, [])
    return on_meta(network, size, observed)


def on_meta(network: Network, size: int, use: Callable[[nn.Module, Inputs], _Result]) -> _Result:
    """Call a function with a network and its inputs on the device `meta`, which computes shapes alone.

    A network that needs values is used on the CPU instead.

    Raises:
        ItransError: the network does not take pictures of that size.
    """
    try:
        with torch.no_grad():
            return use(_without_values(network.module), network.inputs(size, "meta"))
    except ItransError:
        raise
    except Exception:  # it looks at values, or has something that cannot be copied
        _log.debug("%s needs values to be looked at", network.name)
    try:
        with torch.no_grad():
            return use(network.module, network.inputs(size, "cpu"))
    except ItransError:
        raise
    except Exception as error:  # whatever a network of somebody else's raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise PluginError(
            f"The {network.kind} {type(network.module).__name__} does not take pictures of {size}x{size} ({reason}). "
            "Give it another --size."
        ) from error


def _without_values(module: nn.Module) -> nn.Module:
    """Return a copy whose parameters and buffers have shapes but no memory."""
    memo: dict[int, Any] = {}
    for parameter in module.parameters():
        empty = torch.empty_like(parameter, device="meta")
        memo[id(parameter)] = nn.Parameter(empty, requires_grad=parameter.requires_grad)
    for buffer in module.buffers():
        memo[id(buffer)] = torch.empty_like(buffer, device="meta")
    return copy.deepcopy(module, memo)


@contextlib.contextmanager
def _noting_calls(network: nn.Module) -> Iterator[tuple[list[Layer], list[Layer]]]:
    """Yield all layers, and those that have been called, in the order of their first calls.

    What a module computes between its layers, such as attention's products, makes a layer of it, too.
    """
    layers = {module: _layer(path, module) for path, module in network.named_modules()}
    order: list[Layer] = []

    def note(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        layer = layers[module]
        if not layer.calls:
            order.append(layer)
        layer.calls += 1
        layer.inputs, layer.output = inputs, output
        if isinstance(output, Tensor):
            layer.shape = tuple(output.shape[1:])
            layer.multiply_adds += output.numel() if isinstance(module, _NORMS) else 0

    handles = [module.register_forward_hook(note) for module in layers]
    computing = {layer.path: layer for module, layer in layers.items() if _computes(module)}
    try:
        with FlopCounterMode(display=False) as counter:
            yield [*computing.values()], order
    finally:
        for handle in handles:
            handle.remove()
    _count(network, layers, counter)
    order[:] = [layer for layer in order if layer.path in computing or layer.multiply_adds]


def _count(network: nn.Module, layers: dict[nn.Module, Layer], counter: FlopCounterMode) -> None:
    """Add to each layer what was counted in it and in none of the modules within it."""
    flops = {name: sum(kinds.values()) for name, kinds in counter.get_flop_counts().items()}
    root = type(network).__name__
    named = {f"{root}.{path}".rstrip("."): layers[module] for path, module in network.named_modules()}
    for name, layer in named.items():
        layer.multiply_adds += flops.get(name, 0) // 2
        around = name.rpartition(".")[0]
        while around and around not in flops:  # a list of modules is never called itself
            around = around.rpartition(".")[0]
        if around:
            named[around].multiply_adds -= flops.get(name, 0) // 2


def _computes(module: nn.Module) -> bool:
    """Whether a module is no mere container; placeholders that do nothing are left out."""
    if isinstance(module, nn.Identity):
        return False
    return not list(module.children()) or any(True for _ in module.parameters(recurse=False))


def _layer(path: str, module: nn.Module) -> Layer:
    own = sum(parameter.numel() for parameter in module.parameters(recurse=False))
    return Layer(path or "(itself)", type(module).__name__, own, module)
