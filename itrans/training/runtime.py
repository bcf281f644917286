"""What a method is handed: networks placed on a device, and a way to update them."""

from __future__ import annotations

import contextlib
import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from itrans.errors import DeviceError, PluginError, TrainingError, did_you_mean
from itrans.networks.convolutions import suit_to_cpu
from itrans.recipe.optimizers import optimizer_of
from itrans.training.accumulation import Accumulation
from itrans.training.gradients import MeanGradients
from itrans.training.losses import name_of, trained_along
from itrans.training.optimizers import alike, load_optimizer, make_optimizer
from itrans.training.scalars import refuse_no_losses

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from itrans.protocols import Method
    from itrans.recipe.schema import Optimizer, Train
    from itrans.training.fine_tuning import FrozenParts
    from itrans.training.processes import Processes


class Runtime:
    """Networks on a device with an optimiser each: mixed precision, several processes, clipping, averaged weights.

    The method's networks are moved to the device; convolutions are computed in `dtype`.

    Attributes:
        device: where the networks are.
        step: the number of the step that is being taken, from 0; the same for all of its batches.
        steps: how many the run has; 0 if nobody has said.
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
        self.dtype, self._decay = dtype, train.ema
        self.step, self.steps = 0, train.steps or 0
        if train.sync_batchnorm and processes.count > 1 and device.type != "cuda":
            raise DeviceError("train.sync_batchnorm needs CUDA devices; set it to false.")
        self._method, self._updated, self._frozen = name_of(method), False, frozen
        self._generators, self._along = frozenset(method.generators), trained_along(method)
        self._began_with: int | None = None
        networks = self._networks = dict(method.networks)
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
        self._tables = {name: optimizer_of(optimizer, name) for name in self._networks}
        self.optimizers = {name: make_optimizer(network, self._tables[name]) for name, network in networks.items()}
        self._gradients = MeanGradients(processes, self._networks)
        if frozen is not None:
            frozen.remember()
        self._scaler = torch.amp.GradScaler(device.type, enabled=dtype == torch.float16)
        self._batches = Accumulation(networks, train.accumulate, self._scaler)
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
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = self._tables[name].lr * factor

    def begin(self, step: int, batch: int = 0) -> None:
        """Hear which step is being taken, and with which of its batches; both count from 0."""
        self.step = step
        self._batches.begin(batch)

    def end(self) -> None:
        """Hear that the step has had all of its batches.

        A block that only earlier ones had has its optimisers step now.
        """
        for block in self._batches.left():
            self._batches.give_back(block)
            self._gradients.average(block[0])
            self._take(block[0])

    @contextlib.contextmanager
    def update(self, *networks: str) -> Iterator[_Backward]:
        """Train just these networks within the block; all others are frozen.

        The block calls what it is given, with weighted scalars, once or several times: gradients add up. They are
        averaged over the processes on the way; they are clipped, and the optimisers step, when the block ends. In a
        step of several batches that is the block of the last one.
        """
        if unknown := [name for name in networks if name not in self._networks]:
            raise PluginError(
                f"The method {self._method} updates {unknown[0]!r}, and has the networks {', '.join(self._networks)}."
                f"{did_you_mean(str(unknown[0]), self._networks)}"
            )
        if not self._generators.isdisjoint(networks):
            networks = (*networks, *(name for name in self._along if name not in networks))
        frozen = [
            parameter
            for name, network in self._networks.items()
            if name not in networks
            for parameter in network.parameters()
            if parameter.requires_grad
        ]
        for parameter in frozen:
            parameter.requires_grad_(False)
        batches = self._batches
        block = batches.next_block(networks)
        try:
            batches.give_back(block)
            if batches.is_used and batches.is_last:
                self._gradients.fill(networks)
            backward = _Backward(self._scaler, self._gradients, networks, is_own=not batches.is_last)
            yield backward
            if not backward.done:
                raise TrainingError(f"The update of {', '.join(networks)} was given no losses.")
            if batches.is_last:
                self._gradients.complete(networks)
        finally:
            for parameter in frozen:
                parameter.requires_grad_(True)
        if batches.is_last:
            self._take(networks)
        else:
            batches.keep(block)
            self.restore_frozen()

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
            load_optimizer(name, optimizer, self._tables[name], state["optimizers"][name])
            steps = [int(values.get("step", 0)) for values in optimizer.state.values()]  # all that older files know
            self._updates[name] = state.get("updates", {}).get(name, max(steps, default=0))
        for name, average in self.averages.items():
            for key, value in average.items():
                value.copy_(alike(state["averages"][name][key], value, f"averages.{name}.{key}"))
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

    def _take(self, networks: Sequence[str]) -> None:
        """Have the optimisers of some networks step."""
        self.restore_frozen()
        if self._batches.is_used:
            self._batches.divide(networks)
        reached = [self._step(name) for name in networks]
        if any(reached):
            self._scaler.update()
        self._updated = True

    def _step(self, name: str) -> bool:
        """Have the optimiser of a network step, and return whether the network has gradients."""
        optimizer, clip_norm = self.optimizers[name], self._tables[name].clip_norm
        parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
        is_reached = any(parameter.grad is not None for parameter in parameters)
        if is_reached:
            if clip_norm is not None:
                self._scaler.unscale_(optimizer)
                nn.utils.clip_grad_norm_(parameters, clip_norm)
            self._scaler.step(optimizer)
            optimizer.zero_grad(set_to_none=True)
        self._updates[name] += 1
        self._average(name)
        return is_reached

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
    """The gradient of a sum of losses; with `is_own`, it is not averaged over the processes yet."""

    def __init__(
        self, scaler: torch.amp.GradScaler, gradients: MeanGradients, networks: Sequence[str], *, is_own: bool
    ) -> None:
        self._scaler, self._gradients, self._networks, self._is_own = scaler, gradients, networks, is_own
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
            self._gradients.backward(self._scaler.scale(total), self._networks, is_own=self._is_own)
        self.done = True
