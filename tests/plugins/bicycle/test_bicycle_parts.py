"""The encoder, the generator with a code at every layer, the method's step, and what is refused."""

from __future__ import annotations

import contextlib
import math

import pytest
import torch
from torch import nn

from itrans.api import GENERATORS, LOSSES, METHODS, Batch, DataError, ImageSpec, Noise, WeightedLoss
from itrans.testing import check_generator, check_method
from itrans_bicycle.encoder import Encoder, divergence, regression

# The encoder


def encoder(latent=2):
    return Encoder(in_channels=3, latent=latent, filters=4, layers=3)


@pytest.mark.parametrize("size", [(8, 8), (9, 31), (64, 48)])
def test_a_picture_of_any_size_has_a_code(size):
    mean, log_variance = encoder()(torch.rand(2, 3, *size))
    assert mean.shape == log_variance.shape == (2, 2)


def test_a_picture_that_cannot_be_halved_so_often_is_refused():
    with pytest.raises(DataError, match="A picture of 40x7 is too small to take a style from: .* at least 8x8"):
        encoder()(torch.zeros(1, 3, 7, 40))


def test_the_code_depends_on_the_colour_of_a_picture_that_is_the_same_everywhere():
    codes, _ = encoder()(torch.stack([torch.full((3, 16, 16), value) for value in (-1.0, 1.0)]))
    assert not torch.allclose(codes[0], codes[1], atol=1e-3)


def test_codes_are_drawn_around_the_mean():
    torch.manual_seed(0)
    mean, log_variance = torch.full((4000, 2), 3.0), torch.full((4000, 2), 2 * math.log(0.5))
    drawn = encoder().drawn(mean, log_variance)
    assert drawn.mean().item() == pytest.approx(3, abs=0.05)
    assert drawn.std().item() == pytest.approx(0.5, abs=0.05)


def test_the_divergence_is_that_of_the_formula():
    assert divergence(torch.zeros(2, 3), torch.zeros(2, 3)).item() == 0
    mean, deviation = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.5, 2.0]])
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(mean, deviation), normal(0, 1)).sum()
    assert divergence(mean, 2 * deviation.log()).item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_regression_trains_what_has_made_the_picture_and_not_the_encoder():
    network, picture = encoder(), torch.rand(2, 3, 16, 16, requires_grad=True)
    value = regression(network, picture, torch.zeros(2, 2))
    assert value.item() == pytest.approx(network(picture)[0].abs().mean().item(), rel=1e-5)
    value.backward()
    assert picture.grad.abs().sum() > 0
    assert all(weight.grad is None for weight in network.parameters())


# The generator


def test_the_generator_is_what_itrans_asks():
    check_generator("latent_unet", latent=1, depth=3, filters=2, in_channels=4)
    check_generator("latent_unet", latent=2, depth=2, filters=2, norm="batch", upsample="resize", in_channels=3)


def test_every_encoding_layer_is_given_the_code():
    network = GENERATORS.build({"name": "latent_unet"}, in_channels=3 + 8, out_channels=3)
    widths = [64, 128, 256, 512, 512, 512, 512, 512]
    assert [down.conv.in_channels for down in network.downs] == [3 + 8, *(width + 8 for width in widths[:-1])]
    assert [down.conv.out_channels for down in network.downs] == widths
    assert network.size_multiple == 256


@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_code_matters_in_each_layer(level):
    """With weights of zero for it in all other layers, outputs of two codes still differ."""
    torch.manual_seed(0)
    network = GENERATORS.build(
        {"name": "latent_unet", "latent": 1, "depth": 3, "filters": 4, "norm": "none"}, in_channels=4, out_channels=3
    )
    with torch.no_grad():
        for number, down in enumerate(network.downs):
            if number != level:
                down.conv.weight[:, -1] = 0
        one, other = (
            network(torch.cat([torch.ones(1, 3, 16, 16), torch.full((1, 1, 16, 16), code)], 1)) for code in (-9.0, 9.0)
        )
    assert not torch.equal(one, other)


def test_a_source_that_is_nothing_but_a_code_is_refused():
    with pytest.raises(ValueError, match="the last 3 cannot be a code"):
        GENERATORS.build({"name": "latent_unet", "latent": 3}, in_channels=3, out_channels=3)


# The method


def entries(*names):
    return [
        WeightedLoss(name, weight, LOSSES.build({"name": name}))
        for name, weight in (("gan", 1.0), ("cgan", 1.0), ("l1", 10.0))
        if name in names
    ]


@pytest.mark.parametrize("arguments", [{}, {"discriminators": 1, "latent_weight": 0.0}])
@pytest.mark.parametrize("adversarial", ["gan", "cgan"])
def test_it_is_what_itrans_asks_of_a_method(adversarial, arguments):
    losses = entries(adversarial, "l1")
    check_method("bicycle", losses=losses, latent=2, encoder_filters=2, encoder_layers=2, **arguments)


class Recording:
    """What a method is handed: it keeps the updates, and changes nothing."""

    def __init__(self):
        self.updates = []

    @contextlib.contextmanager
    def update(self, *networks):
        yield lambda losses: self.updates.append((networks, {name: value.item() for name, value in losses.items()}))


