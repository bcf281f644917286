"""`roles` of a method: which losses a recipe may have for it."""

from __future__ import annotations

import pytest

from itrans.api import LOSSES, METHODS

PARTS = """
from itrans.api import LOSSES, METHODS

class Own:
    generators = ("generator",)
    def __init__(self, *, build_generator, losses, source, target) -> None:
        self.networks = {"generator": build_generator(source.planes, target.planes)}
        assert not losses
    def step(self, batch, runtime):
        with runtime.update("generator") as update:
            value = (self.networks["generator"](batch.source) - batch.target).square().mean()
            update({"own": value})
        return {"own": value.detach()}
    def translate(self, source, direction="forward"):
        return self.networks["generator"](source)

@METHODS.register("own")
class Alone(Own):
    roles = ()

@METHODS.register("silent")
class Silent(Own):
    pass

@LOSSES.register("late")
def late():
    class Late:
        role = "latent"
    return Late()
"""
METHOD = '[method]\nname = "own"\n'


@pytest.fixture
def run(itrans, recipe, tmp_path):
    """Run the recipe, with other losses and another method, without a discriminator."""
    (tmp_path / "parts.py").write_text(PARTS)
    text = recipe.read_text()
    head, tail = text[: text.index("[discriminator]")], text[text.index("[train]") :]

    def call(losses, method, *options):
        recipe.write_text(head + method + losses + tail)
        code = () if "own" in METHODS.names() else ("--code", "parts.py")
        return itrans("run", recipe, "-o", "run", *code, *options)

    yield call
    METHODS.unregister("own")
    METHODS.unregister("silent")
    LOSSES.unregister("late")


@pytest.mark.parametrize("options", [(), ("--set", "loss=[]")])
def test_a_method_without_roles_to_fill_needs_no_losses(run, itrans, aligned, options):
    done = run("", METHOD, *options)
    assert done.exit_code == 0, done.output
    assert itrans("run", "run", "--resume").exit_code == 0
    done = itrans("translate", "run", aligned / "val", "-o", "out")
    assert done.exit_code == 0, done.output


def test_it_is_given_none(run):
    done = run('[[loss]]\nname = "l1"\n', METHOD)
    assert done.exit_code == 2
    assert 'The method "own" takes no losses: leave "l1" out.' in done.stderr
    assert "loss.0" in done.stderr


@pytest.mark.parametrize("method", ["", '[method]\nname = "silent"\n'])
@pytest.mark.parametrize("options", [(), ("--set", "train.epoch=3")])
def test_any_other_method_needs_some(run, method, options):
    done = run("", method, "--check", *options)
    assert done.exit_code == 2
    assert "tiny.toml  loss\n  The list [[loss]] is missing." in done.stderr


def test_an_empty_list_is_none(run):
    done = run("", "", "--check", "--set", "loss=[]")
    assert done.exit_code == 2
    assert "The list [[loss]] is missing." in done.stderr
    done = run("", "", "--check", "--set", "loss=[]", "--set", "train.epoch=3")
    assert "The list [[loss]] is missing." in done.stderr
    assert "train.epoch" in done.stderr


def test_a_loss_of_another_role_is_named_by_its_line(run, recipe):
    done = run('[[loss]]\nname = "l1"\n\n[[loss]]\nname = "cycle"\n', "", "--check")
    line = recipe.read_text().splitlines().index('name = "cycle"')
    assert done.exit_code == 2
    assert f"tiny.toml:{line}  loss.1\n" in done.stderr
    assert 'The loss "cycle" has no role that the method "paired" knows ("image" or "adversarial")' in done.stderr


def test_so_is_one_whose_role_is_not_known_before_it_is_made(run, tmp_path):
    done = run('[[loss]]\nname = "late"\n', "")
    assert done.exit_code == 2
    assert 'The loss "late" has no role that the method "paired" knows' in done.stderr
    assert "loss.0" in done.stderr
    assert not (tmp_path / "run" / "checkpoints").exists()
