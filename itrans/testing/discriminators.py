"""What a discriminator must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from itrans.registry import accepted
from itrans.testing.findings import Findings, check_gradients, check_state, close, seeded

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZES = (64, 128, 256, 512, 32, 16, 8)
"""Tried in this order: a discriminator of large patches refuses small pictures, one of a fixed size all others."""


def faults(component: Callable[..., Any], arguments: dict[str, Any]) -> list[str]:
    """Return what is wrong with a discriminator."""
    findings = Findings()
    for channels, condition_channels in ((3, 3), (3, 0), (1, 4)):
        what = f"Building it with in_channels = {channels}, condition_channels = {condition_channels}, and judging,"
        with findings.trying(what):
            network = _built(component, arguments, channels, condition_channels)
            _check_logits(findings, network, *_pictures(network, channels, condition_channels))
    if findings.faults:
        return findings.faults
    network = _built(component, arguments)
    image, condition = _pictures(network, 3, 3)
    assert condition is not None
    image.requires_grad_()
    check_gradients(findings, network.train(), _scales(network(image, condition)))
    findings.expect(
        image.grad is not None, "No gradient reaches the picture that it judges, so no generator can learn."
    )
    image = image.detach()
    with findings.trying("Running it twice from one seed"):
        first, second = (
            seeded(2, lambda: _scales(_built(component, arguments).train()(image, condition))[0]) for _ in range(2)
        )
        findings.expect(torch.equal(first, second), "Built and run twice from one seed, it gives two results.")
    check_state(
        findings, network, _built(component, arguments, seed=3), lambda made: _scales(made(image, condition))[0]
    )
    _check_numerics(findings, network.eval(), image, condition)
    if hasattr(network, "features"):
        with findings.trying("Its features(image, condition)"):
            features = network.features(image, condition)
            good = isinstance(features, list) and features and all(isinstance(feature, Tensor) for feature in features)
            findings.expect(good, "features(image, condition) should return a list of tensors.")
    if "initialize" in accepted(component, {"initialize": False}):
        with findings.trying("Building it with initialize = False"):
            same = list(_built(component, arguments, initialize=False).state_dict()) == list(network.state_dict())
            findings.expect(same, "With initialize = False it has other weights than with True; a checkpoint must fit.")
    return findings.faults


def _built(
    component: Callable[..., Any],
    arguments: dict[str, Any],
    channels: int = 3,
    condition_channels: int = 3,
    *,
    initialize: bool = True,
    seed: int = 0,
) -> Any:
    offered = {"in_channels": channels, "condition_channels": condition_channels, "initialize": initialize}
    network = seeded(seed, lambda: component(**accepted(component, offered), **arguments))
    if not isinstance(network, nn.Module):
        raise TypeError(f"a discriminator is a torch.nn.Module, and this is {type(network).__name__}")
    return network


def _pictures(network: Any, channels: int, condition_channels: int) -> tuple[Tensor, Tensor | None]:
    """Return two pictures of a size that the network takes."""
    failure: Exception | None = None
    for size in _SIZES:
        image = seeded(1, lambda size=size: torch.rand(2, channels, size, size) * 2 - 1)  # type: ignore[misc]
        condition = torch.rand(2, condition_channels, size, size) * 2 - 1 if condition_channels else None
        try:
            with torch.no_grad():
                network(image, condition)
        except Exception as error:
            failure = failure or error
        else:
            return image, condition
    assert failure is not None
    raise failure


def _scales(logits: Tensor | list[Tensor]) -> list[Tensor]:
    return [logits] if isinstance(logits, Tensor) else logits


def _check_logits(findings: Findings, network: Any, image: Tensor, condition: Tensor | None) -> None:
    with torch.no_grad():
        logits = network.train()(image, condition)
    good = isinstance(logits, Tensor) or (
        isinstance(logits, list) and logits and all(isinstance(s, Tensor) for s in logits)
    )
    if not findings.expect(
        good, f"It returns {type(logits).__name__}; it should be a tensor of logits, or a list of some."
    ):
        return
    for scale in _scales(logits):
        findings.expect(
            scale.shape[:1] == image.shape[:1], f"Of 2 pictures it makes logits {tuple(scale.shape)}; N should be 2."
        )
        findings.expect(bool(scale.isfinite().all()), "Its logits are not finite.")
    if condition is not None:
        with torch.no_grad():
            network.eval()
            seen = _scales(network(image, condition))[0]
            other = _scales(network(image, -condition))[0]
        findings.expect(not torch.equal(seen, other), "Its logits do not depend on the condition, which it should see.")


def _check_numerics(findings: Findings, network: Any, image: Tensor, condition: Tensor) -> None:
    with torch.no_grad():
        expected = _scales(network(image, condition))[0]
        with findings.trying("Judging pictures that lie channels last in memory"):
            lying = [picture.contiguous(memory_format=torch.channels_last) for picture in (image, condition)]
            result = _scales(network(*lying))[0]
            findings.expect(
                close(expected, result, 1e-3), "Of pictures that lie channels last it thinks something else."
            )
        with findings.trying("Judging in bf16 (torch.autocast)"), torch.autocast("cpu", torch.bfloat16):
            result = _scales(network(image, condition))[0]
            findings.expect(bool(result.isfinite().all()), "In bf16 its logits are not finite.")
