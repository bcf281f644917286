"""Processes as `torchrun` starts them, forked from one that has imported torch already.

That import takes more time than all that they do.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
from pathlib import Path

import torch

METHODS = multiprocessing.get_all_start_methods()
CONTEXT = multiprocessing.get_context("forkserver" if "forkserver" in METHODS else "spawn")
CONTEXT.set_forkserver_preload(
    ["training.ranks", "itrans.cli.run", "itrans.training.trainer", "torchmetrics.functional"]
)


def call(arguments: list[str], environment: dict[str, str], output: Path) -> None:
    """Be the command line, once: this process ends with its exit code."""
    from itrans.cli import main

    with output.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.environ.update(environment)
    torch.set_num_threads(1)
    sys.argv = ["itrans", *arguments]
    main()


def call_in_two(arguments: list[str], folder: Path) -> tuple[list[int | None], list[str]]:
    """Call the command line in two processes that talk to each other.

    Args:
        arguments: of the command line.
        folder: where their outputs are kept.

    Returns:
        Their exit codes, and what they have printed.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    outputs = [folder / f"output-{rank}.txt" for rank in range(2)]
    started = [
        CONTEXT.Process(target=call, args=(arguments, {**address, "RANK": str(rank), "LOCAL_RANK": str(rank)}, output))
        for rank, output in enumerate(outputs)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(timeout=120)
        process.kill()
    return [process.exitcode for process in started], [output.read_text() for output in outputs]
