"""What else than two RGB pictures of a pair is evaluated: label maps, colourings, unpaired sets."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from cli.printed import json_of

from itrans.api import DATASETS, GENERATORS, load, read_image

PARTS = '''
import numpy as np

from itrans.api import DATASETS, ImageSpec, Pair, lightness_and_ab

class Drawn:
    """Four pairs of 24x24: stripes of three classes, and photos in which each class has a grey value of its own."""

    def __init__(self, *, split: str, direction: str = "photo", classes: int = 3) -> None:
        labels, photo = ImageSpec(1, "labels", classes), ImageSpec(3)
        self._swapped = direction == "labels"
        self.source, self.target = (photo, labels) if self._swapped else (labels, photo)
        self.paired = direction != "unpaired"
        if direction == "unpaired":
            self.source = ImageSpec(3)
        self._colour = direction == "colour"
        if self._colour:
            self.source, self.target = ImageSpec(1, "lightness"), ImageSpec(2, "ab")

    def __len__(self):
        return 4

    def __getitem__(self, index):
        classes = np.repeat((np.arange(24)[None, :, None] // 8 + index) % 3, 24, axis=0).astype(np.uint8)
        photo = np.repeat(classes * 100 + 20, 3, axis=2)
        if self._colour:
            return Pair(*lightness_and_ab(np.concatenate([photo[..., :2], 255 - photo[..., 2:]], axis=2)), str(index))
        if not self.paired:
            return Pair(photo, photo, str(index))
        return Pair(photo, classes, str(index)) if self._swapped else Pair(classes, photo, str(index))

DATASETS.register("drawn", replace=True)(Drawn)
'''

LABELS_RECIPE = """
seed = 1
[dataset]
name = "drawn"
direction = "{direction}"
classes = {classes}
[generator]
name = "unet"
depth = 2
filters = 8
[[loss]]
name = "{loss}"
[optimizer]
lr = 5e-3
[train]
batch_size = 4
steps = {steps}
precision = "fp32"
[validation]
every = 0
"""


@pytest.fixture
def drawn(itrans, tmp_path):
    """Train on drawn label maps and photos."""
    (tmp_path / "parts.py").write_text(PARTS)

    def train(direction, steps=1, loss="l1", classes=3):
        path = tmp_path / f"{direction}{classes}.toml"
        path.write_text(LABELS_RECIPE.format(direction=direction, steps=steps, loss=loss, classes=classes))
        done = itrans("run", path, "-o", f"{path.stem}-run", "--code", "parts.py")
        assert done.exit_code == 0, done.output
        return tmp_path / f"{path.stem}-run/checkpoints/last.pt"

    return train


def photo_and_labels(index):
    classes = np.repeat((np.arange(24)[None, :, None] // 8 + index) % 3, 24, axis=0).astype(np.uint8)
    return np.repeat(classes * 100 + 20, 3, axis=2), classes


class TestLabels:
    def test_label_maps_are_scored_by_segmentation(self, itrans, drawn):
        checkpoint = drawn("labels")
        found = json_of(itrans("evaluate", checkpoint, "--code", "parts.py", "--json"))
        assert set(found["scores"]) == {"accuracy", "class_accuracy", "class_iou"}
        translator = load(checkpoint, precision="fp32")  # that of the training
        right = []
        for index in range(4):
            photo, true = photo_and_labels(index)
            right.append((translator.translate(photo) == true).mean())
        assert found["scores"]["accuracy"]["value"] == pytest.approx(np.mean(right))
        truth = np.concatenate([photo_and_labels(index)[1].ravel() for index in range(4)])
        made = np.concatenate([translator.translate(photo_and_labels(index)[0]).ravel() for index in range(4)])
        for index, one in enumerate(found["classes"]):
            of_it, taken_for_it = truth == index, made == index
            assert one["pixels"] == of_it.sum()
            assert one["iou"] == pytest.approx((of_it & taken_for_it).sum() / (of_it | taken_for_it).sum())
            assert found["confusion"][index] == [int((of_it & (made == other)).sum()) for other in range(3)]
        assert np.mean([one["iou"] for one in found["classes"]]) == pytest.approx(found["scores"]["class_iou"]["value"])
        done = itrans("evaluate", checkpoint, "--code", "parts.py", "--metrics", "l1")
        assert done.exit_code == 2
        assert "makes label maps" in done.stderr

    def test_a_segmenter_scores_outputs_and_real_photos(self, itrans, drawn):
        generator, segmenter = drawn("photo"), drawn("labels", steps=40, loss="cross_entropy")
        found = json_of(itrans("evaluate", generator, "--segmenter", segmenter, "--code", "parts.py", "--json"))
        translate, segment = load(generator), load(segmenter)
        right = {"outputs": [], "real photos": []}
        for index in range(4):
            photo, true = photo_and_labels(index)
            right["outputs"].append((segment.translate(translate.translate(true)) == true).mean())
            right["real photos"].append((segment.translate(photo) == true).mean())
        for name, shares in right.items():
            assert found["segmented"][name]["accuracy"] == pytest.approx(np.mean(shares))
        assert found["segmented"]["real photos"]["accuracy"] > 0.9
        assert found["segmented"]["outputs"]["accuracy"] < found["segmented"]["real photos"]["accuracy"]
        shown = itrans("evaluate", generator, "--segmenter", segmenter, "--code", "parts.py").stdout
        assert "real photos" in shown
        assert "class IoU" in shown

    def test_a_segmenter_of_other_classes_is_refused(self, itrans, drawn):
        generator, segmenter = drawn("photo"), drawn("labels", classes=4)
        done = itrans("evaluate", generator, "--segmenter", segmenter, "--code", "parts.py")
        assert done.exit_code == 2
        assert "tells 4 classes apart, and the label maps here have 3" in done.stderr
        done = itrans("evaluate", generator, "--segmenter", generator, "--code", "parts.py")
        assert done.exit_code == 2
        assert "makes no label maps" in done.stderr


def test_colourings_are_compared_as_rgb(itrans, drawn):
    checkpoint = drawn("colour")
    found = json_of(itrans("evaluate", checkpoint, "--code", "parts.py", "--json", "-o", "out"))
    translator = load(checkpoint)
    distances = []
    for index in range(4):
        photo, _ = photo_and_labels(index)
        target = np.concatenate([photo[..., :2], 255 - photo[..., 2:]], axis=2)
        distances.append(np.abs(translator.translate(target).astype(float) - target).mean() / 255)
    # the 8 bits of Lab and of RGB round differently
    assert found["scores"]["l1 (RGB)"]["value"] == pytest.approx(np.mean(distances), abs=3 / 255)
    assert "source_l1" not in found["scores"]
    assert read_image("out/best.png").shape[1] == 3 * (4 * 24 + 4) + 4


LIGHTNESS = '''
import numpy as np
import torch
from itrans.api import DATASETS, GENERATORS, ImageSpec, Pair

@DATASETS.register("levels", replace=True)
class Levels:
    """One pair, in which every lightness is there, on colours of one kind."""

    source, target = ImageSpec(1, "lightness"), ImageSpec(2, "ab")

    def __init__(self, *, split: str) -> None:
        pass

    def __len__(self):
        return 1

    def __getitem__(self, index):
        lightness = np.arange(256, dtype=np.uint8).reshape(16, 16, 1)
        return Pair(lightness, np.full((16, 16, 2), 140, np.uint8), "levels")

@GENERATORS.register("same", replace=True)
class Same(torch.nn.Module):
    """Both colours are what the lightness is."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.scale = torch.nn.Parameter(torch.ones(()))

    def forward(self, source):
        return (source * self.scale).repeat(1, 2, 1, 1)
