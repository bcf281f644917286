"""Pairs in tar files, as WebDataset lays them out."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import pickle
import tarfile
from multiprocessing import get_all_start_methods, get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from plugins.datasets.streets import SHORT, classes, palette_png, photo

from itrans.api import (
    DATASETS,
    DataError,
    Dataset,
    ImageSpec,
    MissingSplitError,
    read_image,
    read_label_map,
    write_image,
)
from itrans.testing import check_dataset

RAMP = np.arange(48, dtype=np.uint16).reshape(6, 8, 1) * 1000
FLOATS = np.linspace(0, 1, 48, dtype=np.float32).reshape(6, 8, 1)


def png(image: np.ndarray) -> bytes:
    return cv2.imencode(".png", image[:, :, ::-1] if image.shape[2] == 3 else image)[1].tobytes()


def npy(image: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, image)
    return file.getvalue()


def write(path: Path, files: dict[str, bytes]) -> Path:
    """Write a tar as anybody's program does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    if (index := path.with_name(f"{path.name}.index")).exists():
        os.utime(index, ns=(0, 0))  # clocks of file systems do not tick often enough
    return path


def pairs(*numbers: int) -> dict[str, bytes]:
    sides = (("source", 0), ("target", 50))
    return {f"{number:03d}.{side}.png": png(photo(number + more)) for number in numbers for side, more in sides}


def build(root: Path, split: str = "train", **arguments) -> Dataset:
    return DATASETS.build({"name": "shards", "root": str(root), **arguments}, split=split)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path / "shards/train-000000.tar", pairs(0, 1, 2))
    write(tmp_path / "shards/train-000001.tar", pairs(3, 4))
    write(tmp_path / "shards/test-000000.tar", pairs(5))
    return tmp_path / "shards"


# Reading


def test_pairs_come_from_anywhere_in_any_order(root):
    dataset = build(root)
    assert len(dataset) == 5
    for place in (4, 0, 3, 1, 2, -1):
        number = place % 5
        source, target, key = dataset[place]
        assert np.array_equal(source, photo(number))
        assert np.array_equal(target, photo(number + 50))
        assert key == f"train-00000{number // 3}/{number:03d}"
    assert (dataset.source, dataset.target) == (ImageSpec(channels=3), ImageSpec(channels=3))
    with pytest.raises(IndexError):
        dataset[5]
    check_dataset("shards", root=str(root))


def test_test_stands_in_for_val_and_folders_are_splits_too(root):
    val = build(root, "val")
    assert (len(val), val.measured_split, val[0].key) == (1, "test", "test-000000/005")
    (root / "train").mkdir()
    for number in (0, 1):
        (root / f"train-00000{number}.tar").rename(root / f"train/{number}.tar")
    assert [pair.key for pair in map(build(root).__getitem__, (0, 4))] == ["0/000", "1/004"]


def test_other_names_and_extensions_and_files_that_are_no_pictures(tmp_path):
    files = {"a/1.jpg.txt": b"x", "a/1.JPG": png(photo(1)), "a/1.seg.PNG": png(photo(2)), "a/1.json": b"{}"}
    write(tmp_path / "coco-train-7.tar", files | {".hidden": b""})
    dataset = build(tmp_path, shards="coco-{split}-*.tar", source="jpg", target="seg")
    assert np.array_equal(dataset[0].source, photo(1))
    assert np.array_equal(dataset[0].target, photo(2))
    assert dataset[0].key == "coco-train-7/a/1"


@pytest.mark.parametrize(
    ("content", "suffix", "expected"),
    [(png(RAMP), "png", RAMP), (npy(RAMP), "npy", RAMP), (npy(FLOATS), "npy", FLOATS)],
)
def test_values_of_16_bits_and_floats_stay_what_they_are(tmp_path, content, suffix, expected):
    write(tmp_path / "train-0.tar", {"0.source.png": png(photo(0)), f"0.target.{suffix}": content})
    dataset = build(tmp_path)
    assert dataset.target == ImageSpec(channels=1, dtype=expected.dtype.name)
    assert np.array_equal(dataset[0].target, expected)
    assert build(tmp_path, source_channels=1).source == ImageSpec(channels=1)


@pytest.mark.parametrize("side", ["source", "target"])
def test_label_maps_are_classes(tmp_path, side):
    other = "target" if side == "source" else "source"
    colours = [[0, 0, 0], [9, 9, 9], [200, 0, 0]]
    for number, content in enumerate([png(classes(0)), palette_png(classes(0), colours), npy(classes(0))]):
        suffix = "npy" if number == 2 else "png"
        write(tmp_path / f"{number}/train-0.tar", {f"0.{side}.{suffix}": content, f"0.{other}.png": png(photo(0))})
        dataset = build(tmp_path / str(number), labels=side, classes=3, ignored=255, names=["a", "b", "c"])
        expected = ImageSpec(channels=1, kind="labels", labels=3, ignored=255, names=("a", "b", "c"))
        assert getattr(dataset, side) == expected
        assert np.array_equal(getattr(dataset[0], side), classes(0))
    write(tmp_path / "wrong/train-0.tar", {f"0.{side}.png": png(classes(0) + 7), f"0.{other}.png": png(photo(0))})
    with pytest.raises(DataError, match=r"train-0\.tar/0\.\w+\.png.*dataset\.classes"):
        build(tmp_path / "wrong", labels=side, classes=3)[0]


