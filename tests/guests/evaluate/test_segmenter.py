from __future__ import annotations

import numpy as np
import pytest
import torch

from itrans.api import CheckpointError, ImageSpec
from itrans.pictures.kinds import kind_of
from itrans_evaluate import segmenter
from itrans_evaluate.segmenter import Segmenter

LABELS = ImageSpec(1, "labels", 3, ignored=255)
PHOTOS = ImageSpec(3)
CPU = torch.device("cpu")


@pytest.fixture
def fake(monkeypatch):
    """Put something in the place of a checkpoint that takes a pixel's red value for its class."""

    class Fake:
        source, target = PHOTOS, ImageSpec(1, "labels", 3)

        def __init__(self, *_, **__):
            pass

        def translate_batch(self, pictures):
            return [picture[:, :, :1] for picture in pictures]

    monkeypatch.setattr(segmenter, "Translator", Fake)
    return Fake


def truth(*classes):
    return kind_of(LABELS).planes(torch.tensor(classes, dtype=torch.uint8)[None, None, None], LABELS)


def photo(*classes):
    return np.repeat(np.array(classes, np.uint8)[None, :, None], 3, axis=2)


def test_scores_are_those_of_the_paper_over_all_pixels_that_have_a_class(fake):
    judge = Segmenter("photo2labels.pt", LABELS, PHOTOS, CPU)
    judge.add(truth(0, 0, 1, 255), [photo(0, 1, 1, 0)], [photo(0, 0, 1, 2)])
    judge.add(truth(0, 1, 2, 255), [photo(0, 1, 1, 0)], [photo(0, 1, 2, 2)])
    scores = judge.scores()
    assert scores["real photos"] == {"accuracy": 1, "class_accuracy": 1, "class_iou": 1}
    # true 0, 0, 1, 0, 1, 2 and found 0, 1, 1, 0, 1, 1
    outputs = scores["outputs"]
    assert outputs["accuracy"] == pytest.approx(4 / 6)
    assert outputs["class_accuracy"] == pytest.approx((2 / 3 + 2 / 2 + 0) / 3)
    assert outputs["class_iou"] == pytest.approx((2 / 3 + 2 / 4 + 0) / 3)


def test_what_a_segmenter_finds_counts_even_where_its_own_truth_had_no_class(fake):
    fake.target = ImageSpec(1, "labels", 3, ignored=2)
    judge = Segmenter("photo2labels.pt", LABELS, PHOTOS, CPU)
    judge.add(truth(2, 2), [photo(2, 0)], [photo(2, 2)])
    assert judge.scores()["outputs"]["accuracy"] == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        (PHOTOS, PHOTOS, "makes no label maps"),
        (PHOTOS, ImageSpec(1, "labels", 19), "tells 19 classes apart"),
        (PHOTOS, ImageSpec(1, "labels", 3, names=("wall", "door", "sky")), "wall, door, sky"),
        (ImageSpec(1), ImageSpec(1, "labels", 3), "1 channel "),
    ],
)
def test_one_that_does_not_fit_is_refused(fake, source, target, said):
    fake.source, fake.target = source, target
    labels = ImageSpec(1, "labels", 3, names=("sky", "wall", "door"))
    with pytest.raises(CheckpointError, match="photo2labels.pt") as caught:
        Segmenter("photo2labels.pt", labels, PHOTOS, CPU)
    assert said in str(caught.value)
