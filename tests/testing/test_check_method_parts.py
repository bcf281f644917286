"""What `check_method` tries a method with: losses it knows, noise, batches, extras, lazy updates, all directions."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from itrans.api import Batch, ImageSpec, Noise, Translated, apply_generator
from itrans.testing import check_method


class Good:
    """One generator that learns by the losses it is given, or by the mean difference."""

    generators = ("generator",)

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        self.generator = build_generator(source.planes, target.planes)
        self.networks = {"generator": self.generator}
        self.losses, self.taken = losses, 0

    def step(self, batch, runtime):
        output = apply_generator(self.generator, batch.source)
        pair = Translated(batch.source, batch.target, output)
        values = {entry.name: entry.loss(pair) for entry in self.losses} or {
            "own": (output - batch.target).abs().mean()
        }
        with runtime.update("generator") as update:
            update(values)
        return {name: value.detach() for name, value in values.items()}

    def translate(self, source, direction="forward"):
        if direction != "forward":
            raise ValueError(f"no direction {direction}")
        return apply_generator(self.generator, source)


class Noisy(nn.Module):
    """The generator of the page on noise, in small."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.noise = Noise(4)
        self.layer = nn.Conv2d(in_channels + 4, out_channels, 3, padding=1)

    def forward(self, source):
        noise = self.noise(source)[:, :, None, None].expand(-1, -1, *source.shape[2:])
        return self.layer(torch.cat([source, noise], dim=1)).tanh()


def test_a_generator_with_noise_translates_as_when_trained():
    check_method("paired", build_generator=Noisy)


class Lazy(Good):
    """Trains its second network in every fifth step, and keeps count."""

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.networks["second"] = build_generator(target.planes, source.planes)

    def step(self, batch, runtime):
        self.taken += 1
        if self.taken % 5 == 0:
            with runtime.update("second") as update:
                update({"own": (apply_generator(self.networks["second"], batch.target) - batch.source).abs().mean()})
        return super().step(batch, runtime)

    def state_dict(self):
        return {"taken": self.taken}

    def load_state_dict(self, state):
        self.taken = state["taken"]


class Forgetful(Lazy):
    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def test_a_network_may_be_trained_in_some_steps_alone():
    check_method(Lazy)


class Periodic(Lazy):
    """Trains its second network in every fifth step of the run."""

    def step(self, batch, runtime):
        self.taken = runtime.step
        return super().step(batch, runtime)

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def test_the_number_of_the_step_decides_as_well_as_a_count_does():
    check_method(Periodic)


def test_the_count_of_steps_has_to_be_in_the_checkpoint(faults_of):
    [fault] = faults_of(check_method, Forgetful)
    assert fault.startswith("Interrupted and resumed, it should end with the weights of a run in one go")


class Recording(Good):
    """Notes what it is given."""

    seen: list[Any]

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        if losses:
            type(self).seen = [entry.loss.role for entry in losses]

    def step(self, batch, runtime):
        type(self).keys = {*getattr(self, "keys", ()), *batch.keys}
        return super().step(batch, runtime)


class Lossless(Recording):
    roles = ()


class Critical(Recording):
    """Has a loss of its own for a discriminator, without which it refuses to work."""

    def __init__(
        self, *, build_generator: Any, build_discriminator: Any, losses: Any, source: ImageSpec, target: ImageSpec
    ) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        if build_discriminator is not None:
            self.networks["critic"] = build_discriminator(target.planes, 0)

    @staticmethod
    def check(losses, has_discriminator):
        found = [] if has_discriminator else ["It needs a discriminator."]
        return found + [f"It has no use for {name}." for name, loss in losses if loss.role != "image"]

    def step(self, batch, runtime):
        with runtime.update("critic") as update:
            update({"critic": self.networks["critic"](batch.target, None).mean()})
        return super().step(batch, runtime)


@pytest.mark.parametrize(("component", "roles"), [(Recording, ["image"]), (Lossless, []), (Critical, ["image"])])
def test_losses_are_those_that_a_method_has_a_use_for(component, roles):
    component.seen = []
    check_method(component)
    assert component.seen == roles


def test_it_is_trained_on_the_batches_that_are_given():
    Recording.keys = set()
    pairs = [torch.rand(1, channels, 8, 8) * 2 - 1 for channels in (2, 1, 2, 1)]
    batches = [Batch(pairs[0], pairs[1], ("first",)), Batch(pairs[2], pairs[3], ("second",))]
    before = [tensor.clone() for tensor in pairs]
    check_method(Recording, batches=batches)
    assert Recording.keys == {"first", "second"}
    assert all(map(torch.equal, before, pairs))


class Batched(Good):
    """Has an argument of its own of that name."""

    def __init__(
        self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec, batches: int = 1
    ) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        assert batches == 3


def test_an_argument_of_the_methods_own_goes_to_the_method():
    check_method(Batched, batches=3)


