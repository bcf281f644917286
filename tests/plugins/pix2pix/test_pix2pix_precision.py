"""What must not depend on how a network is computed: in place, channels last, in bf16."""

import copy

import pytest
import torch

from itrans_pix2pix.discriminators import PatchGAN
from itrans_pix2pix.generators import EncoderDecoder, UNet


class Judge(PatchGAN):
    """PatchGAN with one argument, like a generator: the picture, which is its own condition."""

    def forward(self, image):
        return super().forward(image, image)


def make(kind, norm="batch", upsample="transposed"):
    torch.manual_seed(0)
    if kind is Judge:
        return Judge(in_channels=3, condition_channels=3, patch=34, filters=4, norm=norm)
    return kind(in_channels=3, out_channels=3, depth=5, filters=4, norm=norm, upsample=upsample)


def noise(*shape):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1)) * 2 - 1


NETWORKS = pytest.mark.parametrize(
    ("kind", "upsample"),
    [
        (UNet, "transposed"),
        (UNet, "resize"),
        (EncoderDecoder, "transposed"),
        (EncoderDecoder, "resize"),
        (Judge, "transposed"),
    ],
)


def out_of_place(network):
    plain = copy.deepcopy(network)
    for module in plain.modules():
        if hasattr(module, "inplace"):
            module.inplace = False
    return plain


def kept_bytes(network, source):
    """How much memory the forward pass keeps for the backward pass, parameters apart."""
    own = {parameter.untyped_storage().data_ptr() for parameter in network.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        network(source)
    return sum(storage.nbytes() for storage in kept.values())


@NETWORKS
@pytest.mark.parametrize("norm", ["batch", "instance", "none"])
def test_working_in_place_saves_memory_and_changes_nothing(kind, upsample, norm):
    network, source = make(kind, norm, upsample), noise(1, 3, 32, 32)
    plain, before = out_of_place(network), source.clone()
    results = []
    for version in (network, plain):
        torch.manual_seed(5)  # of the dropout
        output = version(source)
        output.square().sum().backward()
        results.append([output, *(parameter.grad for parameter in version.parameters())])
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=0)
    assert torch.equal(source, before)
    assert kept_bytes(network, source) < kept_bytes(plain, source)


@NETWORKS
def test_channels_last_gives_the_same(kind, upsample):
    network, source = make(kind, upsample=upsample).eval(), noise(2, 3, 32, 32)
    expected = network(source)
    network = network.to(memory_format=torch.channels_last)
    output = network(source.contiguous(memory_format=torch.channels_last))
    assert output.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(output, expected, rtol=1e-4, atol=1e-5)


@NETWORKS
@pytest.mark.parametrize("channels_last", [False, True])
def test_bf16_autocast_gives_nearly_the_same_and_trains(kind, upsample, channels_last):
    network, source = make(kind, upsample=upsample).eval(), noise(2, 3, 32, 32)
    expected = network(source).detach()
    assert expected.std() > 0
    if channels_last:
        network = network.to(memory_format=torch.channels_last)
        source = source.contiguous(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        output = network(source)
    # bf16 has 8 significant bits; a dozen layers may lose some of them.
    torch.testing.assert_close(output.detach().float(), expected, rtol=0, atol=0.05 * float(expected.abs().max()))
    with torch.autocast("cpu", torch.bfloat16):
        output = network.train()(source)
    output.float().square().sum().backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in network.parameters())
    assert all(parameter.grad.dtype == torch.float32 for parameter in network.parameters())


def test_a_generators_bf16_output_and_an_fp32_source_go_together():
    network, image = make(UNet), noise(1, 3, 32, 32)
    judge = PatchGAN(in_channels=3, condition_channels=3, patch=34, filters=4)
    with torch.autocast("cpu", torch.bfloat16):
        logits = judge(network(image).bfloat16(), image)
    logits.float().sum().backward()
    assert network.downs[0].conv.weight.grad.abs().sum() > 0
