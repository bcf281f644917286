"""Losses that learn: networks of the checkpoint, `loss.NAME`."""

from __future__ import annotations

import pytest
import torch
from training.ranks import call_in_two
from training.test_resume import assert_same_bits

from itrans.api import LOSSES, METHODS
from itrans.checkpoint.file import load_checkpoint
from itrans.cli.options import import_code

PARTS = """
import torch
from torch import nn
from itrans.api import LOSSES, METHODS, apply_generator
from itrans.methods.paired import Paired

@LOSSES.register("heads")
class Heads(nn.Module):
    role = "image"
    trains = True
    def __init__(self, *, width: int = 4, empty: bool = False) -> None:
        super().__init__()
        self.width, self.empty = width, empty
    def prepare(self, networks, target):
        weight = next(networks["generator"].parameters())
        self.layer = nn.Identity() if self.empty else nn.Conv2d(target.planes, self.width * len(weight.shape), 1)
    def forward(self, translated):
        assert self.training
        wanted, made = self.layer(translated.target), self.layer(translated.output.float())
        return (wanted.detach() - made).square().mean() + made.square().mean()

@LOSSES.register("undecided")
class Undecided(nn.Module):
    role = "image"
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 1)
    def forward(self, translated):
        return (self.layer(translated.output.float()) - self.layer(translated.target)).abs().mean()

@LOSSES.register("fixed")
class Fixed(Undecided):
    trains = False

@LOSSES.register("no_network")
class NoNetwork:
    role = "image"
    trains = True
    def __call__(self, translated):
        return translated.output.float().square().mean()

@METHODS.register("against")
class Against(Paired):
    updates_losses = True
    def __init__(self, *, build_generator, build_discriminator, losses, source, target) -> None:
        offered = {"build_generator": build_generator, "build_discriminator": build_discriminator}
        super().__init__(**offered, losses=losses, source=source, target=target)
        self.entries = [entry for entry in losses if getattr(entry.loss, "trains", False)]
    def step(self, batch, runtime):
        logged = dict(super().step(batch, runtime))
        output = apply_generator(self.generator, batch.source).detach()
        for entry in self.entries:
            with runtime.update(f"loss.{entry.name}") as update:
                value = entry.loss.layer(output.float()).square().mean()
                update({"against": -value})
            logged[f"against.{entry.name}"] = -value.detach()
        return logged

@METHODS.register("trainer_of_losses")
class TrainerOfLosses(Paired):
    def __init__(self, *, build_generator, build_discriminator, losses, source, target) -> None:
        offered = {"build_generator": build_generator, "build_discriminator": build_discriminator}
        super().__init__(**offered, losses=losses, source=source, target=target)
        own = [entry for entry in losses if entry.name == "undecided"]
        self.own = {f"own_{entry.name}": entry.loss.requires_grad_(True) for entry in own}
    @property
    def networks(self):
        return {**super().networks, **self.own}
"""
GREEDY = """
import torch
from torch import nn
from itrans.api import LOSSES

class Wants(nn.Module):
    role = "image"
    trains = True
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)
    def forward(self, translated):
        return self.layer(translated.output.float()).square().mean()

@LOSSES.register("greedy")
class Greedy(Wants):
    def prepare(self, networks):
        self.generator = networks["generator"]

@LOSSES.register("asking")
class Asking(Wants):
    def prepare(self, generator):
        self.other = generator
"""
HEADS = '[[loss]]\nname = "heads"\nwidth = 2\n'
NAMES = ("heads", "undecided", "fixed", "no_network")


@pytest.fixture(autouse=True)
def parts(tmp_path):
    (tmp_path / "parts.py").write_text(PARTS)
    import_code((str(tmp_path / "parts.py"),))
    yield
    for name in NAMES:
        LOSSES.unregister(name)
    for name in ("against", "trainer_of_losses"):
        METHODS.unregister(name)


@pytest.fixture
def with_losses(recipe):
    """Add losses to the recipe."""

    def add(text, method=""):
        recipe.write_text(recipe.read_text().replace("[train]", f"{method}\n{text}\n[train]"))
        return recipe

    return add


def last(folder):
    return load_checkpoint(folder / "checkpoints/last.pt", mapped=False)


def test_one_learns_with_the_generator_and_is_in_the_checkpoint(train, with_losses):
    with_losses(HEADS)
    once, file = last(train("once", "train.steps=1")), last(train("run", "train.steps=4"))
    assert list(file.networks) == ["generator", "discriminator", "loss.heads"]
    assert file.networks["loss.heads"]["layer.weight"].shape == (8, 3, 1, 1)
    assert set(file.training["optimizers"]) == set(file.networks)
    assert file.training["updates"] == {"generator": 4, "discriminator": 4, "loss.heads": 4}
    assert not once.networks["loss.heads"]["layer.weight"].equal(file.networks["loss.heads"]["layer.weight"])


