"""Which component some weights are of, and its own state made of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from itrans.api import REGISTRIES, CheckpointError, PluginError, Recognized, error_text, quoted
from itrans_import.weights import listing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn

_GATHERED = ("running_mean", "running_var", "num_batches_tracked")
"""What norms gather in training."""


def recognize(kind: str, weights: Mapping[str, Tensor], path: Path, name: str | None = None) -> tuple[str, Recognized]:
    """Return the component that weights are of, and what it makes of them.

    Args:
        kind: `generator` or `discriminator`.
        weights: what the file holds.
        path: the file, for messages.
        name: the component to ask; None asks all that are installed.

    Raises:
        CheckpointError: they are of none, of several, or of one that cannot use them.
        PluginError: the component that is named is not installed, or recognises no weights at all.
    """
    asked, found = [], {}
    broken: dict[str, list[str]] = {}
    for candidate in REGISTRIES[kind].names() if name is None else [name]:
        try:
            recognize = getattr(REGISTRIES[kind].get(candidate), "recognize", None)
        except PluginError as error:
            if name is not None:
                raise
            broken.setdefault(str(error).splitlines()[-1], []).append(candidate)
            continue  # another package's fault, and nobody has asked for its component
        if recognize is None:
            continue
        asked.append(candidate)
        answer = _answer(kind, candidate, recognize, weights, path)
        if answer is not None:
            found[candidate] = answer
    if len(found) == 1:
        return found.popitem()
    if found:
        raise CheckpointError(
            f"{path} may be of several {kind}s. Say which: "
            f"{' or '.join(f'--{kind} {candidate}' for candidate in found)}."
        )
    if name is not None and not asked:
        raise PluginError(f'The {kind} "{name}" cannot import weights: it has no "recognize".')
    first = [f"{key} {shape(tensor)}" for key, tensor in weights.items()]
    not_asked = "".join(f"\nNot asked: {listing(names)}. {reason}" for reason, names in broken.items())
    raise CheckpointError(
        f"{path} holds the weights of no {kind} that can be imported: {', '.join(quoted(asked)) or 'there is none'}.\n"
        f"What is in it: {listing(first)}.{not_asked}"
    )


def own_state(network: nn.Module, found: Recognized, path: Path, what: str) -> dict[str, Tensor]:
    """Return a network's state dict made of a file's weights.

    Statistics that norms have gathered are left out where the network's norms gather none.

    Args:
        network: what has been built with the arguments that were found.
        found: what the component has made of the file.
        path: the file, for messages.
        what: what the network is, for messages.

    Raises:
        CheckpointError: a tensor is missing, is of another shape or type, or is one too many; the message has the
            file's names.
    """
    state, lacking, odd, left = {}, [], [], dict(found.state)
    for key, own in network.state_dict().items():
        module, _, leaf = key.rpartition(".")
        theirs = f"{found.names.get(module, module)}.{leaf}"
        tensor = left.pop(theirs, None)
        if tensor is not None and tensor.shape == own.shape and tensor.is_floating_point() >= own.is_floating_point():
            state[key] = tensor.to(own.dtype).contiguous()
        elif tensor is not None and tensor.shape == own.shape:
            odd.append(f"{theirs} of the type {tensor.dtype} in place of {own.dtype}".replace("torch.", ""))
        elif tensor is not None:
            odd.append(f"{theirs} {shape(tensor)} in place of {shape(own)}")
        elif leaf == "num_batches_tracked":  # unknown to PyTorch before 0.4.1, and of no effect
            state[key] = torch.zeros_like(own)
        else:
            lacking.append(theirs)
    gathered = {f"{module}.{leaf}" for module in found.names.values() for leaf in _GATHERED}
    extra = [name for name in left if name not in gathered]
    faults = [
        f"\n  {text}: {listing(names)}"
        for text, names in (("missing", lacking), ("of another shape or type", odd), ("not part of it", extra))
        if names
    ]
    if faults:
        raise CheckpointError(f"{path} looks like {what}, but does not fit it:{''.join(faults)}")
    return state


def shape(tensor: Tensor) -> str:
    """Return a tensor's shape as text: `64x3x4x4`."""
    return "x".join(map(str, tensor.shape)) or "scalar"


def _answer(kind: str, name: str, recognize: Any, weights: Mapping[str, Tensor], path: Path) -> Recognized | None:
    try:
        answer = recognize(weights)
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {error}") from error
    except (Exception, SystemExit, GeneratorExit) as error:
        raise PluginError(f'{path}: the {kind} "{name}" failed to recognise weights: {error_text(error)}') from error
    if answer is not None and not isinstance(answer, Recognized):
        raise PluginError(f'The {kind} "{name}" should recognise weights as Recognized, not {type(answer).__name__}.')
    return answer
