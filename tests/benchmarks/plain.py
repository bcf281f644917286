"""Pix2Pix as one would write it in a script: eager, NCHW, Adam as it comes. What itrans is measured against."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from itrans.api import DISCRIMINATORS, GENERATORS

CPU = torch.device("cpu")


def generator_table(depth: int, name: str = "unet", filters: int = 64) -> dict[str, Any]:
    """Return the paper's generator, or another one, as a recipe has it; only the U-Net has a depth."""
    return {"name": name, "filters": filters} | ({"depth": depth} if name == "unet" else {})


def networks(depth: int, name: str = "unet", filters: int = 64) -> tuple[nn.Module, nn.Module]:
    """Return that generator, and the paper's discriminator."""
    generator = GENERATORS.build(generator_table(depth, name, filters), in_channels=3, out_channels=3)
    table = {"name": "patchgan", "filters": filters}
    return generator, DISCRIMINATORS.build(table, in_channels=3, condition_channels=3)


class PlainTrainer:
    """The paper's step: in fp32, or with forward passes in another type, as autocast does it."""

    def __init__(
        self,
        depth: int,
        generator: str = "unet",
        filters: int = 64,
        device: torch.device = CPU,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self.device, self.dtype = device, dtype
        made, discriminator = networks(depth, generator, filters)
        self.generator, self.discriminator = made.to(device), discriminator.to(device)
        settings = {"lr": 2e-4, "betas": (0.5, 0.999)}
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), **settings)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), **settings)
        self.bce, self.l1 = nn.BCEWithLogitsLoss(), nn.L1Loss()
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=dtype == torch.float16)

    def autocast(self) -> torch.autocast:
        """Return the context of a forward pass."""
        return torch.autocast(self.device.type, self.dtype, enabled=self.dtype != torch.float32)

    def step(self, source: torch.Tensor, target: torch.Tensor) -> None:
        """Update the discriminator, then the generator."""
        with self.autocast():
            output = self.generator(source)
        for parameter in self.discriminator.parameters():
            parameter.requires_grad_(True)
        self.d_optimizer.zero_grad()
        with self.autocast():
            real = self.discriminator(target, source)
            fake = self.discriminator(output.detach(), source)
            loss = (self.bce(real, torch.ones_like(real)) + self.bce(fake, torch.zeros_like(fake))) / 2
        self.scaler.scale(loss).backward()
        self.scaler.step(self.d_optimizer)
        for parameter in self.discriminator.parameters():
            parameter.requires_grad_(False)
        self.g_optimizer.zero_grad()
        with self.autocast():
            fake = self.discriminator(output, source)
            loss = self.bce(fake, torch.ones_like(fake)) + 100 * self.l1(output, target)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.g_optimizer)
        self.scaler.update()
