"""Cityscapes under the names that it is published with: several files of one frame lie in one folder."""

from __future__ import annotations

import numpy as np
import pytest
from plugins.datasets.streets import SHORT

from itrans.api import DATASETS, DataError, write_image

CITYSCAPES = {
    "name": "labels",
    "classes": 3,
    "label_folder": "gtFine/{split}",
    "photo_folder": "leftImg8bit/{split}",
    "label_ending": "_gtFine_labelIds",
    "photo_ending": "_leftImg8bit",
}
RECIPE = """
[dataset]
name = "labels"
root = "cityscapes"
classes = 3
label_folder = "gtFine/{split}"
photo_folder = "leftImg8bit/{split}"
label_ending = "_gtFine_labelIds"
photo_ending = "_leftImg8bit"
"""


def build(root, **arguments):
    return DATASETS.build({**CITYSCAPES, "root": str(root), **arguments}, split="train")


def labels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 3, (6, 8, 1), dtype=np.uint8)


def photo(seed: int) -> np.ndarray:
    return np.random.default_rng(100 + seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)


@pytest.fixture
def cityscapes(tmp_path):
    """Two frames, each with the four files of annotations that Cityscapes has."""
    root = tmp_path / "cityscapes"
    for seed, name in enumerate(("aachen/aachen_000000_000019", "bochum/bochum_000000_000313")):
        write_image(root / "leftImg8bit" / "train" / f"{name}_leftImg8bit.png", photo(seed))
        truth = root / "gtFine" / "train"
        write_image(truth / f"{name}_gtFine_labelIds.png", labels(seed))
        write_image(truth / f"{name}_gtFine_instanceIds.png", labels(seed).astype(np.uint16) * 1000)
        write_image(truth / f"{name}_gtFine_color.png", np.zeros((6, 8, 4), np.uint8))
        (truth / f"{name}_gtFine_polygons.json").write_text("{}")
    return root


def test_cityscapes_as_it_is_published(cityscapes):
    dataset = build(cityscapes)

    assert [pair.key for pair in dataset] == ["aachen/aachen_000000_000019", "bochum/bochum_000000_000313"]
    assert np.array_equal(dataset[1].source, labels(1))
    assert np.array_equal(dataset[1].target, photo(1))


def test_what_is_missing_there_is_listed_by_side_and_ending(cityscapes):
    truth, photos = cityscapes / "gtFine" / "train", cityscapes / "leftImg8bit" / "train"
    (truth / "aachen" / "aachen_000000_000019_gtFine_labelIds.png").unlink()
    (photos / "bochum" / "bochum_000000_000313_leftImg8bit.png").unlink()
    write_image(photos / "bochum" / "bochum_000000_000885_leftImg8bit.png", photo(3))

    with pytest.raises(DataError) as caught:
        build(cityscapes)

    assert str(caught.value).splitlines() == [
        "The folders do not match (names are compared without ending and suffix):",
        f'2 that end in "_gtFine_labelIds" missing in {truth}: aachen/aachen_000000_000019, '
        "bochum/bochum_000000_000885",
        f'1 that end in "_leftImg8bit" missing in {photos}: bochum/bochum_000000_000313',
    ]


def test_an_ending_that_no_file_has_names_the_key_and_a_file(cityscapes):
    with pytest.raises(DataError) as caught:
        build(cityscapes, label_ending="_labelTrainIds")

    assert str(caught.value) == (
        f'{cityscapes / "gtFine" / "train"} has no pictures whose names end in "_labelTrainIds"; the first is '
        "aachen/aachen_000000_000019_gtFine_color.png. Set dataset.label_ending to the ending of those to use."
    )


def test_data_check_reads_them_and_lists_what_is_missing(itrans, cityscapes, tmp_path):
    (tmp_path / "streets.toml").write_text(RECIPE + SHORT)
    done = itrans("data", "check", "streets.toml")
    assert done.exit_code == 0, done.output
    assert "train: 2 pairs read, 0 of them wrong" in done.output

    (cityscapes / "leftImg8bit/train/aachen/aachen_000000_000019_leftImg8bit.png").unlink()
    with pytest.raises(DataError, match='1 that end in "_leftImg8bit" missing in '):
        build(cityscapes)
    assert itrans("data", "check", "streets.toml").exit_code == 2
