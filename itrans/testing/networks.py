"""What generators and discriminators have in common."""

from __future__ import annotations

import copy
import io
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from itrans.networks.test_mode import CastWeights
from itrans.registry import accepted
from itrans.testing.findings import REFUSALS, Findings, described, listed
from itrans.testing.imports import no_connections

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

SIZES = (32, 64, 128, 256, 512, 16, 8, 28)
"""Heights and widths, tried in this order: some networks refuse what is small, some all but one size."""


def seeded(seed: int, make: Callable[[], Any]) -> Any:
    """Return what is made with torch's random numbers from a seed; its own are as they were afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def built(
    component: Callable[..., Any], arguments: dict[str, Any], offered: dict[str, Any], seed: int | None = 0
) -> Any:
    """Build a network, as the registry would.

    Args:
        component: the component.
        arguments: a recipe's.
        offered: what itrans offers.
        seed: of the weights; None has them drawn from torch's own generator as it is.

    Raises:
        TypeError: it is no network.
    """
    taken = accepted(component, offered)
    network = component(**taken, **arguments) if seed is None else seeded(seed, lambda: component(**taken, **arguments))
    if not isinstance(network, nn.Module):
        raise TypeError(f"it should be a torch.nn.Module, and is {type(network).__name__}")
    return network


def first_usable(
    findings: Findings,
    component: Callable[..., Any],
    arguments: dict[str, Any],
    tried: Iterable[dict[str, int]],
    look: Callable[[Any, dict[str, int]], int],
) -> tuple[dict[str, int], int] | None:
    """Look at a network with several numbers of channels, and return the first that it does not refuse, with a size.

    Args:
        findings: where faults go.
        component: the component.
        arguments: a recipe's.
        tried: numbers of channels, as offered arguments.
        look: looks at a network that was built with such, and returns a height and width that it takes.
    """
    found: tuple[dict[str, int], int] | None = None
    refusal: Exception | None = None
    for channels in tried:
        given = " and ".join(f"{name} = {count}" for name, count in channels.items())
        with findings.trying(f"With {given} it"):
            try:
                network = built(component, arguments, {**channels, "initialize": True})
            except REFUSALS as error:
                refusal = refusal or error
                continue
            size = look(network, channels)
            found = found or (channels, size)
        if findings.faults:
            return None  # others would say the same
    if found is None and refusal is not None:
        findings.faults.append(f"It refuses every number of channels that was tried: {described(refusal)}")
    return found


def first_size(sizes: Iterable[int], attempt: Callable[[int], object]) -> int:
    """Return the first height and width that an attempt is not refused with; if all are, raise the first refusal."""
    refusal: Exception = ValueError("there is no size to try")
    for number, size in enumerate(dict.fromkeys(sizes)):
        try:
            attempt(size)
        except REFUSALS as error:
            refusal = refusal if number else error
        else:
            return size
    raise refusal


def pictures(channels: int, height: int, width: int, *, count: int = 2, seed: int = 0) -> Tensor:
    """Return noise, `(count, channels, height, width)` in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, channels, height, width, generator=generator) * 2 - 1


def check_gradients(findings: Findings, network: nn.Module, outputs: Sequence[Tensor]) -> None:
    """Expect the gradients of some outputs to reach every parameter that is to be trained."""
    network.zero_grad(set_to_none=True)
    weights = torch.Generator().manual_seed(0)
    total = torch.stack([(output.float() * torch.rand(output.shape, generator=weights)).sum() for output in outputs])
    trained = {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}
    findings.expect(trained, "It has no parameters to train; each network of a method has an optimiser.")
    if total.requires_grad:
        total.sum().backward()  # type: ignore[no-untyped-call]
    lost = [name for name, parameter in trained.items() if parameter.grad is None]
    findings.expect(
        not lost,
        f"No gradient reaches {listed(lost)}: every parameter should have a part in the output. Remove what has none, "
        "or set its requires_grad to False.",
    )
    broken = [name for name, p in trained.items() if p.grad is not None and not bool(p.grad.isfinite().all())]
    findings.expect(not broken, f"Gradients should be finite, and those of {listed(broken)} are not.")
    network.zero_grad(set_to_none=True)


