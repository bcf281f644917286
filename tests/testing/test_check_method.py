"""`check_method` passes what works, and names each fault of what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from torch import nn

from itrans.api import ImageSpec, apply_generator
from itrans.testing import check_method


class L2:
    role = "image"

    def __call__(self, translated):
        return (translated.output.float() - translated.target.float()).square().mean()


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


class Both(Good):
    """Translates there and back."""

    generators = ("generator", "back")
    directions = ("there", "back")

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.networks["back"] = build_generator(target.planes, source.planes)

    def step(self, batch, runtime):
        logged = super().step(batch, runtime)
        with runtime.update("back") as update:
            update({"l1": (apply_generator(self.networks["back"], batch.target) - batch.source).abs().mean()})
        return logged

    def translate(self, source, direction="there"):
        if direction not in self.directions:
            raise ValueError(f"no direction {direction}")
        return apply_generator(self.generator if direction == "there" else self.networks["back"], source)


class Judged(Good):
    """Trains a discriminator too; wants one loss for it, and no others."""

    def __init__(
        self, *, build_generator: Any, build_discriminator: Any, losses: Any, source: ImageSpec, target: ImageSpec
    ) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        if build_discriminator is not None:
            self.networks["discriminator"] = build_discriminator(target.planes, 0)
            [self.loss] = losses

    def step(self, batch, runtime):
        discriminator, loss = self.networks["discriminator"], self.loss.loss
        output = apply_generator(self.generator, batch.source)
        with runtime.update("discriminator") as update:
            real, fake = discriminator(batch.target, None), discriminator(output.detach(), None)
            update({"gan": loss.discriminator(real, fake)})
        with runtime.update("generator") as update:
            value = loss.generator(discriminator(output, None))
            update({"gan": value})
        return {"gan": value.detach()}

    @staticmethod
    def check(losses, has_discriminator):
        fits = [getattr(loss, "role", "") for _, loss in losses] == ["adversarial"]
        return [] if fits and not losses[0][1].conditional else ["It wants one adversarial loss."]


class Equal(Good):
    """Takes sources and targets of equal channels alone, and says so."""

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        if source.planes != target.planes:
            raise ValueError("equal channels only")
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)


@pytest.mark.parametrize("component", [Good, Counting, Both, Judged, Equal])
def test_good_methods_pass(component):
    check_method(component)


class Own(Good):
    """Counts what it is given."""

    seen: dict[str, Any]

    def __init__(
        self,
        *,
        build_generator: Callable[[int, int], Any],
        build_discriminator: Any,
        losses: Any,
        source: ImageSpec,
        target: ImageSpec,
        power: int = 1,
    ) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        if losses:
            names = [(entry.name, entry.weight) for entry in losses]
            Own.seen = {"losses": names, "channels": (source.channels, target.channels), "power": power}


def test_what_it_is_tried_with_may_be_given():
    check_method(
        Own,
        losses=[("l2", 3.0, L2())],
        source=ImageSpec(channels=2),
        target=ImageSpec(channels=5),
        build_generator=lambda taken, made: nn.Conv2d(taken, made, 1),
        power=2,
    )
    assert Own.seen == {"losses": [("l2", 3.0)], "channels": (2, 5), "power": 2}


def test_losses_that_a_method_refuses_are_named(faults_of):
    assert faults_of(check_method, Judged, losses=[("l2", 1.0, L2())]) == [
        "Its check() refuses the losses l2, so it cannot be tried: It wants one adversarial loss. Give check_method "
        "losses that it takes."
    ]


class Stepless:
    def __init__(self, *, build_generator: Any, losses: Any) -> None:
        pass

    def translate(self, source, direction="forward"):
        pass


class Directed(Good):
    directions = "forward"


class HalfKept(Good):
    def state_dict(self):
        return {}


class CheckRaises(Good):
    @staticmethod
    def check(losses, has_discriminator):
        raise IndexError("no losses")


class CheckTells(Good):
    @staticmethod
    def check(losses, has_discriminator):
        return "fine"


@pytest.mark.parametrize(
    ("component", "sentences"),
    [
        (Stepless, ["It has no step(), which itrans calls."]),
        (Directed, ["directions should be a tuple of the names that translate() takes, but is 'forward'."]),
        (HalfKept, ["It has only one of state_dict() and load_state_dict(); a checkpoint needs both, or none."]),
        (CheckRaises, ["The class's check(losses=[], has_discriminator=False) raises IndexError: no losses."]),
        (CheckTells, ["check() should return a list of sentences, but returns 'fine'."]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_faults_of_methods_are_named(component, sentences, faults_of):
    faults = faults_of(check_method, component)
    assert [fault[: len(sentence)] for fault, sentence in zip(faults, sentences, strict=True)] == sentences
