"""Parts that train, but not as their authors will have meant it: said when training starts, in a sentence each."""

from __future__ import annotations

import pytest

from itrans.api import DISCRIMINATORS, GENERATORS, LOSSES, METHODS

PARTS = """
import torch
from torch import nn
from itrans.api import DISCRIMINATORS, LOSSES, METHODS
from itrans_pix2pix.discriminators import PatchGAN

@LOSSES.register("learned")
class Learned(nn.Module):
    role = "image"
    def __init__(self, fixed: bool = False) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 1)
        self.layer.requires_grad_(not fixed)
    def forward(self, translated):
        return (self.layer(translated.output.float()) - self.layer(translated.target)).abs().mean()

@DISCRIMINATORS.register("probable")
class Probable(nn.Module):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__()
        self.judge = PatchGAN(in_channels=in_channels, condition_channels=condition_channels, patch=16, filters=4)
        self.last = nn.Sigmoid()
    def forward(self, image, condition):
        return self.last(self.judge(image, condition))

@METHODS.register("idle")
class Idle:
    generators = ("generator",)
    def __init__(self, *, build_generator, losses, source, target) -> None:
        self.networks = {"generator": build_generator(source.planes, target.planes)}
    def step(self, batch, runtime):
        return {"l1": (self.networks["generator"](batch.source) - batch.target).abs().mean().detach()}
    def translate(self, source, direction="forward"):
        return self.networks["generator"](source)
"""
JUDGE = '[discriminator]\nname = "patchgan"\npatch = 16\nfilters = 4\n'


@pytest.fixture
def run(itrans, recipe, tmp_path):
    """Train for a step with a change to the recipe."""
    (tmp_path / "parts.py").write_text(PARTS)

    def train(*changes, steps=1):
        text = recipe.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        recipe.write_text(text.replace("epochs = 2", f"steps = {steps}"))
        return itrans("run", recipe, "-o", "run", "--code", "parts.py")

    yield train
    for registry in (DISCRIMINATORS, GENERATORS, LOSSES, METHODS):
        for name in ("learned", "probable", "idle"):
            registry.unregister(name)


def test_those_of_a_network_that_is_fixed_are_no_matter(run):
    done = run(('name = "l1"\n', 'name = "learned"\nfixed = true\n'))
    assert done.exit_code == 0, done.output


def test_a_discriminator_that_ends_in_a_sigmoid_is_told(run):
    done = run((JUDGE, '[discriminator]\nname = "probable"\n'))
    assert done.exit_code == 0, done.output
    assert '"probable" ends in a sigmoid' in done.output


@pytest.mark.parametrize("steps", [1, 3])
def test_a_method_that_trains_nothing_ends_the_run(run, tmp_path, steps):
    done = run((JUDGE, '[method]\nname = "idle"\n'), ('[[loss]]\nname = "cgan"\n', ""), steps=steps)
    assert done.exit_code == 1
    assert "The method Idle has taken a step and trained nothing" in done.stderr
    assert not (tmp_path / "run/checkpoints/last.pt").exists()
