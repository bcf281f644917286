from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from itrans.registry import GENERATORS
from itrans_inspect.flow import flow_of
from itrans_inspect.layers import trace
from itrans_inspect.stages import Skip, Structure, structure_of
from itrans_inspect.subject import Network


def structure(module: nn.Module, size: int = 64, channels: int = 3) -> Structure:
    network = Network("generator", "generator", module.eval(), channels)
    passed = trace(network, size)
    return structure_of(flow_of(network, passed.size), passed.layers)


def built(name: str, **arguments: object) -> nn.Module:
    return GENERATORS.build({"name": name, **arguments}, in_channels=3, out_channels=3)


def test_the_u_net_has_the_papers_channels_and_a_skip_at_each_size():
    found = structure(built("unet", depth=8), size=256)
    # C64-C128-C256-C512-C512-C512-C512-C512, then the decoder's channels with what the skips bring
    encoder = [3, 64, 128, 256, 512, 512, 512, 512, 512]
    decoder = [1024, 1024, 1024, 1024, 512, 256, 128, 3]
    assert [stage.channels for stage in found.stages] == encoder + decoder
    sizes = [2**level for level in (8, 7, 6, 5, 4, 3, 2, 1, 0, 1, 2, 3, 4, 5, 6, 7, 8)]
    assert [stage.size for stage in found.stages] == [(size, size) for size in sizes]
    assert found.skips == [Skip(level, 16 - level, "concatenation") for level in range(1, 8)]
    assert [stage.copied for stage in found.stages[9:]] == [512, 512, 512, 512, 256, 128, 64, 0]
    assert {stage.operation for stage in found.stages[1:9]} == {"conv 4x4, stride 2"}
    assert {stage.operation for stage in found.stages[9:]} == {"transposed conv 4x4, stride 2"}


def test_an_encoder_decoder_has_no_skips():
    found = structure(built("encoder_decoder", depth=4, filters=4))
    assert found.skips == []
    assert [stage.channels for stage in found.stages] == [3, 4, 8, 16, 32, 16, 8, 4, 3]


def test_residual_blocks_are_one_stage():
    found = structure(built("resnet", blocks=6, filters=4))
    assert [(stage.size[0], stage.channels) for stage in found.stages] == [
        (64, 3),
        (64, 4),
        (32, 8),
        (16, 16),
        (32, 8),
        (64, 4),
        (64, 3),
    ]
    assert found.skips == []
    assert found.stages[3].convolutions == 1 + 2 * 6


def test_a_local_enhancer_adds_what_it_makes_itself():
    found = structure(built("local_enhancer", filters=2, global_blocks=1, blocks=1, global_downsamplings=2))
    [skip] = found.skips
    assert (skip.start, skip.kind, skip.convolutions) == (0, "sum", 2)
    assert found.stages[skip.end].size == (32, 32)


@pytest.mark.parametrize("backbone", ["resnet18", "swin_s3_tiny_224"])
def test_backbones_of_timm_are_followed_whatever_order_their_dimensions_have(backbone):
    found = structure(built("timm_unet", backbone=backbone, filters=2), size=224)
    ends = {(found.stages[skip.start].size, found.stages[skip.end].size) for skip in found.skips}
    joined = {end for _, end in ends}
    assert joined == {(size, size) for size in (14, 28, 56, 112, 224)}
    assert all(start == end for start, end in ends if end not in {(224, 224), (112, 112)})


class Functional(nn.Module):
    """An encoder-decoder that somebody else writes: no modules for pooling, resizing and joining; a gate besides."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(1, 6, 3, padding=1)
        self.gate = nn.Conv2d(6, 6, 1)
        self.second = nn.Conv2d(6, 10, 3, padding=1)
        self.last = nn.Conv2d(16, 2, 3, padding=1)

    def forward(self, source):
        fine = functional.relu(self.first(source))
        fine = fine * torch.sigmoid(self.gate(fine.mean((2, 3), keepdim=True)))
        coarse = functional.relu(self.second(functional.max_pool2d(fine, 2)))
        large = functional.interpolate(coarse, scale_factor=2.0, mode="bilinear")
        return torch.tanh(self.last(torch.cat((large, fine), 1)))


def test_functions_are_seen_as_well_as_modules():
    found = structure(Functional(), size=16, channels=1)
    assert [(stage.size[0], stage.channels) for stage in found.stages] == [
        (16, 1),
        (16, 6),
        (8, 10),
        (16, 16),
        (16, 2),
    ]
    assert found.skips == [Skip(1, 3, "concatenation")]
    assert found.stages[3].copied == 6
    assert found.stages[2].operation == "max-pool 2x2"
    assert found.stages[3].operation == "resize (bilinear)"


def test_without_sizes_it_is_a_chain():
    found = structure(built("noise_mlp", hidden=[5, 7], size=4), size=4)
    assert [(stage.size, stage.channels) for stage in found.stages] == [(None, 5), (None, 7), (None, 48)]
    assert found.skips == []
