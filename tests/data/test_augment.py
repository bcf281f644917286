"""One geometry for both sides of a pair, drawn from a seed."""

from __future__ import annotations

import pickle
import random

import numpy as np
import pytest

from itrans.data.augment import PairTransform
from itrans.data.sampler import derived_seed
from itrans.errors import DataError
from itrans.pictures.spec import ImageSpec
from itrans.recipe.schema import Augment
from itrans.records import Pair

JITTER = {"resize": 36, "crop": 32, "mirror": True}
ROTATE = {"name": "Rotate", "limit": [10, 80], "p": 1.0}
INVERT = {"name": "InvertImg", "p": 1.0}


def noise(height=32, width=32, channels=3, dtype="uint8", seed=0):
    top = {"uint8": 256, "uint16": 65536, "float32": 1}[dtype]
    return (np.random.default_rng(seed).random((height, width, channels)) * top).astype(dtype)


def transform(augment=(), *, source=None, target=None, paired=True, training=True):
    source, target = source or ImageSpec(3), target or ImageSpec(3)
    return PairTransform(Augment.model_validate(dict(augment)), source, target, paired=paired, training=training)


def twins(image=None):
    """A pair whose target equals its source: whatever differs afterwards, the geometry has made."""
    image = noise() if image is None else image
    return Pair(image, image.copy(), "a/1.png")


def mirrored_at(seed, change):
    """Whether a change mirrors the source."""
    pair = twins()
    result = change(pair, seed)
    is_mirrored = np.array_equal(result.source, pair.source[:, ::-1])
    assert is_mirrored or np.array_equal(result.source, pair.source)
    return is_mirrored


@pytest.mark.parametrize(
    "augment",
    [
        JITTER,
        {"size": (20, 40), "mirror": True},
        {"crop": 7},
        {"transform": [ROTATE]},
        {**JITTER, "transform": [ROTATE, {"name": "ElasticTransform", "p": 1.0}, {"name": "VerticalFlip"}]},
        {"transform": [{"name": "ColorJitter", "p": 1.0}]},
    ],
    ids=["jitter", "size", "crop", "rotate", "many", "colour"],
)
def test_both_sides_are_transformed_alike(augment):
    change, sources = transform(augment), set()
    for seed in range(12):
        result = change(twins(), seed)
        np.testing.assert_array_equal(result.source, result.target)
        sources.add(result.source.tobytes())
    assert len(sources) > 1


def test_sides_of_different_channels_share_the_geometry():
    colour = noise()
    change = transform({**JITTER, "resize": 32, "crop": 20}, source=ImageSpec(1), target=ImageSpec(3))
    for seed in range(12):
        result = change(Pair(colour[..., :1], colour, "k"), seed)
        np.testing.assert_array_equal(result.source, result.target[..., :1])


def test_the_key_stays():
    assert transform(JITTER)(twins(), 0).key == "a/1.png"


def test_without_a_table_nothing_changes():
    pair = twins()
    assert transform()(pair, 0) == pair


def test_what_is_given_is_not_written_to():
    pair = twins()
    before = pair.source.copy()
    change = transform({"mirror": True, "transform": [INVERT, {**INVERT, "on": "source"}]})
    for seed in range(4):
        change(pair, seed)
        np.testing.assert_array_equal(pair.source, before)
        np.testing.assert_array_equal(pair.target, before)


def test_mirror_happens_about_half_the_time():
    change = transform({"mirror": True})
    count = sum(mirrored_at(derived_seed(1, epoch, 0), change) for epoch in range(400))
    assert 140 < count < 260  # 200 and six standard deviations of 10


@pytest.mark.parametrize("on", ["both", "source"])
def test_transforms_are_drawn_independently_of_one_another(on):
    change = transform({"mirror": True, "transform": [{"name": "VerticalFlip", "p": 0.5, "on": on}]})
    image = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)
    corners = [int(change(twins(image), seed).source[0, 0, 0]) for seed in range(400)]
    counts = np.bincount(corners, minlength=4)
    # 100 of each is expected, with a standard deviation of 8.7
    assert (abs(counts - 100) < 5 * 8.7).all()


def test_without_mirror_it_never_happens():
    change = transform({"size": 32})
    assert not any(mirrored_at(seed, change) for seed in range(20))


@pytest.mark.parametrize(
    ("augment", "size"),
    [
        ({"size": 24}, (24, 24)),
        ({"size": (24, 40)}, (24, 40)),
        ({"resize": 36}, (36, 36)),
        ({"resize": (36, 50), "crop": 32}, (32, 32)),
        ({"resize": 36, "crop": (20, 30)}, (20, 30)),
        ({"crop": (8, 16)}, (8, 16)),
        ({"mirror": True}, (32, 32)),
    ],
)
def test_sizes_are_height_and_width(augment, size):
    for training in (True, False):
        result = transform(augment, training=training)(twins(), 0)
        assert result.source.shape == result.target.shape == (*size, 3)