class Painter(nn.Module):
    """A generator whose output is the last plane of the code, everywhere."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.outputs, self.scale = outputs, nn.Parameter(torch.ones(()))

    def forward(self, source):
        return source[:, -1:].expand(-1, self.outputs, -1, -1) * self.scale


class Judge(nn.Module):
    """A discriminator whose logits are the picture's first channel."""

    def __init__(self, inputs, condition):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, picture, condition):
        assert condition is None
        return picture[:, :1] * self.scale


def built(losses=(), **arguments):
    spec = ImageSpec(channels=3)
    table = {"name": "bicycle", "latent": 1, "encoder_filters": 2, "encoder_layers": 2} | arguments
    judge = Judge if losses else None
    return METHODS.build(
        table, build_generator=Painter, build_discriminator=judge, losses=losses, source=spec, target=spec
    )


@pytest.fixture
def batch():
    return Batch(torch.zeros(2, 3, 8, 8), torch.full((2, 3, 8, 8), 0.75), ("0", "1"))


@pytest.mark.parametrize(
    ("count", "judges"), [(2, [("discriminator",), ("discriminator_random",)]), (1, [("discriminator",)])]
)
def test_a_step_goes_through_both_cycles(monkeypatch, batch, count, judges):
    monkeypatch.setattr(Noise, "filled", lambda self, values, generator=None: values.fill_(0.5))
    method, runtime = built(entries("gan", "l1"), discriminators=count, latent_weight=3.0, kl_weight=2.0), Recording()
    encoder = method.networks["encoder"]
    for layer, value in ((encoder.mean, 0.25), (encoder.log_variance, 0.0)):
        nn.init.zeros_(layer.weight)
        nn.init.constant_(layer.bias, value)
    logged = method.step(batch, runtime)
    assert [names for names, _ in runtime.updates] == [*judges, ("generator", "encoder")]
    # The encoder finds N(0.25, 1) in everything; outputs have the value of their code.
    encoded, random = 0.25 + 0.5, 0.5
    generators = runtime.updates[-1][1]
    assert generators == pytest.approx(
        {
            "gan.encoded": math.log(1 + math.exp(-encoded)),
            "gan.random": math.log(1 + math.exp(-random)),
            "l1": 0.0,  # the target is 0.75
            "kl": 2.0 * 0.25**2 / 2,
            "latent": 3.0 * (0.5 - 0.25),
        },
        abs=1e-5,
    )
    assert set(runtime.updates[0][1]) == ({"gan.encoded"} if count == 2 else {"gan.encoded", "gan.random"})
    assert logged["generator.latent"].item() == pytest.approx(0.25)
    assert not any(value.requires_grad for value in logged.values())


def test_the_strength_is_a_factor_of_the_code(batch):
    method = built()
    monkey = method.networks["encoder"].noise
    monkey.filled = lambda values, generator=None: values.fill_(0.5)
    assert method.translate(batch.source).unique().tolist() == [0.5]
    assert method.translate(batch.source, strength=0.5).unique().tolist() == [0.25]
    assert method.translate(batch.source, strength=0.0).unique().tolist() == [0.0]


def test_a_reference_gives_the_mean_of_its_code(batch):
    method = built()
    reference = torch.rand(2, 3, 20, 12)
    mean, _ = method.networks["encoder"](reference)
    with torch.no_grad():
        output = method.translate(batch.source, reference=reference)
    assert torch.equal(output, mean[:, :, None, None].expand_as(output))
    with pytest.raises(ValueError, match='"forward" only, not "back"'):
        method.translate(batch.source, "back")


# What it refuses

TABLES = {name: {"name": name} for name in ("gan", "cgan", "l1", "cycle")}
NO_DISCRIMINATOR = 'The method "bicycle" needs a discriminator'
NO_ADVERSARIAL = 'The method "bicycle" needs an adversarial loss'
NO_IMAGE = 'The method "bicycle" needs an image loss'
MESSAGES = (NO_DISCRIMINATOR, NO_ADVERSARIAL, NO_IMAGE)


@pytest.mark.parametrize(
    ("losses", "discriminator", "told"),
    [
        (["gan", "l1"], True, set()),
        (["cgan", "l1"], True, set()),
        (["gan", "l1"], False, {NO_DISCRIMINATOR}),
        (["l1"], True, {NO_ADVERSARIAL}),
        (["gan"], True, {NO_IMAGE}),
    ],
)
def test_check_says_all_that_is_wrong_before_data_are_read(itrans, bicycle, losses, discriminator, told):
    changes = {} if discriminator else {"discriminator": None}
    recipe = bicycle(loss=[TABLES[name] for name in losses], dataset={"name": "aligned", "root": "no"}, **changes)
    done = itrans("run", recipe, "--check")
    assert done.exit_code == (2 if told else 0), done.output
    assert {message for message in MESSAGES if message in done.output} == told
    assert "Traceback" not in done.output


def test_a_loss_of_another_role_is_named(itrans, bicycle):
    done = itrans("run", bicycle(loss=[TABLES[name] for name in ("gan", "l1", "cycle")]), "--check")
    assert done.exit_code == 2
    assert '"cycle"' in done.output


def test_codes_of_two_lengths_are_refused(itrans, bicycle):
    recipe = bicycle(method={"name": "bicycle", "latent": 3, "encoder_layers": 2})
    done = itrans("run", recipe)
    assert done.exit_code == 2
    assert "method.latent = 3 and generator.latent = 2" in done.stderr
