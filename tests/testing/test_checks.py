"""The checks pass what itrans brings, and name each fault of what is wrong."""

from __future__ import annotations

import sys
import textwrap
from typing import Literal

import numpy as np
import pytest
import torch
from torch import nn

from itrans.api import ImageSpec, MissingSplitError, Pair
from itrans.registry import REGISTRIES
from itrans.testing import (
    check_dataset,
    check_discriminator,
    check_generator,
    check_loss,
    check_method,
    quick_faults,
)


@pytest.fixture(autouse=True)
def single_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("check", "name", "arguments"),
    [
        (check_generator, "unet", {"depth": 3, "filters": 4}),
        (check_generator, "encoder_decoder", {"depth": 3, "filters": 4, "norm": "instance"}),
        (check_discriminator, "patchgan", {"patch": 16, "filters": 4}),
        (check_loss, "cgan", {}),
        (check_loss, "gan", {"objective": "hinge"}),
        (check_loss, "l1", {}),
        (check_loss, "itrans:l2", {}),
        (check_method, "paired", {}),
    ],
)
def test_what_itrans_brings_passes(check, name, arguments):
    check(name, **arguments)


def test_a_data_set_of_files_passes(aligned):
    check_dataset("aligned", root=str(aligned))


def test_all_components_pass_what_needs_no_building():
    faults = {
        origin.qualified: found
        for kind, registry in REGISTRIES.items()
        for origin in registry.origins()
        if origin.distribution == "itrans"
        if (found := quick_faults(kind, registry.get(origin.qualified)))
    }
    assert faults == {}


class Good(nn.Module):
    """A generator as it should be, to be spoilt."""

    def __init__(self, *, in_channels: int, out_channels: int, filters: int = 2) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, filters, 3, padding=1)
        self.last = nn.Conv2d(filters, out_channels, 3, padding=1)

    def forward(self, source):
        return self.last(self.first(source).relu()).tanh()


class Small(Good):
    def forward(self, source):
        return super().forward(source)[:, :, ::2, ::2]


class Loud(Good):
    def forward(self, source):
        return super().forward(source) * 9 + 5


class Idle(Good):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        self.spare = nn.Linear(2, 2)


class Forgetful(Good):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)
        self.gain = float(torch.rand(()))

    def forward(self, source):
        return super().forward(source) * self.gain


class Restless(Good):
    def forward(self, source):
        return (super().forward(source) + float(np.random.default_rng().uniform(-0.1, 0.1))).tanh()


class Picky(Good):
    def forward(self, source):
        assert source.shape[2] == source.shape[3], "squares only"
        return super().forward(source)


class Unannotated(Good):
    def __init__(self, *, in_channels: int, out_channels: int, filters=2) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)


class Mistyped(Good):
    def __init__(self, *, in_channels: int, out_channels: int, norm: Literal["batch", "none"] = "instance") -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels)


class Open(Good):
    def __init__(self, **arguments) -> None:
        super().__init__(**arguments)


class Fixed(Good):
    def __init__(self, *, in_channels: int) -> None:
        super().__init__(in_channels=in_channels, out_channels=3)


class Halved(Good):
    size_multiple = 0.5


class Whimsical(Good):
    def __init__(self, *, in_channels: int, out_channels: int, initialize: bool = True) -> None:
        super().__init__(in_channels=in_channels, out_channels=out_channels, filters=3 if initialize else 2)


def test_a_good_generator_passes():
    check_generator(Good)
    check_generator(Good, filters=3)


@pytest.mark.parametrize(
    ("component", "sentence"),
    [
        (Small, "it makes (1, 3, 16, 16); (N, C, H, W) should be (1, 3, 32, 32)"),
        (Loud, "pictures are in [-1, 1]"),
        (Idle, "No gradient reaches spare.weight, spare.bias"),
        (Forgetful, "something that it needs is not in state_dict()"),
        (Restless, "it gives two outputs"),
        (Picky, "squares only"),
        (Unannotated, 'Its argument "filters" has no annotation'),
        (Mistyped, 'The default of "norm" is not what its annotation says'),
        (Open, "It takes any keyword (**)"),
        (Fixed, 'It takes no "out_channels"'),
        (Halved, "size_multiple is 0.5"),
        (Whimsical, "With initialize = False it has other weights"),
    ],
)
def test_faults_of_generators_are_named(component, sentence):
    with pytest.raises(AssertionError) as error:
        check_generator(component)
    assert sentence in str(error.value)
    assert str(error.value).startswith(f"{component.__name__} is not what itrans asks of a generator:\n- ")