def test_crop_is_a_part_of_the_picture_and_reaches_every_place():
    column = np.arange(10, dtype=np.uint8)[None, :, None].repeat(10, axis=0)
    change = transform({"crop": 7}, source=ImageSpec(1), target=ImageSpec(1))
    firsts = set()
    for seed in range(60):
        row = change(twins(column), seed).source[0, :, 0].tolist()
        assert row == list(range(row[0], row[0] + 7))
        firsts.add(row[0])
    assert firsts == {0, 1, 2, 3}


def test_shrinking_averages():
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, ::2] = 200
    assert (transform({"size": 16})(twins(image), 0).source == 100).all()


def test_source_only_transform_leaves_the_target_alone():
    pair = twins()
    result = transform({"transform": [{**INVERT, "on": "source"}]})(pair, 0)
    np.testing.assert_array_equal(result.source, 255 - pair.source)
    np.testing.assert_array_equal(result.target, pair.target)


def test_source_only_transform_comes_after_the_shared_geometry():
    change = transform({**JITTER, "transform": [{**INVERT, "on": "source"}]})
    for seed in range(8):
        result = change(twins(), seed)
        np.testing.assert_array_equal(255 - result.source, result.target)


def test_same_seed_same_result():
    augment = {**JITTER, "transform": [ROTATE, {"name": "GaussNoise", "p": 1.0, "on": "source"}]}
    first, second = transform(augment), transform(augment)
    second(twins(), 99)  # what was drawn before does not matter
    for seed in (0, 1, 2**32 - 1):
        results = first(twins(), seed), second(twins(), seed)
        np.testing.assert_array_equal(results[0].source, results[1].source)
        np.testing.assert_array_equal(results[0].target, results[1].target)


def test_different_seeds_give_different_results():
    change = transform({"resize": 64, "crop": 32})  # 33 * 33 places
    assert len({change(twins(), seed).source.tobytes() for seed in range(30)}) > 20


def test_the_random_state_of_the_process_does_not_matter():
    change = transform(JITTER)
    expected = change(twins(), 5).source
    random.seed(1)
    np.random.seed(1)
    np.testing.assert_array_equal(change(twins(), 5).source, expected)


def test_validation_has_nothing_random():
    augment = {**JITTER, "transform": [ROTATE, {**INVERT, "on": "source"}]}
    change = transform(augment, training=False)
    expected = transform({"size": 32})(twins(noise(48, 40)), 0)
    for seed in range(8):
        result = change(twins(noise(48, 40)), seed)
        np.testing.assert_array_equal(result.source, expected.source)
        np.testing.assert_array_equal(result.target, expected.target)


def test_validation_without_sizes_changes_nothing():
    pair = twins()
    result = transform({"mirror": True, "transform": [ROTATE]}, training=False)(pair, 3)
    np.testing.assert_array_equal(result.source, pair.source)
    np.testing.assert_array_equal(result.target, pair.target)


def test_sides_that_are_no_pair_are_drawn_on_their_own():
    change = transform({"mirror": True}, paired=False)
    turned = set()
    for seed in range(60):
        pair = twins()
        result = change(pair, derived_seed(seed))
        turned.add(tuple(np.array_equal(new, old[:, ::-1]) for new, old in zip(result[:2], pair[:2], strict=True)))
    assert turned == {(False, False), (False, True), (True, False), (True, True)}


def test_sides_that_are_no_pair_may_differ_in_size():
    result = transform(JITTER, paired=False)(Pair(noise(40, 50), noise(60, 20), "k"), 0)
    assert result.source.shape == result.target.shape == (32, 32, 3)


@pytest.mark.parametrize("paired", [True, False])
def test_too_small_for_the_crop_is_named(paired):
    with pytest.raises(DataError, match=r"^a/1\.png \(30x20\) cannot be augmented as \[augment\] says: ") as caught:
        transform({"crop": 25}, paired=paired)(twins(noise(20, 30)), 0)
    assert "crop" in str(caught.value).lower()


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("augment", [JITTER, {"size": 20, "mirror": True}, {"size": 50}])
def test_every_type_and_channel_count_passes(augment, channels, dtype):
    spec, pair = ImageSpec(channels, dtype=dtype), twins(noise(channels=channels, dtype=dtype))
    result = transform(augment, source=spec, target=spec)(pair, 0)
    assert result.source.dtype == dtype
    assert result.source.shape[2] == channels
    np.testing.assert_array_equal(result.source, result.target)
    assert result.source.max() > pair.source.max() / 2  # nothing is squeezed into 8 bits


def test_labels_on_both_sides_share_the_geometry():
    labels, spec = (noise(channels=1) > 127).astype(np.uint8) * 200, ImageSpec(1, kind="labels", labels=201)
    change = transform({"resize": 48, "crop": 20, "mirror": True}, source=spec, target=spec)
    for seed in range(8):
        result = change(twins(labels), seed)
        np.testing.assert_array_equal(result.source, result.target)
        assert set(np.unique(result.source).tolist()) == {0, 200}


