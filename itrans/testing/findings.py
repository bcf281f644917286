"""Gathering faults instead of stopping at the first."""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

import torch

from itrans.registry import accepted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor, nn


class Findings:
    """The faults of one component.

    Attributes:
        faults: a sentence each.
    """

    def __init__(self) -> None:
        self.faults: list[str] = []

    def expect(self, holds: object, fault: str) -> bool:
        """Note a fault unless something holds; return whether it does."""
        if not holds:
            self.faults.append(fault)
        return bool(holds)

    @contextlib.contextmanager
    def trying(self, what: str) -> Iterator[None]:
        """Note what is raised in the block as a fault: `what` failed."""
        try:
            yield
        except Exception as error:
            reason = (str(error).splitlines() or [""])[0]
            self.faults.append(f"{what} failed: {type(error).__name__}: {reason}")


def seeded(seed: int, make: Callable[[], Any]) -> Any:
    """Return what is made with torch's random numbers from a seed; its own are as they were afterwards."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def built(component: Callable[..., Any], arguments: dict[str, Any], **offered: Any) -> Any:
    """Build a component from seed 0, as the registry would."""
    return seeded(0, lambda: component(**accepted(component, offered), **arguments))


def check_state(
    findings: Findings, network: nn.Module, again: nn.Module, compute: Callable[[nn.Module], Tensor]
) -> None:
    """Expect a network's state to survive a checkpoint, and to make another one compute the same.

    Args:
        findings: where faults go.
        network: has been trained.
        again: has been built anew.
        compute: what a network makes of some input, in evaluation mode.
    """
    with findings.trying("Saving its state and reading it with weights_only=True, as checkpoints do,"):
        file = io.BytesIO()
        torch.save(network.state_dict(), file)
        file.seek(0)
        again.load_state_dict(torch.load(file, weights_only=True))
        with torch.no_grad():
            same = torch.equal(compute(network.eval()), compute(again.eval()))
        findings.expect(
            same, "With the same state it computes something else: something that it needs is not in state_dict()."
        )


def check_gradients(findings: Findings, network: nn.Module, outputs: Sequence[Tensor]) -> None:
    """Expect the gradients of some outputs to reach every parameter that is to be trained."""
    network.zero_grad(set_to_none=True)
    total = torch.stack([(output.float() * torch.randn_like(output.float())).sum() for output in outputs]).sum()
    with findings.trying("Its backward pass"):
        total.backward()  # type: ignore[no-untyped-call]
    lost = [
        name for name, parameter in network.named_parameters() if parameter.requires_grad and parameter.grad is None
    ]
    findings.expect(
        not lost,
        f"No gradient reaches {', '.join(lost[:5])}{' and others' if len(lost) > 5 else ''}: a parameter that has no "
        "part in the output is never trained. Remove it, or set requires_grad to False.",
    )


def close(first: Tensor, second: Tensor, tolerance: float) -> bool:
    """Whether two results are the same but for rounding, compared to how large they are."""
    scale = max(float(first.float().abs().max()), 1e-3)
    return (
        bool(first.shape == second.shape) and float((first.float() - second.float()).abs().max()) <= tolerance * scale
    )