def test_a_translation_prepares_label_maps_as_the_data_set_does():
    preparation = DATASETS.get("shards").preparation
    assert preparation(labels="target", classes=2, values=[0, 255]) is None
    assert preparation(labels="source", classes=2) is None
    prepared = preparation(labels="source", classes=2, values=[0, 255]).source(np.full((2, 2, 1), 255, np.uint8), None)
    assert (prepared == 1).all()


# Processes


HELD: list[Dataset] = []


def hold(dataset: Dataset) -> None:
    HELD.append(dataset)


def source_of(place: int) -> bytes:
    return HELD[0][place].source.tobytes()


@pytest.mark.skipif("fork" not in get_all_start_methods(), reason="this system does not fork")
def test_processes_that_are_forked_read_for_themselves(root):
    dataset = build(root)
    dataset[0]
    with get_context("fork").Pool(2, initializer=hold, initargs=(dataset,)) as pool:
        assert pool.map(source_of, [0, 4, 1, 3] * 5) == [photo(place).tobytes() for place in [0, 4, 1, 3] * 5]
    assert np.array_equal(dataset[1].source, photo(1))


def test_it_travels_to_other_processes_without_its_indexes(root):
    packed = pickle.dumps(build(root))
    assert len(packed) < 5000
    assert np.array_equal(pickle.loads(packed)[4].source, photo(4))


def test_few_files_are_open_at_a_time(tmp_path):
    count = 60
    for number in range(count):
        write(tmp_path / f"train-{number:03d}.tar", pairs(number))
    dataset = build(tmp_path)
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("this system does not say which files are open")
    for place in range(count):
        dataset[place]
    targets = [str(path.readlink()) for path in folder.iterdir() if path.is_symlink()]
    assert 0 < sum(str(tmp_path) in target for target in targets) < count


