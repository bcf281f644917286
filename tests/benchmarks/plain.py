"""Pix2Pix as one would write it in a script: fp32, eager, NCHW, Adam as it comes. What itrans is measured against."""

from __future__ import annotations

import torch
from torch import nn

from itrans.api import DISCRIMINATORS, GENERATORS


def networks(depth: int) -> tuple[nn.Module, nn.Module]:
    """Return the paper's generator and discriminator."""
    generator = GENERATORS.build({"name": "unet", "depth": depth}, in_channels=3, out_channels=3)
    discriminator = DISCRIMINATORS.build({"name": "patchgan"}, in_channels=3, condition_channels=3)
    return generator, discriminator


class PlainTrainer:
    """The paper's step."""

    def __init__(self, depth: int) -> None:
        self.generator, self.discriminator = networks(depth)
        settings = {"lr": 2e-4, "betas": (0.5, 0.999)}
        self.g_optimizer = torch.optim.Adam(self.generator.parameters(), **settings)
        self.d_optimizer = torch.optim.Adam(self.discriminator.parameters(), **settings)
        self.bce, self.l1 = nn.BCEWithLogitsLoss(), nn.L1Loss()

    def step(self, source: torch.Tensor, target: torch.Tensor) -> None:
        """Update the discriminator, then the generator."""
        output = self.generator(source)
        for parameter in self.discriminator.parameters():
            parameter.requires_grad_(True)
        self.d_optimizer.zero_grad()
        real = self.discriminator(target, source)
        fake = self.discriminator(output.detach(), source)
        loss = (self.bce(real, torch.ones_like(real)) + self.bce(fake, torch.zeros_like(fake))) / 2
        loss.backward()
        self.d_optimizer.step()
        for parameter in self.discriminator.parameters():
            parameter.requires_grad_(False)
        self.g_optimizer.zero_grad()
        fake = self.discriminator(output, source)
        loss = self.bce(fake, torch.ones_like(fake)) + 100 * self.l1(output, target)
        loss.backward()
        self.g_optimizer.step()
