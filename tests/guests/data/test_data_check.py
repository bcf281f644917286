"""`itrans data check`: every pair of every split is read, and all that is wrong is said."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from itrans.api import DATASETS, read_image, write_image


def test_good_data_are_counted(itrans, recipe):
    done = itrans("data", "check", recipe)
    assert done.exit_code == 0, done.output
    assert "train: 8 pairs read, 0 of them wrong" in done.stdout
    assert "val: 3 pairs read, 0 of them wrong" in done.stdout
    assert "test: val stands in for it, 3 pairs" in done.stdout


def test_every_picture_that_is_wrong_is_named(itrans, recipe, aligned):
    (aligned / "train/01.png").write_bytes(b"no picture")
    odd = read_image(aligned / "val/00.png")[:, :-1]
    write_image(aligned / "val/00.png", odd)
    done = itrans("data", "check", recipe)
    assert done.exit_code == 2
    assert "train: 8 pairs read, 1 of them wrong" in done.stdout
    assert "01.png" in done.stderr
    assert "00.png" in done.stderr
    assert "31 pixels wide" in done.stderr


def test_a_split_that_cannot_be_used_does_not_keep_the_others_from_being_read(itrans, recipe, aligned):
    shutil.rmtree(aligned / "train")
    (aligned / "val/01.png").write_bytes(b"no picture")
    done = itrans("data", "check", recipe)
    assert done.exit_code == 2
    assert "val: 3 pairs read, 1 of them wrong" in done.stdout
    assert done.output.count("train: ") == 1
    assert "train: " in done.stderr
    assert "01.png" in done.stderr


def test_sample_data_are_checked_instead_and_that_is_said(itrans, recipe, aligned):
    text = recipe.read_text()
    sample = f'[sample]\ndataset = {{ name = "aligned", root = "{aligned.as_posix()}" }}\n'
    recipe.write_text(text.replace(aligned.as_posix(), "gone") + sample)
    done = itrans("data", "check", recipe)
    assert done.exit_code == 0
    assert "SAMPLE DATA: gone is not there" in done.stderr
    refused = itrans("data", "check", recipe, "--no-sample")
    assert refused.exit_code == 2
    assert "dataset.root\n  The data set's folder gone is not there" in refused.stderr


OWN = """
import numpy as np
from itrans.api import DATASETS, ImageSpec, Pair

@DATASETS.register("own", replace=True)
class Own:
    source = target = ImageSpec(1, dtype="float32")

    def __init__(self, *, scale: float = 1.0, names: int = 4, split: str) -> None:
        self.scale, self.names = scale, names

    def __len__(self):
        return 4

    def __getitem__(self, index):
        picture = np.full((16, 16, 1), index / 3, np.float32)
        return Pair(picture, picture * np.float32(self.scale), f"p{index % self.names}")
