"""Checkpoints of small networks, made without training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import torch
from torch import nn

from itrans.api import ImageSpec
from itrans.commands import CheckpointFile, build_method, load_recipe, save_checkpoint

RGB = ImageSpec(channels=3)

SMALL: dict[str, dict[str, Any]] = {
    "unet": {"depth": 3, "filters": 4},
    "encoder_decoder": {"depth": 3, "filters": 4, "norm": "instance_affine", "upsample": "resize"},
    "resnet": {"blocks": 1, "filters": 4, "norm": "batch", "dropout": 0.2},
    "global": {"filters": 4, "downsamplings": 2, "blocks": 1},
    "local_enhancer": {"filters": 4, "global_downsamplings": 2, "blocks": 1, "global_blocks": 1},
    "timm_unet": {"backbone": "test_resnet", "filters": 2},
    "edsr": {"filters": 4, "blocks": 1, "scale": 3},
    "latent_unet": {"latent": 1, "depth": 3, "filters": 4},
    "spade": {"filters": 2, "upsamplings": 2, "hidden": 4},
    "noise_mlp": {"size": 8, "hidden": [8], "noise": 5},
}
"""Every generator that comes with itrans and needs no method of its own, as small as it can be."""


def made_checkpoint(
    path: Path | str,
    generator: str = "unet",
    *,
    source: ImageSpec = RGB,
    target: ImageSpec = RGB,
    sample: str | None = None,
    arguments: dict[str, Any] | None = None,
    **tables: Any,
) -> Path:
    """Write a checkpoint whose networks have random weights and statistics, and return where it is."""
    path = Path(path)
    recipe = {
        "title": f"made: {generator}",
        "dataset": {"name": "aligned", "root": "datasets/mine"},
        "generator": {"name": generator, **(SMALL.get(generator, {}) if arguments is None else arguments)},
        "loss": [{"name": "l1"}],
        "train": {"steps": 1, "precision": "fp32"},
        **tables,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.with_suffix(".toml")
    file.write_text(tomli_w.dumps(recipe), encoding="utf-8")
    loaded = load_recipe(file)
    torch.manual_seed(0)
    method = build_method(loaded, source, target, device=torch.device("cpu"))
    for network in method.networks.values():
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_(std=0.1)
                module.running_var.uniform_(0.5, 1.5)
            elif isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)
    states = {name: network.state_dict() for name, network in method.networks.items()}
    record = CheckpointFile(recipe=loaded.resolved, sample=sample, source=source, target=target, networks=states)
    save_checkpoint(path, record)
    return path


def picture(height: int, width: int, channels: int = 3, dtype: type = np.uint8, below: int | None = None) -> np.ndarray:
    """Return noise."""
    most = np.iinfo(dtype).max + 1 if below is None else below
    return np.random.default_rng(height * width).integers(0, most, (height, width, channels)).astype(dtype)
