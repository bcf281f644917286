"""Training that begins with what another run has learnt, and parts of networks that stay as they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from itrans.checkpoint.file import load_checkpoint
from itrans.checkpoint.places import checkpoint_path
from itrans.errors import CheckpointError, Problem, RecipeError, counted, did_you_mean, printable

if TYPE_CHECKING:
    import os
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from torch import Tensor, nn

    from itrans.protocols import Method
    from itrans.recipe.load import Recipe

_MOST_NAMED = 3


@dataclass(frozen=True)
class Weights:
    """What the networks of a new run begin with: the weights of a checkpoint.

    Attributes:
        path: the file.
        states: the state of each network, by name; of generators with averaged weights the average, which is what
            they translate with.
    """

    path: Path
    states: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, checkpoint: str | os.PathLike[str]) -> Weights:
        """Return those of a checkpoint, or of a run's folder.

        Raises:
            CheckpointError: it cannot be used.
        """
        path = checkpoint_path(checkpoint)
        return cls(path, load_checkpoint(path).generator_states)

    def copy_into(self, method: Method) -> str:
        """Copy all tensors of the same network, name and shape, and return lines on what of each network fitted.

        A network of which no parameter fits is left as it is, its statistics too.

        Raises:
            CheckpointError: nothing of a generator fits.
        """
        networks = method.networks
        fits = {name: _Fit.of(network, self.states.get(name)) for name, network in networks.items()}
        if not any(fits[name].copied for name in method.generators):
            here, there = (", ".join(map(printable, names)) for names in (networks, self.states))
            raise CheckpointError(
                f"{self.path} has nothing to begin with: no parameter of a generator of this recipe has the same name "
                f"and shape there.\nThe recipe's networks: {here}. The checkpoint's: {there or 'none'}."
            )
        for fit in fits.values():
            fit.copy()
        lines = [f"Begins with {self.path}:"]
        for name, fit in fits.items():
            lines += [f"  {name}: {fit.summary}", *(f"    {line}" for line in fit.details)]
        return "\n".join(lines)


@dataclass(frozen=True)
class _Fit:
    """What of a file's state fits a network.

    Attributes:
        copied: the pairs of the network's own tensor and the file's, by name.
        left: the tensors of the network that stay as they are, each with the reason.
        unused: the tensors of the file that the network does not have.
        is_there: whether the file has a network of that name.
    """

    copied: dict[str, tuple[Tensor, Tensor]]
    left: list[str]
    unused: list[str]
    is_there: bool

    @classmethod
    def of(cls, network: nn.Module, state: Mapping[str, Any] | None) -> _Fit:
        found = state or {}
        copied, left = {}, []
        for key, own in network.state_dict(keep_vars=True).items():
            other = found.get(key)
            if not isinstance(own, torch.Tensor):
                continue
            if isinstance(other, torch.Tensor) and other.shape == own.shape:
                copied[key] = own, other
            elif isinstance(other, torch.Tensor):
                left.append(f"{key} ({_size(own)} here, {_size(other)} there)")
            else:
                left.append(f"{key} (not there)")
        parameters = {key for key, _ in network.named_parameters()}
        if not parameters & copied.keys():
            left, copied = [*copied, *left], {}
        here = network.state_dict()
        return cls(copied, left, [printable(str(key)) for key in found if key not in here], state is not None)

    @torch.no_grad()
    def copy(self) -> None:
        for own, other in self.copied.values():
            own.copy_(other)

    @property
    def summary(self) -> str:
        if not self.is_there:
            return "begins from scratch; the checkpoint has no such network"
        if not self.copied:
            return "begins from scratch; no parameter has the same name and shape"
        total = counted(len(self.copied) + len(self.left), "tensor")
        return f"{len(self.copied)} of {total}" if self.left else f"all {total}"

    @property
    def details(self) -> list[str]:
        if not self.copied:
            return []
        return [*_listing("begins from scratch", self.left), *_listing("not used", self.unused)]


class FrozenParts:
    """The parts of networks that a recipe's `train.freeze` keeps as they are: weights, and statistics too.

    They are called as in any training: dropout is on, and batch norm normalises by the batch.

    Raises:
        RecipeError: there is no such part, or it is all that a network has to train.
    """

    def __init__(self, recipe: Recipe, networks: Mapping[str, nn.Module]) -> None:
        self._networks = networks
        self._buffers: list[tuple[str, str]] = []
        self._values: list[tuple[Tensor, Tensor]] = []
        problems: list[Problem] = []
        for position, name in enumerate(recipe.tables.train.freeze):
            if fault := self._freeze(*_network_and_part(name, networks)):
                problems.append(Problem(*recipe.where(("train", "freeze", position)), fault))
        for name, network in networks.items() if recipe.tables.train.freeze and not problems else ():
            if not any(parameter.requires_grad for parameter in network.parameters()):
                message = f'This leaves nothing to train in the network "{name}".'
                problems.append(Problem(*recipe.where(("train", "freeze")), message))
        if problems:
            raise RecipeError(problems)

    def _freeze(self, name: str, inner: str) -> str:
        """Freeze a part of a network, and return what is wrong if there is no such part."""
        if name not in self._networks:
            advice = did_you_mean(name, self._networks)
            return f'There is no network "{name}".{advice} There are: {", ".join(self._networks)}.'
        network = self._networks[name]
        parameters, modules = dict(network.named_parameters()), dict(network.named_modules())
        if inner in parameters:
            parameters[inner].requires_grad_(False)
        elif inner in modules:
            modules[inner].requires_grad_(False)
            within = f"{inner}." if inner else ""
            self._buffers += [(name, f"{within}{key}") for key, _ in modules[inner].named_buffers()]
        else:
            parts = [f"{name}.{child}" for child, _ in network.named_children()]
            advice = did_you_mean(inner, [*modules, *parameters])
            return f'The network "{name}" has no part "{inner}".{advice} It has: {", ".join(parts)}.'
        return ""

    def remember(self) -> None:
        """Take the statistics as they are now for those to keep."""
        buffers = {name: dict(network.named_buffers()) for name, network in self._networks.items()}
        self._values = [(buffers[name][key], buffers[name][key].clone()) for name, key in self._buffers]

    @torch.no_grad()
    def restore(self) -> None:
        """Undo what forward passes have changed of the statistics."""
        for buffer, value in self._values:
            buffer.copy_(value)


def _network_and_part(name: str, networks: Collection[str]) -> tuple[str, str]:
    """Return the network that a dotted name begins with, whose own name may have dots, and the rest of it."""
    network = next((known for known in networks if f"{name}.".startswith(f"{known}.")), name.partition(".")[0])
    return network, name[len(network) + 1 :]


def _listing(what: str, names: list[str]) -> list[str]:
    lines = [f"{what}: {name}" for name in names[:_MOST_NAMED]]
    return lines if len(names) <= _MOST_NAMED else [*lines, f"{what}: {len(names) - _MOST_NAMED} more"]


def _size(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a scalar"