def test_an_argument_that_a_recipe_could_not_give_is_named():
    with pytest.raises(AssertionError, match='takes no "filter". Did you mean "filters"'):
        check_generator(Good, filter=3)


class Judge(nn.Module):
    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels + condition_channels, 4, 4, stride=4)
        self.last = nn.Conv2d(4, 1, 1)

    def features(self, image, condition):
        return [self.first(image if condition is None else torch.cat([condition, image], 1)).relu()]

    def forward(self, image, condition):
        return self.last(self.features(image, condition)[0])


class Blind(Judge):
    def features(self, image, condition):
        return super().features(image, None if condition is None else torch.zeros_like(condition))


class Unconditional(Judge):
    def forward(self, image, condition):
        return super().forward(image, condition * 1)


class Merging(Judge):
    def forward(self, image, condition):
        return super().forward(image, condition).mean(dim=0, keepdim=True)


class Detached(Judge):
    def forward(self, image, condition):
        return super().forward(image.detach(), condition)


class Featureless(Judge):
    def features(self, image, condition):
        return super().features(image, condition)[0]

    def forward(self, image, condition):
        return self.last(self.features(image, condition))


def test_a_good_discriminator_passes():
    check_discriminator(Judge)


@pytest.mark.parametrize(
    ("component", "sentence"),
    [
        (Blind, "do not depend on the condition"),
        (Unconditional, "condition_channels = 0, and judging, failed: TypeError"),
        (Merging, "N should be 2"),
        (Detached, "No gradient reaches the picture"),
        (Featureless, "should return a list of tensors"),
    ],
)
def test_faults_of_discriminators_are_named(component, sentence):
    with pytest.raises(AssertionError) as error:
        check_discriminator(component)
    assert sentence in str(error.value)


class Difference:
    role = "image"

    def __call__(self, translated):
        return (translated.output.float() - translated.target.float()).square().mean()


class Vector(Difference):
    def __call__(self, translated):
        return (translated.output - translated.target).square().mean(dim=(1, 2, 3))


class Coarse(Difference):
    def __call__(self, translated):
        return (translated.output - translated.target.to(translated.output.dtype)).square().mean()


class Cut(Difference):
    def __call__(self, translated):
        return (translated.output.detach().float() - translated.target).square().mean()


class Roleless:
    def __call__(self, translated):
        return translated.output.float().mean()


class Adversarial:
    role = "adversarial"
    conditional = True

    def generator(self, fake_logits):
        return nn.functional.softplus(-fake_logits.float()).mean()

    def discriminator(self, real_logits, fake_logits):
        return (nn.functional.softplus(-real_logits.float()) + nn.functional.softplus(fake_logits.float())).mean()


class Reversed(Adversarial):
    def generator(self, fake_logits):
        return nn.functional.softplus(fake_logits.float()).mean()


class Undecided(Adversarial):
    conditional = None


class Half:
    role = "adversarial"
    conditional = False

    def generator(self, fake_logits):
        return -fake_logits.float().mean()


class ThreeChannels(Difference):
    """Says itself what it does not take."""

    def __call__(self, translated):
        if translated.output.shape[1] != 3:
            raise ValueError("pictures of 3 channels only")
        return super().__call__(translated)


@pytest.mark.parametrize("component", [Difference, Adversarial, ThreeChannels])
def test_good_losses_pass(component):
    check_loss(component)


@pytest.mark.parametrize(
    ("component", "sentence"),
    [
        (Vector, "a tensor of shape (2,); it should be a tensor of no dimensions"),
        (Coarse, "compute in float()"),
        (Cut, "no gradient reaches the output"),
        (Roleless, "It has no role"),
        (Reversed, "The generator's loss should fall as the logits of its outputs rise"),
        (Undecided, "conditional is None"),
        (Half, "It has no discriminator()"),
    ],
)
def test_faults_of_losses_are_named(component, sentence):
    with pytest.raises(AssertionError) as error:
        check_loss(component)
    assert sentence in str(error.value)


class Noise:
    source = target = ImageSpec(channels=1)

    def __init__(self, *, count: int = 5, split: str) -> None:
        self.count, self.seed = count, ["train", "val", "test"].index(split)

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        picture = np.random.default_rng([self.seed, index]).integers(0, 256, (8, 8, 1), dtype=np.uint8)
        return Pair(picture, 255 - picture, f"{index}")


class Leaking(Noise):
    def __init__(self, *, split: str) -> None:
        super().__init__(split="train")


class Drifting(Noise):
    def __getitem__(self, index):
        picture = np.random.default_rng().integers(0, 256, (8, 8, 1), dtype=np.uint8)
        return Pair(picture, picture, f"{index}")


