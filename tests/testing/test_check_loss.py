"""`check_loss` passes what works, and names each fault of what does not."""

from __future__ import annotations

import random

import pytest
import torch
from torch import nn
from torch.nn import functional

from itrans.testing import check_loss


class Difference:
    """An image loss as it should be, to be spoilt."""

    role = "image"

    def __call__(self, translated):
        return (translated.output.float() - translated.target.float()).square().mean()


class Features(Difference):
    def __call__(self, translated):
        targets, outputs = translated.features()
        return functional.l1_loss(outputs[0].float(), targets[0].float())


class Learned(nn.Module):
    """Compares what a fixed network makes of pictures."""

    role = "image"

    def __init__(self) -> None:
        super().__init__()
        self.network = nn.Conv2d(1, 4, 3).requires_grad_(False)

    def forward(self, translated):
        output, target = (side.float().mean(1, keepdim=True) for side in (translated.output, translated.target))
        return functional.mse_loss(self.network(output), self.network(target))


class ThreeChannels(Difference):
    """Says itself what it does not take."""

    def __call__(self, translated):
        if translated.output.shape[1] != 3:
            raise ValueError("pictures of 3 channels only")
        return super().__call__(translated)


class Large(Difference):
    def __call__(self, translated):
        if translated.output.shape[2] < 100:
            raise ValueError("pictures of 100x100 and more")
        return super().__call__(translated)


class Forty(Difference):
    def __call__(self, translated):
        if translated.output.shape[2] != 40:
            raise ValueError("pictures of 40x40 only")
        return super().__call__(translated)


class Cyclic(Difference):
    """Has a role of its method's own."""

    role = "cycle"


class Adversarial:
    """An adversarial loss as it should be, to be spoilt."""

    role = "adversarial"
    conditional = True

    def generator(self, fake_logits):
        return functional.softplus(-fake_logits.float()).mean()

    def discriminator(self, real_logits, fake_logits):
        return functional.softplus(-real_logits.float()).mean() + functional.softplus(fake_logits.float()).mean()


class LeastSquares(Adversarial):
    def generator(self, fake_logits):
        return (fake_logits.float() - 1).square().mean()

    def discriminator(self, real_logits, fake_logits):
        return (real_logits.float() - 1).square().mean() + fake_logits.float().square().mean()


class Wasserstein(Adversarial):
    def generator(self, fake_logits):
        return -fake_logits.float().mean()

    def discriminator(self, real_logits, fake_logits):
        return fake_logits.float().mean() - real_logits.float().mean()


class Hinge(Wasserstein):
    def discriminator(self, real_logits, fake_logits):
        return functional.relu(1 - real_logits.float()).mean() + functional.relu(1 + fake_logits.float()).mean()


@pytest.mark.parametrize(
    "component",
    [Difference, Features, Learned, ThreeChannels, Large, Cyclic, Adversarial, LeastSquares, Wasserstein, Hinge],
)
def test_good_losses_pass(component):
    check_loss(component)


def test_a_loss_of_one_size_passes_with_that_and_is_refused_without(faults_of):
    check_loss(Forty, 40)
    assert faults_of(check_loss, Forty) == [
        "It refuses all pictures that were tried: ValueError: pictures of 40x40 only."
    ]


class Unbuilt(Difference):
    def __init__(self) -> None:
        raise FileNotFoundError("weights.pt")


class Roleless:
    def __call__(self, translated):
        return translated.output.float().mean()


def roleless_later() -> Roleless:
    return Roleless()


class Uncallable:
    role = "image"


class Raising(Difference):
    def __call__(self, translated):
        return translated.output.nowhere


class Vector(Difference):
    def __call__(self, translated):
        return (translated.output.float() - translated.target).square().mean(dim=(1, 2, 3))


class Number(Difference):
    def __call__(self, translated):
        return super().__call__(translated).item()


class Coarse(Difference):
    def __call__(self, translated):
        return (translated.output - translated.target.to(translated.output.dtype)).square().mean()


class Inplace(Difference):
    """Fails in bf16 alone."""

    def __call__(self, translated):
        return torch.lerp(translated.output, translated.target, 0.5).float().mean()


class Endless(Difference):
    def __call__(self, translated):
        return super().__call__(translated) / 0


class Cut(Difference):
    def __call__(self, translated):
        return (translated.output.detach().float() - translated.target).square().mean()


class Beside(Difference):
    """Has a gradient for something else."""

    def __call__(self, translated):
        return torch.zeros((), requires_grad=True) + Cut()(translated)


class Rooted(Difference):
    def __call__(self, translated):
        return super().__call__(translated).sqrt()


class Seeding(Difference):
    def __call__(self, translated):
        random.seed(0)
        return super().__call__(translated)


class Half:
    role = "adversarial"
    conditional = False

    def generator(self, fake_logits):
        return -fake_logits.float().mean()


class Undecided(Adversarial):
    conditional = None


class Undeclared:
    role = "adversarial"
    generator, discriminator = Adversarial.generator, Adversarial.discriminator


