"""Every recipe of the repository is good, with its own data and with its sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from itrans.api import write_image
from itrans.data.pairs import checked_pair
from itrans.recipe.load import load_recipe
from itrans.training.build import build_dataset

RECIPES = Path(__file__).parent.parent / "recipes"
ALL = sorted(path.relative_to(RECIPES).as_posix() for path in RECIPES.rglob("*.toml"))


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """No data set of the paper is here."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", ALL)
def test_it_is_good_with_its_own_data_and_with_its_sample(name):
    own = load_recipe(RECIPES / name, sample=False)
    assert own.tables.title
    if not name.startswith("gallery/"):
        assert load_recipe(RECIPES / name).is_sample == ("root" in own.tables.dataset.arguments)


def described(name):
    recipe = load_recipe(RECIPES / "lineage" / f"{name}.toml", sample=False).tables
    discriminator = recipe.discriminator.arguments["patch"] if recipe.discriminator else None
    return recipe.generator.name, [loss.name for loss in recipe.loss], discriminator


@pytest.mark.parametrize(
    ("name", "generator", "losses", "patch"),
    [
        ("l1", "unet", ["l1"], None),
        ("l2", "unet", ["l2"], None),
        ("gan", "unet", ["gan"], 70),
        ("cgan", "unet", ["cgan"], 70),
        ("gan_l1", "unet", ["gan", "l1"], 70),
        ("cgan_l1", "unet", ["cgan", "l1"], 70),
        ("encoder_decoder_l1", "encoder_decoder", ["l1"], None),
        ("encoder_decoder_cgan_l1", "encoder_decoder", ["cgan", "l1"], 70),
        ("patch1", "unet", ["cgan", "l1"], 1),
        ("patch16", "unet", ["cgan", "l1"], 16),
        ("patch70", "unet", ["cgan", "l1"], 70),
        ("patch286", "unet", ["cgan", "l1"], 286),
    ],
)
def test_the_lineage_is_the_paper_s(name, generator, losses, patch):
    assert described(name) == (generator, losses, patch)


@pytest.mark.parametrize("name", ["l1", "cgan", "cgan_l1"])
def test_photo_to_labels_has_the_same_systems(name):
    there, back = (load_recipe(RECIPES / folder / f"{name}.toml") for folder in ("lineage", "lineage_labels"))
    assert there.tables.dataset.arguments | {"direction": "photo_to_labels"} == back.tables.dataset.arguments
    for part in ("generator", "discriminator", "loss", "augment", "optimizer", "train"):
        assert there.resolved.get(part) == back.resolved.get(part)


@pytest.mark.parametrize(
    ("name", "epochs", "batch", "resize", "mirror"),
    [  # arXiv 1611.07004, section 6.2
        ("pix2pix_facades", 200, 1, 286, True),
        ("pix2pix_cityscapes", 200, 1, 286, True),
        ("pix2pix_maps", 200, 1, 286, True),
        ("pix2pix_edges2shoes", 15, 4, None, False),
        ("pix2pix_edges2handbags", 15, 4, None, False),
    ],
)
def test_training_is_the_paper_s(name, epochs, batch, resize, mirror):
    tables = load_recipe(RECIPES / f"{name}.toml", sample=False).tables
    assert (tables.train.epochs, tables.train.batch_size) == (epochs, batch)
    assert (tables.augment.resize, tables.augment.mirror) == (resize, mirror)
    assert tables.augment.crop == (256 if resize else None)
    assert (tables.optimizer.lr, tables.optimizer.betas, tables.schedule.name) == (2e-4, (0.5, 0.999), "constant")
    assert {loss.name: loss.weight for loss in tables.loss} == {"cgan": 1.0, "l1": 100.0}


@pytest.mark.parametrize(
    ("name", "folders"),
    [
        ("cyclegan_horse2zebra", ("trainA", "trainB")),
        ("pix2pix_colorization", ("train",)),
        ("pix2pix_inpainting", ("train",)),
        ("super_resolution", ("train",)),
        ("pix2pix_photos_edges", ("train",)),
        ("pix2pix_channels", ("train/thermal", "train/photos")),
    ],
)
@pytest.mark.parametrize("grey", [0, 1])
def test_a_grey_photograph_among_the_others_stops_no_recipe(name, folders, grey, tmp_path):
    for folder in folders:
        for index in range(3):
            picture = np.zeros((32, 32, 1 if index == grey else 3), np.uint8)
            write_image(tmp_path / "data" / folder / f"{index}.jpg", picture)
    options = ["dataset.source_channels=1"] if name == "pix2pix_channels" else []  # its sources are not photographs
    options.append(f"dataset.root={(tmp_path / 'data').as_posix()}")
    dataset = build_dataset(load_recipe(RECIPES / f"{name}.toml", overrides=options), "train")
    channels = 2 if name == "pix2pix_colorization" else 3
    assert [checked_pair(dataset, index).target.shape[2] for index in range(3)] == [channels] * 3
