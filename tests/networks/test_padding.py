"""Pictures of any size go through a generator that wants multiples."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from itrans.api import apply_generator


class Recording:
    """A generator that returns what it is given, or a function of that, and keeps it."""

    def __init__(self, size_multiple, translate=lambda source: source):
        self.size_multiple, self.translate, self.seen = size_multiple, translate, None

    def __call__(self, source):
        self.seen = source
        return self.translate(source)


def pictures(height, width, channels=2):
    return torch.rand(2, channels, height, width, generator=torch.Generator().manual_seed(0))


def centred(size, multiple):
    """How much is added before and after, the larger part after."""
    missing = -size % multiple
    return missing // 2, missing - missing // 2


@pytest.mark.parametrize("multiple", [2, 4, 8, 32])
@pytest.mark.parametrize("height", [1, 2, 3, 5, 8, 31])
@pytest.mark.parametrize("width", [1, 4, 7, 33])
def test_padding_is_what_numpy_calls_reflection(height, width, multiple):
    source, generator = pictures(height, width), Recording(multiple)
    apply_generator(generator, source)
    margins = [(0, 0), (0, 0), centred(height, multiple), centred(width, multiple)]
    np.testing.assert_array_equal(generator.seen.numpy(), np.pad(source.numpy(), margins, mode="reflect"))


def test_reflection_leaves_the_edge_out():
    generator = Recording(8)
    apply_generator(generator, torch.tensor([[[[1.0, 2.0, 3.0]]]]))
    assert generator.seen[0, 0, 0].tolist() == [3, 2, 1, 2, 3, 2, 1, 2]  # 2 before, 3 after, reflected twice


@pytest.mark.parametrize("multiple", [1, 2, 3, 7, 256])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (2, 3), (16, 16), (17, 5)])
def test_identity_gives_the_picture_back(height, width, multiple):
    source = pictures(height, width)
    assert torch.equal(apply_generator(Recording(multiple), source), source)


def test_the_generator_sees_multiples():
    for height in range(1, 20):
        generator = Recording(6)
        apply_generator(generator, pictures(height, 20 - height))
        assert generator.seen.shape[-2] % 6 == generator.seen.shape[-1] % 6 == 0
        assert generator.seen.shape[-2] - height < 6


@pytest.mark.parametrize("multiple", [1, 4, 8])
def test_what_fits_is_not_padded(multiple):
    source, generator = pictures(8, 16), Recording(multiple)
    apply_generator(generator, source)
    assert generator.seen is source


def test_only_the_side_that_needs_it_is_padded():
    generator = Recording(8)
    apply_generator(generator, pictures(8, 9))
    assert generator.seen.shape == (2, 2, 8, 16)


def test_without_a_multiple_any_size_goes():
    source = pictures(3, 5)
    assert apply_generator(lambda given: given * 2, source).tolist() == (source * 2).tolist()


def test_output_may_have_other_channels():
    generator = Recording(8, translate=lambda source: source.repeat(1, 2, 1, 1)[:, :3])
    assert apply_generator(generator, pictures(5, 11)).shape == (2, 3, 5, 11)


def test_gradients_reach_the_source():
    source = pictures(3, 3).requires_grad_()
    apply_generator(Recording(4), source).sum().backward()
    assert torch.equal(source.grad, torch.ones_like(source))  # what is cropped away again does not count
