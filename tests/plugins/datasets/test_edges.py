"""What the computed edges are like; that pairs are made of them is in test_made_pairs.py."""

from __future__ import annotations

import pickle
from statistics import NormalDist

import cv2
import numpy as np
import pytest

from itrans.api import DATASETS, WHITE, write_image
from itrans.recipe.signature import Signature


def disc(contrast: int = 160, size: int = 64) -> np.ndarray:
    image = np.full((size, size, 3), 60, np.uint8)
    return cv2.circle(image, (size // 2, size // 2), size // 4, (60 + contrast,) * 3, -1)


@pytest.fixture
def lines(tmp_path):
    """Return the edges of a picture, `(H, W)`."""

    def made(image: np.ndarray, **arguments) -> np.ndarray:
        write_image(tmp_path / "train" / "a.npy", image)
        dataset = DATASETS.build({"name": "edges", "root": str(tmp_path), **arguments}, split="train")
        return dataset[0].source[:, :, 0]

    return made


@pytest.mark.parametrize("method", ["canny", "xdog"])
def test_a_picture_without_edges_stays_white(lines, method):
    ramp = np.linspace(100, 140, 64).astype(np.uint8)[None, :, None].repeat(64, 0).repeat(3, 2)

    assert (lines(np.full((64, 64, 3), 90, np.uint8), method=method) == 255).all()
    assert (lines(ramp, method=method) > 200).all()


def test_thresholds_follow_the_contrast_of_the_picture(lines):
    strong, faint = lines(disc(160)), lines(disc(40))

    assert (strong == 0).sum() > 60
    assert ((strong == 0) ^ (faint == 0)).mean() < 0.01


def test_canny_draws_closed_thin_lines(lines):
    drawn = lines(disc())
    regions, _ = cv2.connectedComponents((drawn == 255).astype(np.uint8), connectivity=4)

    assert regions == 3  # the lines; inside; outside
    circumference = 2 * np.pi * 16
    assert 0.6 * circumference < (drawn == 0).sum() < 1.5 * circumference


def test_noise_is_not_drawn_where_there_is_an_edge(lines):
    noise = np.random.default_rng(0).normal(0, 2, (64, 64, 3))
    noisy = np.clip(disc().astype(float) + noise, 0, 255).astype(np.uint8)

    assert abs(int((lines(noisy) == 0).sum()) - int((lines(disc()) == 0).sum())) < 20


def test_higher_thresholds_draw_less(lines):
    steps = np.concatenate([np.full((64, 16, 3), value, np.uint8) for value in (0, 20, 80, 255)], axis=1)
    counts = [int((lines(steps, high=high) == 0).sum()) for high in (30.0, 150.0, 400.0)]

    assert counts[0] > counts[1] > counts[2] > 0


def step(contrast: int) -> np.ndarray:
    image = np.full((64, 64, 3), 60, np.uint8)
    image[:, 32:] += np.uint8(contrast)
    return image


def peak(contrast: float) -> float:
    """Return how far the difference of the Gaussians goes below 0 beside a straight step, of a contrast from 0 to 1."""
    places = np.linspace(0, 4, 1000)
    narrow, wide = ([NormalDist(0, sigma).cdf(x) for x in places] for sigma in (1.0, 1.6))
    return contrast * float(np.max(np.subtract(narrow, wide)))


def test_xdog_leaves_out_what_is_fainter_than_the_threshold(lines):
    faint, visible = 0.8 * 0.015 / peak(1), 1.4 * 0.015 / peak(1)

    assert lines(step(round(255 * faint)), method="xdog").min() == 255
    assert lines(step(round(255 * visible)), method="xdog").min() < 255
    assert lines(step(round(255 * faint)), method="xdog", threshold=0.007).min() < 255


def test_xdog_is_darker_where_the_edge_is_stronger(lines):
    darkest = [int(lines(step(contrast), method="xdog").min()) for contrast in (40, 55, 80)]

    assert 255 > darkest[0] > darkest[1] > darkest[2]


def test_xdog_lines_are_as_thick_as_sigma_says(lines):
    thick = {sigma: int((lines(step(160), method="xdog", sigma=sigma)[32] < 128).sum()) for sigma in (1.0, 3.0)}

    assert thick[3.0] >= 2 * thick[1.0] > 0


@pytest.mark.parametrize("method", ["canny", "xdog"])
def test_the_depth_of_the_picture_does_not_matter(lines, method):
    image = disc()
    eight = lines(image, method=method)

    np.testing.assert_array_equal(lines(image.astype(np.uint16) * 257, method=method), eight)
    np.testing.assert_array_equal(lines((image / 255).astype(np.float32), method=method), eight)


def test_colours_under_what_is_transparent_have_no_lines(lines):
    """Lines are those of the picture on white."""
    alpha = np.full((64, 64, 1), 255, np.uint8)
    alpha[:, 32:] = 0
    on_white = disc()
    on_white[:, 32:] = 255

    np.testing.assert_array_equal(lines(np.concatenate([disc(), alpha], axis=2)), lines(on_white))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_a_drawing_in_alpha_alone_has_lines(lines, dtype):
    white = 1 if dtype == "float32" else np.iinfo(dtype).max
    image = np.zeros((64, 64, 4), dtype)
    image[20:44, 20:44, 3] = white

    assert (lines(image) == 0).any()


@pytest.mark.parametrize(
    ("height", "width", "shape"), [(300, 450, (64, 96)), (450, 300, (96, 64)), (32, 40, (64, 80)), (64, 64, (64, 64))]
)
def test_size_scales_the_shorter_side_of_the_pair(tmp_path, height, width, shape):
    write_image(tmp_path / "train" / "a.png", cv2.resize(disc(), (width, height)))

    pair = DATASETS.build({"name": "edges", "root": str(tmp_path), "size": 64}, split="train")[0]

    assert (pair.source.shape, pair.target.shape) == ((*shape, 1), (*shape, 3))


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5, 9])
def test_size_scales_every_kind_of_picture(tmp_path, channels, dtype):
    halves = np.zeros((64, 96, channels), dtype)
    halves[:, :47] = WHITE[dtype]
    write_image(tmp_path / "train" / "a.npy", halves)

    target = DATASETS.build({"name": "edges", "root": str(tmp_path), "size": 32}, split="train")[0].target

    assert (target.shape, target.dtype) == ((32, 48, channels), dtype)
    assert (target[:, :23] == WHITE[dtype]).all()
    assert (target[:, 24:] == 0).all()
    assert np.abs(target[:, 23] - WHITE[dtype] / 2).max() <= 0.5  # the mean of the two columns that it was


