from __future__ import annotations

import torch

from itrans.api import GENERATORS, ImageSpec
from itrans.recipe.load import load_recipe
from itrans.training.build import build_translator

LAYERS = """
    import torch
    from torch import nn

    class Layers(nn.Module):
        def __init__(self, in_channels: int, out_channels: int) -> None:
            super().__init__()
            self.first = nn.Conv2d(in_channels, 64, 3, padding=1)
            self.norm = nn.BatchNorm2d(64)
            self.last = nn.Linear(64, out_channels)
            self.register_buffer("noise", torch.randn(64) + 5, persistent=False)
            nn.init.normal_(self.first.weight, 7.0, 0.1)

        def forward(self, source):
            return self.last(self.norm(self.first(source)).movedim(1, -1)).movedim(-1, 1)
"""


def test_translators_draw_no_parameters_but_keep_constants(recipe, install):
    install("layers", "1.0", "[itrans.generators]\nlayers = its_layers:Layers", its_layers=LAYERS)
    recipe.write_text(recipe.read_text().replace('name = "unet"\ndepth = 3\nfilters = 4\n', 'name = "layers"\n'))
    image = ImageSpec(3, dtype="uint8")
    generator = build_translator(load_recipe(recipe), image, image).networks["generator"]
    assert abs(float(generator.noise.mean()) - 5) < 1
    drawn = GENERATORS.build({"name": "layers"}, in_channels=3, out_channels=3)
    assert abs(float(drawn.first.weight.detach().mean()) - 7) < 0.1
    assert not abs(float(generator.first.weight.detach().mean()) - 7) < 0.1
    generator.load_state_dict(drawn.state_dict())
    assert torch.equal(generator.first.weight, drawn.first.weight)
