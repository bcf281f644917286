"""What a discriminator must be."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans.errors import counted
from itrans.testing.findings import REFUSALS
from itrans.testing.networks import (
    SIZES,
    NetworkCheck,
    check_gradients,
    draws,
    first_size,
    make_seeded,
    one_tensor,
    pictures,
)
from itrans.testing.surroundings import unchanged_inputs

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from itrans.testing.findings import Findings

_SEEDS, _LARGER = 3, 30.0


def check(findings: Findings) -> None:
    """Note what is wrong with a discriminator."""
    _DiscriminatorCheck(findings).check()


class _DiscriminatorCheck(NetworkCheck):
    offered = ("in_channels", "condition_channels")
    channels = ((3, 3), (3, 0), (1, 4), (4, 0))
    differs = "give the same logits, but gives others: what is random in it is drawn from torch."

    def inputs(self, channels: Sequence[int], height: int, width: int, count: int = 2) -> tuple[Tensor, Tensor | None]:
        taken, seen_besides = channels
        image = pictures(taken, height, width, count=count, seed=1)
        return image, pictures(seen_besides, height, width, count=count, seed=2) if seen_besides else None

    def look(self, network: Any, channels: Sequence[int]) -> int:
        """Judge 2 pictures and 1, of the first size that the network does not refuse, and odd ones."""

        def attempt(side: int) -> None:
            self._check_logits(network, *self.inputs(channels, side, side))
            if not self.findings.faults:  # of one small picture, batch normalisation may have a single value
                self._check_logits(network, *self.inputs(channels, side, side, count=1))

        side = first_size([self.findings.size] if self.findings.size else SIZES, attempt)
        if self.findings.faults:
            return side
        image, condition = self.inputs(channels, side, side)
        network.eval()
        self.expect(
            condition is None
            or not torch.equal(self.compute(network, image, condition), self.compute(network, image, -condition)),
            "With condition_channels above 0 its logits should depend on the condition, but do not.",
        )
        if hasattr(network, "features"):
            self._check_features(network, image, condition)
        with contextlib.suppress(*REFUSALS):  # by a discriminator of pictures of one size
            self._check_logits(network, *self.inputs(channels, side + 5, 2 * side + 3))
        return side

    def compute(self, network: Any, *inputs: Tensor | None) -> Tensor:
        """Return all logits in evaluation mode."""
        network.eval()
        image, condition = (*inputs, None)[:2]
        with torch.no_grad():
            logits: Tensor = make_seeded(0, lambda: one_tensor(network(image, condition)))
        return logits

    def check_backward(self, network: Any, inputs: tuple[Any, ...]) -> None:
        image = inputs[0].clone().requires_grad_()
        logits = make_seeded(0, lambda: network(image, inputs[1]))
        check_gradients(self.findings, network, logits if isinstance(logits, list) else [logits])
        self.expect(
            image.grad is not None and bool(image.grad.count_nonzero()),
            "A gradient should reach the picture that it judges, for a generator to learn, but none does.",
        )

    def check_more(self, network: Any, make: Callable[..., Any], inputs: tuple[Any, ...]) -> None:
        with self.trying("Built from several seeds, it"):
            self._check_unbounded([make(seed) for seed in range(_SEEDS)], inputs)
        with self.trying("In evaluation mode it"):
            # The judged pictures lie in memory as the condition does: both come from one batch.
            expected, random = self.compute(network, *inputs), draws(lambda: network(*inputs))
            self.check_forms(network, inputs, expected, random)

    def _check_logits(self, network: Any, image: Tensor, condition: Tensor | None) -> None:
        with torch.no_grad(), unchanged_inputs(self.findings, "It", image=image, condition=condition):
            logits = network.train()(image, condition)
        scales = logits if isinstance(logits, list) else [logits]
        if not self.expect(
            scales and all(isinstance(scale, Tensor) for scale in scales),
            f"It should return a tensor of logits, or a list of some, but returns {type(logits).__name__}.",
        ):
            return
        self.findings.faults += logits_faults(logits, len(image))
        for scale in scales:
            self.expect(scale.dtype == torch.float32, f"Its logits should be float32, but are {scale.dtype}.")
            self.expect(bool(scale.isfinite().all()), "Its logits should be finite, but are not.")

    def _check_features(self, network: Any, image: Tensor, condition: Tensor | None) -> None:
        features = network.train().features(image.clone().requires_grad_(), condition)
        if not self.expect(
            isinstance(features, list) and features and all(isinstance(feature, Tensor) for feature in features),
            f"features(image, condition) should return a list of tensors, but returns {type(features).__name__}.",
        ):
            return
        self.expect(
            all(feature.requires_grad for feature in features),
            "Gradients should flow through features() to the picture, but do not: losses compare them.",
        )

    @torch.no_grad()
    def _check_unbounded(self, networks: list[Any], inputs: tuple[Any, ...]) -> None:
        """Expect what it makes to be of either sign, however large its weights are: a sigmoid's output is not."""
        judged = [self.compute(network, *inputs) for network in networks]
        for parameter in (parameter for network in networks for parameter in network.parameters()):
            parameter.mul_(_LARGER)
        with contextlib.suppress(Exception):  # no training makes such weights
            judged += [self.compute(network, *inputs) for network in networks]
        finite = [logits for logits in judged if bool(logits.isfinite().all())]
        self.expect(
            # A sigmoid's output may be 0 where weights are large, and that of a last layer of zeros always is.
            not any(bool(logits.any()) for logits in finite)
            or any(bool(((logits < 0) | (logits > 1)).any()) for logits in finite),
            "Its logits should be of either sign, and lie between 0 and 1: leave out the sigmoid at its end, which the "
            "losses see to.",
        )


def logits_faults(logits: Any, count: int) -> list[str]:
    """Return what is wrong with the shapes of logits; nothing of their values is looked at."""
    shapes = [tuple(scale.shape) for scale in (logits if isinstance(logits, list) else [logits])]
    return [
        f"From {counted(count, 'picture')} it should make logits ({count}, 1, H', W'), but makes {shape}."
        for shape in shapes
        if len(shape) != 4 or shape[:2] != (count, 1) or not shape[2] * shape[3]
    ]
