"""`itrans init` with folders that are small or messy: what it chooses, notes and refuses."""

from __future__ import annotations

import os
import re
import shlex
import tomllib

import cv2
import numpy as np
import pytest

from itrans.commands import build_dataset, load_recipe
from itrans_init import pictures

FEW = 30
SPLITS = ("train", "val", "test")


def picture(number: int, width: int = 48, height: int = 48) -> np.ndarray:
    noise = np.random.default_rng(number)
    return cv2.resize(noise.integers(0, 256, (6, 6, 3), dtype=np.uint8), (width, height))


@pytest.fixture
def write(tmp_path):
    """Write a picture."""

    def write(name: str, content: np.ndarray) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(path), content)

    return write


def write_pairs(write, root: str = "mine", count: int = FEW, side: int = 48) -> None:
    for number in range(count):
        for folder, content in (("source", picture(number, side, side)), ("target", 255 - picture(number, side, side))):
            write(f"{root}/{folder}/{number:03}.png", content)


def recipe_of(itrans, tmp_path) -> tuple[dict, str]:
    """Return the recipe that is written for `mine`, and what is printed."""
    done = itrans("init", "mine")
    assert done.exit_code == 0, done.output
    return tomllib.loads((tmp_path / "mine.toml").read_text(encoding="utf-8")), done.output


def refusal(itrans, tmp_path, folder: str = "mine") -> str:
    """Return what is printed where nothing is written."""
    done = itrans("init", folder, "-o", "mine.toml")
    assert done.exit_code == 2, done.output
    assert not (tmp_path / "mine.toml").exists()
    return done.output


@pytest.mark.parametrize("kind", ["paired", "endings", "aligned", "edges", "unaligned"])
def test_few_pairs_are_mostly_trained_with_and_their_splits_counted(itrans, tmp_path, write, kind):
    for number in range(FEW):
        one, other = picture(number), 255 - picture(number)
        if kind == "paired":
            write(f"mine/in/{number:03}.png", one)
            write(f"mine/out/{number:03}.png", other)
        elif kind == "endings":
            write(f"mine/{number:03}_in.png", one)
            write(f"mine/{number:03}_out.png", other)
        elif kind == "aligned":
            write(f"mine/{number}.png", np.hstack([one, other]))
        elif kind == "edges":
            write(f"mine/all/{number}.png", one)
        else:
            write(f"mine/x/a{number:03}.png", one)
            write(f"mine/y/b{number:03}.png", other)
    recipe, output = recipe_of(itrans, tmp_path)
    assert recipe["dataset"]["name"] == kind.replace("endings", "paired")
    loaded = load_recipe(tmp_path / "mine.toml")
    counts = {split: len(build_dataset(loaded, split)) for split in SPLITS}
    said = re.search(r"(\d+) train, (\d+) val, (\d+) test", output)
    assert said is not None, output
    assert said[0] in (tmp_path / "mine.toml").read_text(encoding="utf-8")
    if kind == "unaligned":  # of the smaller folder; the length of the data set is that of the larger
        assert all(int(number) <= counts[split] for number, split in zip(said.groups(), SPLITS, strict=True))
    else:
        assert [int(number) for number in said.groups()] == [*counts.values()]
    assert int(said[1]) >= 0.7 * FEW
    assert int(said[2]) >= 2
    assert recipe["train"]["epochs"] == pytest.approx(8000 / int(said[1]), abs=1)


def test_names_that_allow_no_good_split_keep_most_pairs_for_training_and_it_is_noted(itrans, tmp_path, write):
    """Of the names 0 to 29, `val` gets a second one only where 19 are left to train with."""
    for number in range(FEW):
        write(f"mine/in/{number}.png", picture(number))
        write(f"mine/out/{number}.png", 255 - picture(number))
    _, output = recipe_of(itrans, tmp_path)
    said = re.search(r"(\d+) train, 1 val, (\d+) test", output)
    assert said is not None, output
    assert int(said[1]) >= 0.7 * FEW
    assert "Note: By their names, hardly any fall into val" in output


def test_validations_are_about_twenty(itrans, tmp_path, write):
    write_pairs(write)
    recipe, _ = recipe_of(itrans, tmp_path)
    assert 15 <= recipe["train"]["epochs"] / recipe["validation"]["every"] <= 25


def test_many_pairs_are_held_out_by_a_tenth(itrans, tmp_path, write):
    write_pairs(write, count=310, side=16)
    recipe, _ = recipe_of(itrans, tmp_path)
    assert recipe["dataset"]["holdout"] == 0.1


