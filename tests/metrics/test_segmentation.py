"""Label maps in the engine: planes, scores by hand, and a segmenter from a recipe to its outputs."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
import torch

from itrans.api import DATASETS, METRICS, DataError, ImageSpec, Pair, load, read_image, write_image
from itrans.metrics.labels import class_indices, confusions
from itrans.metrics.measuring import count, meters_for
from itrans.pictures.kinds import KINDS

LABELS = KINDS["labels"]
SPEC = ImageSpec(channels=1, kind="labels", labels=3, ignored=9)


def test_a_class_is_a_plane_and_what_has_none_is_in_no_plane():
    stored_map = torch.tensor([[[[0, 2, 9, 1]]]], dtype=torch.uint8)
    found = LABELS.planes(stored_map, SPEC)
    assert found.shape == (1, SPEC.planes, 1, 4)
    assert found[0, :, 0].T.tolist() == [[1, -1, -1], [-1, -1, 1], [-1, -1, -1], [-1, 1, -1]]


def test_an_ignored_class_has_no_plane_of_its_own():
    spec = ImageSpec(channels=1, kind="labels", labels=2, ignored=0)
    assert LABELS.planes(torch.tensor([[[[0, 1]]]], dtype=torch.uint8), spec)[0, :, 0].T.tolist() == [[-1, -1], [-1, 1]]


def test_labels_of_16_bits_come_back():
    spec = ImageSpec(channels=1, kind="labels", labels=300, dtype="uint16")
    values = np.array([[0, 299, 256, 17]], np.uint16)[:, :, None]
    (again,) = LABELS.arrays(LABELS.planes(torch.from_numpy(values).permute(2, 0, 1)[None], spec), spec)
    assert again.dtype == np.uint16
    np.testing.assert_array_equal(again, values)


def test_pictures_are_as_they_were():
    spec = ImageSpec(channels=1)
    assert KINDS[spec.kind].planes(torch.tensor([[[[0, 255]]]], dtype=torch.uint8), spec).flatten().tolist() == [-1, 1]


def test_a_value_beyond_the_classes_is_told_with_its_place():
    image = np.zeros((3, 4, 1), np.uint8)
    image[0, 0] = 9
    assert LABELS.fault(image, SPEC) is None
    image[2, 1] = 3
    assert LABELS.fault(image, SPEC) == "has the value 3 at x = 1, y = 2, and classes are 0 to 2"


def test_scores_by_hand():
    true = torch.tensor([[0, 0, 0, 1, 1, 2, -1]])
    predicted = torch.tensor([[0, 0, 1, 1, 1, 1, 2]])
    (matrix,) = confusions(predicted, true, 4)
    assert matrix.tolist() == [[2, 1, 0, 0], [0, 2, 0, 0], [0, 1, 0, 0], [0, 0, 0, 0]]
    scores = {name: METRICS.build({"name": name}).value(matrix) for name in ("accuracy", "class_accuracy", "class_iou")}
    assert scores["accuracy"] == pytest.approx(4 / 6)
    assert scores["class_accuracy"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert scores["class_iou"] == pytest.approx((2 / 3 + 2 / 4 + 0) / 3)


def test_scores_add_up_over_batches():
    spec = ImageSpec(channels=1, kind="labels", labels=2)
    maps = torch.tensor([[[[0, 0]]], [[[1, 1]]]], dtype=torch.uint8)
    meters = meters_for(("accuracy", "class_accuracy", "class_iou"), spec, spec, torch.device("cpu"))
    assert [meter.result() for meter in meters] == [None, None, None]
    count(meters, maps, LABELS.planes(maps[:1], spec), LABELS.planes(maps[:1], spec), spec)
    count(meters, maps, LABELS.planes(maps[:1], spec), LABELS.planes(maps[1:], spec), spec)
    assert [meter.result() for meter in meters] == [0.5, 0.5, 0.25]


def test_class_indices_ignore_only_when_asked():
    nothing = -torch.ones(1, 2, 1, 1)
    assert class_indices(nothing, ignoring=True).item() == -1
    assert class_indices(nothing).item() == 0


class Halves:
    """Photographs whose bright half is class 1; a corner has no class."""

    source, target = ImageSpec(channels=3), ImageSpec(channels=1, kind="labels", labels=2, ignored=255)
    highest = 1

    def __init__(self, *, backward: bool = False, split: str) -> None:
        self.backward = backward
        if backward:
            self.source, self.target = self.target, self.source

    def __len__(self):
        return 8

    def __getitem__(self, index):
        label = np.zeros((16, 16, 1), np.uint8)
        label[: 4 + index, :] = self.highest
        photo = np.repeat(60 + 130 * label, 3, axis=2)
        label[:2, :2] = 255
        return Pair(label, photo, str(index)) if self.backward else Pair(photo, label, str(index))


RECIPE = """
[dataset]
name = "halves"
{backward}
[augment]
size = 16
[generator]
name = "unet"
depth = 3
filters = 8
[[loss]]
name = "{loss}"
[optimizer]
lr = 0.01
[train]
batch_size = 4
steps = 40
precision = "fp32"
[log]
pictures = 1
"""


@pytest.fixture
def halves():
    DATASETS.register("halves")(Halves)
    yield
    DATASETS.unregister("halves")


def test_a_segmenter_learns_is_measured_and_writes_classes(itrans, tmp_path, halves):
    (tmp_path / "r.toml").write_text(RECIPE.format(backward="", loss="cross_entropy"))
    done = itrans("run", "r.toml", "-o", "run")
    assert done.exit_code == 0, done.output
    events = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    metrics = [event["metrics"] for event in events if event["event"] == "validation"]
    assert set(metrics[-1]) == {"accuracy", "class_accuracy", "class_iou"}
    assert metrics[-1]["class_iou"] > 0.9
    assert (tmp_path / "run" / "checkpoints" / "best.pt").exists()
    photo = Halves(split="val")[3].source
    write_image(tmp_path / "photo.png", photo)
    done = itrans("translate", "run/checkpoints/best.pt", "photo.png", "-o", "out")
    assert done.exit_code == 0, done.output
    written = read_image(tmp_path / "out" / "photo.png")
    assert written.shape == (16, 16, 1)
    assert set(np.unique(written)) == {0, 1}
    grid = cv2.imread(next((tmp_path / "run" / "samples").glob("*.png")).as_posix())
    assert len(np.unique(grid.reshape(-1, 3), axis=0)) > 3  # classes have colours


def test_label_maps_are_translated_and_their_range_is_checked(itrans, tmp_path, halves):
    (tmp_path / "r.toml").write_text(RECIPE.format(backward="backward = true", loss="l1"))
    done = itrans("run", "r.toml", "-o", "run")
    assert done.exit_code == 0, done.output
    translator = load(tmp_path / "run" / "checkpoints" / "last.pt")
    label = Halves(backward=True, split="val")[0].source
    output = translator.translate(label)
    assert output.shape == (16, 16, 3)
    assert output[2:5, 4:].mean() > output[8:].mean() + 60
    label[5, 6] = 7
    with pytest.raises(DataError, match="value 7 at x = 6, y = 5"):
        translator.translate(label)


def test_a_value_out_of_range_stops_training_with_its_pair(itrans, tmp_path, halves, monkeypatch):
    monkeypatch.setattr(Halves, "highest", 2)
    (tmp_path / "r.toml").write_text(RECIPE.format(backward="", loss="cross_entropy"))
    done = itrans("run", "r.toml", "-o", "run")
    assert done.exit_code == 2
    assert "the target has the value 2" in done.output


def test_pictures_are_no_classes(itrans, recipe):
    text = recipe.read_text().replace('name = "l1"', 'name = "cross_entropy"')
    recipe.write_text(text)
    done = itrans("run", recipe)
    assert done.exit_code == 2
    assert "needs label maps as targets" in done.output
    assert "Traceback" not in done.output
