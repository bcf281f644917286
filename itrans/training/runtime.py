"""What a method is handed: networks placed on a device, and a way to update them."""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from itrans.errors import DeviceError, PluginError, TrainingError, did_you_mean
from itrans.networks.convolutions import suit_to_cpu
from itrans.training.gradients import MeanGradients
from itrans.training.optimizers import Adam, AdamW
from itrans.training.scalars import refuse_no_losses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from itrans.protocols import Method
    from itrans.recipe.schema import Optimizer, Train
    from itrans.training.fine_tuning import FrozenParts
    from itrans.training.processes import Processes

_OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {"adam": Adam, "adamw": AdamW}

_GATHERED = ("step", "exp_avg", "exp_avg_sq")
"""What each of them gathers about a parameter."""


class Runtime:
    """Networks on a device with an optimiser each: mixed precision, several processes, clipping, averaged weights.

    The method's networks are moved to the device; convolutions are computed in `dtype`.

    Attributes:
        dtype: what convolutions are computed in.
        optimizers: one for each network, by its name.
        averages: the exponential moving averages of the generators' states, by name; empty without `train.ema`.
    """

    def __init__(
        self,
        method: Method,
        *,
        device: torch.device,
        dtype: torch.dtype,
        memory_format: torch.memory_format,
        processes: Processes,
        optimizer: Optimizer,
        train: Train,
        frozen: FrozenParts | None = None,
    ) -> None:
        self.device, self.memory_format, self.processes = device, memory_format, processes
        self.dtype, self._clip_norm, self._decay = dtype, optimizer.clip_norm, train.ema
        if train.sync_batchnorm and processes.count > 1 and device.type != "cuda":
            raise DeviceError("train.sync_batchnorm needs CUDA devices; set it to false.")
        self._method, self._updated, self._frozen = type(method).__name__, False, frozen
        self._began_with: int | None = None
        self._networks = dict(method.networks)
        for network in self._networks.values():
            network.to(device=device, memory_format=memory_format)  # type: ignore[call-overload]
            network.train()
            if train.sync_batchnorm and processes.count > 1:
                nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
            processes.copy_from_first([*network.parameters(), *network.buffers()])
            if train.compile:
                network.compile()
            elif device.type == "cpu" and train.channels_last == "auto":
                suit_to_cpu(network, dtype)
        self.optimizers = {name: _optimizer(network, optimizer) for name, network in self._networks.items()}
        self._gradients = MeanGradients(processes, self._networks)
        if frozen is not None:
            frozen.remember()
        self._base_lr = optimizer.lr
        self._scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
        self._updates = dict.fromkeys(self._networks, 0)
        self.averages: dict[str, dict[str, Tensor]] = {}
        if train.ema is not None:
            self.averages = {name: copy.deepcopy(self._networks[name].state_dict()) for name in method.generators}

    def autocast(self) -> torch.autocast:
        """Return the context in which forward passes are computed."""
        # Cached casts would outlive the update of the weights that they were made from.
        enabled = self.dtype != torch.float32
        return torch.autocast(self.device.type, self.dtype, enabled=enabled, cache_enabled=False)

    def set_learning_rate(self, factor: float) -> None:
        """Set every optimiser's learning rate, for the step that follows, to the recipe's, times a factor.

        Raises:
            TrainingError: the step before was the first, and has updated nothing.
        """
        if self._began_with is None:
            self._began_with = self._versions()
        else:
            self.refuse_idle()
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = self._base_lr * factor

    @contextlib.contextmanager
    def update(self, *networks: str) -> Iterator[_Backward]:
        """Train just these networks within the block; all others are frozen.

        The block calls what it is given once, with weighted scalars. Their sum's gradients are averaged over the
        processes on the way; they are clipped, and the optimisers step, when the block ends.
        """
        if unknown := [name for name in networks if name not in self._networks]:
            raise PluginError(
                f"The method {self._method} updates {unknown[0]!r}, and has the networks {', '.join(self._networks)}."
                f"{did_you_mean(str(unknown[0]), self._networks)}"
            )
        trained = {name: self._networks[name] for name in networks}
        frozen = [
            parameter
            for name, network in self._networks.items()
            if name not in trained
            for parameter in network.parameters()
            if parameter.requires_grad
        ]
        for parameter in frozen:
            parameter.requires_grad_(False)
        try:
            backward = _Backward(self._scaler, self._gradients, networks)
            yield backward
            if not backward.done:
                raise TrainingError(f"The update of {', '.join(networks)} was given no losses.")
            self._gradients.complete(networks)
        finally:
            for parameter in frozen:
                parameter.requires_grad_(True)
        self.restore_frozen()
        for name in trained:
            self._step(name)
        self._scaler.update()
        self._updated = True

    def state_dict(self) -> dict[str, Any]:
        """Return the optimisers, how often each has stepped, the averages and the loss scale."""
        return {
            "updates": dict(self._updates),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "averages": self.averages,
            "scaler": self._scaler.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take over what `state_dict` returned.

        Raises:
            ValueError: it is not of these networks; or any other error of torch.
        """
        for name, optimizer in self.optimizers.items():
            _load_optimizer(name, optimizer, state["optimizers"][name])
            steps = [int(values["step"]) for values in optimizer.state.values()]  # all that older files know
            self._updates[name] = state.get("updates", {}).get(name, max(steps, default=0))
        for name, average in self.averages.items():
            for key, value in average.items():
                value.copy_(_alike(state["averages"][name][key], value, f"averages.{name}.{key}"))
        if self._scaler.is_enabled() and state["scaler"]:
            self._scaler.load_state_dict(state["scaler"])
        if self._frozen is not None:
            self._frozen.remember()  # the networks have been loaded before

    def restore_frozen(self) -> None:
        """Undo what forward passes have changed of the statistics of frozen parts."""
        if self._frozen is not None:
            self._frozen.restore()

    @contextlib.contextmanager
    def use_averages(self) -> Iterator[None]:
        """Let the generators have their averaged weights for as long as the block lasts."""
        kept = {name: copy.deepcopy(self._networks[name].state_dict()) for name in self.averages}
        for name, average in self.averages.items():
            self._networks[name].load_state_dict(average)
        try:
            yield
        finally:
            for name, state in kept.items():
                self._networks[name].load_state_dict(state)

    def refuse_idle(self) -> None:
        """Raise `TrainingError` if the first step has been taken, and has changed no weight in any way."""
        if not self._updated and self._versions() == self._began_with:
            raise TrainingError(
                f"The method {self._method} has taken a step and trained nothing: within runtime.update(NETWORK) it "
                "has to call what it is given with its losses."
            )

    def _versions(self) -> int:
        """Return how often weights have been changed in place, which an optimiser of the method's own does too."""
        return sum(parameter._version for network in self._networks.values() for parameter in network.parameters())

    def _step(self, name: str) -> None:
        optimizer = self.optimizers[name]
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        if self._clip_norm is not None:
            self._scaler.unscale_(optimizer)
            nn.utils.clip_grad_norm_(parameters, self._clip_norm)
        self._scaler.step(optimizer)
        optimizer.zero_grad(set_to_none=True)
        self._updates[name] += 1
        self._average(name)

    @torch.no_grad()
    def _average(self, name: str) -> None:
        average = self.averages.get(name)
        if average is None or self._decay is None:
            return
        # An average that forgot slowly from the first step on would be of the random weights it began with: after 150
        # updates at 0.98, they and the statistics of batch norm would still be a twentieth of it.
        updates = self._updates[name]
        decay = min(self._decay, (1 + updates) / (10 + updates))
        for key, value in self._networks[name].state_dict().items():
            if value.is_floating_point():
                average[key].lerp_(value, 1 - decay)
            else:
                average[key].copy_(value)


class _Backward:
    """The gradient of a sum of losses."""

    def __init__(self, scaler: torch.amp.GradScaler, gradients: MeanGradients, networks: Sequence[str]) -> None:
        self._scaler, self._gradients, self._networks = scaler, gradients, networks
        self.done = False

    def __call__(self, losses: Mapping[str, Tensor]) -> None:
        named = ", ".join(self._networks)
        refuse_no_losses(losses, named)
        if not losses:
            raise TrainingError(f"The update of {named} was given no losses.")
        total = torch.stack([loss.float() for loss in losses.values()]).sum()
        if not total.requires_grad:
            names = " and ".join(losses)
            raise TrainingError(
                f"The update of {named} was given losses that do not depend on its weights: {names}. Is "
                "something detached, or computed under torch.no_grad()?"
            )
        with torch.autocast(total.device.type, enabled=False):
            self._gradients.backward(self._scaler.scale(total), self._networks)
        self.done = True


def _optimizer(network: nn.Module, table: Optimizer) -> torch.optim.Optimizer:
    parameters: Sequence[nn.Parameter] = [p for p in network.parameters() if p.requires_grad]
    if not parameters:
        raise PluginError(f"The network {type(network).__name__} has no weights to train.")
    fused = all(parameter.device.type in {"cpu", "cuda"} for parameter in parameters)
    make: Any = _OPTIMIZERS[table.name]
    optimizer: torch.optim.Optimizer = make(
        parameters, lr=table.lr, betas=table.betas, weight_decay=table.weight_decay, fused=fused
    )
    return optimizer


def _load_optimizer(name: str, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Take over what an optimiser has gathered; its settings are the recipe's, and stay as they are."""
    own = optimizer.state_dict()["param_groups"]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if [len(group["params"]) for group in state["param_groups"]] != [len(group["params"]) for group in own]:
        raise ValueError(f"optimizers.{name} is of another number of parameters.")
    found: dict[int, dict[str, Tensor]] = {}
    for number, gathered in state["state"].items():
        where = f"optimizers.{name}.state.{number}"
        if number not in range(len(parameters)):
            raise ValueError(f"{where} is of no parameter.")
        if lacking := [key for key in _GATHERED if key not in gathered]:
            raise ValueError(f"{where}.{lacking[0]} is missing.")
        # Laid out in memory as the optimiser would have it: a fused one does not look, and would write anywhere.
        likes = {key: torch.zeros(()) if key == "step" else parameters[number].detach() for key in gathered}
        found[number] = {
            key: torch.empty_like(like).copy_(_alike(gathered[key], like, f"{where}.{key}"))
            for key, like in likes.items()
        }
    optimizer.load_state_dict({"state": found, "param_groups": own})


def _alike(value: object, own: Tensor, where: str) -> Tensor:
    """Return a tensor of a file if it can take the place of one's own: torch would stretch one of another shape."""
    if not isinstance(value, Tensor) or value.shape != own.shape:
        found = "x".join(map(str, value.shape)) or "scalar" if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(f"{where} is {found}, and should be {'x'.join(map(str, own.shape)) or 'a scalar'}.")
    return value
