"""How long `itrans serve` takes to answer a stroke, against the network alone; and what clients at once gain.

The server is a process of its own. Its answers and calls of the bare generator are measured in turn, in blocks.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import httpx
import numpy as np
import torch
from figures import line

from itrans.api import GENERATORS, write_image
from itrans.commands import devices, keep_freed_memory, load_checkpoint

SIZE, STROKES, CLIENTS, PICTURES = 256, 40, 8, 80
BLOCK, PAUSE = 10, 0.5
"""Threads of a process that has just computed keep their cores busy for a while, and would slow down the other."""

RECIPE = """
[dataset]
name = "aligned"
root = "data"
[generator]
name = "unet"
[[loss]]
name = "l1"
[train]
steps = 1
batch_size = 2
[validation]
every = 0
"""
HEADERS = {"Content-Type": "image/png"}


def stroke(seed: int) -> bytes:
    """Return a drawing of a few lines, as the page sends it."""
    places = np.random.default_rng(seed).integers(0, SIZE, (12, 2))
    image = np.full((SIZE, SIZE, 3), 255, np.uint8)
    cv2.polylines(image, [places.astype(np.int32)], isClosed=False, color=(0, 0, 0), thickness=3)
    return cv2.imencode(".png", image)[1].tobytes()


def seconds(work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def bare_network(checkpoint: Path):
    """Return a call of the generator alone, in the precision that the server takes, with weights cast once."""
    keep_freed_memory()
    generator = GENERATORS.build({"name": "unet"}, in_channels=3, out_channels=3)
    generator.load_state_dict(load_checkpoint(checkpoint).networks["generator"])
    device = devices.choose_device("auto")
    dtype = devices.choose_dtype("auto", device)
    layout = torch.channels_last if dtype != torch.float32 else torch.contiguous_format
    generator.eval().to(device, dtype, memory_format=layout)
    source = (torch.rand(1, 3, SIZE, SIZE, device=device) * 2 - 1).to(dtype, memory_format=layout)

    def call() -> None:
        with torch.no_grad():
            generator(source).cpu()

    return call


def main() -> None:
    itrans = [sys.executable, "-m", "itrans"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for index in range(2):
            write_image(folder / f"data/train/{index}.png", np.full((SIZE, 2 * SIZE, 3), 100 * index, np.uint8))
        (folder / "recipe.toml").write_text(RECIPE)
        subprocess.run([*itrans, "run", "recipe.toml", "-o", "run"], cwd=folder, check=True, capture_output=True)
        server = subprocess.Popen(
            [*itrans, "serve", "run", "--port", "0"], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        try:
            address = server.stdout.readline().split()[3] + "translate"
            measure(address, bare_network(folder / "run/checkpoints/last.pt"))
        finally:
            server.terminate()
            server.wait()


def measure(address: str, network) -> None:
    strokes = [stroke(seed) for seed in range(STROKES)]
    with httpx.Client(timeout=60) as client:

        def ask(content: bytes) -> None:
            client.post(address, content=content, headers=HEADERS).raise_for_status()

        for content in strokes[:5]:
            ask(content)
            network()
        answers, alone = [], []
        for start in range(0, STROKES, BLOCK):
            time.sleep(PAUSE)
            answers += [seconds(lambda content=content: ask(content)) for content in strokes[start : start + BLOCK]]
            time.sleep(PAUSE)
            network()
            alone += [seconds(network) for _ in range(BLOCK)]
        answer, bare = statistics.median(answers), statistics.median(alone)
        print(line("the network alone", f"{1000 * bare:.0f} ms"))
        print(
            line("an answer of the server", f"{1000 * answer:.0f} ms", answer / bare, "the network's time"), flush=True
        )

        pictures = [strokes[number % STROKES] for number in range(PICTURES)]
        rates = []
        with ThreadPoolExecutor(CLIENTS) as clients:
            for _ in range(3):
                one_by_one = PICTURES / seconds(lambda: [ask(content) for content in pictures])
                at_once = PICTURES / seconds(lambda: list(clients.map(ask, pictures)))
                rates.append((at_once / one_by_one, one_by_one, at_once))
        ratio, one_by_one, at_once = sorted(rates)[1]
        print(line("a client, one by one", f"{one_by_one:.1f} pictures/s"))
        print(line(f"{CLIENTS} clients at once", f"{at_once:.1f} pictures/s", ratio, "one by one"))


if __name__ == "__main__":
    main()