def check_state(
    findings: Findings, network: nn.Module, make: Callable[[], nn.Module], compute: Callable[[nn.Module], Tensor]
) -> None:
    """Expect a network's state to survive a checkpoint, and to make another one compute the same.

    Args:
        findings: where faults go.
        network: has been used.
        make: builds another, as for a checkpoint.
        compute: what a network makes of some input.
    """
    with findings.trying("Its state_dict(), saved, and loaded with weights_only=True as checkpoints are,"):
        file = io.BytesIO()
        torch.save(network.state_dict(), file)
        file.seek(0)
        again = make()
        again.load_state_dict(torch.load(file, weights_only=True))
        with torch.no_grad():
            same = torch.equal(compute(network.eval()), compute(again.eval()))
        findings.expect(
            same,
            "Built again and given its state_dict(), it should compute the same, and does not: something that it needs "
            "is not in there.",
        )


def check_initialize(
    findings: Findings, component: Callable[..., Any], network: nn.Module, make: Callable[[], nn.Module]
) -> None:
    """Expect a component that takes `initialize` to make of False what a checkpoint fits, from nothing else.

    Args:
        findings: where faults go.
        component: the component.
        network: built with True.
        make: builds with False.
    """
    if not accepted(component, {"initialize": False}):
        return
    with findings.trying("Built with initialize = False, which should read and download nothing, it"), no_connections():
        bare = {name: value.shape for name, value in make().state_dict().items()}
        whole = {name: value.shape for name, value in network.state_dict().items()}
        different = [name for name in whole.keys() | bare.keys() if whole.get(name) != bare.get(name)]
        findings.expect(
            not different,
            "With initialize = False its state_dict() should have the same names and shapes as with True, for a "
            f"checkpoint to fit; different: {listed(sorted(different))}.",
        )


def check_memory(
    findings: Findings,
    network: nn.Module,
    inputs: Sequence[Tensor],
    compute: Callable[..., Tensor],
    expected: Tensor | None,
) -> None:
    """Expect a network to make the same, but for rounding, of tensors that lie channels last, with weights that do.

    Args:
        findings: where faults go.
        network: is copied.
        inputs: what to compute from.
        compute: what a network makes of the inputs.
        expected: what this one makes of them; None if it draws from torch's generator, in whatever order values lie.
    """
    with findings.trying("With weights and pictures that lie channels last in memory, it"), torch.no_grad():
        lying = copy.deepcopy(network).to(memory_format=torch.channels_last)
        result = compute(lying, *(tensor.contiguous(memory_format=torch.channels_last) for tensor in inputs))
        findings.expect(
            expected is None or close(expected, result, 1e-3),
            "Of pictures that lie channels last in memory it should make the same as of others, and does not.",
        )


def check_half(
    findings: Findings, network: nn.Module, inputs: Sequence[Tensor], compute: Callable[..., Tensor], expected: Tensor
) -> None:
    """Expect a network to compute under autocast to bf16, also with weights that are in bf16 already."""
    for how in ("", ", with the weights of convolutions and linear layers in bf16, as translating has them"):
        cast = CastWeights([network] if how else [], torch.bfloat16)
        with (
            findings.trying(f"In bf16 (torch.autocast){how}, it"),
            torch.no_grad(),
            cast.in_place(),
            torch.autocast("cpu", torch.bfloat16),
        ):
            result = compute(network, *inputs)
            findings.expect(
                result.shape == expected.shape and bool(result.isfinite().all()),
                f"In bf16 (torch.autocast){how}, its output should be finite and of the shape that it has in fp32, and "
                "is not.",
            )


def draws(compute: Callable[[], object]) -> bool:
    """Whether computing something draws from torch's own generator, which is put back afterwards."""
    with torch.random.fork_rng(devices=[]):
        before = torch.get_rng_state()
        compute()
        return not torch.equal(before, torch.get_rng_state())


def close(first: Tensor, second: Tensor, tolerance: float) -> bool:
    """Whether two results are the same but for rounding, compared to how large they are."""
    if first.shape != second.shape:
        return False
    scale = max(float(first.float().abs().max()), 1e-3)
    return float((first.float() - second.float()).abs().max()) <= tolerance * scale
