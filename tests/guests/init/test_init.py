"""`itrans init`: folders as people have them become recipes that pass `--check` and train."""

from __future__ import annotations

import os
import sys
import tomllib

import cv2
import numpy as np
import pytest

from itrans_init import shipped

COUNT = 24
COLOURS = np.random.default_rng(5).integers(0, 256, (6, 3), dtype=np.uint8)


def scene(number: int, side: int = 48) -> tuple[np.ndarray, np.ndarray]:
    """Return a label map of a few rectangles, and what looks like a photo of it."""
    random = np.random.default_rng(number)
    labels = np.zeros((side, side), np.uint8)
    for value in range(1, 6):
        top, left = random.integers(0, side - 12, 2)
        labels[top : top + 12, left : left + 16] = value
    noise = random.integers(-25, 25, (side, side, 3))
    photo = (COLOURS[labels].astype(int) + noise).clip(0, 255).astype(np.uint8)
    return labels, photo


@pytest.fixture
def write(tmp_path):
    """Write a picture into the folder `mine`."""

    def write(name: str, picture: np.ndarray) -> None:
        path = tmp_path / "mine" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), picture)

    return write


def made(itrans, tmp_path, *options) -> dict:
    """Return the recipe that is written for `mine`, after it has been trained for a step."""
    done = itrans("init", "mine", *options)
    assert done.exit_code == 0, done.output
    assert "itrans run mine.toml" in done.output
    assert itrans("run", "mine.toml", "--check").exit_code == 0
    small = ["--set", "generator.filters=4", "--set", "validation.pairs=1"]
    if "[discriminator]" in (tmp_path / "mine.toml").read_text(encoding="utf-8"):
        small += ["--set", "discriminator.filters=4"]
    trained = itrans("run", "mine.toml", "--set", "train.steps=1", *small, "-o", "run")
    assert trained.exit_code == 0, trained.output
    return tomllib.loads((tmp_path / "mine.toml").read_text(encoding="utf-8"))


def split_of(number: int) -> str:
    return "train" if number < COUNT - 4 else "val"


def test_pairs_side_by_side(itrans, tmp_path, write):
    for number in range(COUNT):
        labels, photo = scene(number)
        write(f"{split_of(number)}/{number}.png", np.hstack([photo, COLOURS[labels]]))
    recipe = made(itrans, tmp_path)
    assert recipe["dataset"] == {"name": "aligned", "root": "mine", "direction": "BtoA"}  # flat areas on the right


@pytest.mark.parametrize("folders", [("{split}/input", "{split}/output"), ("source", "target")])
def test_pairs_in_two_folders(itrans, tmp_path, write, folders):
    for number in range(COUNT):
        _, photo = scene(number)
        for folder, picture in zip(folders, (255 - photo, photo), strict=True):
            write(f"{folder.format(split=split_of(number))}/{number}.png", picture)
    recipe = made(itrans, tmp_path)
    dataset = recipe["dataset"]
    assert (dataset["name"], dataset["source"], dataset["target"]) == ("paired", *folders)
    assert ("holdout" in dataset) == ("{split}" not in folders[0])


def test_two_folders_without_pairs(itrans, tmp_path, write):
    for number in range(COUNT):
        _, photo = scene(number)
        write(f"horses/h{number}.png", photo)
        write(f"zebras/z{number}.png", 255 - photo)
    recipe = made(itrans, tmp_path)
    assert recipe["dataset"]["name"] == "unaligned"
    assert recipe["method"]["name"] == "cyclegan"


def test_pictures_alone(itrans, tmp_path, write):
    for number in range(COUNT):
        write(f"a/b/{number}.jpg", scene(number)[1])
    assert made(itrans, tmp_path)["dataset"]["name"] == "edges"


@pytest.mark.parametrize("kind", ["indices", "colours", "steps"])
def test_label_maps_and_photos(itrans, tmp_path, write, kind):
    for number in range(COUNT):
        labels, photo = scene(number)
        stored = {"indices": labels, "colours": COLOURS[labels][:, :, ::-1], "steps": labels * 50}[kind]
        write(f"labels/{number}.png", stored)
        write(f"photos/{number}.jpg", photo)
    dataset = made(itrans, tmp_path)["dataset"]
    assert (dataset["name"], dataset["classes"]) == ("labels", 6)
    if kind == "colours":
        assert sorted(dataset["palette"]) == sorted(COLOURS.tolist())
    assert dataset.get("values") == (list(range(0, 251, 50)) if kind == "steps" else None)


