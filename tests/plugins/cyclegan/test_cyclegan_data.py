"""Two folders of pictures that belong to no pairs."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from itrans.api import DATASETS, DataError, ImageSpec, MissingSplitError, read_image, write_image
from itrans.data.sampler import Draw
from itrans.recipe.load import load_recipe
from itrans.testing import check_dataset
from itrans.training.build import build_dataset, build_items


def build(root, split="train", **arguments):
    return DATASETS.build({"name": "unaligned", "root": str(root), **arguments}, split=split)


def picture(value, height=16, width=16, channels=3, dtype=np.uint8):
    return np.full((height, width, channels), value, dtype)


def truncate(path):
    path.write_bytes(path.read_bytes()[:60])


# What a pair is


def test_an_epoch_is_as_long_as_the_larger_folder_and_repeats_the_smaller(unpaired):
    dataset = build(unpaired)
    assert len(dataset) == len(build(unpaired, direction="BtoA")) == 6
    assert (dataset.source, dataset.target) == (ImageSpec(channels=3), ImageSpec(channels=3))
    source, target, key = dataset[5]
    assert np.array_equal(source, read_image(unpaired / "trainA/5.png"))
    assert np.array_equal(target, read_image(unpaired / "trainB/0.png"))
    assert key == f"{unpaired / 'trainA/5.png'} with {unpaired / 'trainB/0.png'}"
    assert len({dataset[index].key for index in range(6)}) == 6


def test_the_smaller_folder_may_be_the_sources(unpaired):
    dataset = build(unpaired, direction="BtoA")
    assert np.array_equal(dataset[5].source, read_image(unpaired / "trainB/0.png"))
    assert np.array_equal(dataset[5].target, read_image(unpaired / "trainA/5.png"))
    assert dataset[5].key == f"{unpaired / 'trainB/0.png'} with {unpaired / 'trainA/5.png'}"
    assert len({dataset[index].key for index in range(6)}) == 6


def test_other_names_for_the_folders(unpaired):
    (unpaired / "trainA").rename(unpaired / "horses-train")
    (unpaired / "trainB").rename(unpaired / "zebras-train")
    dataset = build(unpaired, folder_a="horses-{split}", folder_b="zebras-{split}")
    assert np.array_equal(dataset[0].target, read_image(unpaired / "zebras-train/0.png"))
    with pytest.raises(ValueError, match=r'"{split}" belongs in each of "folder_a" and "folder_b"'):
        build(unpaired, folder_a="horses")


def test_val_is_test_where_there_is_no_val(unpaired):
    held_out = [build(unpaired, split)[0].source for split in ("val", "test")]
    assert all(np.array_equal(source, read_image(unpaired / "testA/0.png")) for source in held_out)
    write_image(unpaired / "valA/0.png", picture(1))
    write_image(unpaired / "valB/0.png", picture(2))
    assert np.array_equal(build(unpaired, "val")[0].source, picture(1))
    assert np.array_equal(build(unpaired, "test")[0].source, held_out[1])


def test_the_sides_may_differ_in_channels_and_depth(unpaired):
    shutil.rmtree(unpaired / "trainB")
    write_image(unpaired / "trainB/0.tif", picture(9, channels=1, dtype=np.uint16))
    dataset = build(unpaired)
    assert dataset.target == ImageSpec(channels=1, dtype="uint16")
    assert build(unpaired, channels=3).target == ImageSpec(channels=3, dtype="uint16")


def test_it_is_what_itrans_asks_of_a_data_set(unpaired):
    check_dataset("unaligned", root=str(unpaired))


# What is drawn


def drawn(recipe, *, epoch, seed=3):
    """Return the number of the picture of B that each picture of A meets in an epoch."""
    checked = load_recipe(recipe, overrides=[f"seed={seed}"])
    dataset = build_dataset(checked, "train")
    items = build_items(checked, dataset, training=True)
    numbers = {read_image(path).tobytes(): int(path.stem) for path in sorted(recipe.parent.glob("unpaired/trainB/*"))}
    return [numbers[items[Draw(epoch, position)].target.tobytes()] for position in range(len(dataset))]


def test_targets_are_drawn_anew_in_every_epoch_and_repeat_under_a_seed(cyclegan):
    recipe = cyclegan()
    epochs = [drawn(recipe, epoch=epoch) for epoch in range(20)]
    assert epochs == [drawn(recipe, epoch=epoch) for epoch in range(20)]
    assert len({tuple(numbers) for numbers in epochs}) > 15
    assert {number for numbers in epochs for number in numbers} == set(range(5))
    assert epochs[:3] != [drawn(recipe, epoch=epoch, seed=4) for epoch in range(3)]


def test_a_draw_depends_on_the_index_and_the_seed_alone(unpaired):
    dataset, other = build(unpaired), build(unpaired)
    for seed in (7, 8, 7):
        dataset.draw(0, seed)
    one, same = dataset.draw(2, 9), other.draw(2, 9)
    assert np.array_equal(one.source, read_image(unpaired / "trainA/2.png"))
    assert one.key == same.key
    assert one.key.startswith(f"{unpaired / 'trainA/2.png'} with {unpaired / 'trainB'}")
    assert np.array_equal(one.target, same.target)
    assert len({other.draw(2, seed).target.tobytes() for seed in range(60)}) == 5


def test_each_side_is_cropped_on_its_own(cyclegan, unpaired):
    """All pictures are one gradient, so that a value tells the place; were the places the same, it would be too."""
    gradient = np.arange(32, dtype=np.uint8)[None, :, None].repeat(32, 0).repeat(3, 2)
    for folder in ("trainA", "trainB"):
        for path in (unpaired / folder).iterdir():
            write_image(path, gradient)
    recipe = load_recipe(cyclegan(augment={"crop": 8, "resize": 32}))
    items = build_items(recipe, build_dataset(recipe, "train"), training=True)
    pairs = [items[Draw(epoch, 0)] for epoch in range(12)]
    places = [(int(pair.source[0, 0, 0]), int(pair.target[0, 0, 0])) for pair in pairs]
    assert sum(left != right for left, right in places) > 6


# Through the command line


def test_pictures_of_all_sizes_train_one_by_one_or_scaled(itrans, cyclegan, unpaired):
    write_image(unpaired / "trainA/0.png", picture(10, 24, 20))
    write_image(unpaired / "trainB/1.png", picture(200, 19, 21))
    train = {"epochs": 1, "precision": "fp32"}
    done = itrans("run", cyclegan(train=train), "-o", "single")
    assert done.exit_code == 0, done.output
    done = itrans("run", cyclegan(train=train | {"batch_size": 2}, augment={"size": 16}), "-o", "scaled")
    assert done.exit_code == 0, done.output
    done = itrans("run", cyclegan(train=train | {"batch_size": 6}), "-o", "mixed")
    assert done.exit_code == 2
    assert "pictures of different sizes cannot share a batch" in done.stderr
    assert any(name in done.stderr for name in ("trainA/0.png", "trainB/1.png"))  # the first that does not fit
    assert "Traceback" not in done.output


def spoil_folder(root):
    shutil.rmtree(root)
    return "unpaired is not there", "dataset.root"


def spoil_one_side(root):
    shutil.rmtree(root / "trainB")
    return f"No folder {root / 'trainB'}", "dataset.folder_b"


def spoil_both_sides(root):
    shutil.rmtree(root / "trainA")
    shutil.rmtree(root / "trainB")
    return 'no folders for the split "train"', "It has: test"


def spoil_all_pictures(root):
    for path in (root / "trainA").iterdir():
        path.rename(path.with_suffix(".txt"))
    return "trainA holds no pictures", ""


def spoil_first_picture(root):
    truncate(root / "trainB/0.png")
    return "trainB/0.png is truncated", ""


def spoil_a_picture(root):
    truncate(root / "trainA/4.png")
    return "trainA/4.png is truncated", ""


def spoil_a_kind(root):
    write_image(root / "trainB/3.png", picture(3, channels=1))
    return "trainB/3.png has 1 channel of uint8, but 0.png has 3 of uint8", "Set dataset.channels"


def spoil_held_out_side(root):
    shutil.rmtree(root / "testA")
    return f"No folder {root / 'testA'}", "dataset.folder_a"


SPOILERS = [
    spoil_folder,
    spoil_one_side,
    spoil_both_sides,
    spoil_all_pictures,
    spoil_first_picture,
    spoil_a_picture,
    spoil_a_kind,
    spoil_held_out_side,
]


@pytest.mark.parametrize("spoil", SPOILERS)
def test_what_is_wrong_with_the_data_is_named_without_a_traceback(itrans, cyclegan, unpaired, spoil):
    expected = spoil(unpaired)
    done = itrans("run", cyclegan(train={"batch_size": 1, "epochs": 3, "precision": "fp32"}))
    assert done.exit_code == 2, done.output
    assert all(part in done.stderr for part in expected), done.stderr
    assert "Traceback" not in done.output


def test_a_picture_that_breaks_on_the_way_leaves_a_run_that_goes_on_when_it_is_mended(itrans, cyclegan, unpaired):
    recipe = cyclegan(train={"batch_size": 1, "epochs": 1, "precision": "fp32"}, validation={"every": 0})
    good = (unpaired / "trainA/5.png").read_bytes()
    truncate(unpaired / "trainA/5.png")
    done = itrans("run", recipe)
    assert done.exit_code == 2
    assert "trainA/5.png is truncated" in done.stderr
    assert "continue with --resume" in done.stderr
    (unpaired / "trainA/5.png").write_bytes(good)
    done = itrans("run", recipe, "--resume")
    assert done.exit_code == 0, done.output
    assert torch.load("runs/cyclegan/checkpoints/last.pt", weights_only=True)["progress"]["step"] == 6


def test_errors_of_the_kinds_that_plugins_raise(unpaired, tmp_path):
    with pytest.raises(DataError, match=r"0.png is a file, not a folder. Set dataset.root"):
        build(unpaired / "trainA/0.png")
    for folder in ("testA", "testB"):
        shutil.rmtree(unpaired / folder)
    with pytest.raises(MissingSplitError, match=r'no folders for the split "val"\. It has: train\.'):
        build(unpaired, "val")
    np.save(unpaired / "trainA/1.npy", np.zeros((16, 16, 2), np.uint8))
    with pytest.raises(DataError, match="1.npy: 2 channels cannot be made into 3"):
        build(unpaired, channels=3)[1]
