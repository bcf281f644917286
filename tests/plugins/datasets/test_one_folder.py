"""Both sides of `paired`, or of `labels`, in one folder: endings tell them apart."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from plugins.datasets.pairs import build as paired
from plugins.datasets.pairs import fill, keys, picture
from plugins.datasets.streets import SHORT, classes, photo
from plugins.datasets.streets import build as labels

from itrans.api import write_image

ONE = {
    "paired": {"source": "{split}", "target": "{split}"},
    "labels": {"label_folder": "{split}", "photo_folder": "{split}"},
}
TOLD = (
    '{folder} holds two sides of a pair: {why}set "{0}_ending" and "{1}_ending" to what the names of each '
    'end in, such as "_{0}" and "_{1}", or ".png" and ".jpg"'
)
SIDES = {"paired": ("source", "target"), "labels": ("label", "photo")}
BUILD = {"paired": paired, "labels": labels}
RECIPE = """
[dataset]
name = "labels"
root = "mixed"
classes = 3
label_folder = "{split}"
photo_folder = "{split}"
"""


def told_of(name: str, folder: Path, why: str = "") -> str:
    return TOLD.format(*SIDES[name], folder=folder, why=why)


def exactly(*what) -> str:
    return f"^{re.escape(told_of(*what))}$"


@pytest.fixture
def mixed(tmp_path):
    """Label maps and photos in one folder, of the same names but for their endings."""
    root = tmp_path / "mixed"
    for seed in range(3):
        write_image(root / "train" / f"{seed}_label.png", classes(seed))
        write_image(root / "train" / f"{seed}_photo.png", photo(seed))
    return root


def test_both_sides_can_lie_in_one_folder_and_be_told_apart_by_their_endings(tmp_path):
    names = [f"{index:02d}" for index in range(20)]
    fill(tmp_path / "all", *(f"{name}_noisy.png" for name in names), *(f"{name}_clean.tif" for name in names))
    fill(tmp_path / "all", "00_preview.jpg", "readme.png")
    arguments = {"source": "all", "target": "all", "source_ending": "_noisy", "target_ending": "_clean.tif"}

    train, val, test = (paired(tmp_path, **arguments, holdout=0.5, split=split) for split in ("train", "val", "test"))

    assert sorted(keys(train) + keys(val) + keys(test)) == names
    assert keys(train) == sorted(keys(train))
    number = int(keys(val)[0])
    assert np.array_equal(val[0].source, picture(number))
    assert np.array_equal(val[0].target, picture(20 + number))


@pytest.mark.parametrize("endings", [("_label", "_photo"), ("_label.png", "_photo.png")])
def test_label_maps_and_photos_are_told_apart_by_their_endings(mixed, endings):
    dataset = labels(mixed, **ONE["labels"], label_ending=endings[0], photo_ending=endings[1])

    assert keys(dataset) == ["0", "1", "2"]
    assert np.array_equal(dataset[1].source, classes(1))
    assert np.array_equal(dataset[1].target, photo(1))


def test_a_suffix_is_an_ending_too(tmp_path):
    write_image(tmp_path / "train" / "a.png", classes(0))
    write_image(tmp_path / "train" / "a.jpg", photo(0))

    dataset = labels(tmp_path, **ONE["labels"], label_ending=".png", photo_ending=".jpg")

    assert keys(dataset) == ["a"]
    assert np.array_equal(dataset[0].source, classes(0))


@pytest.mark.parametrize("name", ["paired", "labels"])
@pytest.mark.parametrize("given", [0, 1, 2])
def test_without_two_endings_it_is_refused(mixed, name, given):
    sides = SIDES[name]
    endings = [{}, {f"{sides[0]}_ending": "_label"}, {f"{sides[0]}_ending": "", f"{sides[1]}_ending": "_photo"}][given]

    with pytest.raises(ValueError, match=exactly(name, mixed / "train")):
        BUILD[name](mixed, **ONE[name], **endings)


@pytest.mark.parametrize("second", ["_label", "_label.png"])
@pytest.mark.parametrize("name", ["paired", "labels"])
def test_two_endings_of_one_file_are_refused(mixed, name, second):
    sides = SIDES[name]

    with pytest.raises(ValueError, match=exactly(name, mixed / "train", "0_label.png has both endings: ")):
        BUILD[name](mixed, **ONE[name], **{f"{sides[0]}_ending": "_label", f"{sides[1]}_ending": second})


def test_one_folder_by_two_names_is_one_folder(mixed):
    with pytest.raises(ValueError, match="holds two sides of a pair"):
        paired(mixed, source="{split}", target="{split}/../{split}")


@pytest.mark.parametrize("command", [("run", "mixed.toml", "-o", "run"), ("data", "check", "mixed.toml")])
def test_the_commands_say_so_once(itrans, mixed, tmp_path, command):
    (tmp_path / "mixed.toml").write_text(RECIPE + SHORT)

    done = itrans(*command)

    assert done.exit_code == 2
    place, told = done.output.splitlines()
    assert place == "Error: mixed.toml:2  dataset"
    assert told.endswith(f" refuses its arguments: {told_of('labels', Path('mixed', 'train'))}")
