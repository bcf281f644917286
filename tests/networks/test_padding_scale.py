"""A generator that makes pictures larger, or smaller, gets any size."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch
from scaled import Scaled

from itrans.networks.padding import apply_generator


def network(scale, multiple):
    return Scaled(in_channels=1, out_channels=1, scale=scale, multiple=multiple)


@pytest.mark.parametrize(("scale", "multiple"), [("2", 1), ("2", 8), ("3", 5), ("1/2", 1), ("1/2", 8), ("2/3", 4)])
@pytest.mark.parametrize("size", [(7, 13), (8, 16), (1, 1)])
@torch.no_grad()
def test_the_output_lies_where_the_source_does(scale, multiple, size):
    source = torch.rand(1, 1, *size)
    made = apply_generator(network(scale, multiple), source)
    scale = Fraction(scale)
    assert made.shape[2:] == tuple(-(-side * scale.numerator // scale.denominator) for side in size)
    rows, columns = (side // scale.denominator * scale.denominator for side in size)
    if rows and columns:
        inner = network(str(scale), 1)(source[:, :, :rows, :columns])
        assert torch.allclose(made[:, :, : inner.shape[2], : inner.shape[3]], inner, atol=1e-6)
