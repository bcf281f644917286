"""`check_method` names each fault that shows when a method trains or translates."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch
from torch import nn

from itrans.api import ImageSpec, apply_generator
from itrans.testing import check_method


class Good:
    """A method as it should be, to be spoilt: one generator, one update."""

    generators = ("generator",)

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        self.generator = build_generator(source.planes, target.planes)
        self.networks = {"generator": self.generator}
        self.scale = 1.0

    def step(self, batch, runtime):
        loss = (apply_generator(self.generator, self.scale * batch.source) - batch.target).abs().mean()
        with runtime.update("generator") as update:
            update({"l1": loss})
        return {"l1": loss.detach()}

    def translate(self, source, direction="forward"):
        if direction != "forward":
            raise ValueError(f"no direction {direction}")
        return apply_generator(self.generator, source)


class Counting(Good):
    """Keeps something from step to step, and says so."""

    def step(self, batch, runtime):
        self.scale += 1
        return super().step(batch, runtime)

    def state_dict(self):
        return {"scale": self.scale}

    def load_state_dict(self, state):
        self.scale = state["scale"]


class Networkless(Good):
    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.networks = {}


class Misnamed(Good):
    generators = ("network",)


class Idle(Good):
    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.networks["other"] = build_generator(3, 3)


class Exploding(Good):
    def step(self, batch, runtime):
        logged = super().step(batch, runtime)
        with torch.no_grad():
            self.generator.first.bias.fill_(float("inf"))
        return logged


class Freezing(Good):
    def step(self, batch, runtime):
        logged = super().step(batch, runtime)
        self.generator.eval()
        return logged


class Silent(Good):
    def step(self, batch, runtime):
        super().step(batch, runtime)


class Attached(Good):
    def step(self, batch, runtime):
        loss = (apply_generator(self.generator, batch.source) - batch.target).abs().mean()
        with runtime.update("generator") as update:
            update({"l1": loss})
        return {"l1": loss}


class Floating(Good):
    def step(self, batch, runtime):
        return {name: float(value) for name, value in super().step(batch, runtime).items()}


class Unpadded(Good):
    def step(self, batch, runtime):
        self.generator(batch.source)


class Unconditional(Good):
    """Shows no source to a discriminator that it has built to see one."""

    def __init__(
        self, *, build_generator: Any, build_discriminator: Any, losses: Any, source: ImageSpec, target: ImageSpec
    ) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.discriminator = build_discriminator(target.planes, source.planes)

    def step(self, batch, runtime):
        self.discriminator(batch.target, None)


class Seeding(Good):
    def step(self, batch, runtime):
        torch.manual_seed(0)
        return super().step(batch, runtime)


class Restless(Good):
    def step(self, batch, runtime):
        self.scale = random.Random().random()
        return super().step(batch, runtime)


class Unkept(Good):
    """Keeps something from step to step, and does not say so."""

    def step(self, batch, runtime):
        self.scale += 1
        return super().step(batch, runtime)


class Unloadable(Counting):
    def state_dict(self):
        return {"scale": self}


class HalfBroken(Good):
    """Has an overflow in bf16 alone."""

    def step(self, batch, runtime):
        logged = super().step(batch, runtime)
        return {"l1": logged["l1"] / (not torch.is_autocast_enabled("cpu"))}


class Needy(Good):
    """Wants losses even to translate."""

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.first = losses[0]


class Uncropped(Good):
    def translate(self, source, direction="forward"):
        return super().translate(nn.functional.pad(source, (0, 5)), direction)


class Averaging(Good):
    """Translates with something that no checkpoint holds."""

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.steps = 0

    def step(self, batch, runtime):
        self.steps += 1
        return super().step(batch, runtime)

    def translate(self, source, direction="forward"):
        return super().translate(source, direction) / (1 + self.steps)


class Yielding(Good):
    def translate(self, source, direction="forward"):
        return apply_generator(self.generator, source)


class ThreeChannels(Good):
    def __init__(self, *, build_generator: Any, losses: Any) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=ImageSpec(3), target=ImageSpec(3))


class Channelled(Good):
    """Builds for the channels of files, of which label maps have one, and not for the planes that networks see."""

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.generator = self.networks["generator"] = build_generator(source.channels, target.planes)


class ChannelledTargets(Good):
    """The same on the other side."""

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.generator = self.networks["generator"] = build_generator(source.planes, target.channels)


STEP = 'What step() returns as "l1" should be a finite tensor of no dimensions, detached, but is '


@pytest.mark.parametrize(
    ("component", "sentences"),
    [
        (
            Networkless,
            [
                "Its networks should be by name all that it trains, and there are none.",
                "Its generators should be names of its networks (), but are ['generator'].",
            ],
        ),
        (Misnamed, ["Its generators should be names of its networks (generator), but are ['network']."]),
        (Idle, ['Within 32 steps every network should be updated, and "other" is left as it was: train it within ']),
        (Exploding, ['After a step the weights of "generator" should be finite, but are not.']),
        (Freezing, ['A step should leave "generator" in training mode with all parameters to train, but does not.']),
        (Silent, ["step() should return the losses to log by their names, but returns NoneType None."]),
        (Attached, [STEP]),
        (Floating, [f"{STEP}float "]),
        (
            Unpadded,
            ["Training, it raises RuntimeError: a generator with size_multiple = 4 was given a picture of 27x30"],
        ),
        (
            Unconditional,
            ["Training, it raises RuntimeError: a discriminator with condition_channels = 3 was given no "],
        ),
        (Seeding, ["It seeds the random numbers of torch, from which others draw too"]),
        (Restless, ["Two runs from one seed should end with the same weights, but do not: what is random is drawn fr"]),
        (Unkept, ["Interrupted and resumed, it should end with the weights of a run in one go, but does not: what it"]),
        (Unloadable, ["What state_dict() returns should be tensors, numbers, texts, and lists and dicts of them"]),
        (HalfBroken, ["In bf16 (torch.autocast) its losses should be finite, but are not."]),
        (Needy, ["Built to translate only (losses empty, build_discriminator None), it raises IndexError: list index"]),
        (
            Uncropped,
            ['From a source (2, 3, 30, 27) translate(source, "forward") should make (2, 3, 30, 27), but makes'],
        ),
        (Averaging, ["Built to translate only, with the trained generators (generator), it should translate "]),
        (Yielding, ["translate() should raise ValueError for a direction that does not exist, but takes any."]),
        (Channelled, ["With label maps of 5 classes for sources (build for source.planes, not channels), it raises"]),
        (
            ChannelledTargets,
            ['From a source (2, 3, 30, 27) translate(source, "forward") should make (2, 5, 30, 27), but'],
        ),
        (ThreeChannels, ["With sources of 1 channel and targets of 3, it raises RuntimeError: "]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_faults_of_training_and_translating_are_named(component, sentences, faults_of):
    faults = faults_of(check_method, component)
    assert [fault[: len(sentence)] for fault, sentence in zip(faults, sentences, strict=True)] == sentences
