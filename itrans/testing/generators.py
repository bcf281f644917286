"""What a generator must be."""

from __future__ import annotations

import copy
import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans.networks.padding import apply_generator, multiple_of
from itrans.networks.test_mode import MODES, test_mode
from itrans.scales import scale_of, scaled
from itrans.testing.findings import REFUSALS
from itrans.testing.networks import (
    SIZES,
    NetworkCheck,
    check_gradients,
    close,
    draws,
    first_size,
    make_seeded,
    pictures,
)
from itrans.testing.static import multiple_faults, scale_faults
from itrans.testing.surroundings import unchanged_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itrans.networks.test_mode import Mode
    from itrans.testing.findings import Findings

_SLACK = 1.001
"""How far an output may reach: rounding may carry what was clipped or squashed a little over 1."""


def check(findings: Findings) -> None:
    """Note what is wrong with a generator."""
    _GeneratorCheck(findings).check()


class _GeneratorCheck(NetworkCheck):
    offered = ("in_channels", "out_channels")
    channels = ((3, 3), (1, 3), (3, 1), (4, 4), (1, 1))
    differs = "give one output, but gives two: what is random in it is drawn from torch, or from itrans.api.Noise."

    def inputs(self, channels: Sequence[int], height: int, width: int, count: int = 2) -> tuple[Tensor]:
        return (pictures(channels[0], height, width, count=count, seed=1),)

    def look(self, network: Any, channels: Sequence[int]) -> int:
        """Translate 2 pictures and 1, of the first size that the network does not refuse, and return that."""
        if found := [*multiple_faults(getattr(network, "size_multiple", 1)), *scale_faults(network)]:
            self.findings.faults += found
            return SIZES[0]
        multiple = multiple_of(network)

        def attempt(side: int) -> None:
            self._check_output(network, *self.inputs(channels, side, side), channels[1])
            if not self.findings.faults:  # of one small picture, batch normalisation may have a single value
                self._check_output(network, *self.inputs(channels, side, side, count=1), channels[1])

        sizes = [self.findings.size] if self.findings.size else SIZES
        return first_size([math.ceil(side / multiple) * multiple for side in sizes], attempt)

    def compute(self, network: Any, *inputs: Tensor | None) -> Tensor:
        """Translate as `itrans translate` does, in the mode running."""
        return _translate(network, "running", *inputs)

    def check_backward(self, network: Any, inputs: tuple[Any, ...]) -> None:
        check_gradients(self.findings, network, [make_seeded(0, lambda: network(*inputs))])

    def check_more(self, network: Any, make: Callable[..., Any], inputs: tuple[Any, ...]) -> None:
        """Translate as `itrans translate` does: any size, in both modes."""
        (source,) = inputs
        self._check_other_sizes(network.train(), *source.shape[1:3])
        for mode in MODES:
            self._check_mode(network, mode, source)
        with self.trying("In the mode running it"):
            expected = self.compute(network, source)
            with test_mode([network], "running", 0):
                random = draws(lambda: network(source))
            self.check_forms(network, inputs, expected, random)
        with self.trying("Copied with copy.deepcopy(), as averaged weights are, it"):
            copy.deepcopy(network)

    def _check_output(self, network: Any, source: Tensor, out_channels: int) -> None:
        with torch.no_grad(), unchanged_inputs(self.findings, "It", source=source):
            output = network.train()(source)
        if not self.expect(
            isinstance(output, Tensor), f"It should return a tensor, but returns {type(output).__name__}."
        ):
            return
        self.findings.faults += [
            f"{fault} (Height and width are made multiples of its size_multiple, "
            f"{getattr(network, 'size_multiple', 1)}.)"
            for fault in output_faults(source, output, out_channels, scale_of(network))
        ]
        self.expect(output.dtype == torch.float32, f"Its output should be float32, but is {output.dtype}.")
        if self.expect(bool(output.isfinite().all()), "Its output should be finite, but is not."):
            largest = float(output.abs().max())
            self.expect(
                largest <= _SLACK, f"Its output should be in [-1, 1], but reaches {largest:.3g}: is there no tanh?"
            )

    def _check_other_sizes(self, network: Any, channels: int, side: int) -> None:
        for height, width in ((side + 1, side), (side - 3, 2 * side - 5)):
            with self.trying(f"Padded to its size_multiple, a picture of {width}x{height} (width x height)"):
                source = pictures(channels, height, width)
                try:
                    with torch.no_grad():
                        shape = tuple(apply_generator(network, source).shape)
                except REFUSALS:
                    continue
                scale = scale_of(network)
                wanted = scaled(height, scale), scaled(width, scale)
                what = "one of that size" if scale == 1 else f"one of {wanted[1]}x{wanted[0]}, for its scale is {scale}"
                self.expect(
                    shape[2:] == wanted,
                    f"From a picture of {width}x{height} it should make {what}, but makes {shape[3]}x{shape[2]}.",
                )

    def _check_mode(self, network: Any, mode: Mode, source: Tensor) -> None:
        with self.trying(f"In the mode {mode} it"):
            expected, again = (_translate(network, mode, source) for _ in range(2))
            self.expect(
                torch.equal(expected, again),
                f"In the mode {mode} it should give one output for one source and seed, but gives two.",
            )
            with test_mode([network], mode, 0):
                alone = network(source[:1])
                random = draws(lambda: network(source))
            self.expect(
                random or close(expected[:1], alone, 1e-3),
                f"In the mode {mode} a picture's output should not depend on the others in the batch, but does.",
            )


def output_faults(source: Tensor, output: object, out_channels: int, scale: Fraction = Fraction(1)) -> list[str]:
    """Return what is wrong with the shape of an output; nothing of its values is looked at."""
    wanted = len(source), out_channels, *(scaled(side, scale) for side in source.shape[2:])
    if not isinstance(output, Tensor):
        return [f"It should return a tensor {wanted} (N, C, H, W), but returns {type(output).__name__}."]
    shape = tuple(output.shape)
    if shape == wanted:
        return []
    because = "" if scale == 1 else f" (its scale is {scale})"
    found = [f"From a source {tuple(source.shape)} (N, C, H, W) it should make {wanted}{because}, but makes {shape}."]
    if scale == 1 and len(shape) == 4 and shape[2] == shape[3] != wanted[2] == wanted[3]:
        found[0] += f" If that is meant, it has to say scale = {Fraction(shape[2], wanted[2])}."
    return found


def _translate(network: Any, mode: Mode, *inputs: Tensor | None) -> Tensor:
    with test_mode([network], mode, 0):
        output: Tensor = network(*inputs)
    return output