"""


@pytest.fixture
def forgotten():
    """Forget the data set that a test registers."""
    yield
    DATASETS.unregister("own")


def own(tmp_path, text, **arguments):
    (tmp_path / "own.py").write_text(OWN)
    start, _, rest = text.partition("[dataset]")
    table = "".join(f"{key} = {value}\n" for key, value in arguments.items())
    (tmp_path / "own.toml").write_text(
        f'{start}[dataset]\nname = "own"\n{table}\n[generator]{rest.partition("[generator]")[2]}'
    )
    return tmp_path / "own.toml", "--code", tmp_path / "own.py"


def test_floats_that_are_no_picture_are_wrong(forgotten, itrans, recipe, tmp_path):
    done = itrans("data", "check", *own(tmp_path, recipe.read_text(), scale=255.0))
    assert done.exit_code == 2
    assert "train: 4 pairs read, 3 of them wrong" in done.stdout  # the first is black, whatever its scale
    assert "p1: the target has floats from 85 to 85" in done.stderr


def test_a_key_of_several_pairs_is_wrong_and_both_are_told(forgotten, itrans, recipe, tmp_path):
    done = itrans("data", "check", *own(tmp_path, recipe.read_text(), names=3))
    assert done.exit_code == 2
    assert "train: 4 pairs read, 1 of them wrong" in done.stdout
    assert "train: pairs 0 and 3 have one key, p0" in done.stderr


# What the pictures are like


def checked(itrans, tmp_path, recipe, **dataset):
    table = "".join(f"{key} = {value}\n" for key, value in dataset.items())
    rest = recipe.read_text().partition("[generator]")[2]
    (tmp_path / "other.toml").write_text(f"[dataset]\n{table}[generator]{rest}")
    return itrans("data", "check", "other.toml")


def table(stdout):
    """Return the cells of the printed table, by split and side."""
    lines = [line.split("  ") for line in stdout.splitlines()]
    cells = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    return {(row[0], row[1]): row[2:] for row in cells if len(row) == 5}


def noise(*shape, dtype=np.uint8, top=256, seed=0):
    return np.random.default_rng(seed).integers(0, top, shape).astype(dtype)


def test_sizes_channels_types_and_ranges_are_shown(itrans, recipe, tmp_path):
    for split, sizes in (("train", [(20, 10), (30, 10), (20, 10)]), ("val", [(8, 9)])):
        for index, (width, height) in enumerate(sizes):
            write_image(f"{split}/source/{index}.png", np.full((height, width, 1), 7 + index, np.uint16) * 5000)
            write_image(f"{split}/target/{index}.tif", np.full((height, width, 3), 0.25 * index, np.float32))
    done = checked(itrans, tmp_path, recipe, name='"paired"', root='"."')
    assert done.exit_code == 0, done.output
    found = table(done.stdout)
    assert found["train", "source"] == ["20x10 to 30x10, 66 % 20x10", "1 x uint16", "35000 to 45000"]
    assert found["train", "target"] == ["20x10 to 30x10, 66 % 20x10", "3 x float32", "0.000 to 0.500"]
    assert found["val", "source"] == ["8x9", "1 x uint16", "35000 to 35000"]
    assert "source_l1" not in done.stdout  # one channel, and three
    assert max(map(len, done.stdout.splitlines()[:8])) <= 80


def test_the_difference_of_the_sides_is_the_one_of_evaluation(itrans, recipe, aligned):
    done = itrans("data", "check", recipe)
    distances = []
    for path in sorted((aligned / "train").iterdir()):
        image = read_image(path).astype(float) / 255
        distances.append(np.abs(image[:, :16] - image[:, 16:]).mean())
    assert f"source_l1, the mean difference between source and target: {np.mean(distances):.4f} (train)" in done.stdout
    assert "Note" not in done.stdout


def test_what_is_in_two_splits_is_named(itrans, recipe, aligned):
    shutil.copy(aligned / "train/03.png", aligned / "val/new.png")
    done = itrans("data", "check", recipe)
    assert done.exit_code == 0
    assert "03.png of train is new.png of val" in done.stdout


def test_pictures_that_use_little_of_16_bits(itrans, recipe, tmp_path):
    for side in ("source", "target"):
        write_image(f"train/{side}/1.png", noise(8, 8, 1, dtype=np.uint16, top=4096))
    done = checked(itrans, tmp_path, recipe, name='"paired"', root='"."')
    assert "Note: Values of the source reach 40" in done.stdout
    assert "of 65535" in done.stdout
    assert "Source and target are the same picture" in done.stdout


def test_arrays_that_begin_with_their_channels(itrans, recipe, tmp_path):
    for side in ("source", "target"):
        write_image(f"train/{side}/1.npy", noise(3, 32, 32, seed=len(side)))
        write_image(f"train/{side}/2.npy", noise(3, 32, 32, seed=7))
    done = checked(itrans, tmp_path, recipe, name='"paired"', root='"."')
    assert "look like (channels, height, width)" in done.stdout


@pytest.mark.parametrize(("shape", "what"), [((32, 32, 3), "single pictures"), ((64, 32, 3), "A above B")])
def test_pictures_that_are_not_side_by_side(itrans, recipe, aligned, shape, what):
    for path in aligned.rglob("*.png"):
        write_image(path, noise(*shape, seed=int(path.stem)))
    assert f"these look like {what}" in itrans("data", "check", recipe).stdout


@pytest.mark.parametrize(("options", "alone"), [({"ignored": 255}, True), ({"values": [0, 255]}, False)])
def test_classes_that_do_not_occur(itrans, recipe, tmp_path, options, alone):
    write_image("train/labels/1.png", noise(8, 8, 1, top=2) * 255)
    write_image("train/photos/1.png", noise(8, 8, 3))
    done = checked(itrans, tmp_path, recipe, name='"labels"', root='"."', classes=2, **options)
    assert done.exit_code == 0, done.output
    assert ("class 0 is the only one" in done.stdout) == alone
    assert table(done.stdout)["train", "source"][2].startswith("1 of 2" if alone else "2 of 2")


def test_files_that_are_not_read_are_counted(itrans, recipe, aligned):
    for name in ("a.heic", "b.HEIC", "c.psd", "notes.txt"):
        (aligned / "train" / name).touch()
    done = itrans("data", "check", recipe)
    assert "2 .heic, 1 .psd." in done.stdout
    assert ".txt" not in done.stdout


def test_a_first_picture_that_is_damaged_keeps_no_other_from_being_read(itrans, recipe, aligned):
    for name in ("train/00.png", "train/04.png", "val/00.png"):
        (aligned / name).write_bytes(b"no picture")
    done = itrans("data", "check", recipe)
    assert done.exit_code == 2
    assert "train: 8 pairs read, 2 of them wrong" in done.stdout
    for name in ("train/00.png", "train/04.png", "val/00.png"):
        assert name in done.stderr


def test_folders_that_fit_nothing_are_told_once(itrans, recipe, aligned, tmp_path):
    done = checked(itrans, tmp_path, recipe, name='"paired"', root=f'"{aligned.as_posix()}"')
    assert done.exit_code == 2
    assert done.output.count("{split}/source") == 1
    assert "What is there: train and val." in done.stderr


def test_a_fourth_channel_that_hides_colours_is_noticed(itrans, recipe, tmp_path):
    for side in ("source", "target"):
        drawing = noise(8, 8, 4, seed=len(side))
        drawing[:, :, 3] = 255
        write_image(f"train/{side}/1.png", drawing)
    options = {"name": '"paired"', "root": '"."'}
    assert "fourth channel" not in checked(itrans, tmp_path, recipe, **options).stdout
    drawing[2:4, 2:4, 3] = 0
    write_image("train/target/1.png", drawing)
    done = checked(itrans, tmp_path, recipe, **options)
    assert done.exit_code == 0
    assert done.stdout.count("fourth channel") == 1
    assert "the target" in done.stdout
    assert "fourth channel" not in checked(itrans, tmp_path, recipe, **options, target_channels="3").stdout
