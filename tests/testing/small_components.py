"""The least that is a component of each kind."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from itrans.api import ImageSpec, Split


class Generator(nn.Conv2d):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)


class Discriminator(nn.Module):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(in_channels + condition_channels, 1, 4, stride=4)

    def forward(self, image, condition):
        return self.layer(torch.cat([condition, image], 1))


class Loss:
    role = "image"

    def __call__(self, translated):
        return (translated.output.float() - translated.target.float()).square().mean()


class Adversarial:
    role = "adversarial"
    conditional = False

    def generator(self, fake_logits):
        return -fake_logits.float().mean()

    def discriminator(self, real_logits, fake_logits):
        return fake_logits.float().mean() - real_logits.float().mean()


class Dataset:
    source = target = ImageSpec(channels=1)

    def __init__(self, *, split: Split) -> None:
        raise AssertionError("a data set is not built")

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return None


class Method:
    def __init__(self, *, build_generator: Any, losses: Any) -> None:
        raise AssertionError("a method is not built")

    def step(self, batch, runtime):
        return {}

    def translate(self, source, direction="forward"):
        return source
