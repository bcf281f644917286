"""Folders that are laid out in another way than a data set expects: the message says what to set."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugins.datasets.pairs import fill

from itrans.api import DATASETS, DataError


def refusal(root: Path, name: str, *files: str, split: str = "train", **arguments) -> str:
    fill(root, *files)
    with pytest.raises(DataError) as caught:
        DATASETS.build({"name": name, "root": str(root), **arguments}, split=split)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "files", "keys"),
    [
        ("paired", ("A/train/1.png", "B/train/1.png"), {"source": "A/{split}", "target": "B/{split}"}),
        ("paired", ("trainA/1.png", "trainB/1.png"), {"source": "{split}A", "target": "{split}B"}),
        (
            "paired",
            ("train/output/1.png", "train/input/1.png"),
            {"source": "{split}/input", "target": "{split}/output"},
        ),
        ("paired", ("d/train/x/1.png", "d/train/y/1.png"), {"source": "d/{split}/x", "target": "d/{split}/y"}),
        ("paired", ("left/1.png", "right/1.png"), {"source": "left", "target": "right", "holdout": 0.001}),
        ("unaligned", ("A/train/1.png", "B/train/1.png"), {"folder_a": "A/{split}", "folder_b": "B/{split}"}),
        ("labels", ("train/label/1.png", "train/photo/1.png"), {"label_folder": "{split}/label"}),
        ("labels", ("img/train/1.png", "masks/train/1.png"), {"label_folder": "masks/{split}"}),
        ("instance_maps", ("train_label/1.png", "train_photos/1.png"), {"photo_folder": "{split}_photos"}),
    ],
)
def test_the_keys_to_set_are_written_out_and_work(tmp_path, name, files, keys):
    table = {"labels": {"classes": 256}, "instance_maps": {"labels": 256, "instance_folder": ""}}.get(name, {})
    told = refusal(tmp_path, name, *files, **table)
    for key, value in keys.items():
        if key != "holdout":
            assert f'dataset.{key} = "{value}"' in told
    said = dict(part.removeprefix("dataset.").split(" = ") for part in _keys(told))
    arguments = {key: value.strip('"') for key, value in said.items()}
    holdout = {"holdout": keys["holdout"]} if "holdout" in keys else {}
    assert (
        len(DATASETS.build({"name": name, "root": str(tmp_path), **table, **arguments, **holdout}, split="train")) == 1
    )


def _keys(told: str) -> list[str]:
    line = told.partition("What is there fits ")[2].partition("other way round")[0].removesuffix(", or the ")
    return [part.strip(". ") for part in line.replace(" and dataset.", ", dataset.").split(", ")]


@pytest.mark.parametrize("name", ["aligned", "edges"])
@pytest.mark.parametrize(
    ("folders", "renamed"),
    [
        (("Train", "Valid"), "rename Train to train and Valid to val"),
        (("TRAIN", "DEV"), "rename TRAIN to train and DEV to val"),
        (("training", "testing"), "rename training to train and testing to test"),
    ],
)
def test_splits_of_other_names_are_not_thrown_together(tmp_path, name, folders, renamed):
    told = refusal(tmp_path, name, *(f"{folder}/{index}.png" for folder in folders for index in range(9)))
    if (tmp_path / "train").is_dir():
        pytest.skip("to this file system, Train is train")
    assert renamed in told


def test_a_held_out_folder_of_another_name(tmp_path):
    assert "rename validation to val" in refusal(tmp_path, "aligned", "train/1.png", "validation/1.png", split="val")


def test_a_root_that_lies_deeper(tmp_path):
    told = refusal(tmp_path, "aligned", "facades/train/1.png", "facades/val/1.png")
    assert f'dataset.root = "{(tmp_path / "facades").as_posix()}"' in told


def test_sides_in_two_folders_are_another_data_set(tmp_path):
    told = refusal(tmp_path, "aligned", "A/train/1.png", "B/train/1.png")
    assert "A/{split} and B/{split}" in told
    assert 'dataset.name = "paired"' in told


def test_a_word_within_another_is_no_split(tmp_path):
    assert "rename" not in refusal(tmp_path, "aligned", "latest/1.png", "trainers/1.png", "invalid/1.png")


@pytest.mark.parametrize("name", ["aligned", "edges", "unaligned"])
def test_files_of_unknown_formats_are_counted(tmp_path, name):
    for file in ("train/1.heic", "train/2.heic", "trainA/1.heic", "trainA/2.heic", "trainB/1.png", "train/notes.txt"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).touch()
    told = refusal(tmp_path, name)
    assert "2 .heic" in told
    assert ".txt" not in told


def test_files_of_unknown_formats_are_counted_where_sides_do_not_match(tmp_path):
    fill(tmp_path, "train/source/1.png", "train/source/2.png", "train/target/1.png")
    (tmp_path / "train/target/2.psd").touch()
    assert "1 .psd" in refusal(tmp_path, "paired")


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("aligned", ("{}/1.png",)),
        ("edges", ("{}/1.png",)),
        ("colorization", ("{}/1.png",)),
        ("inpainting", ("{}/1.png",)),
        ("paired", ("{}/source/1.png", "{}/target/1.png")),
        ("labels", ("{}/labels/1.png", "{}/photos/1.png")),
        ("unaligned", ("{}A/1.png", "{}B/1.png")),
        ("instance_maps", ("{}_label/1.png", "{}_img/1.png")),
    ],
)
def test_what_stands_in_for_a_split_says_so(tmp_path, name, files):
    table = {"labels": {"classes": 256}, "instance_maps": {"labels": 256, "instance_folder": ""}}.get(name, {})
    for split in ("train", "val"):
        fill(tmp_path, *(file.format(split) for file in files))
    measured = {
        split: DATASETS.build({"name": name, "root": str(tmp_path), **table}, split=split).measured_split
        for split in ("train", "val", "test")
    }
    assert measured == {"train": "train", "val": "val", "test": "val"}
