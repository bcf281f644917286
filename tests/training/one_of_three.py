"""What each of three processes does that train together."""

from __future__ import annotations

import os
import time
from pathlib import Path

import torch
from training.update_runs import CPU, runtime_of, train
from training.updates import METHODS, SHARES, WIDTH, Checkpointed, Large

from itrans.training.gradients import _Reducer
from itrans.training.processes import Processes, process_group, processes_here


def arrives_early(rank: int, processes: Processes, seconds: float = 60.0) -> bool:
    """Return whether the last layer's gradient is the mean before the backward pass has come to the first layer."""
    method = Large(range(rank, rank + 1))
    network = method.generator
    runtime = runtime_of(method, processes)
    method.step(runtime)
    bias, found = network[2].bias, False
    with runtime.update("generator") as update:
        hidden = network[:2](torch.ones(2, WIDTH))
        output = network[2](hidden)

        def wait(_) -> None:
            nonlocal found
            end = time.monotonic() + seconds
            mean = torch.full_like(bias, sum(range(1, SHARES + 1)) / SHARES)  # its own is its rank + 1
            while not (found := torch.allclose(bias.grad, mean)) and time.monotonic() < end:
                time.sleep(0.001)

        hidden.register_hook(wait)
        update({"loss": (rank + 1) * output.sum() / len(output)})
    return found


def torch_refuses(processes: Processes) -> str:
    """Return what torch says to backward passes within the backward pass that it is not prepared for."""
    method = Checkpointed(range(processes.rank, processes.rank + 1))
    reducer = _Reducer(dict(method.generator.named_parameters()))
    try:
        reducer.backward(method.loss(processes.rank))
    except RuntimeError as error:
        return str(error)
    return ""


def be_one(environment: dict[str, str], folder: Path) -> None:
    """Be one of the processes, and leave all that comes out of it in a file."""
    with (folder / f"output-{environment['RANK']}.txt").open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.environ.update(environment)
    torch.set_num_threads(1)
    processes = processes_here()
    own = range(processes.rank, processes.rank + 1)
    with process_group(processes, CPU):
        found: dict[str, object] = {name: train(kind, own, processes) for name, kind in METHODS.items()}
        found |= {f"{name}, accumulated": train(kind, own, processes, accumulate=2) for name, kind in METHODS.items()}
        found["whole"], found["resumed"] = train(Large, own, processes), train(Large, own, processes, stop=2)
        found["early"] = arrives_early(processes.rank, processes)
        found["refused"] = torch_refuses(processes)
        torch.save(found, folder / f"found-{processes.rank}.pt")