def test_sixteen_bits_keep_all_their_values():
    ramp = np.arange(65536, dtype=np.uint16).reshape(256, 256, 1)
    spec = ImageSpec(1, dtype="uint16")
    result = transform({"mirror": True, "transform": [{"name": "VerticalFlip"}]}, source=spec, target=spec)
    assert len(np.unique(result(twins(ramp), 0).source)) == 65536


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("augment", [{"size": 20}, {"size": 50}, {**JITTER, "transform": [ROTATE]}])
def test_labels_are_never_mixed(augment, side, paired):
    labels, spec = (noise(channels=1) > 127).astype(np.uint8) * 200, ImageSpec(1, kind="labels", labels=201)
    pair = Pair(noise(), noise(), "k")._replace(**{side: labels})
    result = transform(augment, paired=paired, **{side: spec})(pair, 0)
    assert set(np.unique(getattr(result, side)).tolist()) == {0, 200}


@pytest.mark.parametrize(
    ("name", "dtype"),
    [("ToFloat", "uint8"), ("Normalize", "uint8"), ("ToTensorV2", "uint8"), ("MedianBlur", "uint16")],
)
def test_transform_that_changes_the_type_is_refused(name, dtype):
    spec = ImageSpec(3, dtype=dtype)
    change = transform({"transform": [{"name": name, "p": 1.0}]}, source=spec, target=spec)
    with pytest.raises(DataError, match=r"a/1\.png"):
        change(twins(noise(dtype=dtype)), 0)


def test_transform_that_changes_the_channels_is_refused():
    change = transform({"transform": [{"name": "ToRGB", "p": 1.0}]}, source=ImageSpec(1), target=ImageSpec(1))
    with pytest.raises(DataError, match=r"a/1\.png"):
        change(twins(noise(channels=1)), 0)


@pytest.mark.parametrize(("name", "channels"), [("BBoxSafeRandomCrop", 3), ("ToTensor3D", 3), ("ChannelDropout", 1)])
def test_transform_that_fails_names_the_pair(name, channels):
    spec = ImageSpec(channels)
    change = transform({"transform": [{"name": name, "p": 1.0}]}, source=spec, target=spec)
    with pytest.raises(DataError, match=r"a/1\.png"):
        change(twins(noise(channels=channels)), 0)


@pytest.mark.parametrize("on", ["both", "source"])
@pytest.mark.parametrize(
    ("name", "channels", "dtype"), [("ChannelDropout", 1, "uint8"), ("ToFloat", 3, "uint8"), ("Equalize", 3, "uint16")]
)
def test_transform_that_fails_is_named_with_its_key_and_the_kind_of_the_picture(on, name, channels, dtype):
    spec = ImageSpec(channels, dtype=dtype)
    others = [{"name": "HorizontalFlip"}, {"name": "Transpose", "on": "source"}]
    change = transform({"transform": [*others, {"name": name, "p": 1.0, "on": on}]}, source=spec, target=spec)
    with pytest.raises(DataError) as caught:
        change(twins(noise(channels=channels, dtype=dtype)), 0)
    assert f'augment.transform.2 ("{name}")' in str(caught.value)
    assert f"of {dtype}" in str(caught.value)


def test_it_goes_to_other_processes_used_or_not():
    change = transform(JITTER)
    expected = change(twins(), 3).source
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(change))(twins(), 3).source, expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(transform(JITTER)))(twins(), 3).source, expected)


@pytest.mark.parametrize(("ignored", "dtype"), [(255, np.uint8), (65535, np.uint16)])
def test_what_a_transform_leaves_empty_of_a_label_map_has_no_class(ignored, dtype):
    spec = ImageSpec(1, "labels", labels=3, dtype=np.dtype(dtype).name, ignored=ignored)
    labels = np.full((32, 32, 1), 2, dtype)
    photo = np.full((32, 32, 3), 200, np.uint8)
    turn = {"name": "Rotate", "limit": [45, 45], "p": 1.0, "border_mode": 0}
    augment = Augment.model_validate({"transform": [turn]})
    turned = PairTransform(augment, spec, ImageSpec(3))(Pair(labels, photo, "k"), 0)
    assert set(np.unique(turned.source)) == {2, ignored}
    assert turned.source[0, 0] == ignored  # the corners come from outside of the picture
    assert turned.target[0, 0].tolist() == [0, 0, 0]
    chosen = Augment.model_validate({"transform": [turn | {"fill_mask": 1}]})
    assert PairTransform(chosen, spec, ImageSpec(3))(Pair(labels, photo, "k"), 0).source[0, 0] == 1


def test_a_transform_that_leaves_label_maps_alone_goes_on_doing_so():
    spec = ImageSpec(1, "labels", labels=3, ignored=255)
    labels, photo = np.full((32, 32, 1), 2, np.uint8), np.full((32, 32, 3), 200, np.uint8)
    augment = Augment.model_validate({"transform": [{"name": "CoarseDropout", "p": 1.0}]})
    done = PairTransform(augment, spec, ImageSpec(3))(Pair(labels, photo, "k"), 0)
    assert np.array_equal(done.source, labels)
    assert not np.array_equal(done.target, photo)
