"""What checkpoints hold besides plain values: tensors, in nested tables and lists."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch

from itrans.errors import error_text, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor
    from torch.nn import Module

    from itrans.checkpoint.file import CheckpointFile

_MOST_CHARACTERS = 2000


def tensors_in(value: object, key: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield all tensors of nested dicts and lists, each with its dotted key."""
    if isinstance(value, torch.Tensor):
        yield key, value
    elif isinstance(value, dict | list | tuple):
        entries = value.items() if isinstance(value, dict) else enumerate(value)
        for name, inner in entries:
            yield from tensors_in(inner, f"{key}.{name}" if key else str(name))


def not_finite(checkpoint: CheckpointFile) -> str | None:
    """Return where a state has a number that is not finite: a weight, a buffer, a moment of an optimiser; or None."""
    state = {"network": checkpoint.networks, "method": checkpoint.method, **checkpoint.training}
    return next((key for key, tensor in tensors_in(state) if not is_finite(tensor)), None)


def snapshot(value: Any, known: dict[object, Tensor] | None = None) -> Any:
    """Return a copy of nested dicts, lists and tensors, on the CPU, that training leaves as it is.

    Tensors that share memory, such as tied weights, are one tensor in the copy too.
    """
    known = {} if known is None else known
    if isinstance(value, torch.Tensor):
        if value.layout != torch.strided or not value.numel():
            return value.detach().to("cpu", copy=True)
        looks = (value.dtype, value.shape, value.stride(), value.is_conj(), value.is_neg())
        key = (value.device, value.data_ptr(), *looks)
        if key not in known:
            known[key] = value.detach().to("cpu", copy=True)
        return known[key]
    if isinstance(value, dict):
        found = copy.copy(value)  # with what a state dict carries besides its entries
        for name, inner in value.items():
            found[name] = snapshot(inner, known)
        return found
    return type(value)(snapshot(inner, known) for inner in value) if type(value) in {list, tuple} else value


def bytes_of(checkpoint: CheckpointFile) -> int:
    """Return how many bytes the tensors of a checkpoint take."""
    state = [checkpoint.networks, checkpoint.method, checkpoint.training]
    return sum(tensor.nbytes for _, tensor in tensors_in(state))


def is_finite(tensor: Tensor) -> bool:
    """Return whether a tensor has neither an infinite number nor NaN; an empty one has not."""
    if not tensor.is_floating_point() or not tensor.numel():
        return True
    low, high = tensor.detach().aminmax()  # one pass and no copy, and either is NaN if anything is
    return bool(low.isfinite()) and bool(high.isfinite())


def unstorable(value: Any, key: str) -> str | None:
    """Return what of a value would be code in a file, or None."""
    if isinstance(value, dict):
        return next((fault for name, inner in value.items() if (fault := unstorable(inner, f"{key}.{name}"))), None)
    if type(value) in (list, tuple):
        return next((fault for i, inner in enumerate(value) if (fault := unstorable(inner, f"{key}.{i}"))), None)
    if value is None or isinstance(value, torch.Tensor) or type(value) in (bool, int, float, str, bytes):
        return None
    return f"{key} is {type(value).__name__}"


def load_weights(network: Module, state: Mapping[str, Any]) -> None:
    """Let a network have the weights of a state dict.

    Raises:
        ValueError: some are integers where the network has fractions; torch would take them as they are.
        Exception: what the network raises of a state of another one.
    """
    own = network.state_dict()
    for name, value in state.items():
        expected = own.get(name)
        if not isinstance(value, torch.Tensor) or not isinstance(expected, torch.Tensor):
            continue
        if expected.is_floating_point() and not value.is_floating_point():
            raise ValueError(f"{printable(name)} is of {value.dtype}, which weights are not.")
    network.load_state_dict(state)


def misfit(error: Exception) -> str:
    """Return why a state cannot be loaded, as the end of a sentence: what torch says, or what has gone wrong."""
    if isinstance(error, KeyError):
        return f"it holds no {error}."
    if not isinstance(error, RuntimeError | ValueError):
        return error_text(error)
    lines = [line.strip() for line in str(error).splitlines()]
    if len(lines) > 1 and lines[0].startswith("Error(s) in loading state_dict"):
        lines = [" ".join(line.split()) for line in lines[1:]]  # its heading names a class, which users never see
    return " ".join(lines)[:_MOST_CHARACTERS]
