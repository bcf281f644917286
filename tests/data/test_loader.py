"""From pairs to batches: the same for any number of processes, and errors that arrive whole."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import pickle
import re
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch

from itrans.data.augment import PairTransform
from itrans.data.loader import load_batches
from itrans.data.pairs import PairItems, checked_pair
from itrans.data.sampler import EvaluationSampler, TrainingSampler
from itrans.errors import DataError, MissingSplitError
from itrans.pictures.spec import ImageSpec
from itrans.pictures.writing import write_image
from itrans.recipe.schema import Augment
from itrans.records import Pair
from itrans_datasets.aligned import Aligned

CPU = torch.device("cpu")
# Python 3.12 and later warn of forking where there are threads, as every process with torch has.
forking = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")

AFTER_THREADS = """
import sys, time
import cv2, numpy, torch
from itrans.data.augment import PairTransform
from itrans.data.loader import load_batches
from itrans.data.pairs import PairItems
from itrans.data.sampler import EvaluationSampler
from itrans.recipe.schema import Augment
from itrans_datasets.aligned import Aligned

cv2.setNumThreads(2)
cv2.GaussianBlur(numpy.zeros((1024, 1024, 3), numpy.uint8), (31, 31), 5)
time.sleep(0.5)  # until OpenCV's thread sleeps
dataset = Aligned(root=sys.argv[1], split="val")
items = PairItems(dataset, PairTransform(Augment(), dataset.source, dataset.target), 0)
list(load_batches(items, EvaluationSampler(3, 1), torch.device("cpu"), torch.contiguous_format, workers=2))
"""


class Pictures:
    """Pairs from a list; a function in it is called."""

    def __init__(self, *pairs, source=None, target=None, paired=True):
        self.pairs, self.paired = pairs, paired
        self.source, self.target = source or ImageSpec(3), target or ImageSpec(3)

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, index):
        pair = self.pairs[index]
        return pair() if callable(pair) else pair


def grey(value, height=4, width=6, channels=3, dtype="uint8"):
    return np.full((height, width, channels), value, dtype)


def pair(key="k", **kwargs):
    return Pair(grey(1, **kwargs), grey(2, **kwargs), key)


def batches(dataset, *, sampler=None, augment=None, workers=0, layout=torch.contiguous_format):
    paired = getattr(dataset, "paired", True)
    change = PairTransform(Augment.model_validate(augment or {}), dataset.source, dataset.target, paired=paired)
    sampler = sampler or EvaluationSampler(len(dataset), 2)
    return load_batches(PairItems(dataset, change, seed=3), sampler, CPU, layout, workers=workers)


@pytest.fixture
def damaged(aligned):
    """A data set the sixth picture of which is no picture."""
    (aligned / "train" / "05.png").write_bytes(b"no picture")
    return Aligned(root=str(aligned), split="train")


def test_batches_are_what_the_pairs_are():
    dataset = Pictures(*(Pair(grey(51 * n), grey(255 - 51 * n), f"{n}.png") for n in range(5)))
    got = list(batches(dataset))
    assert [batch.keys for batch in got] == [("0.png", "1.png"), ("2.png", "3.png"), ("4.png",)]
    source = torch.cat([batch.source for batch in got])
    assert source.shape == (5, 3, 4, 6)
    assert source.dtype == torch.float32
    assert source[:, 0, 0, 0].tolist() == pytest.approx([-1, -0.6, -0.2, 0.2, 0.6])
    assert torch.allclose(torch.cat([batch.target for batch in got]), -source, rtol=0, atol=1e-6)


@forking
def test_batches_do_not_depend_on_the_number_of_workers(aligned):
    dataset = Aligned(root=str(aligned), split="train")
    augment = {
        "resize": 24,
        "crop": 12,
        "mirror": True,
        "transform": [{"name": "GaussNoise", "p": 1.0, "on": "source"}],
    }
    runs = [
        list(itertools.islice(batches(dataset, sampler=TrainingSampler(8, 3, 5), augment=augment, workers=workers), 6))
        for workers in (0, 1, 2)
    ]
    for expected, *others in zip(*runs, strict=True):
        for batch in others:
            assert batch.keys == expected.keys
            assert torch.equal(batch.source, expected.source)
            assert torch.equal(batch.target, expected.target)


def test_what_is_drawn_changes_from_epoch_to_epoch_and_from_pair_to_pair():
    same = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    dataset = Pictures(*(Pair(same, same, str(n)) for n in range(4)))
    got = itertools.islice(batches(dataset, sampler=TrainingSampler(4, 4, 0), augment={"crop": 8}), 3)
    assert len({picture.numpy().tobytes() for batch in got for picture in batch.source}) >= 10  # of 12, in 625 places


@forking
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_damaged_picture_is_named_by_whatever_process(damaged, aligned, workers):
    loading = batches(damaged, workers=workers)
    assert [next(loading).keys for _ in range(2)] == [("00.png", "01.png"), ("02.png", "03.png")]
    with pytest.raises(DataError) as caught:
        next(loading)
    path = aligned / "train" / "05.png"
    assert str(caught.value).startswith(f"{path} is a text")


def test_errors_of_a_data_set_keep_their_class():
    def fail():
        raise MissingSplitError("there is none")

    with pytest.raises(MissingSplitError, match="^there is none$"):
        next(batches(Pictures(fail)))


def test_foreign_errors_are_told_with_the_pairs_number():
    def fail():
        raise KeyError("colour")

    loading = batches(Pictures(pair(), pair(), pair(), fail), sampler=EvaluationSampler(4, 1))
    assert len(list(itertools.islice(loading, 3))) == 3
    with pytest.raises(DataError, match=r"^Pair 3 of the data set \(Pictures\) failed: KeyError: 'colour'$") as caught:
        next(loading)
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("item", [None, (grey(1), grey(2)), grey(1)[:2], 7])
def test_item_that_is_no_pair_is_told_with_its_number(item):
    with pytest.raises(DataError, match="^Pair 0 of the data set"):
        checked_pair(Pictures(item), 0)


def test_plain_tuple_is_a_pair():
    assert checked_pair(Pictures((grey(1), grey(2), "k")), 0).key == "k"


def test_interruption_is_no_fault_of_the_data():
    def interrupt():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        checked_pair(Pictures(interrupt), 0)


def test_sizes_that_differ_name_both_pictures():
    dataset = Pictures(pair("a/1.png"), pair("a/2.png", height=5))
    expected = r"^a/1\.png is 6x4 and a/2\.png is 6x5 \(width x height\).*augment\.size.*train\.batch_size = 1"
    with pytest.raises(DataError, match=expected):
        next(batches(dataset))


def test_sizes_that_differ_are_fine_one_at_a_time_or_scaled():
    dataset = Pictures(pair(), pair(height=5))
    assert [b.source.shape[-2:] for b in batches(dataset, sampler=EvaluationSampler(2, 1))] == [(4, 6), (5, 6)]
    assert next(batches(dataset, augment={"size": 8})).source.shape == (2, 3, 8, 8)


def test_targets_that_differ_are_told_with_their_own_sizes():
    dataset = Pictures(
        Pair(grey(1), grey(2, height=8), "1.png"), Pair(grey(1), grey(2, height=9), "2.png"), paired=False
    )
    with pytest.raises(DataError, match="6x8.*6x9"):
        next(batches(dataset))


def test_sides_of_a_pair_must_have_one_size():
    dataset = Pictures(Pair(grey(1, height=5), grey(2), "a/1.png"))
    with pytest.raises(DataError, match=r"^a/1\.png: the source is 6x5 and the target 6x4 "):
        next(batches(dataset))


def test_sides_of_no_pair_may_have_two():
    dataset = Pictures(Pair(grey(1, height=5), grey(2), "k"), paired=False)
    assert next(batches(dataset)).source.shape[-2:] == (5, 6)


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (grey(1, channels=1), "has 1 channel, but this data set's have 3"),
        (grey(1, channels=4), "has 4 channels, but this data set's have 3"),
        (grey(1, dtype="uint16"), "is uint16, but this data set's are uint8"),
        (grey(1, dtype="float64"), "is float64, but this data set's are uint8"),
        (
            grey(1)[..., 0],
            "is not an array of height, width and channels, but of shape (4, 6): for one channel, give "
            "image[..., None]",
        ),
        ("a path", "is not an array of height, width and channels, but str: give numpy arrays"),
    ],
    ids=["grey", "alpha", "uint16", "float64", "2d", "text"],
)
def test_later_picture_that_is_unlike_the_others_is_named(side, image, reason):
    dataset = Pictures(pair("a/1.png"), pair("a/2.png")._replace(**{side: image}))
    with pytest.raises(DataError, match=rf"^a/2\.png: the {side} {re.escape(reason)}\.$"):
        next(batches(dataset))


def test_sides_may_differ_in_channels_and_type():
    dataset = Pictures(
        Pair(grey(65535, channels=5, dtype="uint16"), grey(0.5, channels=1, dtype="float32"), "k"),
        source=ImageSpec(5, dtype="uint16"),
        target=ImageSpec(1, dtype="float32"),
    )
    batch = next(batches(dataset))
    assert batch.source.shape == (1, 5, 4, 6)
    assert batch.source.unique().tolist() == [1]
    assert batch.target.unique().tolist() == [0]


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(
    ("value", "found"),
    [(255, "floats from 0.5 to 255"), (-0.01, "floats from -0.01 to 0.5"), (np.nan, "NaN"), (np.inf, "to inf")],
)
def test_floats_outside_of_0_to_1_are_refused_with_the_pairs_name(side, value, found):
    spec = ImageSpec(1, dtype="float32")
    image = grey(0.5, channels=1, dtype="float32")
    bad = image.copy()
    bad[1, 2] = value
    dataset = Pictures(Pair(image, image, "a/1.png")._replace(**{side: bad}), source=spec, target=spec)
    with pytest.raises(
        DataError, match=rf"^a/1\.png: the {side} has .*{re.escape(found)}.*; they should be from 0 to 1"
    ):
        next(batches(dataset))


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_memory_lies_as_it_was_asked_for(layout):
    batch = next(batches(Pictures(pair()), layout=layout))
    assert batch.source.is_contiguous(memory_format=layout)
    assert batch.target.is_contiguous(memory_format=layout)


def test_pair_too_small_for_the_crop_is_named():
    with pytest.raises(DataError, match=r"^small\.png \(6x4\) cannot be augmented"):
        next(batches(Pictures(pair("small.png")), augment={"crop": 5}))


@forking
def test_many_workers_are_fine_with_few_pairs(aligned):
    dataset = Aligned(root=str(aligned), split="val")
    keys = [key for batch in batches(dataset, sampler=EvaluationSampler(3, 2), workers=2) for key in batch.keys]
    assert keys == ["00.png", "01.png", "02.png"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="processes are not forked")
def test_workers_start_where_opencv_has_worked_with_threads(aligned):
    command = [sys.executable, "-W", "ignore", "-c", AFTER_THREADS, str(aligned)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        assert process.wait(timeout=120) == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # workers that hang ignore SIGTERM
        process.wait()


def test_automatic_workers_on_a_cpu_are_none(monkeypatch):
    monkeypatch.setattr("multiprocessing.process.BaseProcess.start", lambda _: pytest.fail("a process was started"))
    assert len(list(batches(Pictures(pair(), pair(), pair()), workers="auto"))) == 2


# Pairs that are left out


def broken(*names):
    """Six pairs, of which those of some names cannot be read."""

    def refuse(name):
        raise DataError(f"{name} is damaged.")

    dataset = Pictures(*(Pair(grey(40 * n), grey(n), str(n)) for n in range(6)))
    dataset.pairs = [functools.partial(refuse, p.key) if p.key in names else p for p in dataset.pairs]
    return dataset


def skipping(dataset, *, workers=0, told=None, training=True, epoch=0, batch=0):
    change = PairTransform(Augment(), dataset.source, dataset.target)
    items = PairItems(dataset, change, seed=3, training=training, skip_bad=True)
    length = len(dataset)
    sampler = TrainingSampler(length, 2, 3, epoch=epoch, batch=batch) if training else EvaluationSampler(length, 2)
    told = [] if told is None else told
    loading = load_batches(items, sampler, CPU, torch.contiguous_format, workers=workers, skipped=told.append)
    return [batch.keys for batch in (itertools.islice(loading, 9) if training else loading)]


@forking
@pytest.mark.parametrize("workers", [0, 2])
def test_the_next_pair_takes_the_place_of_one_that_cannot_be_read(workers):
    told = []
    whole, got = skipping(broken()), skipping(broken("2", "3"), workers=workers, told=told)
    stand_in = {"2": "4", "3": "4"}
    assert got == [tuple(stand_in.get(key, key) for key in keys) for keys in whole]
    per_epoch = sorted(told[:3])
    assert per_epoch == ["2 is damaged.", "3 is damaged.", "3 is damaged."]  # 2, 3 in the place of 2; and 3
    assert len(told) == 9


def test_a_resumed_epoch_leaves_out_the_same():
    dataset = broken("0", "5")
    assert skipping(dataset)[4:6] == skipping(dataset, epoch=1, batch=1)[:2]


def test_what_is_measured_is_not_measured_twice():
    told = []
    assert skipping(broken("2", "3", "5"), told=told, training=False) == [("0", "1"), ("4",)]
    assert told == ["2 is damaged.", "3 is damaged.", "5 is damaged."]


def test_where_no_pair_can_be_read_there_is_no_end_to_leaving_out():
    with pytest.raises(DataError, match=r"^No pair can be read\. .* is damaged\.$"):
        skipping(broken(*"012345"))


def test_errors_survive_pickling():
    error = pickle.loads(pickle.dumps(DataError("a/1.png is damaged.")))
    assert (type(error), str(error)) == (DataError, "a/1.png is damaged.")


def test_float_pictures_are_read_like_others(tmp_path):
    (tmp_path / "train").mkdir()
    write_image(tmp_path / "train" / "1.tif", np.full((4, 8, 3), 0.25, np.float32))
    dataset = Aligned(root=str(tmp_path), split="train")
    for _ in range(2):  # the same each time
        assert next(batches(dataset)).source.unique().tolist() == [-0.5]


def test_more_workers_than_a_machine_can_have_are_refused_before_they_are_started(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    with pytest.raises(DataError, match=r"train\.workers is 65, and this machine has 2 cores: at most 64"):
        next(iter(batches(Pictures(pair()), workers=65)))
