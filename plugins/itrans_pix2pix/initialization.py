"""The weights that training starts from."""

from __future__ import annotations

from torch import nn


def initialize(network: nn.Module) -> None:
    """Draw new weights, in place: convolutions from N(0, 0.02), norm weights from N(1, 0.02); biases are 0.

    0.02 is the standard deviation. Source: arXiv 1611.07004, section 6.2; the norm weights follow the authors' code.

    Args:
        network: any module; what is neither a convolution nor a norm with weights is left alone.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.02)
        elif isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, 0.02)
        else:
            continue
        if module.bias is not None:
            nn.init.zeros_(module.bias)
