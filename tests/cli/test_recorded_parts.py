"""A checkpoint's names stand for the packages that it records, and only the parts that are needed have to be there."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from itrans import plugins
from itrans.api import GENERATORS, LOSSES

LOSS = """
class Loss:
    role = "image"
    def __call__(self, translated):
        return (translated.output - translated.target).abs().mean()
"""

OWN_LOSS = (
    """
from itrans.api import LOSSES

@LOSSES.register("own")
"""
    + LOSS
)

NET = """
import torch

class Net(torch.nn.Module):
    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, source):
        return torch.tanh(self.layer(source))
"""

SHORT = ("--set", "train.epochs=1")


@pytest.fixture
def trained(itrans, recipe):
    """Train a recipe for an epoch, with more of the command line."""

    def train(*more):
        done = itrans("run", recipe, "-o", "run", *SHORT, *more)
        assert done.exit_code == 0, done.output

    return train


def uses(itrans, recipe, aligned):
    """Return what each command says of the run, by its name."""
    return {
        "translate": itrans("translate", "run", aligned / "val", "-o", "out"),
        "evaluate": itrans("evaluate", "run", "--split", "val"),
        "inspect": itrans("inspect", "run"),
        "resume": itrans("run", recipe, "-o", "run", "--resume", "--set", "train.epochs=2"),
    }


def test_another_package_with_the_same_names_changes_nothing_for_a_run_that_is_there(
    itrans, install, trained, recipe, aligned
):
    trained()
    install(
        "acme", "2", "[itrans.losses]\nl1 = acme_l1:Loss\n[itrans.generators]\nunet = acme_l1:Missing\n", acme_l1=LOSS
    )
    for name, done in uses(itrans, recipe, aligned).items():
        assert done.exit_code == 0, f"{name}: {done.output}"
    for command in (["inspect", "run/recipe.toml"], ["run", "run/recipe.toml", "-o", "again"]):
        done = itrans(*command)
        assert done.exit_code == 0, done.output
    done = itrans("run", recipe, "-o", "new", *SHORT)
    assert done.exit_code == 2
    assert '"acme:l1" or "itrans:l1"' in done.stderr


def test_a_sweep_recalls_runs_by_what_they_were_made_with(itrans, install, recipe):
    first = itrans("sweep", recipe, "-o", "swept", "--seeds", "0", *SHORT)
    assert first.exit_code == 0, first.output
    install("acme", "2", "[itrans.losses]\nl1 = acme_l1:Loss\n", acme_l1=LOSS)
    again = itrans("sweep", recipe, "-o", "swept", "--seeds", "0", *SHORT)
    assert again.exit_code == 0, again.output
    assert "finished already" in again.stdout


def test_where_the_recorded_package_is_gone_another_does_not_take_its_place(itrans, install, trained, recipe, aligned):
    site = install("acme", "2", "[itrans.generators]\nnet = acme_net:Net\n", acme_net=NET)
    recipe.write_text(recipe.read_text().replace('name = "unet"\ndepth = 3\nfilters = 4', 'name = "net"'))
    trained()
    shutil.rmtree(site / "acme-2.dist-info")
    install("other", "1", "[itrans.generators]\nnet = other_net:Net\n", other_net=NET)
    done = itrans("translate", "run", aligned / "val", "-o", "out")
    assert done.exit_code == 2
    assert "pip install acme" in done.stderr
    assert "other 1" in done.stderr


@pytest.fixture
def registered():
    """Take back what a test has registered by a decorator."""
    yield
    for registry in (LOSSES, GENERATORS):
        for origin in registry.origins():
            if origin.distribution == plugins.LOCAL:
                registry.unregister(origin.name)


@pytest.mark.usefixtures("registered")
def test_a_decorator_of_the_same_name_does_not_take_a_recorded_one_s_place(itrans, trained, recipe, aligned):
    trained()

    @GENERATORS.register("unet", replace=True)
    def refuse(*, in_channels: int, out_channels: int) -> None:
        raise AssertionError("not the one that is recorded")

    for name, done in uses(itrans, recipe, aligned).items():
        assert done.exit_code == 0, f"{name}: {done.output}"


@pytest.mark.usefixtures("registered")
def test_what_a_file_of_one_s_own_has_replaced_is_asked_for(itrans, trained, recipe, aligned, tmp_path):
    code = tmp_path / "mine.py"
    code.write_text(f"from itrans.api import GENERATORS\n{NET}\nGENERATORS.register('unet', replace=True)(Net)\n")
    recipe.write_text(recipe.read_text().replace("depth = 3\nfilters = 4\n\n[disc", "\n[disc"))
    trained("--code", code)
    GENERATORS.unregister("unet")
    done = itrans("translate", "run", aligned / "val", "-o", "out")
    assert done.exit_code == 2
    assert "--code FILE" in done.stderr
    assert itrans("translate", "run", aligned / "val", "-o", "out", "--code", code).exit_code == 0


@pytest.mark.usefixtures("registered")
def test_what_was_registered_in_a_file_may_since_have_become_a_package(
    itrans, install, trained, recipe, aligned, tmp_path
):
    code = tmp_path / "mine.py"
    code.write_text(f"from itrans.api import GENERATORS\n{NET}\nGENERATORS.register('mine')(Net)\n")
    recipe.write_text(recipe.read_text().replace('name = "unet"\ndepth = 3\nfilters = 4', 'name = "mine"'))
    trained("--code", code)
    GENERATORS.unregister("mine")
    install("acme", "1", "[itrans.generators]\nmine = acme_net:Net\n", acme_net=NET)
    assert itrans("translate", "run", aligned / "val", "-o", "out").exit_code == 0


@pytest.mark.usefixtures("registered")
def test_a_loss_that_is_not_here_is_missed_by_nothing_but_training(itrans, trained, recipe, aligned, tmp_path):
    code = tmp_path / "loss.py"
    code.write_text(OWN_LOSS)
    recipe.write_text(recipe.read_text() + '\n[[loss]]\nname = "own"\n')
    trained("--code", code)
    LOSSES.unregister("own")
    done = uses(itrans, recipe, aligned)
    assert {name: result.exit_code for name, result in done.items()} == {
        "translate": 0,
        "evaluate": 0,
        "inspect": 0,
        "resume": 2,
    }
    assert '"own" is left out' in done["inspect"].stderr
    assert "discriminator" in done["inspect"].stdout
    assert 'no loss "own"' in done["resume"].stderr


def test_nothing_but_the_generator_and_the_method_is_imported_to_translate(itrans, install, trained, recipe, aligned):
    parts = "from itrans_pix2pix.discriminators import PatchGAN as Judge\nfrom itrans_datasets.aligned import Aligned\n"
    site = install(
        "acme",
        "2",
        "[itrans.discriminators]\njudge = acme_parts:Judge\n[itrans.datasets]\nhalves = acme_parts:Aligned\n",
        acme_parts=parts,
    )
    recipe.write_text(recipe.read_text().replace('"patchgan"', '"judge"').replace('"aligned"', '"halves"'))
    trained()
    shutil.rmtree(site / "acme-2.dist-info")
    plugins.forget()
    assert itrans("translate", "run", aligned / "val", "-o", "out").exit_code == 0
    for command in (["evaluate", "run", "--split", "val"], ["inspect", "run"]):
        done = itrans(*command)
        assert done.exit_code == 2
        assert "acme 2" in done.stderr


def test_a_run_s_folder_stands_for_its_best_or_else_its_last_checkpoint(itrans, trained, aligned):
    trained()
    for place, name in (("run", "best.pt"), ("run/checkpoints", "best.pt"), ("run", "last.pt")):
        if name == "last.pt":
            Path("run/checkpoints/best.pt").unlink()
        for command in (["translate", place, aligned / "val", "-o", "out"], ["inspect", place]):
            done = itrans(*command)
            assert done.exit_code == 0, done.output
            assert name in done.stderr
        assert name in itrans("evaluate", place, "--split", "val").stdout
