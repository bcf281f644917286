"""The part of a picture that one logit of a discriminator sees: computed for a chain of convolutions, else measured."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from itrans.api import PluginError
from itrans_inspect import chains

if TYPE_CHECKING:
    from collections.abc import Iterator

    from itrans_inspect.layers import Traced
    from itrans_inspect.subject import Network

_LARGEST = 1024
_PICTURES = 4
"""Random pictures whose gradients are joined: an activation that is off in one is on in another."""

_POINTWISE = (
    nn.LeakyReLU, nn.ReLU, nn.ELU, nn.GELU, nn.SiLU, nn.PReLU, nn.Tanh, nn.Sigmoid, nn.Softplus,
    nn.modules.dropout._DropoutNd, _NormBase, nn.GroupNorm,
)  # fmt: skip


@dataclass(frozen=True)
class Field:
    """The patches that the logits of one map judge.

    Attributes:
        width: of a patch in pixels, or None where it is the whole picture, whatever its size.
        logits: how many there are along one side of the map.
        spacing: by how many pixels neighbouring patches are apart.
        origin: where the first patch begins, in pixels from the picture's edge.
        is_measured: whether it was found by gradients, not by arithmetic.
    """

    width: int | None
    logits: int
    spacing: float
    origin: float
    is_measured: bool


def chain_of(traced: Traced) -> list[chains.Convolution] | None:
    """Return a discriminator's convolutions where each layer takes just what the one before it puts out, else None."""
    network = traced.network
    found: list[chains.Convolution] = []
    before: Any = None
    for layer in traced.layers:
        if layer.calls != 1 or len(layer.inputs) != 1 or (before is not None and layer.inputs[0] is not before):
            return None
        if before is None:
            whole = (network.in_channels + network.condition_channels, traced.size, traced.size)
            if tuple(layer.inputs[0].shape[1:]) != whole:
                return None
        before, module = layer.output, layer.module
        if isinstance(module, nn.Conv2d):
            conv = _convolution(module)
            if conv is None:
                return None
            found.append(conv)
        elif not isinstance(module, _POINTWISE) or not found:
            return None
    is_whole = before is not None and traced.outputs == [tuple(before.shape[1:])]
    return found if is_whole else None


def _convolution(module: nn.Conv2d) -> chains.Convolution | None:
    """Return a convolution that treats both sides and all channels alike, or None."""
    if module.groups != 1 or set(module.dilation) != {1} or isinstance(module.padding, str):
        return None
    shape = {(module.kernel_size[side], module.stride[side], module.padding[side]) for side in (0, 1)}
    if len(shape) != 1:
        return None
    [(kernel, stride, padding)] = shape
    return chains.Convolution(kernel, stride, int(padding))


def fields_of(traced: Traced) -> list[Field]:
    """Return the patches of each of a discriminator's maps of logits, the first map first.

    A normalisation's statistics, which are of the whole picture, are no part of a patch.

    Raises:
        PluginError: the network fails where gradients are wanted.
    """
    chain = chain_of(traced)
    if chain is not None:
        logits = chains.output_size(chain, traced.size)
        return [Field(chains.receptive_field(chain), logits, chains.spacing(chain), chains.origin(chain), False)]
    try:
        return [_measured_field(traced.network, traced.size, number) for number in range(len(traced.outputs))]
    except Exception as error:  # whatever a network of somebody else's raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        kind = type(traced.network.module).__name__
        raise PluginError(f"What a logit of the discriminator {kind} sees cannot be measured: {reason}") from error


def _measured_field(network: Network, size: int, number: int) -> Field:
    """Return a map's patches by the pixels that have a gradient, on pictures large enough to hold one."""
    first = found = _support(network, size, number)
    while found.is_cut_off and found.size < _LARGEST:
        try:
            found = _support(network, 2 * found.size, number)
        except Exception:  # it takes pictures of no other size
            break
    if found.is_cut_off:
        return Field(None, first.logits, size / first.logits, 0.0, True)
    apart = found.low - found.low_before
    return Field(found.high - found.low + 1, first.logits, apart, found.low - found.column * apart, True)


@dataclass(frozen=True)
class _Support:
    """The columns that a central logit depends on, `low` to `high`, and where those of the logit before it begin."""

    size: int
    logits: int
    column: int
    low: int
    high: int
    low_before: int

    @property
    def is_cut_off(self) -> bool:
        """Whether the picture's edge may have cut off some of them."""
        return self.low_before == 0 or self.high == self.size - 1


def _support(network: Network, size: int, number: int) -> _Support:
    used = torch.zeros(2, size, dtype=torch.bool)
    generator = torch.Generator().manual_seed(0)
    with torch.enable_grad(), _without_statistics(network.module):
        for _ in range(_PICTURES):
            given = network.inputs(size, "cpu")
            places = [_noise(value, size, generator) for value in given.places]
            named = {name: _noise(value, size, generator) for name, value in given.named.items()}
            inputs = [value for value in (*places, *named.values()) if _is_picture(value, size)]
            # Copies, as a network may write over what it is given.
            outputs = network.module(*map(_copy, places), **{name: _copy(value) for name, value in named.items()})
            logits = (outputs if isinstance(outputs, list | tuple) else [outputs])[number]
            row, column = (side // 2 for side in logits.shape[-2:])
            for place, which in enumerate((column, max(0, column - 1))):
                value = logits[..., row, which].sum()
                for gradient in torch.autograd.grad(value, inputs, allow_unused=True, retain_graph=True):
                    if gradient is not None:
                        used[place] |= gradient.ne(0).any(dim=2).flatten(0, 1).any(dim=0)
    columns, before = (line.nonzero().flatten().tolist() for line in used)
    if not columns or not before:  # it judges nothing but its own weights
        columns = before = [0, size - 1]
    return _Support(size, logits.shape[-1], column, columns[0], columns[-1], before[0])


def _is_picture(value: Any, size: int) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.ndim == 4 and value.shape[-1] == size


def _noise(value: Any, size: int, generator: torch.Generator) -> Any:
    """Return noise from -1 to 1 in place of a picture; other values as they are."""
    if not _is_picture(value, size):
        return value
    return torch.rand(value.shape, generator=generator).mul_(2).sub_(1).requires_grad_()


def _copy(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


@contextlib.contextmanager
def _without_statistics(module: nn.Module) -> Iterator[None]:
    """Let normalisations pass on what they are given: their statistics would make every pixel count."""

    def passed_on(_module: nn.Module, inputs: tuple[Tensor, ...], _output: Tensor) -> Tensor:
        return inputs[0]

    norms = [part for part in module.modules() if isinstance(part, _NormBase | nn.GroupNorm)]
    handles = [part.register_forward_hook(passed_on) for part in norms]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
