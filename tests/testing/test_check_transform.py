"""`check_transform` names what is wrong with a transform."""

from __future__ import annotations

import numpy as np
import pytest

from itrans.testing import check_transform

pytestmark = pytest.mark.usefixtures("without_imports")


class Good:
    def __init__(self, *, most: int = 3) -> None:
        self.most = most

    def __call__(self, image, rng):
        return np.roll(image, rng.integers(1, self.most + 1), axis=1)

    labels = __call__


class GreyAlone(Good):
    def __call__(self, image, rng):
        if image.shape[2] != 1:
            raise ValueError("radar pictures have one channel")
        return super().__call__(image, rng)


class InPlace(Good):
    def __call__(self, image, rng):
        image[:] = image[::-1]
        return image


@pytest.mark.parametrize("component", [Good, GreyAlone, InPlace])
def test_good_ones_pass(component):
    check_transform(component)


class Halving(Good):
    def __call__(self, image, rng):
        return image[::2]


class OtherType(Good):
    def __call__(self, image, rng):
        return image * 0.5


class Unseeded(Good):
    def __call__(self, image, rng):
        return np.random.default_rng().permutation(image)


class Counting(Good):
    calls = 0

    def __call__(self, image, rng):
        self.calls += 1
        return np.roll(image, self.calls, axis=0)


class Bright(Good):
    def __call__(self, image, rng):
        return image + image.dtype.type(1)


class Mixing(Good):
    def labels(self, image, rng):
        return image // 2 + 7


class Refusing(Good):
    def __call__(self, image, rng):
        raise ValueError("never")


class Failing(Good):
    def __call__(self, image, rng):
        raise KeyError("rain")


class Local(Good):
    def __init__(self) -> None:
        super().__init__()
        self.function = lambda image: image


class Silent:
    pass


@pytest.mark.parametrize(
    ("component", "words"),
    [
        (Halving, "should make the same, but makes uint8 of the shape (9, 24, 3)"),
        (OtherType, "makes float64"),
        (Unseeded, "comes from the generator"),
        (Counting, "nothing of a call is left for the next"),
        (Bright, "floats from 0 to 1"),
        (Mixing, "moved, never mixed"),
        (Refusing, "refuses all pictures"),
        (Failing, "KeyError"),
        (Local, "picklable"),
        (Silent, "has no __call__()"),
    ],
)
def test_faults_are_named(component, words):
    with pytest.raises(AssertionError) as found:
        check_transform(component)
    assert words in str(found.value)
