"""A package that is not ours brings a generator and a loss; nothing of ours knows of it."""

from __future__ import annotations

import json

ENTRY_POINTS = """
[itrans.generators]
acme_plain = acme_itrans:Plain

[itrans.losses]
acme_huber = acme_itrans:Huber
"""

SOURCE = '''
from __future__ import annotations

import torch
from torch import Tensor, nn

from itrans.api import Translated


class Plain(nn.Module):
    """Three convolutions; wants multiples of 4."""

    size_multiple = 4

    def __init__(self, *, in_channels: int, out_channels: int, width: int = 8) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, width, 4, stride=4), nn.ReLU(), nn.ConvTranspose2d(width, out_channels, 4, stride=4)
        )

    def forward(self, source: Tensor) -> Tensor:
        assert source.shape[-1] % 4 == 0
        return torch.tanh(self.layers(source))


class Huber:
    """The Huber loss."""

    role = "image"

    def __init__(self, *, delta: float = 0.5) -> None:
        self.delta = delta

    def __call__(self, translated: Translated) -> Tensor:
        return nn.functional.huber_loss(translated.output, translated.target, delta=self.delta)
'''


def test_it_is_listed_used_by_a_recipe_and_its_checkpoint_translates(itrans, install, recipe, aligned, tmp_path):
    install("acme-itrans", "3.1", ENTRY_POINTS, acme_itrans=SOURCE)
    rows = {row["name"]: row for row in json.loads(itrans("list-plugins", "--json").output)}
    assert rows["acme_plain"] == {
        "kind": "generator",
        "name": "acme_plain",
        "distribution": "acme-itrans",
        "version": "3.1",
        "object": "acme_itrans:Plain",
    }
    recipe.write_text(
        recipe.read_text()
        .replace('name = "unet"\ndepth = 3\nfilters = 4', 'name = "acme_plain"\nwidth = 6')
        .replace('name = "l1"', 'name = "acme_huber"\ndelta = 0.25')
    )
    done = itrans("run", recipe)
    assert done.exit_code == 0, done.output
    assert "generator.acme_huber" in done.output
    done = itrans("translate", "runs/tiny/checkpoints/best.pt", aligned / "val", "-o", "out")
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_its_arguments_are_checked_like_ours(itrans, install, recipe):
    install("acme-itrans", "3.1", ENTRY_POINTS, acme_itrans=SOURCE)
    recipe.write_text(
        recipe.read_text().replace('name = "unet"\ndepth = 3\nfilters = 4', 'name = "acme_plain"\nwith = 6')
    )
    done = itrans("run", recipe, "--check")
    assert done.exit_code == 2
    assert 'The generator "acme_plain" (acme-itrans 3.1) takes no "with". Did you mean "width"?' in done.stderr
    assert "width (int = 8)" in done.stderr