def test_one_pair_of_two_sizes_is_named(itrans, tmp_path, write):
    write_pairs(write)
    write("mine/target/008.png", picture(8, 24, 20))
    said = refusal(itrans, tmp_path)
    for named in ("target/008.png is 24x20", "source/008.png 48x48", "1 pair"):
        assert named in said


def test_one_target_that_is_not_as_much_larger_is_named(itrans, tmp_path, write):
    for number in range(FEW):
        write(f"mine/source/{number}.png", picture(number, 24, 24))
        write(f"mine/target/{number}.png", picture(number, *((24, 24) if number == 7 else (48, 48))))
    said = refusal(itrans, tmp_path)
    assert "target/7.png is 24x24" in said
    assert "2 times" in said


def test_a_photo_of_another_size_than_its_label_map_is_named(itrans, tmp_path, write):
    for number in range(FEW):
        labels = np.repeat(np.repeat(np.random.default_rng(number).integers(0, 5, (4, 4), np.uint8), 12, 0), 12, 1)
        write(f"mine/labels/{number}.png", labels)
        side = 40 if number == 3 else 48
        noise = np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)
        write(f"mine/photos/{number}.png", noise)
    assert "photos/3.png is 40x40" in refusal(itrans, tmp_path)


def test_one_picture_of_16_bits_is_named(itrans, tmp_path, write):
    write_pairs(write)
    write("mine/source/003.png", picture(3).astype(np.uint16) * 257)
    said = refusal(itrans, tmp_path)
    assert "source/003.png has 16 bits" in said
    assert "8 bits" in said


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (picture(1, 32, 16), "30.png is 32x16"),
        (picture(1, 16, 16).astype(np.uint16) * 257, "30.png has 16 bits"),
        (picture(1, 16, 16)[:, :, 0], None),
    ],
)
def test_of_many_pictures_all_headers_are_read(itrans, tmp_path, write, changed, said):
    """Of 310 pictures, the one of the number 30 is among those that are not read whole."""
    write_pairs(write, count=310, side=16)
    write("mine/target/030.png", changed)
    if said:
        assert said in refusal(itrans, tmp_path)
    else:
        assert recipe_of(itrans, tmp_path)[0]["dataset"]["target_channels"] == 3


def test_of_many_pictures_without_quick_headers_it_is_said_how_many_were_not_looked_at(itrans, tmp_path):
    for side in ("source", "target"):
        (tmp_path / "mine" / side).mkdir(parents=True)
        for number in range(302):
            np.save(tmp_path / "mine" / side / f"{number}.npy", picture(number, 16, 16))
    _, output = recipe_of(itrans, tmp_path)
    assert "Note: 4 pictures were not looked at" in output


def test_of_very_many_pictures_it_is_said_how_many_were_not_looked_at(itrans, tmp_path, write, monkeypatch):
    monkeypatch.setattr(pictures, "LOOKED_AT", 10)
    monkeypatch.setattr(pictures, "HEADERS_READ", 15)
    write_pairs(write)
    _, output = recipe_of(itrans, tmp_path)
    assert "Note: 10 pictures were not looked at" in output