def test_a_run_trains_on_them_and_goes_on(root, tmp_path, itrans):
    recipe = f'[dataset]\nname = "shards"\nroot = "{root.as_posix()}"\n[augment]\nsize = 8\n{SHORT}batch_size = 2\n'
    (tmp_path / "r.toml").write_text(recipe.replace("steps = 1", "steps = 3"))
    done = itrans("run", "r.toml", "-o", "whole")
    assert done.exit_code == 0, done.output
    assert itrans("run", "r.toml", "-o", "parts", "--stop-after", 1).exit_code == 130
    done = itrans("run", "r.toml", "-o", "parts", "--resume")
    assert done.exit_code == 0, done.output
    states = [
        torch.load(tmp_path / name / "checkpoints/last.pt")["networks"]["generator"] for name in ("whole", "parts")
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


# The index


def test_the_index_is_made_once_and_again_when_the_tar_is_another(root, caplog):
    caplog.set_level(logging.INFO, "itrans")
    build(root)
    assert caplog.text.count("is missing") == 2
    assert sorted(path.name for path in root.glob("train*.index")) == [
        "train-000000.tar.index",
        "train-000001.tar.index",
    ]
    caplog.clear()
    build(root)
    assert caplog.text == ""
    write(root / "train-000001.tar", pairs(*range(3, 40)))
    assert len(build(root)) == 40
    assert "train-000001.tar.index is older than the tar, or belongs to another one" in caplog.text


@pytest.mark.parametrize("damage", [b"", b"x" * 40, b"ITRANSIX\xff\xff\xff\xff"])
def test_an_index_that_cannot_be_used_is_made_anew(root, caplog, damage):
    caplog.set_level(logging.INFO, "itrans")
    build(root)
    index = root / "train-000000.tar.index"
    good = index.read_bytes()
    index.write_bytes(damage)
    assert np.array_equal(build(root)[1].source, photo(1))
    assert "train-000000.tar.index cannot be used" in caplog.text
    assert index.read_bytes() == good
    for place in range(0, len(good), 7):  # whatever is damaged in it, no wrong picture comes out
        index.write_bytes(good[:place] + bytes([good[place] ^ 0x55]) + good[place + 1 :])
        with contextlib.suppress(DataError):
            assert np.array_equal(build(root)[1].source, photo(1))


def test_where_nothing_can_be_written_the_shards_are_read_all_the_same(root, caplog, monkeypatch):
    caplog.set_level(logging.INFO, "itrans")

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    assert np.array_equal(build(root)[4].source, photo(4))
    assert "cannot be written" in caplog.text
    assert list(root.glob("*.index")) == []


# Messages


def test_another_tar_of_the_same_size_is_found_when_it_is_read(root):
    build(root)
    shard = root / "train-000000.tar"
    write(root / "other.tar", {name.replace("00", "10", 1): content for name, content in pairs(0, 1, 2).items()})
    os.utime(root / "other.tar", ns=(0, 0))
    (root / "other.tar").replace(shard)
    with pytest.raises(DataError, match=r"train-000000\.tar.*001\.source\.png.*Remove the index"):
        build(root)[1]


def test_a_truncated_shard_is_named(root):
    shard = root / "train-000000.tar"
    whole = shard.read_bytes()
    dataset = build(root)
    for size in (0, 100, 512, 700, 2000):
        shard.write_bytes(whole[:size])
        with pytest.raises(DataError, match=r"train-000000\.tar is (damaged or )?truncated"):
            dataset[2]
        with pytest.raises(DataError, match=r"train-000000\.tar is damaged or truncated"):
            build(root)
    shard.unlink()
    with pytest.raises(DataError, match=r"train-000000\.tar cannot be read"):
        pickle.loads(pickle.dumps(dataset))[0]


def test_a_pair_that_lacks_a_side_is_named(root):
    files = pairs(0, 1, 2)
    del files["001.target.png"]
    write(root / "train-000000.tar", files)
    with pytest.raises(DataError, match=r"train-000000\.tar: the pair 001 has no target.*001\.source\.png"):
        build(root)
    write(root / "train-000000.tar", pairs(0) | {"1.source.png": b"", "1.source.jpg": b"", "1.target.png": b""})
    with pytest.raises(DataError, match=r"the pair 1 has 2 files that can be its source"):
        build(root)


def test_a_damaged_picture_is_named_with_its_shard(root):
    write(root / "train-000001.tar", pairs(3) | {"004.source.png": b"nothing", "004.target.png": png(photo(0))})
    dataset = build(root)
    with pytest.raises(DataError, match=r"train-000001\.tar/004\.source\.png"):
        dataset[4]
    grey = {"004.source.png": png(photo(0)[:, :, :1]), "004.target.png": png(photo(0))}
    write(root / "train-000001.tar", pairs(3) | grey)
    with pytest.raises(DataError, match=r"004\.source\.png has 1 channel.*dataset\.source_channels"):
        build(root)[4]
    write(root / "train-000001.tar", pairs(3) | {"004.source.png": png(photo(0)), "004.target.png": png(photo(0)[:4])})
    with pytest.raises(DataError, match=r"004\.source\.png is 8x6, but .*004\.target\.png is 8x4"):
        build(root)[4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"003.source.txt": b"x", "000.target.jpg": b"x"}, "has two samples 000"),
        ({}, "has no files that belong to a pair"),
    ],
)
def test_shards_that_are_no_data_set(root, change, message):
    write(root / "train-000001.tar", (pairs(0) if change else {}) | change)
    with pytest.raises(DataError, match=rf"train-000001\.tar {message}"):
        build(root)


def test_a_compressed_shard_says_what_to_do(root):
    with tarfile.open(root / "train-000001.tar", "w:gz") as tar:
        tar.add(root / "train-000000.tar", "x.tar")
    with pytest.raises(DataError, match=r"train-000001\.tar is compressed"):
        build(root)


def test_where_no_shards_are(root):
    for shard in root.glob("train*"):
        shard.unlink()
    with pytest.raises(MissingSplitError, match=r"no train/\*\.tar.*shards of test"):
        build(root)
    for shard in root.glob("*.tar"):
        shard.rename(root / "x.tar")
    with pytest.raises(MissingSplitError, match=r"x\.tar: dataset\.shards"):
        build(root)
    with pytest.raises(DataError, match="is not there"):
        build(root / "nowhere")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"source": "target"}, '"target"'),
        ({"classes": 3, "names": ["a"]}, '"classes" and "names".*"labels"'),
        ({"labels": "source"}, '"classes"'),
        ({"shards": "*.tar"}, "{split}"),
        ({"background": "red"}, '"background"'),
    ],
)
def test_arguments_that_do_not_fit(root, arguments, message):
    with pytest.raises(ValueError, match=message):
        build(root, **arguments)


def test_a_picture_read_from_its_content_is_that_of_the_file(tmp_path):
    write_image(tmp_path / "a.png", photo(0))
    content = (tmp_path / "a.png").read_bytes()
    assert np.array_equal(read_image("nowhere/b.png", content), photo(0))
    assert np.array_equal(read_label_map("b.png", palette_png(classes(0), [[0, 0, 0]] * 3)), classes(0))
    for path, data in (("b.txt", content), ("b.png", b""), ("b.png", content[:40])):
        with pytest.raises(DataError, match=path):
            read_image(path, data)
