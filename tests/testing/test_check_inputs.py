"""The checks name what changes its inputs, what stays on the CPU, and what makes another kind of values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from testing.good_networks import GoodDiscriminator, GoodGenerator
from testing.small_components import Adversarial, Loss
from torch import Tensor, nn

from itrans.api import ImageSpec, Pair, Split, Translated
from itrans.testing import check_dataset, check_discriminator, check_generator, check_loss, quick_faults


class TouchingGenerator(GoodGenerator):
    def forward(self, source):
        return super().forward(source.mul_(0.5))


class TouchingDiscriminator(GoodDiscriminator):
    def forward(self, image, condition):
        if condition is not None:
            condition.add_(1)
        return super().forward(image, condition)


class TouchingLoss(Loss):
    def __call__(self, translated):
        translated.target.clamp_(-0.5, 0.5)
        return super().__call__(translated)


@pytest.mark.parametrize(
    ("check", "component", "what"),
    [
        (check_generator, TouchingGenerator, "source"),
        (check_discriminator, TouchingDiscriminator, "condition"),
        (check_loss, TouchingLoss, "target"),
    ],
)
def test_what_is_changed_in_place_is_all_that_is_told(check, component, what, faults_of):
    faults = faults_of(check, component)
    assert all(f"changes the {what} in place" in fault for fault in faults)


class PlacedGenerator(GoodGenerator):
    """Adds positions that it makes on the CPU."""

    def forward(self, source):
        return super().forward(source) * torch.linspace(0.5, 1, source.shape[-1])


class KeepingGenerator(GoodGenerator):
    """Keeps a tensor that does not move with it."""

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        self.gain = torch.full((1, out_channels, 1, 1), 0.5)

    def forward(self, source):
        return super().forward(source) * self.gain


class PlacedDiscriminator(GoodDiscriminator):
    def forward(self, image, condition):
        logits = super().forward(image, condition)
        return logits * torch.full((1, 1, *logits.shape[2:]), 2.0)


class PlacedLoss(Loss):
    def __call__(self, translated):
        rows = torch.linspace(0, 1, translated.output.shape[-1])
        return ((translated.output.float() - translated.target.float()).square() * rows).mean()


class PlacedAdversarial(Adversarial):
    def generator(self, fake_logits):
        return (torch.zeros(fake_logits.shape) - fake_logits.float()).mean()


class Valued(GoodGenerator):
    """Looks at values, which says nothing of where it computes."""

    def forward(self, source):
        return super().forward(source) * (0.5 if float(source.max()) > 0 else 1.0)


@pytest.mark.parametrize(
    ("check", "component"),
    [
        (check_generator, PlacedGenerator),
        (check_generator, KeepingGenerator),
        (check_discriminator, PlacedDiscriminator),
        (check_loss, PlacedLoss),
        (check_loss, PlacedAdversarial),
    ],
)
def test_what_stays_on_the_cpu_is_named(check, component, faults_of):
    [fault] = faults_of(check, component)
    assert "another device than the CPU" in fault
    assert "register_buffer()" in fault


def test_what_cannot_be_computed_without_values_is_not_judged():
    check_generator(Valued)


class Steep(GoodDiscriminator):
    """Ends with a sigmoid, of which large weights make nothing but zeros."""

    def forward(self, image, condition):
        return (super().forward(image, condition) * 30 - 90).sigmoid()


def test_a_sigmoid_is_found_where_it_makes_zeros(faults_of):
    [fault] = faults_of(check_discriminator, Steep)
    assert "leave out the sigmoid" in fault


class Zeros(GoodDiscriminator):
    """Begins with logits of 0, as a network whose last layer begins so."""

    def forward(self, image, condition):
        return super().forward(image, condition) * 0


def test_logits_of_zero_are_no_sigmoids(faults_of):
    assert not any("sigmoid" in fault for fault in faults_of(check_discriminator, Zeros))


class Autocast(Loss):
    """Computes without autocast, of which torch has none on its device without values."""

    def __call__(self, translated):
        with torch.autocast(translated.output.device.type, enabled=False):
            return super().__call__(translated)


class AutocastGenerator(GoodGenerator):
    def forward(self, source):
        with torch.autocast(source.device.type, enabled=False):
            return super().forward(source)


class Raising(Loss):
    def __call__(self, translated):
        raise RuntimeError("no values here")


@pytest.mark.parametrize(
    ("kind", "component"), [("loss", Autocast), ("generator", AutocastGenerator), ("loss", Raising)]
)
def test_errors_without_values_do_not_count(kind, component):
    assert quick_faults(kind, component) == []


class Fourfold(nn.Module):
    """Makes pictures four times as large."""

    scale = 4

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layer = nn.ConvTranspose2d(in_channels, out_channels, 4, stride=4)

    def forward(self, source):
        return self.layer(source).tanh()


class SaysTwofold(Fourfold):
    scale = 2


def test_outputs_are_as_large_as_the_scale_says(faults_of):
    check_generator(Fourfold)
    assert quick_faults("generator", Fourfold) == []
    assert (
        "should make (2, 3, 64, 64) (its scale is 2), but makes (2, 3, 128, 128)"
        in faults_of(check_generator, SaysTwofold)[0]
    )


# What a loss is tried with


@dataclass
class Cycle:
    """What a method of one's own gives to its losses."""

    source: Tensor
    back: Tensor


