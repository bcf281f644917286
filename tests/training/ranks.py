"""Processes as `torchrun` starts them, forked from one that has imported torch already.

That import takes more time than all that they do.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

METHODS = multiprocessing.get_all_start_methods()
CONTEXT = multiprocessing.get_context("forkserver" if "forkserver" in METHODS else "spawn")
CONTEXT.set_forkserver_preload(
    ["training.ranks", "itrans.cli.run", "itrans.training.trainer", "torchmetrics.functional"]
)


def start_together(target: Callable[..., None], count: int, *arguments: Any) -> list[int | None]:
    """Start processes that may talk to each other, wait for all, and return their exit codes.

    Each calls `target(environment, *arguments)` with the environment that `torchrun` would give it.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(count)}
    started = [
        CONTEXT.Process(target=target, args=({**address, "RANK": str(rank), "LOCAL_RANK": str(rank)}, *arguments))
        for rank in range(count)
    ]
    for process in started:
        process.start()
    for process in started:
        process.join(timeout=120)
        process.kill()
    return [process.exitcode for process in started]


def call(environment: dict[str, str], arguments: list[str], folder: Path) -> None:
    """Be the command line, once: this process ends with its exit code."""
    from itrans.cli import main

    with (folder / f"output-{environment['RANK']}.txt").open("wb") as file:
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
    codes = start_together(call, 2, arguments, folder)
    return codes, [(folder / f"output-{rank}.txt").read_text() for rank in range(2)]
