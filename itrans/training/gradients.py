"""Gradients that are averaged over processes while the backward pass still goes on."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from itrans.training.processes import Processes

_FIRST_BUCKET, _BUCKET = 2**20, 25 * 2**20
"""Bytes of gradients that travel together: few at first, so that something is on its way soon; as DDP has it."""


class MeanGradients:
    """The backward pass of an update, with gradients that are the mean over all processes.

    The engine is that of torch's `DistributedDataParallel`, its `Reducer`, without the wrapper: methods call their
    networks themselves, as often and wherever they like. What counts is a backward pass of an update. The reducer
    looks at its graph beforehand, so that neither forward passes nor other backward passes matter. An update may have
    several: what has been averaged is averaged once more together with what is added, and stays what it is.

    A parameter that the update leaves out in one process counts as zero there. One that all leave out has no gradient,
    as in a single process.

    The bits of a mean depend on how gradients are grouped on their way. That follows from the networks alone and never
    changes, as it would within `DistributedDataParallel`: a run that is resumed would not go on bit for bit.
    """

    def __init__(self, processes: Processes, networks: Mapping[str, nn.Module]) -> None:
        self._processes = processes
        self._parameters = {
            name: {f"{name}.{key}": value for key, value in network.named_parameters() if value.requires_grad}
            for name, network in networks.items()
        }
        self._reducers: dict[frozenset[str], _Reducer] = {}
        self._nested: dict[frozenset[str], bool] = {}

    def backward(self, total: Tensor, networks: Collection[str], *, is_own: bool = False) -> None:
        """Add the gradients of a scalar, averaged over the processes, to those of the networks' parameters.

        All processes must do so for the same networks at the same time. With `is_own`, gradients stay those of the
        process: more are going to be added before they are averaged.
        """
        if self._processes.count == 1 or not networks or is_own:
            total.backward()  # type: ignore[no-untyped-call]
            return
        together = frozenset(networks)
        reducer = self._reducer(together)
        if together not in self._nested:
            self._nested[together] = self._processes.any(reducer.backward_and_look(total))
        elif self._nested[together]:
            reducer.backward_then_reduce(total)
        else:
            reducer.backward(total)

    def complete(self, networks: Collection[str]) -> None:
        """Average again if gradients have changed since: a method may have added to them by itself.

        That what all processes have is averaged once more does no harm.
        """
        reducer = self._reducers.get(frozenset(networks))
        if reducer is not None and reducer.is_outdated:
            reducer.reduce()

    def average(self, networks: Collection[str]) -> None:
        """Average gradients that are there, and were added up by each process for itself."""
        if self._processes.count > 1 and networks:
            self.fill(networks)
            self._reducer(frozenset(networks)).reduce()

    def fill(self, networks: Collection[str]) -> None:
        """Give a gradient of zeros to each parameter that has one in another process, and none here.

        A reducer knows of those alone that the backward passes reach which it has looked at.
        """
        if self._processes.count == 1:
            return
        parameters = [value for name in networks for value in self._parameters[name].values()]
        there = self._processes.total(torch.tensor([int(parameter.grad is not None) for parameter in parameters]))
        for parameter, count in zip(parameters, there.tolist(), strict=True):
            if count and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)

    def _reducer(self, together: frozenset[str]) -> _Reducer:
        if together not in self._reducers:
            # One reducer for all of them: two would not always send their buckets in the same order in each process.
            parameters: dict[str, nn.Parameter] = {}
            for name, own in self._parameters.items():
                parameters |= own if name in together else {}
            made = _Reducer(parameters)
            # A reducer notes which parameters backward passes reach, others' too. So each has parameters of its own.
            self._reducers = {key: other for key, other in self._reducers.items() if not other.shares_with(made)}
            self._reducers[together] = made
        return self._reducers[together]


class _Reducer:
    """torch's reducer of some parameters.

    It has two more. One is in every graph, because a reducer is never done if a backward pass reaches none of its
    parameters. One is in no graph, because a reducer prints a warning if a backward pass reaches all of them.
    """

    def __init__(self, parameters: Mapping[str, nn.Parameter]) -> None:
        unique = {id(parameter): (name, parameter) for name, parameter in parameters.items()}
        device = next(iter(parameters.values())).device
        self._reached, self._unreached = (nn.Parameter(torch.zeros((), device=device)) for _ in range(2))
        # The last layers come first: their gradients do.
        named = [("reached", self._reached), ("unreached", self._unreached), *reversed(unique.values())]
        self._parameters: list[Tensor] = [parameter for _, parameter in named]
        off = [parameter for parameter in self._parameters if not parameter.requires_grad]
        for parameter in off:  # by the method, for now
            parameter.requires_grad_(True)
        # Of 1x1 convolutions in channels last, where the two layouts are one.
        warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
        engine: Any = dist
        buckets, limits = engine._compute_bucket_assignment_by_size(self._parameters, [_FIRST_BUCKET, _BUCKET])
        self._reducer = engine.Reducer(
            params=self._parameters,
            bucket_indices=buckets,
            per_bucket_size_limits=limits,
            process_group=dist.group.WORLD,
            find_unused_parameters=True,
            gradient_as_bucket_view=True,
            param_to_name_mapping=dict(enumerate(name for name, _ in named)),
        )
        for parameter in off:
            parameter.requires_grad_(False)
        self._reduced: list[tuple[int, int]] = []

    @property
    def is_outdated(self) -> bool:
        """Whether gradients have changed since they were averaged."""
        return self._reduced != self._versions()

    def _versions(self) -> list[tuple[int, int]]:
        gradients = (parameter.grad for parameter in self._parameters)
        return [(gradient.data_ptr(), gradient._version) for gradient in gradients if gradient is not None]

    def shares_with(self, other: _Reducer) -> bool:
        """Return whether both have a parameter."""
        return not {*map(id, self._parameters)}.isdisjoint(map(id, other._parameters))

    def backward(self, total: Tensor) -> None:
        """Compute gradients; each bucket is sent as soon as it is complete."""
        total = total + 0 * self._reached
        (0 * self._unreached).backward()  # type: ignore[no-untyped-call]  # or a GPU would wait to learn who reached it
        self._reducer.prepare_for_backward([total])
        total.backward()  # type: ignore[no-untyped-call]
        self._reached.grad = self._unreached.grad = None
        self._reduced = self._versions()

    def reduce(self) -> None:
        """Send gradients that are there."""
        self.backward(torch.zeros_like(self._reached))

    def backward_then_reduce(self, total: Tensor) -> None:
        """Compute gradients, then send them: for graphs with backward passes within the backward pass.

        `torch.utils.checkpoint` with `use_reentrant=True` makes such. No walk through the graph finds the parameters
        that they reach, some of them several times, and a reducer that waits for each gradient once raises an error.
        """
        total.backward()  # type: ignore[no-untyped-call]
        self.reduce()

    def backward_and_look(self, total: Tensor) -> bool:
        """Do the same, and return whether there was a backward pass within the backward pass."""
        passes: set[int] = set()
        hooks = [
            parameter.register_post_accumulate_grad_hook(  # type: ignore[no-untyped-call]
                lambda _: passes.add(torch._C._current_graph_task_id())
            )
            for parameter in self._parameters
            if parameter.requires_grad
        ]
        (total + 0 * self._reached).backward()  # type: ignore[no-untyped-call]
        for hook in hooks:
            hook.remove()
        self.reduce()
        return len(passes) > 1