class CycleLoss:
    role = "cycle"

    def __call__(self, cycle):
        return (cycle.back.float() - cycle.source.float()).abs().mean()


class Wide(Loss):
    """Works with pictures of 7 channels alone, and does not say so."""

    def __call__(self, translated):
        assert translated.output.shape[1] == 7
        return super().__call__(translated)


def test_a_loss_is_tried_with_the_record_that_is_given(faults_of):
    check_loss(CycleLoss, record=Cycle(torch.zeros(1, 3, 8, 8), torch.ones(1, 3, 8, 8, requires_grad=True)))
    pictures = [torch.rand(2, 7, 8, 8) for _ in range(3)]
    check_loss(Wide, record=Translated(*pictures))
    assert "AssertionError" in faults_of(check_loss, Wide)[0]
    assert "Given that record in fp32" in faults_of(check_loss, TouchingLoss, record=Translated(*pictures))[0]


class Recording(Loss):
    def __init__(self, *, record: int = 1) -> None:
        assert record == 2


def test_an_argument_of_the_losss_own_goes_to_the_loss():
    check_loss(Recording, record=2)


class Head(nn.Module):
    """Compares what a layer of its own makes of pictures, and trains that."""

    role = "image"
    trains = True

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(()))

    def forward(self, translated):
        return (self.gain * (translated.output.float() - translated.target.float())).abs().mean()


class Untrained(Loss, nn.Module):
    trains = True

    def __init__(self) -> None:
        nn.Module.__init__(self)

    __call__ = Loss.__call__


class Unreached(Head):
    def forward(self, translated):
        return (translated.output.float() - translated.target.float()).abs().mean()


def test_a_loss_that_trains_has_something_to_train(faults_of):
    check_loss(Head)
    assert "trains = True, but has no parameters" in faults_of(check_loss, Untrained)[0]
    [fault] = faults_of(check_loss, Unreached)
    assert "No gradient reaches gain" in fault


# Data sets


class Noise:
    source = target = ImageSpec(channels=3)

    def __init__(self, *, split: Split) -> None:
        self.seed = ["train", "val", "test"].index(split)

    def __len__(self):
        return 2

    def picture(self, index):
        return np.random.default_rng([self.seed, index]).integers(0, 256, (8, 10, 3), dtype=np.uint8)

    def __getitem__(self, index):
        return Pair(self.picture(index), self.picture(index), f"{index}.png")


class Tensors(Noise):
    def picture(self, index):
        return torch.from_numpy(super().picture(index))


class ChannelsFirst(Noise):
    def picture(self, index):
        return super().picture(index).transpose(2, 0, 1)


class WithoutChannels(Noise):
    def picture(self, index):
        return super().picture(index)[..., 0]


@pytest.mark.parametrize(
    ("component", "advice"),
    [
        (Tensors, "but torch.Tensor: give numpy arrays"),
        (ChannelsFirst, "Is it (C, H, W)?"),
        (WithoutChannels, "give image[..., None]"),
    ],
)
def test_what_is_no_picture_of_the_kind_is_told_what_to_be(component, advice, faults_of):
    faults = faults_of(check_dataset, component)
    assert len(faults) == 3  # one of each split
    assert all(advice in fault for fault in faults)
