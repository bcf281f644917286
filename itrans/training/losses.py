"""A recipe's losses, and those among them that are networks and learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import nn

from itrans.errors import PluginError, Problem, RecipeError
from itrans.protocols import WeightedLoss
from itrans.recipe.agreement import role_fault
from itrans.recipe.signature import Signature
from itrans.registry import accepted_arguments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch

    from itrans.pictures.spec import ImageSpec
    from itrans.protocols import Method
    from itrans.recipe.load import Recipe


@dataclass(frozen=True)
class BuiltLosses:
    """A recipe's losses.

    Attributes:
        entries: the losses, each with its name and weight.
        undecided: those that have been frozen although they have parameters to train, and have not said `trains`: what
            a message calls each, with the loss.
    """

    entries: list[WeightedLoss]
    undecided: list[tuple[str, nn.Module]]

    def refuse_undecided(self, method: Method) -> None:
        """Raise `PluginError` if a loss has parameters that nobody trains, and does not say that this is meant."""
        trained = {id(network) for network in method.networks.values()}
        for owner, loss in self.undecided:
            if id(loss) not in trained:
                count = sum(parameter.numel() for parameter in loss.parameters())
                raise PluginError(
                    f"{owner} has {count:,} parameters, but does not say whether they are to be trained. If they are, "
                    "say trains = True in its class; otherwise call requires_grad_(False) where it is made."
                )


def build_losses(recipe: Recipe, device: torch.device, *, initialize: bool) -> BuiltLosses:
    """Make a recipe's losses; those that are networks and do not learn are frozen, and moved to the device.

    Raises:
        RecipeError: the method knows no such losses.
        PluginError: a loss says that it learns, and is no network.
    """
    method = next(part for part in recipe.parts if part.kind == "method")
    parts = [part for part in recipe.parts if part.kind == "loss"]
    found = BuiltLosses([], [])
    for position, (part, table) in enumerate(zip(parts, recipe.tables.loss, strict=True)):
        loss = recipe.build("loss", position=position, initialize=initialize)
        if fault := role_fault(method, part, loss):
            raise RecipeError(Problem(*recipe.where(part.key), fault))
        if _trains(loss) and not isinstance(loss, nn.Module):
            raise PluginError(f"{part.owner} says trains = True, but is not a torch.nn.Module, which could be trained.")
        if isinstance(loss, nn.Module) and not _trains(loss):
            if not hasattr(loss, "trains") and any(parameter.requires_grad for parameter in loss.parameters()):
                found.undecided.append((part.owner, loss))
            loss.to(device).eval().requires_grad_(False)
        taken = [entry.name for entry in found.entries]
        name = table.name if table.name not in taken else f"{table.name}-{position + 1}"
        found.entries.append(WeightedLoss(name, table.weight, loss))
    return found


def with_loss_networks(method: Method, losses: Sequence[WeightedLoss], source: ImageSpec, target: ImageSpec) -> Method:
    """Return a method whose networks include the losses that learn, as `loss.NAME`.

    Each may have `prepare`, which is called here, to make what depends on the method's networks.

    Raises:
        PluginError: a loss that learns has nothing to train, or has weights of another network.
    """
    own = {id(network) for network in method.networks.values()}
    found: dict[str, nn.Module] = {}
    for entry in losses:
        loss: Any = entry.loss
        if not _trains(loss) or id(loss) in own:
            continue
        if prepare := getattr(loss, "prepare", None):
            offered = {"networks": dict(method.networks), "source": source, "target": target}
            if unknown := Signature(prepare).required - offered.keys():
                raise PluginError(
                    f'The loss "{entry.name}" has a prepare() that needs "{min(unknown)}". It is given networks (by '
                    'name, networks["generator"], for example), source and target.'
                )
            prepare(**accepted_arguments(prepare, offered))
        if not any(parameter.requires_grad for parameter in loss.parameters()):
            raise PluginError(
                f'The loss "{entry.name}" says trains = True, but has no parameters to train. They have to be there '
                "when it is made, or when its prepare() has been called."
            )
        weights = {id(weight) for weight in loss.parameters()}
        for name, network in method.networks.items():
            if not weights.isdisjoint(id(weight) for weight in network.parameters()):
                raise PluginError(
                    f'The loss "{entry.name}" has parameters of the network "{name}" among its own, which would be '
                    "trained twice. Keep a network where torch does not look: self.networks = [network]."
                )
        found[f"loss.{entry.name}"] = loss
    return _MethodWithLosses(method, found) if found else method


def trained_along(method: Method) -> tuple[str, ...]:
    """Return the names of the losses' networks that are trained whenever a generator is."""
    if not isinstance(method, _MethodWithLosses) or getattr(method, "updates_losses", False):
        return ()
    return method.names


def name_of(method: Method) -> str:
    """Return what a message calls a method: its class."""
    return type(method.method if isinstance(method, _MethodWithLosses) else method).__name__


class _MethodWithLosses:
    """A method whose `networks` include those of its losses; all else is the method's own."""

    def __init__(self, method: Method, networks: Mapping[str, nn.Module]) -> None:
        self.method, self._own = method, dict(networks)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the losses' networks."""
        return tuple(self._own)

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """Every network by name."""
        return {**self.method.networks, **self._own}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.method, name)


def _trains(loss: object) -> bool:
    return bool(getattr(loss, "trains", False))
