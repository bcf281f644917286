"""What a generator must be."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from itrans.engine.inference import test_mode
from itrans.methods.padding import apply_generator
from itrans.registry import accepted
from itrans.testing.findings import Findings, built, check_gradients, check_state, close, seeded

if TYPE_CHECKING:
    from collections.abc import Callable

_SMALLEST = 32
_CHANNELS = ((3, 3), (1, 3), (4, 1))


def faults(component: Callable[..., Any], arguments: dict[str, Any]) -> list[str]:
    """Return what is wrong with a generator."""
    findings = Findings()
    for channels in _CHANNELS:
        what = f"in_channels = {channels[0]}, out_channels = {channels[1]}"
        with findings.trying(f"Building it with {what}, and translating,"):
            _check_shape(findings, _built(component, arguments, channels), channels)
    if findings.faults:
        return findings.faults
    network = _built(component, arguments)
    size = _size(network)
    source = seeded(1, lambda: torch.rand(2, 3, size, size) * 2 - 1)
    _check_sizes(findings, network, size)
    check_gradients(findings, network.train(), [network(source)])
    with findings.trying("Running it twice from one seed"):
        first, second = (seeded(2, lambda: _built(component, arguments).train()(source)) for _ in range(2))
        findings.expect(torch.equal(first, second), "Built and run twice from one seed, it gives two outputs.")
    check_state(findings, network, _built(component, arguments, seed=3), lambda made: made(source))
    _check_numerics(findings, network, source)
    with findings.trying("Copying it with copy.deepcopy, as averaged weights do,"):
        copy.deepcopy(network)
    if "initialize" in accepted(component, {"initialize": False}):
        with findings.trying("Building it with initialize = False"):
            bare = _built(component, arguments, initialize=False).state_dict()
            wanted = {name: value.shape for name, value in network.state_dict().items()}
            same = {name: value.shape for name, value in bare.items()} == wanted
            findings.expect(same, "With initialize = False it has other weights than with True; a checkpoint must fit.")
    return findings.faults


def _built(
    component: Callable[..., Any],
    arguments: dict[str, Any],
    channels: tuple[int, int] = (3, 3),
    *,
    initialize: bool = True,
    seed: int = 0,
) -> Any:
    offered = {"in_channels": channels[0], "out_channels": channels[1], "initialize": initialize}
    network = (
        seeded(seed, lambda: component(**accepted(component, offered), **arguments))
        if seed
        else built(component, arguments, **offered)
    )
    if not isinstance(network, nn.Module):
        raise TypeError(f"a generator is a torch.nn.Module, and this is {type(network).__name__}")
    return network


def _size(network: Any) -> int:
    multiple = getattr(network, "size_multiple", 1)
    return math.ceil(_SMALLEST / multiple) * multiple


def _check_shape(findings: Findings, network: Any, channels: tuple[int, int]) -> None:
    size = _size(network)
    source = torch.rand(1, channels[0], size, size) * 2 - 1
    with torch.no_grad():
        output = network.train()(source)
    wanted = (1, channels[1], size, size)
    if not findings.expect(isinstance(output, Tensor), f"It returns {type(output).__name__}; it should be a tensor."):
        return
    findings.expect(
        tuple(output.shape) == wanted,
        f"Of a source {tuple(source.shape)} it makes {tuple(output.shape)}; (N, C, H, W) should be {wanted}. Its "
        f"height and width here are multiples of its size_multiple ({getattr(network, 'size_multiple', 1)}).",
    )
    findings.expect(bool(output.isfinite().all()), "Its output is not finite.")
    largest = float(output.abs().max())
    findings.expect(largest <= 1.001, f"Its output reaches {largest:.3g}; pictures are in [-1, 1]. Does a tanh lack?")


def _check_sizes(findings: Findings, network: Any, size: int) -> None:
    for height, width in ((size + 1, size), (size - 3, 2 * size - 5)):
        source = torch.rand(1, 3, height, width) * 2 - 1
        with (
            findings.trying(f"Translating a picture of {width}x{height}, padded to its size_multiple,"),
            torch.no_grad(),
        ):
            shape = tuple(apply_generator(network, source).shape)
            findings.expect(
                shape[2:] == (height, width), f"Of a picture of {width}x{height} it makes {shape[3]}x{shape[2]}."
            )


def _check_numerics(findings: Findings, network: Any, source: Tensor) -> None:
    with test_mode([network], "running", 0):
        with findings.trying("Translating"):
            expected, again = network(source), network(source)
            findings.expect(torch.equal(expected, again), "In evaluation mode it gives two outputs for one source.")
        with findings.trying("Translating pictures that lie channels last in memory"):
            lying = network(source.contiguous(memory_format=torch.channels_last))
            findings.expect(close(expected, lying, 1e-3), "Of pictures that lie channels last it makes something else.")
        with findings.trying("Translating in bf16 (torch.autocast)"), torch.autocast("cpu", torch.bfloat16):
            output = network(source)
            findings.expect(bool(output.isfinite().all()), "In bf16 its output is not finite.")
            findings.expect(output.shape == expected.shape, "In bf16 its output has another shape.")