def test_a_value_for_no_class_is_a_guess_that_is_said(itrans, tmp_path, write):
    for number in range(COUNT):
        labels, photo = scene(number)
        write(f"labels/{number}.png", np.where(labels == 5, 255, labels))
        write(f"photos/{number}.jpg", photo)
    dataset = made(itrans, tmp_path)["dataset"]
    assert (dataset["classes"], dataset["ignored"]) == (5, 255)
    assert "Whether 255 stands for no class is a guess" in (tmp_path / "mine.toml").read_text(encoding="utf-8")


def test_of_three_folders_label_maps_and_photos_are_taken(itrans, tmp_path, write):
    for number in range(COUNT):
        labels, photo = scene(number)
        write(f"instances/{number}.png", labels * 7 % 250)
        write(f"labels/{number}.png", labels)
        write(f"photos/{number}.jpg", photo)
    dataset = made(itrans, tmp_path)["dataset"]
    assert (dataset["label_folder"], dataset["photo_folder"]) == ("labels", "photos")
    assert "instances" in (tmp_path / "mine.toml").read_text(encoding="utf-8")


def test_both_sides_in_one_folder(itrans, tmp_path, write):
    for number in range(COUNT):
        _, photo = scene(number)
        write(f"{number}_rgb.png", photo)
        write(f"{number}_night.png", photo // 3)
    dataset = made(itrans, tmp_path)["dataset"]
    assert {dataset["source_ending"], dataset["target_ending"]} == {"_rgb.png", "_night.png"}


def test_of_three_endings_two_are_taken_and_the_third_is_told(itrans, tmp_path, write):
    for number in range(COUNT):
        _, photo = scene(number)
        write(f"{number}_rgb.png", photo)
        write(f"{number}_night.png", photo // 3)
        if number % 2:
            write(f"{number}_preview.png", photo // 2)
    done = itrans("init", "mine")
    assert done.exit_code == 0, done.output
    assert "12 pictures that end in neither" in done.output
    dataset = tomllib.loads((tmp_path / "mine.toml").read_text(encoding="utf-8"))["dataset"]
    assert {dataset["source_ending"], dataset["target_ending"]} == {"_rgb.png", "_night.png"}


def test_a_split_of_one_side_alone_is_left_out(itrans, tmp_path, write):
    for number in range(COUNT):
        _, photo = scene(number)
        write(f"trainA/h{number}.png", photo)
        write(f"trainB/z{number}.png", 255 - photo)
        write(f"testA/t{number}.png", photo)
    recipe = made(itrans, tmp_path)
    assert (recipe["dataset"]["folder_a"], recipe["dataset"]["folder_b"]) == ("trainA", "trainB")
    assert "test" in (tmp_path / "mine.toml").read_text(encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_no_recipe_can_hold_is_told(itrans, tmp_path, write):
    for number in range(COUNT):
        write(f"{number}.png", scene(number)[1])
    name = os.fsdecode(b"mine-\xff")
    (tmp_path / "mine").rename(tmp_path / name)
    done = itrans("init", name, "-o", "out.toml")
    assert done.exit_code == 2
    assert "not UTF-8" in done.output
    assert not (tmp_path / "out.toml").exists()


def test_grey_and_colour_become_colour(itrans, tmp_path, write):
    for number in range(COUNT):
        _, photo = scene(number)
        write(f"source/{number}.png", photo if number % 3 else photo[:, :, 0])
        write(f"target/{number}.png", photo)
    assert made(itrans, tmp_path)["dataset"]["source_channels"] == 3


def test_sixteen_bits_are_trained_exactly(itrans, tmp_path, write):
    for number in range(COUNT):
        _, photo = scene(number)
        write(f"source/{number}.png", photo[:, :, 0].astype(np.uint16) * 257)
        write(f"target/{number}.png", photo[:, :, 1].astype(np.uint16) * 257)
    assert made(itrans, tmp_path)["train"]["precision"] == "fp32"


def test_only_train_is_divided(itrans, tmp_path, write):
    for number in range(COUNT):
        _, photo = scene(number)
        write(f"train/source/{number}.png", photo)
        write(f"train/target/{number}.png", 255 - photo)
    dataset = made(itrans, tmp_path)["dataset"]
    assert (dataset["source"], dataset["target"]) == ("train/source", "train/target")
    assert 0 < dataset["holdout"] < 1


def test_folders_within_a_split_are_no_sides(itrans, tmp_path, write):
    for number in range(COUNT):
        write(f"{split_of(number)}/town{number % 5}/{number}.jpg", scene(number)[1])
    assert made(itrans, tmp_path)["dataset"]["root"] == "mine"


def test_pictures_of_one_shape_keep_it(itrans, tmp_path, write):
    for number in range(COUNT):
        _, photo = scene(number, 96)
        write(f"source/{number}.png", photo[:72])
        write(f"target/{number}.png", 255 - photo[:72])
    augment = made(itrans, tmp_path)["augment"]
    assert augment == {"resize": [71, 95], "crop": 64, "mirror": True}


def test_what_is_unsure_is_said_and_written(itrans, tmp_path, write):
    for number in range(COUNT):
        _, photo = scene(number)
        write(f"Train/x/{number}.png", photo[: 40 - 4 * (number % 3)])
    (tmp_path / "mine" / "Train" / "x" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = itrans("init", "mine")
    assert done.exit_code == 0, done.output
    written = (tmp_path / "mine.toml").read_text(encoding="utf-8")
    for what in ("Train", "not square", "broken.png", "--skip-bad"):
        assert what in done.output
        assert what in written


@pytest.mark.parametrize(
    ("files", "named"),
    [
        ({}, "no pictures"),
        ({"notes.txt": None}, "no pictures"),
        ({"1.png": 48, "2.png": 48}, "2 pictures"),
        ({"source/1.png": 48, "source/2.png": 48, "target/1.png": 48, "target/2.png": 48, "target/3.png": 48}, "3"),
        (
            {
                "source/1.png": 48,
                "source/2.png": 48,
                "target/1.png": 24,
                "target/2.png": 24,
                "source/3.png": 48,
                "target/3.png": 24,
            },
            "different sizes",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_is_told_and_nothing_written(itrans, tmp_path, write, files, named):
    (tmp_path / "mine").mkdir()
    for name, side in files.items():
        if side is None:
            (tmp_path / "mine" / name).write_text("text", encoding="utf-8")
        else:
            write(name, scene(1, side)[1])
    done = itrans("init", "mine")
    assert done.exit_code == 2
    assert named in done.output
    assert not (tmp_path / "mine.toml").exists()


def test_all_recipes_are_listed_and_can_be_written(itrans, tmp_path):
    listed = itrans("init")
    assert listed.exit_code == 0
    for name in shipped.recipes():
        assert name in listed.output
        done = itrans("init", name, "-o", f"{name.replace('/', '-')}/mine.toml")
        assert done.exit_code == 0, done.output
        path = tmp_path / name.replace("/", "-") / "mine.toml"
        assert itrans("run", path, "--check").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("pix2pix_facade",), "pix2pix_facades"),
        (("nowhere",), "nowhere"),
        (("pix2pix_facades", "-o", "there.toml"), "there.toml"),
        (("mine", "-o", "there.toml"), "there.toml"),
        (("pix2pix_facades", "-o", "recipe.txt"), ".toml"),
    ],
)
def test_wrong_arguments_are_told(itrans, tmp_path, write, arguments, named):
    (tmp_path / "there.toml").write_text("kept", encoding="utf-8")
    write("a.png", scene(1)[1])
    done = itrans("init", *arguments)
    assert done.exit_code == 2
    assert named in done.output
    assert (tmp_path / "there.toml").read_text(encoding="utf-8") == "kept"


@pytest.mark.parametrize(("folders", "factor"), [(("a", "b"), 2), (("b", "a"), 2), (("low", "high"), 4)])
def test_pairs_whose_targets_are_larger(itrans, tmp_path, write, folders, factor):
    for number in range(COUNT):
        _, photo = scene(number)
        write(f"{folders[0]}/{number}.png", cv2.resize(photo, (48 // factor,) * 2, interpolation=cv2.INTER_AREA))
        write(f"{folders[1]}/{number}.png", photo)
    recipe = made(itrans, tmp_path)
    dataset, generator = recipe["dataset"], recipe["generator"]
    assert (dataset["source"], dataset["target"], dataset["scale"]) == (*folders, factor)
    assert (generator["name"], generator["scale"]) == ("edsr", factor)
    assert recipe["augment"]["crop"] == 48 // factor
