"""Steps of the methods in `updates.py`, in one process or several."""

from __future__ import annotations

import pickle

import torch
from training.updates import STEPS, Method

from itrans.recipe.schema import Optimizer, Train
from itrans.training.processes import Processes
from itrans.training.runtime import Runtime

CPU = torch.device("cpu")


def runtime_of(method: Method, processes: Processes, accumulate: int = 1) -> Runtime:
    return Runtime(
        method,
        device=CPU,
        dtype=method.dtype,
        memory_format=method.memory_format,
        processes=processes,
        optimizer=Optimizer(lr=0.02, clip_norm=method.clip_norm),
        train=Train(steps=1, ema=method.ema, accumulate=accumulate),
    )


def state_of(method: Method, runtime: Runtime) -> dict[str, object]:
    networks = {name: network.state_dict() for name, network in method.networks.items()}
    return {"networks": networks, "training": runtime.state_dict()}


def go_on(before: Method, runtime: Runtime, processes: Processes) -> tuple[Method, Runtime]:
    """Return a new method and a new runtime that go on from a stored state."""
    state = pickle.loads(pickle.dumps(state_of(before, runtime)))
    method = type(before)(before.shares)
    runtime = runtime_of(method, processes)
    for name, network in method.networks.items():
        network.load_state_dict(state["networks"][name])
    runtime.load_state_dict(state["training"])
    return method, runtime


def train(
    kind: type[Method], shares: range, processes: Processes, stop: int | None = None, accumulate: int = 1
) -> dict[str, object]:
    """Take all steps of a method, and return the state that it ends with; with `stop`, go on anew after so many."""
    method = kind(shares)
    runtime = runtime_of(method, processes, accumulate)
    for step in range(STEPS):
        if step == stop:
            method, runtime = go_on(method, runtime, processes)
        for batch in range(accumulate):
            method.number = accumulate * step + batch
            runtime.begin(step, batch)
            method.step(runtime)
        runtime.end()
    return state_of(method, runtime)
