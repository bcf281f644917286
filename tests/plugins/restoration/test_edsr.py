"""EDSR: its size is the paper's, and what is clipped still learns."""

from __future__ import annotations

import torch

from itrans.api import GENERATORS


def built(**arguments):
    return GENERATORS.build({"name": "edsr", **arguments}, in_channels=3, out_channels=3)


def test_the_baseline_has_the_parameters_of_the_paper():
    count = sum(parameter.numel() for parameter in built(scale=2).parameters())
    assert round(count / 1e6, 1) == 1.4  # arXiv 1707.02921, table 1: 1.5 million, with those of scale 4
    count = sum(parameter.numel() for parameter in built(scale=4).parameters())
    assert round(count / 1e6, 1) == 1.5


def test_a_value_that_is_clipped_has_a_gradient():
    network = built(filters=4, blocks=1)
    with torch.no_grad():
        network.tail.bias.fill_(3.0)
    output = network(torch.zeros(1, 3, 4, 4))
    assert output.max() == 1
    output.mean().backward()
    assert network.tail.bias.grad.abs().min() > 0