class Directed(Good):
    """Translates in three directions, of which the last is wrong."""

    directions: Any = ("there", "back", "again")

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.networks["back"] = build_generator(target.planes, source.planes)
        self.generators = ("generator", "back")

    def step(self, batch, runtime):
        with runtime.update("back") as update:
            update({"own": (apply_generator(self.networks["back"], batch.target) - batch.source).abs().mean()})
        return super().step(batch, runtime)

    def translate(self, source, direction="there"):
        if direction not in self.directions:
            raise ValueError(direction)
        output = apply_generator(self.networks["back" if direction == "back" else "generator"], source)
        return output[..., 1:] if direction == "again" else output


class Mapped(Directed):
    directions: ClassVar[Any] = {
        "there": ("source", "target"),
        "back": ("target", "source"),
        "other": ["source", "target"],
    }


class WronglyMapped(Directed):
    directions: ClassVar[Any] = {"there": ("source", "output")}


class SaysTooMuch(Directed):
    """A mapping that says of its second direction what the tuple does not."""

    directions: ClassVar[Any] = {"there": ("source", "target"), "back": ("source", "target")}


def test_every_direction_is_tried(faults_of):
    [fault] = faults_of(check_method, Directed)
    assert fault.startswith(
        'From a source (2, 3, 30, 27) translate(source, "again") should make (2, 3, 30, 27), but makes'
    )


def test_directions_may_say_which_sides_they_take_and_make(faults_of):
    check_method(Mapped)
    [fault] = faults_of(check_method, WronglyMapped)
    assert "source" in fault
    assert "output" in fault
    assert faults_of(check_method, SaysTooMuch)


class Styled(Good):
    """Translates with what data sets say besides, and with a picture that they do not have; and has an option."""

    seen: dict[str, Any]

    def __init__(self, *, build_generator: Any, losses: Any, source: ImageSpec, target: ImageSpec) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.extras = {"reference": target}

    def translate(self, source, direction="forward", *, domain, reference=None, mask, steps: int = 20):
        Styled.seen = {"domain": domain, "reference": reference, "mask": mask, "steps": steps}
        return super().translate(source, direction)


@pytest.mark.parametrize("extra", [("grey", "blue"), int])
def test_what_translating_takes_besides_is_drawn_from_its_specs(extra, monkeypatch):
    monkeypatch.setattr("itrans.testing.trials.Batch", lambda *arguments, extras: Batch(*arguments))
    check_method(Styled, extras={"domain": extra, "mask": ImageSpec(1), "strength": float}, target=ImageSpec(2))
    seen = Styled.seen
    assert (seen["domain"].shape, seen["domain"].dtype) == ((2,), torch.int64)
    assert 0 <= seen["domain"].min() <= seen["domain"].max() <= 1
    assert (seen["mask"].shape, seen["reference"].shape) == ((2, 1, 30, 27), (2, 2, 30, 27))
    assert seen["steps"] == 20


class Twofold(nn.Module):
    """Makes pictures twice as large."""

    scale = 2

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layer = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)

    def forward(self, source):
        return self.layer(source).tanh()


def test_targets_are_as_large_as_a_generator_makes_them():
    check_method(Good, build_generator=Twofold)


class TouchesBatch(Good):
    def step(self, batch, runtime):
        batch.target.clamp_(-0.5, 0.5)
        return super().step(batch, runtime)


class TouchesSource(Good):
    def translate(self, source, direction="forward"):
        return super().translate(source.mul_(0.5), direction)


@pytest.mark.parametrize(
    ("component", "what"),
    [(TouchesBatch, "step() should leave"), (TouchesSource, 'translate(source, "forward") should')],
)
def test_what_is_changed_in_place_is_named(component, what, faults_of):
    [fault] = faults_of(check_method, component)
    assert fault.startswith(what)
    assert "in place" in fault


class Misnaming(Good):
    def step(self, batch, runtime):
        with runtime.update("generater"):
            pass


class Undetached(Good):
    """Goes back twice through one output."""

    def step(self, batch, runtime):
        output = apply_generator(self.generator, batch.source)
        for target in (batch.target, -batch.target):
            with runtime.update("generator") as update:
                update({"own": (output - target).abs().mean()})
        return {"own": output.mean().detach()}


class Listing(nn.Conv2d):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 1)

    def forward(self, source):
        return [super().forward(source)]


def test_mistakes_in_training_are_sentences(faults_of):
    [fault] = faults_of(check_method, Misnaming)
    assert "'generater'" in fault
    assert fault.endswith('Did you mean "generator"?')
    [fault] = faults_of(check_method, Undetached)
    assert "second time" in fault
    assert "output.detach()" in fault
    [fault] = faults_of(check_method, "paired", build_generator=Listing)
    assert "the generator Listing should return a tensor" in fault
    assert "returns list" in fault
