"""What a component would do wrong on another device, told without one: torch's device `meta` has shapes, no values."""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable

    from itrans.testing.findings import Findings

_ELSEWHERE = ("on the expected device", "to be on the same device")
"""What torch says of two tensors of different devices."""


def check_device(findings: Findings, component: Any, use: Callable[[Any], object]) -> None:
    """Expect a component to make its tensors on the device of what it is given.

    Values are not there to be looked at, so any other error says nothing about the component.

    Args:
        findings: where a fault is noted.
        component: a module is copied to the device, and anything else is used as it is.
        use: calls the component with what `on_meta` returns.
    """
    with contextlib.suppress(Exception), torch.no_grad():
        moved = copy.deepcopy(component).to("meta") if isinstance(component, nn.Module) else component
        try:
            use(moved)
        except RuntimeError as error:
            if any(words in str(error) for words in _ELSEWHERE):
                findings.faults.append(
                    "Given tensors of another device than the CPU, it mixes them with tensors of the CPU, and would "
                    "fail on a GPU: make tensors with device=source.device, and keep those that it needs by "
                    "register_buffer()."
                )


def on_meta(*tensors: Tensor | None) -> tuple[Any, ...]:
    """Return tensors of the same shapes and types on the device `meta`; None stays None."""
    return tuple(None if tensor is None else tensor.to("meta") for tensor in tensors)
