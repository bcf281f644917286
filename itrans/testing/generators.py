"""What a generator must be."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans.networks.padding import apply_generator
from itrans.networks.test_mode import test_mode
from itrans.testing.attributes import multiple_faults
from itrans.testing.findings import REFUSALS
from itrans.testing.networks import (
    SIZES,
    built,
    check_gradients,
    check_half,
    check_initialize,
    check_memory,
    check_state,
    close,
    draws,
    first_size,
    first_usable,
    pictures,
    seeded,
)
from itrans.testing.surroundings import check_seeding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from itrans.networks.test_mode import Mode
    from itrans.testing.findings import Findings

_CHANNELS = ((3, 3), (1, 3), (3, 1), (4, 4), (1, 1))
_SLACK = 1.001
"""How far an output may reach: rounding may carry what was clipped or squashed a little over 1."""


def check(
    findings: Findings,
    component: Callable[..., Any],
    arguments: dict[str, Any],
    given: Mapping[str, Any],
    size: int | None,
) -> None:
    """Note what is wrong with a generator.

    Args:
        findings: where faults go.
        component: the generator's class.
        arguments: a recipe's.
        given: those of the offered arguments that are not to be varied.
        size: the height and width to try, instead of several.
    """
    tried = dict.fromkeys((given.get("in_channels", i), given.get("out_channels", o)) for i, o in _CHANNELS)
    usable = first_usable(
        findings,
        component,
        arguments,
        [{"in_channels": i, "out_channels": o} for i, o in tried],
        lambda network, channels: _check_shapes(findings, network, channels, size),
    )
    if usable is None:
        return
    offered, side = usable

    def make(seed: int | None = 0, *, initialize: bool = True) -> Any:
        return built(component, arguments, {**offered, "initialize": initialize}, seed)

    network = make()
    channels = offered["in_channels"]
    source = pictures(channels, side, side, seed=1)
    _check_other_sizes(findings, network, channels, side)
    with findings.trying("Its backward pass"):
        check_gradients(findings, network.train(), [seeded(0, lambda: network(source))])
    with findings.trying("Built and used again, it"):
        first, second = (seeded(2, lambda: make().train()(source)) for _ in range(2))
        findings.expect(
            torch.equal(first, second),
            "Built and used twice from one seed, it should give one output, and gives two: what is random in it is "
            "drawn from torch, or from itrans.api.Noise.",
        )
        check_seeding(findings, lambda: make(None).train()(source))
    check_state(findings, network, lambda: make(3, initialize=False), lambda made: _translated(made, "running", source))
    check_initialize(findings, component, network, lambda: make(initialize=False))
    _check_test_modes(findings, network, source)
    with findings.trying("Copied with copy.deepcopy(), as averaged weights are, it"):
        copy.deepcopy(network)


def _check_shapes(findings: Findings, network: Any, channels: dict[str, int], size: int | None) -> int:
    """Translate 2 pictures and 1, of the first size that the network does not refuse, and return that."""
    multiple = getattr(network, "size_multiple", 1)
    if found := multiple_faults(multiple):
        findings.faults += found
        return SIZES[0]
    taken, made = channels["in_channels"], channels["out_channels"]
    sizes = [math.ceil(side / multiple) * multiple for side in ([size] if size else SIZES)]

    def attempt(side: int) -> None:
        _check_output(findings, network, pictures(taken, side, side), made)
        if not findings.faults:  # of one small picture, batch normalisation may have a single value
            _check_output(findings, network, pictures(taken, side, side, count=1), made)

    return first_size(sizes, attempt)


def _check_output(findings: Findings, network: Any, source: Tensor, out_channels: int) -> None:
    with torch.no_grad():
        output = network.train()(source)
    wanted = (len(source), out_channels, *source.shape[2:])
    if not findings.expect(
        isinstance(output, Tensor), f"It should return a tensor, and returns {type(output).__name__}."
    ):
        return
    findings.expect(
        tuple(output.shape) == wanted,
        f"Of a source {tuple(source.shape)} (N, C, H, W) it should make {wanted}, and makes {tuple(output.shape)}. "
        f"(Height and width are made multiples of its size_multiple, {getattr(network, 'size_multiple', 1)}.)",
    )
    findings.expect(output.dtype == torch.float32, f"Its output should be float32, and is {output.dtype}.")
    if findings.expect(bool(output.isfinite().all()), "Its output should be finite, and is not."):
        largest = float(output.abs().max())
        findings.expect(
            largest <= _SLACK, f"Its output should be in [-1, 1], and reaches {largest:.3g}: is there no tanh?"
        )


def _check_other_sizes(findings: Findings, network: Any, channels: int, side: int) -> None:
    for height, width in ((side + 1, side), (side - 3, 2 * side - 5)):
        with findings.trying(f"Padded to its size_multiple, a picture of {width}x{height} (width x height)"):
            source = pictures(channels, height, width)
            try:
                with torch.no_grad():
                    shape = tuple(apply_generator(network, source).shape)
            except REFUSALS:
                continue
            findings.expect(
                shape[2:] == (height, width),
                f"Of a picture of {width}x{height} it should make one of that size, and makes {shape[3]}x{shape[2]}.",
            )


def _check_test_modes(findings: Findings, network: Any, source: Tensor) -> None:
    """Translate as `itrans translate` does, in both of its modes."""
    modes: tuple[Mode, ...] = ("running", "paper")
    for mode in modes:
        with findings.trying(f"In the mode {mode} it"):
            expected, again = (_translated(network, mode, source) for _ in range(2))
            findings.expect(
                torch.equal(expected, again),
                f"In the mode {mode} it should give one output for one source and seed, and gives two.",
            )
            with test_mode([network], mode, 0):
                alone = network(source[:1])
                random = draws(lambda: network(source))
            findings.expect(
                random or close(expected[:1], alone, 1e-3),
                f"In the mode {mode} a picture's output should not depend on the others in the batch, and does.",
            )
    with findings.trying("In the mode running it"):
        expected = _translated(network, "running", source)
        with test_mode([network], "running", 0):
            random = draws(lambda: network(source))
        comparable = None if random else expected
        check_memory(findings, network, [source], lambda net, x: _translated(net, "running", x), comparable)
        check_half(findings, network, [source], lambda net, x: _translated(net, "running", x), expected)


def _translated(network: Any, mode: Mode, source: Tensor) -> Tensor:
    with test_mode([network], mode, 0):
        output: Tensor = network(source)
    return output
