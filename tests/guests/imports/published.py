"""Networks that name and compute things as pytorch-CycleGAN-and-pix2pix does, written anew for comparison."""

import functools

import torch
from torch import nn

NORMS = {
    "batch": nn.BatchNorm2d,
    "instance": functools.partial(nn.InstanceNorm2d, affine=False),
    # What PyTorch before 0.4 left in the files.
    "tracking": functools.partial(nn.InstanceNorm2d, affine=False, track_running_stats=True),
    "none": lambda channels: nn.Identity(),
    # Not from its options: its code of 2017, or what people have made of it.
    "biased batch": nn.BatchNorm2d,
    "affine": functools.partial(nn.InstanceNorm2d, affine=True),
    "affine tracking": functools.partial(nn.InstanceNorm2d, affine=True, track_running_stats=True),
}


def biased(norm):
    return norm not in {"batch", "none"}


class Block(nn.Module):
    """One level of the U-Net around the levels within it; the LeakyReLU overwrites what the skip carries."""

    def __init__(self, outer, inner, norm, *, given=None, within=None, outermost=False, dropout=0.0, skips_first=True):
        super().__init__()
        bias = biased(norm)
        up_channels = inner if within is None else 2 * inner
        down = nn.Conv2d(given or outer, inner, 4, 2, 1, bias=bias)
        up = nn.ConvTranspose2d(up_channels, outer, 4, 2, 1, bias=bias or outermost)
        if outermost:
            parts = [down, within, nn.ReLU(True), up, nn.Tanh()]
        elif within is None:
            parts = [nn.LeakyReLU(0.2, True), down, nn.ReLU(True), up, NORMS[norm](outer)]
        else:
            parts = [nn.LeakyReLU(0.2, True), down, NORMS[norm](inner), within, nn.ReLU(True), up, NORMS[norm](outer)]
            parts += [nn.Dropout(dropout)] if dropout else []
        self.model, self.outermost, self.skips_first = nn.Sequential(*parts), outermost, skips_first

    def forward(self, x):
        if self.outermost:
            return self.model(x)
        return torch.cat([x, self.model(x)] if self.skips_first else [self.model(x), x], 1)


class PublishedUNet(nn.Module):
    def __init__(
        self, depth=7, filters=2, norm="batch", *, in_channels=3, out_channels=3, dropout=0.0, skips_first=True
    ):
        super().__init__()
        full, order = 8 * filters, {"skips_first": skips_first}
        block = Block(full, full, norm, **order)
        for _ in range(depth - 5):
            block = Block(full, full, norm, within=block, dropout=dropout, **order)
        for width in (4 * filters, 2 * filters, filters):
            block = Block(width, 2 * width, norm, within=block, **order)
        self.model = Block(out_channels, filters, norm, given=in_channels, within=block, outermost=True)

    def forward(self, x):
        return self.model(x)


class PublishedPatchGAN(nn.Module):
    def __init__(self, layers=3, filters=2, norm="batch", *, in_channels=6):
        super().__init__()
        parts, width = [nn.Conv2d(in_channels, filters, 4, 2, 1), nn.LeakyReLU(0.2, True)], filters
        for level in range(1, layers + 1):
            wider, stride = filters * min(2**level, 8), 1 if level == layers else 2
            parts += [nn.Conv2d(width, wider, 4, stride, 1, bias=biased(norm)), NORMS[norm](wider)]
            parts, width = [*parts, nn.LeakyReLU(0.2, True)], wider
        self.model = nn.Sequential(*parts, nn.Conv2d(width, 1, 4, 1, 1))

    def forward(self, x):
        return self.model(x)


class PublishedPixels(nn.Module):
    def __init__(self, filters=2, norm="batch", *, in_channels=6):
        super().__init__()
        bias = biased(norm)
        self.net = nn.Sequential(
            nn.Conv2d(in_channels, filters, 1),
            nn.LeakyReLU(0.2, True),
            nn.Conv2d(filters, 2 * filters, 1, bias=bias),
            NORMS[norm](2 * filters),
            nn.LeakyReLU(0.2, True),
            nn.Conv2d(2 * filters, 1, 1, bias=bias),
        )

    def forward(self, x):
        return self.net(x)


def padded(in_channels, out_channels, kernel, padding, **arguments):
    """Return a convolution that keeps the size: zeros are its own, all else is a layer before it."""
    if padding == "zeros":
        return [nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, **arguments)]
    layer = {"reflect": nn.ReflectionPad2d, "replicate": nn.ReplicationPad2d}[padding]
    return [layer(kernel // 2), nn.Conv2d(in_channels, out_channels, kernel, **arguments)]


class Residual(nn.Module):
    def __init__(self, channels, norm, dropout, padding):
        super().__init__()
        parts = []
        for first in (True, False):
            parts += [*padded(channels, channels, 3, padding, bias=biased(norm)), NORMS[norm](channels)]
            parts += [nn.ReLU(True), *([nn.Dropout(dropout)] if dropout else [])] if first else []
        self.conv_block = nn.Sequential(*parts)

    def forward(self, x):
        return x + self.conv_block(x)


class PublishedResNet(nn.Module):
    def __init__(
        self,
        blocks=2,
        filters=2,
        norm="instance",
        *,
        in_channels=3,
        out_channels=3,
        dropout=0.0,
        padding="reflect",
        block_padding="reflect",
    ):
        super().__init__()
        f, bias = filters, biased(norm)
        parts = [*padded(in_channels, f, 7, padding, bias=bias), NORMS[norm](f), nn.ReLU(True)]
        for width in (f, 2 * f):
            parts += [nn.Conv2d(width, 2 * width, 3, 2, 1, bias=bias), NORMS[norm](2 * width), nn.ReLU(True)]
        parts += [Residual(4 * f, norm, dropout, block_padding) for _ in range(blocks)]
        for width in (2 * f, f):
            parts += [nn.ConvTranspose2d(2 * width, width, 3, 2, 1, output_padding=1, bias=bias)]
            parts += [NORMS[norm](width), nn.ReLU(True)]
        self.model = nn.Sequential(*parts, *padded(f, out_channels, 7, padding), nn.Tanh())

    def forward(self, x):
        return self.model(x)


def trained(network):
    """Give a network weights and statistics that are not those of a new one; to be called before it is compared."""
    generator = torch.Generator().manual_seed(5)
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            tensor.fill_(7)
        elif name.endswith("running_var") or (tensor.ndim == 1 and name.endswith("weight")):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        else:
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * (0.25 if tensor.ndim > 1 else 0.1))
    return network


def before_counting(state):
    """Return a state dict as PyTorch before 0.4.1 has saved it: without the counts of batches."""
    return {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
