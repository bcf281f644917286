from __future__ import annotations

import pytest
import torch
from torch import nn

from itrans_inspect.fields import fields_of
from itrans_inspect.layers import trace
from itrans_inspect.report import _depths
from itrans_inspect.subject import Network


class Judge(nn.Module):
    """A discriminator of some layers that sees the picture alone."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, image, condition):
        return self.layers(image)


def judged(*layers: nn.Module, size: int = 32) -> list:
    return fields_of(trace(Network("d", "discriminator", Judge(*layers).eval(), 2), size))


def convs(norm: type[nn.Module]) -> list[nn.Module]:
    return [
        nn.Conv2d(2, 3, 4, 2, 1),
        norm(3),
        nn.LeakyReLU(0.2),
        nn.Conv2d(3, 3, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(3, 1, 3, 1, 1),
    ]


@pytest.mark.parametrize("norm", [nn.BatchNorm2d, nn.InstanceNorm2d])
def test_what_is_measured_is_what_arithmetic_gives(norm):
    torch.manual_seed(0)
    [worked_out] = judged(*convs(norm), size=64)
    # 3 -> (3 - 1) * 2 + 3 = 7 -> (7 - 1) * 2 + 4 = 16; padding of 1, 1 * 2 and 1 * 4 before the first pixel
    assert (worked_out.width, worked_out.spacing, worked_out.origin) == (16, 4, -7)
    assert not worked_out.is_measured
    # A layer that does nothing to where things are, but that is not known to be so, has it measured.
    [measured] = judged(*convs(norm), nn.UpsamplingNearest2d(scale_factor=1), size=64)
    assert measured.is_measured
    assert (measured.width, measured.logits) == (worked_out.width, worked_out.logits)
    assert (measured.spacing, measured.origin) == (worked_out.spacing, worked_out.origin)


def test_a_dilated_convolution_is_measured():
    torch.manual_seed(0)
    [field] = judged(nn.Conv2d(2, 1, 3, padding=3, dilation=3))
    assert field.is_measured
    assert field.width == 7  # two gaps of 3, and the pixel itself
    assert field.origin == -3


def test_what_averages_the_picture_sees_all_of_it():
    torch.manual_seed(0)
    [field] = judged(nn.Conv2d(2, 3, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Conv2d(3, 1, 1))
    assert field.width is None


@pytest.mark.parametrize("depths", [nn.Identity(), lambda size: [{"layers": 1}], lambda size: None, list, [1, 2]])
def test_depths_of_another_meaning_make_no_table(depths):
    judge = Judge(nn.Conv2d(2, 1, 3))
    judge.depths = depths
    assert _depths(trace(Network("d", "discriminator", judge, 2), 8)) == []