class Reversed(Adversarial):
    def generator(self, fake_logits):
        return functional.softplus(fake_logits.float()).mean()


class BlindToTargets(Adversarial):
    def discriminator(self, real_logits, fake_logits):
        return functional.softplus(fake_logits.float()).mean() + 0 * real_logits.float().mean()


class BlindToOutputs(Adversarial):
    def discriminator(self, real_logits, fake_logits):
        return functional.softplus(-real_logits.float()).mean()


class Unreduced(Adversarial):
    def generator(self, fake_logits):
        return functional.softplus(-fake_logits.float())


class CoarseAdversary(Adversarial):
    def generator(self, fake_logits):
        return functional.softplus(-fake_logits).mean()


class Extreme(Adversarial):
    def generator(self, fake_logits):
        return -torch.log(torch.sigmoid(fake_logits.float() * 10)).mean()


class SeedingAdversary(Adversarial):
    def discriminator(self, real_logits, fake_logits):
        torch.manual_seed(0)
        return super().discriminator(real_logits, fake_logits)


class Crashing(Adversarial):
    def discriminator(self, real_logits, fake_logits):
        assert real_logits.shape == (1,), "one logit"


FP32, BF16 = ("Given pictures of 3 channels in fp32, it", "Given pictures of 3 channels in bf16, it")
SAME = "Given pictures of 3 channels, of which the output is the target, it"
JUDGED = [f"Given logits in {dtype}, generator(fake_logits)" for dtype in ("fp32", "bf16")]
SHOWN = [f"Given logits in {dtype}, discriminator(real_logits, fake_logits)" for dtype in ("fp32", "bf16")]
CASES = [
    (Unbuilt, ["Built, it raises FileNotFoundError: weights.pt."]),
    (Roleless, ['It has no role: say role = "image" or role = "adversarial" in the class, where methods look.']),
    (roleless_later, ['Its role should be "image" or "adversarial" (or one that its method knows): None']),
    (Uncallable, ['With the role "image" it should have __call__(), which gets a Translated record.']),
    (Raising, ["Given pictures of 3 channels, it raises AttributeError: 'Tensor' object has no attribute 'nowhere'."]),
    (
        Vector,
        [f"{w} should give a tensor of no dimensions, but gives a tensor of shape (2,)" for w in (FP32, BF16, SAME)],
    ),
    (Number, [f"{w} should give a tensor of no dimensions, but gives float." for w in (FP32, BF16, SAME)]),
    (Coarse, [f"{BF16} should give float32, but gives torch.bfloat16: compute in float(), for bf16 has 8 significant"]),
    (Inplace, [f"{BF16} raises RuntimeError: "]),
    (
        Endless,
        [f"{w} should give a finite number, but gives {v}." for w, v in ((FP32, "inf"), (BF16, "inf"), (SAME, "nan"))],
    ),
    (Cut, [f"{w} should give a value with a gradient, but gives one without." for w in (FP32, BF16, SAME)]),
    (Beside, [f"{w} should give the output a finite gradient, but gives none." for w in (FP32, BF16, SAME)]),
    (Rooted, [f"{SAME} should give the output a finite gradient, but gives one that is not."]),
    (Seeding, ["It seeds the random numbers of random, from which others draw too"]),
    (Half, ['With the role "adversarial" it should have discriminator(), which gets the logits of a discriminator.']),
    (Undecided, ["conditional should be a bool, but is None."]),
    (Undeclared, ["conditional should be True or False, but is None."]),
    (Reversed, ["generator() should fall as the logits of outputs rise from -0.5."]),
    (BlindToTargets, ["discriminator() should fall as the logits of targets rise from -0.5."]),
    (BlindToOutputs, ["discriminator() should rise as the logits of outputs rise from 0.5."]),
    (
        Unreduced,
        [f"{w} should give a tensor of no dimensions, but gives a tensor of shape (2, 1, 4, 4)." for w in JUDGED],
    ),
    (CoarseAdversary, ["Given logits in bf16, generator(fake_logits) should give float32, but gives torch.bfloat16"]),
    (Extreme, ["Given logits of 60 for targets and -60 for outputs, it should be finite, but is not: the logarithm"]),
    (SeedingAdversary, ["It seeds the random numbers of torch, from which others draw too"]),
    (Crashing, [f"{w} raises AssertionError: one logit." for w in SHOWN]),
]


@pytest.mark.parametrize(("component", "sentences"), CASES, ids=lambda value: getattr(value, "__name__", ""))
def test_faults_of_losses_are_named(component, sentences, faults_of):
    faults = faults_of(check_loss, component)
    assert [fault[: len(sentence)] for fault, sentence in zip(faults, sentences, strict=True)] == sentences


class Learning(Learned):
    """Wants to be trained, which losses are not."""

    def __init__(self) -> None:
        super().__init__()
        self.network.requires_grad_(True)


def test_parameters_that_want_to_be_trained_are_named(faults_of):
    [fault] = faults_of(check_loss, Learning)
    assert "network.weight, network.bias" in fault
    assert "requires_grad_(False)" in fault
