"""What a method gives of losses, to descend on and to log: tensors by name."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from itrans.errors import PluginError


def refuse_no_losses(losses: object, networks: str) -> None:
    """Raise `PluginError` for what an update of networks cannot descend on."""
    if not isinstance(losses, Mapping):
        found, wanted = type(losses).__name__, 'the losses by name, such as {"l1": value}'
        raise PluginError(f"The update of {networks} was given {found}, but should be given {wanted}.")
    for name, loss in losses.items():
        if not isinstance(loss, Tensor):
            raise PluginError(
                f'The update of {networks} was given {type(loss).__name__} as "{name}", but should be given a tensor '
                "of no dimensions: float() and item() cut it off from the weights."
            )


def refuse_no_scalars(logged: object) -> None:
    """Raise `PluginError` for what a step has returned and is nothing to log."""
    wanted = "The method's step() should return tensors of no dimensions by their names, but returns"
    if not isinstance(logged, Mapping):
        raise PluginError(f"{wanted} {type(logged).__name__}.")
    for name, loss in logged.items():
        if not isinstance(loss, Tensor) or loss.ndim:
            found = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else type(loss).__name__
            raise PluginError(f'{wanted} {found} as "{name}".')
