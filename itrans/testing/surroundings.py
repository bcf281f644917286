"""What a component must leave as it was: torch's settings and the random numbers that everything shares."""

from __future__ import annotations

import contextlib
import random
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from itrans.testing.findings import Findings


def _set_backend(name: str) -> Callable[[Any], None]:
    return lambda value: setattr(torch.backends.cudnn, name, value)


_SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "torch.get_default_dtype()": (torch.get_default_dtype, torch.set_default_dtype),
    "torch.is_grad_enabled()": (torch.is_grad_enabled, torch.set_grad_enabled),
    "torch.get_num_threads()": (torch.get_num_threads, torch.set_num_threads),
    "torch.are_deterministic_algorithms_enabled()": (
        torch.are_deterministic_algorithms_enabled,
        torch.use_deterministic_algorithms,
    ),
    "torch.get_float32_matmul_precision()": (
        torch.get_float32_matmul_precision,
        torch.set_float32_matmul_precision,
    ),
    "torch.backends.cudnn.benchmark": (lambda: torch.backends.cudnn.benchmark, _set_backend("benchmark")),
    "torch.backends.cudnn.deterministic": (lambda: torch.backends.cudnn.deterministic, _set_backend("deterministic")),
}
"""How a setting is read and written."""


@contextlib.contextmanager
def unchanged_settings(findings: Findings) -> Iterator[None]:
    """Expect the block to change no setting of torch; these and all random numbers are as before when it ends."""
    before = {name: read() for name, (read, _) in _SETTINGS.items()}
    try:
        with _random_numbers(0):
            yield
    finally:
        for name, (read, write) in _SETTINGS.items():
            if (now := read()) != before[name]:
                findings.faults.append(f"It changes {name} from {before[name]} to {now}: settings are the user's.")
                write(before[name])


@contextlib.contextmanager
def _random_numbers(seed: int) -> Iterator[None]:
    """Seed what all draw from, and put it back when the block ends."""
    state, state_of_numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            random.seed(seed)
            np.random.seed(seed)
            yield
    finally:
        random.setstate(state)
        np.random.set_state(state_of_numpy)


@contextlib.contextmanager
def unchanged_inputs(findings: Findings, what: str, **inputs: Tensor | None) -> Iterator[None]:
    """Expect the block to leave tensors as they are; `what` is called with them there."""
    before = {name: tensor.detach().clone() for name, tensor in inputs.items() if tensor is not None}
    yield
    changed = [name for name, kept in before.items() if not _same(kept, inputs[name])]
    findings.expect(
        not changed,
        f"{what} should leave what it is given as it is, but changes the {' and the '.join(changed)} in place: others "
        "use it too. Write x = x * 2 instead of x *= 2 or x.mul_(2), and give no inplace=True to a first layer.",
    )


def _same(before: Tensor, now: Tensor | None) -> bool:
    return now is not None and torch.equal(before, now.detach())


def check_seeding(findings: Findings, use: Callable[[], Any]) -> None:
    """Expect some use of a component not to seed the random numbers that everything in a run draws from."""
    first, second = _next_numbers(use, 1), _next_numbers(use, 2)
    for name, value in first.items():
        findings.expect(
            value != second[name],
            f"It seeds the random numbers of {name}, from which others draw too: it may seed only its own generator.",
        )


def _next_numbers(use: Callable[[], Any], seed: int) -> dict[str, float]:
    """Return what is drawn next, from each shared source of random numbers, after some use that began with a seed."""
    with _random_numbers(seed):
        use()
        return {"torch": float(torch.rand(())), "random": random.random(), "numpy": float(np.random.random())}