@pytest.mark.parametrize("method", ["", '[method]\nname = "against"\n'])
def test_a_run_with_one_goes_on_bit_for_bit(train, with_losses, method):
    with_losses(HEADS, method)
    changes = ("optimizer.loss.heads.lr=0.01", "train.accumulate=2")
    whole = train("whole", *changes)
    train("parts", *changes, stop_after=1)
    parts = train("parts", *changes, resume=True)
    assert_same_bits(whole / "checkpoints/last.pt", parts / "checkpoints/last.pt")


def test_a_method_may_train_them_in_blocks_of_their_own(train, with_losses):
    with_losses(HEADS, '[method]\nname = "against"\n')
    file = last(train("run", "train.steps=3"))
    assert file.training["updates"]["loss.heads"] == 3
    assert file.training["optimizers"]["loss.heads"]["state"][0]["step"] == 3


def test_two_of_one_name_have_the_names_that_the_log_has(train, with_losses):
    with_losses(HEADS + HEADS)
    file = last(train("run", "train.steps=1"))
    assert list(file.networks)[2:] == ["loss.heads", "loss.heads-4"]


def test_processes_train_it_together(with_losses, tmp_path):
    recipe = with_losses(HEADS)
    options = ["--device", "cpu", "--code", str(tmp_path / "parts.py"), "--set", "train.batch_size=1"]
    codes, outputs = call_in_two(["run", str(recipe), "-o", str(tmp_path / "two"), *options], recipe.parent)
    assert codes == [0, 0], outputs
    assert last(tmp_path / "two").training["optimizers"]["loss.heads"]["state"][0]["step"] == 8


def test_translating_and_inspecting_do_without_it(itrans, train, with_losses, aligned, tmp_path):
    with_losses(HEADS)
    train("run", "train.steps=1")
    shown = itrans("inspect", "run")
    assert shown.exit_code == 0, shown.output
    assert "loss.heads" in shown.output
    LOSSES.unregister("heads")
    try:
        shown = itrans("inspect", "run")
        assert shown.exit_code == 0, shown.output
        assert 'The loss "heads" is left out' in shown.output
        done = itrans("translate", "run", aligned / "val", "-o", "out")
        assert done.exit_code == 0, done.output
    finally:
        LOSSES.register("heads")(torch.nn.Module)


def test_its_parts_can_be_frozen(itrans, with_losses):
    recipe = with_losses(HEADS)
    done = itrans(
        "run", recipe, "-o", "run", "--set", 'train.freeze=["loss.heads.layer.bias"]', "--set", "train.steps=2"
    )
    assert done.exit_code == 0, done.output
    done = itrans("run", recipe, "-o", "other", "--set", 'train.freeze=["loss.heads"]')
    assert done.exit_code == 2
    assert 'nothing to train in the network "loss.heads"' in done.stderr


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("undecided", ['"undecided"', "16 parameters", "trains = True", "requires_grad_(False)"]),
        ("no_network", ['"no_network"', "trains = True", "torch.nn.Module"]),
        ("heads", ['"heads"', "no parameters to train", "prepare()"]),
    ],
)
def test_one_that_does_not_say_what_is_meant_is_refused(itrans, with_losses, tmp_path, name, said):
    recipe = with_losses(f'[[loss]]\nname = "{name}"\n' + ("empty = true\n" if name == "heads" else ""))
    done = itrans("run", recipe, "-o", "run")
    assert done.exit_code == 2
    assert all(words in done.stderr for words in said), done.stderr
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_one_that_says_that_it_does_not_learn_is_left_as_it_is(train, with_losses):
    with_losses('[[loss]]\nname = "fixed"\n')
    assert list(last(train("run", "train.steps=2")).networks) == ["generator", "discriminator"]


def test_a_method_may_have_a_loss_among_its_own_networks(train, with_losses):
    with_losses('[[loss]]\nname = "undecided"\n', '[method]\nname = "trainer_of_losses"\n')
    assert list(last(train("run", "train.steps=1")).networks) == ["generator", "discriminator", "own_undecided"]


def test_a_run_of_an_earlier_version_with_such_a_loss_goes_on(train, with_losses, monkeypatch):
    """It was frozen, with a warning."""
    with_losses('[[loss]]\nname = "undecided"\n')
    with monkeypatch.context() as patched:
        patched.setattr("itrans.training.losses.BuiltLosses.refuse_undecided", lambda *_: None)
        train("run", stop_after=1)
    assert last(train("run", resume=True)).progress.epoch == 2


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("greedy", 'parameters of the network "generator" among its own'),
        ("asking", 'has a prepare() that needs "generator". It is given networks'),
    ],
)
def test_what_a_loss_may_not_do_with_networks_is_told_by_its_name(itrans, recipe, tmp_path, name, told):
    (tmp_path / "greedy.py").write_text(GREEDY)
    recipe.write_text(f'{recipe.read_text()}\n[[loss]]\nname = "{name}"\n')
    try:
        done = itrans("run", recipe, "-o", "run", "--code", tmp_path / "greedy.py")
    finally:
        for registered in ("greedy", "asking"):
            LOSSES.unregister(registered)
    assert done.exit_code == 2
    assert f'The loss "{name}" has' in done.output
    assert told in done.output