'''


def test_colourings_start_from_the_lightness_that_is_stored(itrans, tmp_path):
    (tmp_path / "parts.py").write_text(LIGHTNESS)
    (tmp_path / "levels.toml").write_text(
        '[dataset]\nname = "levels"\n[generator]\nname = "same"\n[[loss]]\nname = "l1"\n[optimizer]\nlr = 1e-12\n'
        '[train]\nsteps = 1\nbatch_size = 1\nprecision = "fp32"\n'
    )
    done = itrans("run", "levels.toml", "--code", "parts.py")
    assert done.exit_code == 0, done.output
    options = ["--code", "parts.py", "--json", "--metrics", "l1"]
    found = json_of(itrans("evaluate", "runs/levels", *options))["scores"]
    lightness = np.arange(256, dtype=np.uint8).reshape(16, 16)
    output = cv2.cvtColor(np.stack([lightness] * 3, axis=2), cv2.COLOR_LAB2RGB).astype(float)
    target = np.stack([lightness, np.full_like(lightness, 140), np.full_like(lightness, 140)], axis=2)
    expected = np.abs(output - cv2.cvtColor(target, cv2.COLOR_LAB2RGB)).mean() / 255
    GENERATORS.unregister("same")
    DATASETS.unregister("levels")
    assert found["l1 (RGB)"]["value"] == pytest.approx(expected, rel=1e-6)
    assert found["l1"]["value"] == pytest.approx(np.abs(lightness / 255 - 140 / 255).mean(), rel=1e-6)


class TestUnpaired:
    def test_only_sets_are_compared(self, itrans, drawn):
        checkpoint = drawn("unpaired")
        for options in ([], ["--metrics", "l1"]):
            done = itrans("evaluate", checkpoint, "--code", "parts.py", *options)
            assert done.exit_code == 2
            assert "unpaired" in done.stderr
        options = ["--features", "random:test_resnet", "--json", "-o", "out"]
        found = json_of(itrans("evaluate", checkpoint, "--code", "parts.py", *options))
        assert list(found["scores"]) == ["kernel distance (test_resnet, random features)"]
        assert sorted(path.name for path in Path("out").iterdir()) == ["pictures.csv", "results.json", "results.md"]


def test_a_data_set_is_credited_as_it_wants_to_be(itrans, drawn, tmp_path):
    checkpoint = drawn("photo")
    (tmp_path / "parts.py").write_text(PARTS + "\nDrawn.attribution = 'By a painter.'\n")
    done = itrans("evaluate", checkpoint, "--code", "parts.py", "-o", "out")
    assert "By a painter." in done.stdout
    assert "By a painter." in Path("out/results.md").read_text()
    assert json.loads(Path("out/results.json").read_text())["attribution"] == "By a painter."