def test_lines_stay_black_in_large_pictures_that_are_scaled_before(lines):
    large = disc(size=1024)
    faded = cv2.resize(lines(large), (64, 64), interpolation=cv2.INTER_AREA)

    drawn = lines(large, size=64)

    assert faded.min() > 128
    assert (drawn == 0).sum() > 60


def test_thresholds_the_wrong_way_round_are_refused(lines):
    with pytest.raises(ValueError, match='"low" is 500, above "high", which is 100'):
        lines(disc(), low=500, high=100)


def test_it_can_be_sent_to_a_worker(tmp_path):
    write_image(tmp_path / "train" / "a.png", disc())
    dataset = DATASETS.build({"name": "edges", "root": str(tmp_path), "method": "xdog", "sigma": 2.0}, split="train")

    sent = pickle.dumps(dataset)

    assert len(sent) < 2000
    np.testing.assert_array_equal(pickle.loads(sent)[0].source, dataset[0].source)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "xdog", "low": 10}, 'only method = "canny" uses "low", and method is "xdog"'),
        ({"method": "xdog", "high": 20}, 'only method = "canny" uses "high", and method is "xdog"'),
        ({"method": "xdog", "low": 0, "high": 20}, 'only method = "canny" uses "low" and "high", and method is "xdog"'),
        ({"sigma": 2.0}, 'only method = "xdog" uses "sigma", and method is "canny"'),
        ({"method": "canny", "threshold": 0.1}, 'only method = "xdog" uses "threshold", and method is "canny"'),
    ],
)
def test_arguments_of_the_other_method_are_refused(lines, arguments, message):
    with pytest.raises(ValueError, match=f"^{message}: leave out what has no effect, or choose the other method$"):
        lines(disc(), **arguments)


def test_repeating_a_default_of_the_other_method_is_no_mistake(lines):  # a checkpoint's recipe has all defaults
    np.testing.assert_array_equal(lines(disc(), sigma=1.0, threshold=0.015), lines(disc()))


@pytest.mark.parametrize(
    ("key", "value"),
    [("method", "hed"), ("sample", "shoes"), ("sigma", 0), ("high", 0), ("low", -1), ("channels", 2), ("size", 8)],
)
def test_a_recipe_that_asks_for_something_else_is_refused(key, value):
    signature = Signature(DATASETS.get("edges"), ["split"])

    for good in ({"method": "xdog", "sigma": 0.8}, {"method": "canny", "low": 10, "high": 20}):
        assert signature.faults({"root": "a", **good}, "") == []
    assert signature.faults({key: value}, "")
