"""What a discriminator must be."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from itrans.testing.findings import REFUSALS
from itrans.testing.networks import (
    SIZES,
    built,
    check_gradients,
    check_half,
    check_initialize,
    check_memory,
    check_state,
    draws,
    first_size,
    first_usable,
    pictures,
    seeded,
)
from itrans.testing.surroundings import check_seeding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from itrans.testing.findings import Findings

_SEEDS, _LARGER = 3, 30.0
_CHANNELS = ((3, 3), (3, 0), (1, 4), (4, 0))


def check(
    findings: Findings,
    component: Callable[..., Any],
    arguments: dict[str, Any],
    given: Mapping[str, Any],
    size: int | None,
) -> None:
    """Note what is wrong with a discriminator.

    Args:
        findings: where faults go.
        component: the discriminator's class.
        arguments: a recipe's.
        given: those of the offered arguments that are not to be varied.
        size: the height and width to try, instead of several.
    """
    tried = dict.fromkeys((given.get("in_channels", i), given.get("condition_channels", c)) for i, c in _CHANNELS)
    usable = first_usable(
        findings,
        component,
        arguments,
        [{"in_channels": i, "condition_channels": c} for i, c in tried],
        lambda network, channels: _check_sizes(findings, network, (*channels.values(),), size),
    )
    if usable is None:
        return
    offered, side = usable

    def make(seed: int | None = 0, *, initialize: bool = True) -> Any:
        return built(component, arguments, {**offered, "initialize": initialize}, seed)

    network = make()
    seen = _seen(offered["in_channels"], offered["condition_channels"], side, side)
    with findings.trying("Its backward pass"):
        _check_backward(findings, network, seen)
    with findings.trying("Built from several seeds, it"):
        _check_unbounded(findings, [make(seed) for seed in range(_SEEDS)], seen)
    with findings.trying("Built and used again, it"):
        first, second = (_judged(make().train(), *seen) for _ in range(2))
        findings.expect(
            torch.equal(first, second),
            "Built and used twice from one seed, it should give the same logits, and gives others: what is random in "
            "it is drawn from torch.",
        )
        check_seeding(findings, lambda: make(None).train()(*seen))
    check_state(findings, network, lambda: make(3, initialize=False), lambda made: _judged(made, *seen))
    check_initialize(findings, component, network, lambda: make(initialize=False))
    with findings.trying("In evaluation mode it"):
        network.eval()
        expected = _judged(network, *seen)
        # The judged pictures lie in memory as the condition does: both come from one batch.
        present = [picture for picture in seen if picture is not None]
        comparable = None if draws(lambda: network(*seen)) else expected
        check_memory(findings, network, present, _compute, comparable)
        check_half(findings, network, present, _compute, expected)


def _check_sizes(findings: Findings, network: Any, channels: tuple[int, ...], size: int | None) -> int:
    """Judge 2 pictures and 1, of the first size that the network does not refuse, and odd ones; return that size."""
    taken, seen_besides = channels

    def attempt(side: int) -> None:
        _check_logits(findings, network, _seen(taken, seen_besides, side, side))
        if not findings.faults:  # of one small picture, batch normalisation may have a single value
            _check_logits(findings, network, _seen(taken, seen_besides, side, side, count=1))

    side = first_size([size] if size else SIZES, attempt)
    if findings.faults:
        return side
    seen = _seen(taken, seen_besides, side, side)
    _check_condition(findings, network, seen)
    _check_features(findings, network, seen)
    with contextlib.suppress(*REFUSALS):  # by a discriminator of pictures of one size
        _check_logits(findings, network, _seen(taken, seen_besides, side + 5, 2 * side + 3))
    return side


def _check_logits(findings: Findings, network: Any, seen: tuple[Tensor, Tensor | None]) -> None:
    with torch.no_grad():
        logits = network.train()(*seen)
    scales = logits if isinstance(logits, list) else [logits]
    if not findings.expect(
        scales and all(isinstance(scale, Tensor) for scale in scales),
        f"It should return a tensor of logits, or a list of some, and returns {type(logits).__name__}.",
    ):
        return
    count = len(seen[0])
    for scale in scales:
        findings.expect(
            scale.ndim == 4 and scale.shape[:2] == (count, 1) and scale.numel(),
            f"Of {count} picture{'s' if count > 1 else ''} it should make logits ({count}, 1, H', W'), and makes "
            f"{tuple(scale.shape)}.",
        )
        findings.expect(scale.dtype == torch.float32, f"Its logits should be float32, and are {scale.dtype}.")
        findings.expect(bool(scale.isfinite().all()), "Its logits should be finite, and are not.")


@torch.no_grad()
def _check_unbounded(findings: Findings, networks: list[Any], seen: tuple[Tensor, Tensor | None]) -> None:
    """Expect that what it makes may be of either sign, however large its weights are: a sigmoid's output may not."""
    judged = [_judged(network.eval(), *seen) for network in networks]
    for parameter in (parameter for network in networks for parameter in network.parameters()):
        parameter.mul_(_LARGER)
    with contextlib.suppress(Exception):  # no training makes such weights
        judged += [_judged(network, *seen) for network in networks]
    findings.expect(
        not all(bool(((logits >= 0) & (logits <= 1)).all()) and bool(logits.any()) for logits in judged),
        "Its logits should be of either sign, and lie between 0 and 1: leave out the sigmoid at its end, which the "
        "losses see to.",
    )


def _check_condition(findings: Findings, network: Any, seen: tuple[Tensor, Tensor | None]) -> None:
    image, condition = seen
    network.eval()
    if condition is not None:
        findings.expect(
            not torch.equal(_judged(network, image, condition), _judged(network, image, -condition)),
            "With condition_channels above 0 its logits should depend on the condition, and do not.",
        )


def _check_features(findings: Findings, network: Any, seen: tuple[Tensor, Tensor | None]) -> None:
    if not hasattr(network, "features"):
        return
    image = seen[0].clone().requires_grad_()
    features = network.train().features(image, seen[1])
    if not findings.expect(
        isinstance(features, list) and features and all(isinstance(feature, Tensor) for feature in features),
        f"features(image, condition) should return a list of tensors, and returns {type(features).__name__}.",
    ):
        return
    findings.expect(
        all(feature.requires_grad for feature in features),
        "Gradients should flow through features() to the picture, and do not: losses compare them.",
    )


def _check_backward(findings: Findings, network: Any, seen: tuple[Tensor, Tensor | None]) -> None:
    image = seen[0].clone().requires_grad_()
    logits = seeded(0, lambda: network.train()(image, seen[1]))
    check_gradients(findings, network, logits if isinstance(logits, list) else [logits])
    findings.expect(
        image.grad is not None and bool(image.grad.count_nonzero()),
        "A gradient should reach the picture that it judges, for a generator to learn, and none does.",
    )


def _seen(
    channels: int, condition_channels: int, height: int, width: int, count: int = 2
) -> tuple[Tensor, Tensor | None]:
    image = pictures(channels, height, width, count=count, seed=1)
    return image, pictures(condition_channels, height, width, count=count, seed=2) if condition_channels else None


def _judged(network: Any, image: Tensor, condition: Tensor | None) -> Tensor:
    """Return all logits as one tensor, whatever was drawn before."""
    with torch.no_grad():
        logits = seeded(0, lambda: network(image, condition))
    return torch.cat([scale.flatten() for scale in (logits if isinstance(logits, list) else [logits])])


def _compute(network: Any, image: Tensor, condition: Tensor | None = None) -> Tensor:
    return _judged(network.eval(), image, condition)