def test_a_damaged_header_is_told(itrans, tmp_path, write, monkeypatch):
    monkeypatch.setattr(pictures, "LOOKED_AT", 1)
    write_pairs(write)
    (tmp_path / "mine" / "target" / "017.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    _, output = recipe_of(itrans, tmp_path)
    assert "1 picture cannot be read" in output
    assert "target/017.png" in output


def test_turned_pictures_are_seen_upright(itrans, tmp_path, write):
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    for number in range(310):
        write(f"mine/source/{number:03}.png", picture(number, 16, 32))
        target = tmp_path / "mine" / "target" / f"{number:03}.jpg"
        target.parent.mkdir(exist_ok=True)
        Image.fromarray(picture(number, 32, 16)).save(target, exif=exif)
    assert recipe_of(itrans, tmp_path)[0]["dataset"]["name"] == "paired"


def test_a_few_small_pictures_that_decide_the_size_are_named(itrans, tmp_path, write):
    write_pairs(write, side=80)
    _, output = recipe_of(itrans, tmp_path)
    assert "because" not in output
    (tmp_path / "mine.toml").unlink()
    for number in (4, 9):
        for side in ("source", "target"):
            write(f"mine/{side}/{number:03}.png", picture(number, 100, 60))
    recipe, output = recipe_of(itrans, tmp_path)
    assert recipe["augment"]["crop"] == 32
    assert re.search(r"crop = 32, because \S+/004.png is 100x60, and 1 more is small.* 64\.", output), output


def test_a_folder_of_two_data_sets_is_refused(itrans, tmp_path, write):
    for root in ("both/first", "both/mine"):
        write_pairs(write, root)
    said = refusal(itrans, tmp_path, "both")
    assert "itrans init both/mine" in said
    assert "first" in said


def test_sides_that_hold_the_same_folders_are_pairs_where_their_names_say_so(itrans, tmp_path, write):
    for number in range(FEW):
        for kind in ("cats", "dogs"):
            write(f"mine/source/{kind}/{number}.png", picture(number))
            write(f"mine/target/{kind}/{number}.png", 255 - picture(number))
    dataset = recipe_of(itrans, tmp_path)[0]["dataset"]
    assert (dataset["source"], dataset["target"]) == ("source", "target")


def test_a_narrow_band_of_16_bits_is_noted_with_ranges_that_have_room(itrans, tmp_path, write):
    for number in range(FEW):
        noise = np.random.default_rng(number)
        write(f"mine/source/{number}.png", noise.integers(27500, 30501, (48, 48)).astype(np.uint16))
        write(f"mine/target/{number}.png", noise.integers(0, 65536, (48, 48)).astype(np.uint16))
    recipe, output = recipe_of(itrans, tmp_path)
    assert "use source_range:" in output
    assert not {"source_range", "target_range"} & recipe["dataset"].keys()
    text = (tmp_path / "mine.toml").read_text(encoding="utf-8")
    [line] = [line for line in text.splitlines() if line.startswith("# source_range")]
    low, high = tomllib.loads(line.removeprefix("# "))["source_range"]
    assert 27000 < low <= 27350
    assert 30650 <= high < 31000
    (tmp_path / "mine.toml").write_text(text.replace("# source_range", "source_range"), encoding="utf-8")
    assert itrans("data", "check", "mine.toml").exit_code == 0


def test_a_folder_of_any_name_gets_a_recipe_and_commands_that_can_be_pasted(itrans, tmp_path, write):
    root = "my pics" if os.name == "nt" else "my\n\x7fpics"
    write_pairs(write, root, 12)
    done = itrans("init", root, "-o", "two words.toml")
    assert done.exit_code == 0, done.output
    assert tomllib.loads((tmp_path / "two words.toml").read_text(encoding="utf-8"))["dataset"]["root"] == root
    commands = [shlex.split(line) for line in done.output.splitlines() if line.startswith("  itrans ")]
    assert commands == [["itrans", *words, "two words.toml"] for words in (["data", "check"], ["run"])]


def test_pairs_are_found_beside_a_split_of_another_name_which_is_named(itrans, tmp_path, write):
    write_pairs(write, "mine/train", 12)
    write_pairs(write, "mine/valid", 4)
    recipe, output = recipe_of(itrans, tmp_path)
    assert recipe["dataset"] | {"holdout": 0} == {
        "name": "paired", "root": "mine", "source": "train/source", "target": "train/target", "holdout": 0,
    }  # fmt: skip
    assert "The folder valid looks like a split" in output
    assert "left out: valid/source/000.png" in output


def test_splits_of_other_names_are_not_taken_for_two_data_sets(itrans, tmp_path, write):
    write_pairs(write, "mine/Train", 12)
    write_pairs(write, "mine/Test", 4)
    output = refusal(itrans, tmp_path)
    assert "Test, Train look like splits" in output
    assert "two data sets" not in output


def test_a_stray_picture_beside_the_folders_of_pairs_is_left_out_and_named(itrans, tmp_path, write):
    write_pairs(write, "mine", 12)
    write("mine/preview.png", picture(0))
    recipe, output = recipe_of(itrans, tmp_path)
    assert recipe["dataset"]["name"] == "paired"
    assert "left out: preview.png" in output


def test_folders_that_are_taken_together_are_named(itrans, tmp_path, write):
    write_pairs(write, "mine", 12)
    for folder in ("depth", "normals"):
        for number in range(12):
            write(f"mine/{folder}/{number:03}.png", picture(number))
    recipe, output = recipe_of(itrans, tmp_path)
    assert recipe["dataset"]["name"] == "edges"
    assert "taken together: depth, normals, source and 1 more" in output