class Nameless(Noise):
    def __getitem__(self, index):
        return super().__getitem__(index)._replace(key="pair")


class Deep(Noise):
    source = target = ImageSpec(channels=1, dtype="uint16")


class Rooted(Noise):
    def __init__(self, *, split: str) -> None:
        super().__init__(split=split)
        self.open = lambda: None


class Bare(Noise):
    def __init__(self, *, split: str) -> None:
        raise MissingSplitError("nothing here")


class Moody(Noise):
    def draw(self, index, seed):
        return super().__getitem__(int(np.random.default_rng().integers(1000)))


def test_a_good_data_set_passes():
    check_dataset(Noise)
    check_dataset(Noise, count=40)


@pytest.mark.parametrize(
    ("component", "sentence"),
    [
        (Leaking, "of val is in train too"),
        (Drifting, "Read twice, a pair is not the same"),
        (Nameless, "Several pairs of train have one key"),
        (Deep, "the source is uint8, but this data set's are uint16"),
        (Rooted, "Sending it to a worker process (pickle) failed"),
        (Bare, "It has no split train"),
        (Moody, "draw() with one seed gives two pairs"),
    ],
)
def test_faults_of_data_sets_are_named(component, sentence):
    with pytest.raises(AssertionError) as error:
        check_dataset(component)
    assert sentence in str(error.value)


class Plain:
    generators = ("generator",)

    def __init__(self, *, build_generator, losses, source, target) -> None:
        self.generator = build_generator(source.channels, target.channels)
        self.networks = {"generator": self.generator}
        self.scale = 1.0

    def step(self, batch, runtime):
        loss = self.scale * (self.generator(batch.source) - batch.target).abs().mean()
        with runtime.update("generator") as update:
            update({"l1": loss})
        return {"l1": loss.detach()}

    def translate(self, source, direction="forward"):
        if direction != "forward":
            raise ValueError(f"no direction {direction}")
        return self.generator(source)


class Lazy(Plain):
    def __init__(self, *, build_generator, losses, source, target) -> None:
        super().__init__(build_generator=build_generator, losses=losses, source=source, target=target)
        self.networks = {"generator": self.generator, "other": build_generator(3, 3)}


class Heavy(Plain):
    def step(self, batch, runtime):
        loss = (self.generator(batch.source) - batch.target).abs().mean()
        with runtime.update("generator") as update:
            update({"l1": loss})
        return {"l1": loss}


class Counting(Plain):
    def step(self, batch, runtime):
        self.scale += 1
        loss = (self.scale * self.generator(batch.source) - batch.target).square().mean()
        with runtime.update("generator") as update:
            update({"l2": loss})
        return {"l2": loss.detach()}


class Kept(Counting):
    """Counts too, and says so."""

    def state_dict(self):
        return {"scale": self.scale}

    def load_state_dict(self, state):
        self.scale = state["scale"]


class Yielding(Plain):
    def translate(self, source, direction="forward"):
        return self.generator(source)


@pytest.mark.parametrize("component", [Plain, Kept])
def test_good_methods_pass(component):
    check_method(component, losses=[])


@pytest.mark.parametrize(
    ("component", "sentence"),
    [
        (Lazy, 'A step leaves the network "other" as it was'),
        (Heavy, "should be a detached, finite tensor"),
        (Counting, "Interrupted and resumed, it ends with other weights"),
        (Yielding, "it should raise ValueError"),
    ],
)
def test_faults_of_methods_are_named(component, sentence):
    with pytest.raises(AssertionError) as error:
        check_method(component, losses=[])
    assert sentence in str(error.value)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("print('hello')", "Importing its_part prints 'hello'"),
        (
            "import urllib.request\nurllib.request.urlopen('http://example.com')",
            "Importing its_part connects to a network",
        ),
    ],
)
def test_imports_that_print_or_connect_are_named(tmp_path, monkeypatch, body, sentence):
    (tmp_path / "its_part.py").write_text(
        textwrap.dedent("""
        class Loss:
            role = "image"
            def __call__(self, translated):
                return translated.output.float().mean()
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    from importlib import import_module

    part = import_module("its_part")
    (tmp_path / "its_part.py").write_text(f"{body}\n{(tmp_path / 'its_part.py').read_text()}")
    try:
        with pytest.raises(AssertionError) as error:
            check_loss(part.Loss)
    finally:
        del sys.modules["its_part"]
    assert sentence in str(error.value)


def test_all_faults_are_told_at_once():
    class Worst:
        role = "image"

        def __init__(self, weight, **rest):
            pass

    with pytest.raises(AssertionError) as error:
        check_loss(Worst)
    assert len(str(error.value).splitlines()) >= 4
