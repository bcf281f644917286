"""Backbones as encoders of `timm_unet`: parameters, and pictures of 256x256 a second, trained and translated.

Run by hand: python tests/benchmarks/timm_backbones.py [BACKBONE ...]. Prints the table of docs/timm.md.
"""

from __future__ import annotations

import sys
import time

import torch

from itrans.api import GENERATORS

BACKBONES = (
    "resnet18",
    "resnet50",
    "efficientnet_b0",
    "mobilenetv3_large_100",
    "convnext_atto",
    "convnext_tiny",
    "regnety_002",
    "vgg11",
    "swin_tiny_patch4_window7_224",
    "swinv2_tiny_window8_256",
    "sam2_hiera_tiny",
    "hiera_tiny_224",
    "pvt_v2_b0",
    "mambaout_femto",
)
ONE_SIZE = {"hiera_tiny_224": {"image_size": 256}}
BATCH, SIZE, ROUNDS = 4, 256, 3


def rate(run: object) -> float:
    """Return pictures a second, the best of some rounds."""
    assert callable(run)
    run()
    seconds = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return BATCH / min(seconds)


def main() -> None:
    source = torch.rand(BATCH, 3, SIZE, SIZE).to(memory_format=torch.channels_last) * 2 - 1
    print("| backbone | strides | parameters | training, pictures/s | translating, pictures/s |")
    print("|---|---|---|---|---|")
    for backbone in sys.argv[1:] or BACKBONES:
        table = {"name": "timm_unet", "backbone": backbone} | ONE_SIZE.get(backbone, {})
        network = GENERATORS.build(table, in_channels=3, out_channels=3).to(memory_format=torch.channels_last)
        optimizer = torch.optim.Adam(network.parameters(), fused=True)

        def train(network: torch.nn.Module = network, optimizer: torch.optim.Optimizer = optimizer) -> None:
            with torch.autocast("cpu", torch.bfloat16):
                loss = network(source).float().abs().mean()
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

        @torch.no_grad()
        def translate(network: torch.nn.Module = network) -> None:
            with torch.autocast("cpu", torch.bfloat16):
                network(source)

        trained = rate(train)
        network.eval()
        translated = rate(translate)
        millions = sum(weight.numel() for weight in network.parameters()) / 1e6
        strides = ", ".join(map(str, network.backbone.strides))
        print(f"| `{backbone}` | {strides} | {millions:.1f} M | {trained:.1f} | {translated:.1f} |", flush=True)


if __name__ == "__main__":
    main()
