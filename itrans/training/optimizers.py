"""Torch's optimisers, without the second that it takes to import torch's compiler.

Torch keeps its compiler away from some methods of optimisers, by wrappers that import the compiler when they are first
called. Nothing here is compiled but networks, so that the methods without their wrappers do the same.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from itrans.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itrans.recipe.schema import Optimizer


class Adam(torch.optim.Adam):
    """Adam (Kingma and Ba, arXiv 1412.6980)."""

    add_param_group = inspect.unwrap(torch.optim.Adam.add_param_group)
    state_dict = inspect.unwrap(torch.optim.Adam.state_dict)
    load_state_dict = inspect.unwrap(torch.optim.Adam.load_state_dict)
    zero_grad = inspect.unwrap(torch.optim.Adam.zero_grad)
    step: Any = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))


class AdamW(Adam, torch.optim.AdamW):
    """Adam with weight decay that is no part of the gradient (Loshchilov and Hutter, arXiv 1711.05101)."""


class SGD(torch.optim.SGD):
    """Stochastic gradient descent, with momentum if that is asked for (Sutskever et al., ICML 2013)."""

    add_param_group = Adam.add_param_group
    state_dict = Adam.state_dict
    load_state_dict = Adam.load_state_dict
    zero_grad = Adam.zero_grad
    step: Any = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))


class RMSprop(torch.optim.RMSprop):
    """Steps divided by a running average of the gradients' size (Hinton, lecture 6e of "Neural networks", 2012)."""

    add_param_group = Adam.add_param_group
    state_dict = Adam.state_dict
    load_state_dict = Adam.load_state_dict
    zero_grad = Adam.zero_grad
    step: Any = torch.no_grad()(inspect.unwrap(torch.optim.RMSprop.step))


_OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {"adam": Adam, "adamw": AdamW, "sgd": SGD, "rmsprop": RMSprop}

_GATHERED = {
    "adam": ("step", "exp_avg", "exp_avg_sq"),
    "adamw": ("step", "exp_avg", "exp_avg_sq"),
    "sgd": (),
    "rmsprop": ("step", "square_avg"),
}
"""What each of them gathers about a parameter; with momentum, `momentum_buffer` too."""


def make_optimizer(network: nn.Module, table: Optimizer) -> torch.optim.Optimizer:
    """Make a network's optimiser; raise `PluginError` if the network has no weights to train."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not parameters:
        raise PluginError(f"The network {type(network).__name__} has no weights to train.")
    settings: dict[str, Any] = {"lr": table.lr, "weight_decay": table.weight_decay}
    if table.name in {"adam", "adamw"}:
        settings["betas"] = table.betas
    else:
        settings["momentum"] = table.momentum
    if table.name != "rmsprop":  # of which torch has no fused one
        settings["fused"] = all(parameter.device.type in {"cpu", "cuda"} for parameter in parameters)
    return _OPTIMIZERS[table.name](parameters, **settings)


def load_optimizer(name: str, optimizer: torch.optim.Optimizer, table: Optimizer, state: Mapping[str, Any]) -> None:
    """Take over what an optimiser has gathered; its settings are the recipe's, and stay as they are.

    Args:
        name: the network's, for messages.
        optimizer: that of `make_optimizer`.
        table: the settings that it was made with.
        state: its state, of a file.

    Raises:
        ValueError: it is of something else.
    """
    own = optimizer.state_dict()["param_groups"]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if [len(group["params"]) for group in state["param_groups"]] != [len(group["params"]) for group in own]:
        raise ValueError(f"optimizers.{name} is for another number of parameters.")
    gathers = _GATHERED[table.name]
    if table.name in {"sgd", "rmsprop"} and table.momentum:
        gathers = (*gathers, "momentum_buffer")
    found: dict[int, dict[str, Tensor]] = {}
    for number, gathered in state["state"].items():
        where = f"optimizers.{name}.state.{number}"
        if number not in range(len(parameters)):
            raise ValueError(f"{where} belongs to no parameter.")
        if lacking := [key for key in gathers if key not in gathered]:
            raise ValueError(f"{where}.{lacking[0]} is missing.")
        # Laid out in memory as the optimiser would have it: a fused one does not look, and would write anywhere.
        likes = {key: torch.zeros(()) if key == "step" else parameters[number].detach() for key in gathered}
        found[number] = {
            key: torch.empty_like(like).copy_(alike(gathered[key], like, f"{where}.{key}"))
            for key, like in likes.items()
        }
    optimizer.load_state_dict({"state": found, "param_groups": own})


def alike(value: object, own: Tensor, where: str) -> Tensor:
    """Return a tensor of a file if it can take the place of one's own: torch would stretch one of another shape.

    Raises:
        ValueError: it cannot.
    """
    if not isinstance(value, Tensor) or value.shape != own.shape:
        found = "x".join(map(str, value.shape)) or "scalar" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"{where} is {found}, but should be {'x'.join(map(str, own.shape)) or 'a scalar'}.")
    return value
