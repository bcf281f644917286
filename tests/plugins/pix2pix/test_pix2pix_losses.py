"""The losses from first principles: values that can be worked out by hand, and the direction of gradients."""

import math

import pytest
import torch

from itrans.api import Translated
from itrans_pix2pix.losses import ConditionalGANLoss, GANLoss, L1Loss, L2Loss

ADVERSARIAL = pytest.mark.parametrize("kind", [ConditionalGANLoss, GANLoss])
OBJECTIVE = pytest.mark.parametrize("objective", ["vanilla", "lsgan", "hinge"])


def logits(value):
    return torch.full((2, 1, 3, 3), float(value))


def translated(output, target):
    return Translated(source=torch.zeros_like(target), target=target, output=output)


@ADVERSARIAL
def test_roles(kind):
    assert kind.role == "adversarial"
    assert kind.conditional is (kind is ConditionalGANLoss)
    assert kind().objective == "vanilla"
    assert (L1Loss.role, L2Loss.role) == ("image", "image")


# D(x) = 1/2 at a logit of 0, so each term is log 2. At log 3, D(x) = 3/4.
@ADVERSARIAL
@pytest.mark.parametrize(
    ("objective", "real", "fake", "discriminator", "generator"),
    [
        ("vanilla", 0, 0, 2 * math.log(2), math.log(2)),
        ("vanilla", math.log(3), -math.log(3), 2 * math.log(4 / 3), math.log(4)),
        ("vanilla", 500, -500, 0, 500),
        ("vanilla", -500, 500, 1000, 0),
        ("lsgan", 0, 0, 1, 1),
        ("lsgan", 1, 0, 0, 1),
        ("lsgan", 3, -2, 4 + 4, 9),
        ("hinge", 0, 0, 2, 0),
        ("hinge", 1, -1, 0, 1),
        ("hinge", 5, -7, 0, 7),
        ("hinge", -2, 3, 3 + 4, -3),
    ],
)
def test_values(kind, objective, real, fake, discriminator, generator):
    loss = kind(objective=objective)
    found = loss.discriminator(logits(real), logits(fake))
    assert found.shape == ()
    assert float(found) == pytest.approx(discriminator, abs=1e-6)
    assert float(loss.generator(logits(fake))) == pytest.approx(generator, abs=1e-6)


@ADVERSARIAL
@OBJECTIVE
def test_discriminator_pushes_real_up_and_fake_down_and_the_generator_fake_up(kind, objective):
    loss, real, fake = kind(objective=objective), logits(0.5).requires_grad_(), logits(0.5).requires_grad_()
    loss.discriminator(real, fake).backward()
    assert (real.grad < 0).all()
    assert (fake.grad > 0).all()
    fake.grad = None
    loss.generator(fake).backward()
    assert (fake.grad < 0).all()


def test_generator_does_not_saturate():
    fake = logits(-30).requires_grad_()
    ConditionalGANLoss().generator(fake).backward()
    # d/dx of -log sigmoid(x) is sigmoid(x) - 1, so -1 here; that of log(1 - sigmoid(x)) would be nearly 0.
    torch.testing.assert_close(fake.grad * fake.numel(), logits(-1))


@OBJECTIVE
def test_every_logit_counts_alike(objective):
    loss, mixed = GANLoss(objective=objective), torch.cat([logits(0.2), logits(-0.4)])
    halves = (loss.generator(logits(0.2)) + loss.generator(logits(-0.4))) / 2
    torch.testing.assert_close(loss.generator(mixed), halves)


@OBJECTIVE
def test_bf16_logits_are_computed_in_single_precision(objective):
    loss, real, fake = GANLoss(objective=objective), logits(0.3).bfloat16(), logits(-0.7).bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        discriminator, generator = loss.discriminator(real, fake), loss.generator(fake)
    assert discriminator.dtype == generator.dtype == torch.float32
    torch.testing.assert_close(discriminator, loss.discriminator(real.float(), fake.float()))
    torch.testing.assert_close(generator, loss.generator(fake.float()))


@ADVERSARIAL
def test_objective_that_does_not_exist(kind):
    with pytest.raises(ValueError, match='no objective "wgan"'):
        kind(objective="wgan")


def test_l1_and_l2_are_means_over_everything():
    target = torch.zeros(2, 3, 4, 4)
    output = target.clone()
    output[0] = 2.0  # half of all values are wrong by 2
    assert float(L1Loss()(translated(output, target))) == pytest.approx(1.0)
    assert float(L2Loss()(translated(output, target))) == pytest.approx(2.0)
    assert float(L1Loss()(translated(target, target))) == float(L2Loss()(translated(target, target))) == 0.0


def test_the_largest_differences():
    white = torch.ones(1, 1, 2, 2)
    assert float(L1Loss()(translated(-white, white))) == 2.0
    assert float(L2Loss()(translated(-white, white))) == 4.0


@pytest.mark.parametrize("kind", [L1Loss, L2Loss])
def test_image_losses_pull_the_output_to_the_target_in_single_precision(kind):
    output = torch.full((1, 3, 4, 4), 0.5, dtype=torch.bfloat16, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16):
        value = kind()(translated(output, torch.full((1, 3, 4, 4), -0.1)))
    assert value.dtype == torch.float32
    value.backward()
    assert (output.grad > 0).all()


def test_l1_pulls_as_hard_however_near_and_l2_does_not():
    gradients = {}
    for kind in (L1Loss, L2Loss):
        output = torch.tensor([0.1, 0.8]).reshape(1, 1, 1, 2).requires_grad_()
        kind()(translated(output, torch.zeros(1, 1, 1, 2))).backward()
        gradients[kind] = output.grad.flatten().tolist()
    assert gradients[L1Loss] == pytest.approx([0.5, 0.5])
    assert gradients[L2Loss] == pytest.approx([0.1, 0.8])
