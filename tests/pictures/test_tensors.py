"""Arrays become tensors in [-1, 1] and come back, exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from itrans.pictures.spec import WHITE
from itrans.pictures.tensors import arrays, scaled_planes, stack


def as_tensor(values, dtype):
    return stack([np.asarray(values, dtype).reshape(1, -1, 1)])


@pytest.mark.parametrize(
    ("dtype", "stored", "expected"),
    [
        ("uint8", [0, 255, 51], [-1.0, 1.0, 0.4 - 1]),
        ("uint16", [0, 65535, 13107], [-1.0, 1.0, 0.4 - 1]),
        ("float32", [0.0, 1.0, 0.5, 0.25], [-1.0, 1.0, 0.0, -0.5]),
    ],
)
def test_black_is_minus_one_and_white_is_one(dtype, stored, expected):
    tensor = scaled_planes(as_tensor(stored, dtype))
    assert tensor.dtype == torch.float32
    assert tensor.flatten()[:2].tolist() == expected[:2]
    assert tensor.flatten().tolist() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_every_value_comes_back(dtype):
    values = np.arange(int(WHITE[dtype]) + 1, dtype=dtype).reshape(16, -1, 1)
    tensor = scaled_planes(stack([values]))
    assert tensor.min() == -1
    assert tensor.max() == 1
    (again,) = arrays(tensor, dtype)
    assert again.dtype == dtype
    np.testing.assert_array_equal(again, values)


def test_floats_come_back_as_nearly_as_floats_can():
    values = np.linspace(0, 1, 1001, dtype=np.float32).reshape(7, -1, 1)
    (again,) = arrays(scaled_planes(stack([values])), "float32")
    assert again.dtype == np.float32
    np.testing.assert_allclose(again, values, rtol=0, atol=2**-24)  # half of what separates floats just below 1


@pytest.mark.parametrize("dtype", WHITE)
def test_what_is_outside_is_clipped(dtype):
    (image,) = arrays(torch.tensor([-7.0, -1.001, 1.001, 7.0]).reshape(1, 1, 1, 4), dtype)
    assert image.flatten().tolist() == [0, 0, WHITE[dtype], WHITE[dtype]]


def test_integers_are_rounded_to_nearest():
    tensor = torch.tensor([10.4, 10.6, 254.6]) / 127.5 - 1
    assert arrays(tensor.reshape(1, 1, 1, 3), "uint8")[0].flatten().tolist() == [10, 11, 255]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_outputs_of_any_precision_become_arrays(dtype):
    assert arrays(torch.ones(1, 3, 2, 2, dtype=dtype), "uint16")[0].tolist() == [[[65535] * 3] * 2] * 2


def test_outputs_may_still_carry_gradients():
    output = torch.zeros(1, 1, 1, 1, requires_grad=True) * 2
    assert arrays(output, "float32")[0].tolist() == [[[0.5]]]


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7])
@pytest.mark.parametrize("dtype", WHITE)
def test_axes_are_moved_not_reshaped(dtype, channels, memory_format):
    count = 2 * 3 * channels
    images = [np.arange(count).reshape(2, 3, channels).astype(dtype) + 100 * n for n in range(2)]
    tensor = stack(images, memory_format)
    assert tensor.shape == (2, channels, 2, 3)
    assert tensor.is_contiguous(memory_format=memory_format)
    for n, row, column, channel in np.ndindex(2, 2, 3, channels):
        assert float(tensor[n, channel, row, column]) == images[n][row, column, channel]


@pytest.mark.parametrize("channels", [2, 3, 5])
@pytest.mark.parametrize("dtype", WHITE)
def test_memory_is_channels_last_from_the_files_on(dtype, channels):
    tensor = stack([np.zeros((4, 6, channels), dtype) for _ in range(2)])
    for step in (tensor, scaled_planes(tensor)):
        assert step.is_contiguous(memory_format=torch.channels_last)
        assert not step.is_contiguous()


def test_stacking_copies():
    image = np.zeros((2, 2, 1), np.float32)
    scaled_planes(stack([image]))
    assert (image == 0).all()


def test_mirrored_arrays_can_be_stacked():
    image = np.arange(12, dtype=np.uint8).reshape(1, 6, 2)
    for memory_format in (torch.channels_last, torch.contiguous_format):
        assert stack([image[:, ::-1]], memory_format).flatten().tolist() == [10, 8, 6, 4, 2, 0, 11, 9, 7, 5, 3, 1]


@pytest.mark.parametrize("memory_format", [torch.channels_last, torch.contiguous_format])
def test_normalised_tensors_lie_as_asked(memory_format):
    stored = stack([np.zeros((4, 6, 3), np.uint8)] * 2)
    assert scaled_planes(stored, memory_format).is_contiguous(memory_format=memory_format)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", pytest.param("float32")])
def test_normalising_leaves_what_it_is_given_alone(dtype):
    stored = as_tensor([0, 1], dtype)
    before = stored.clone()
    scaled_planes(stored)
    assert torch.equal(stored, before)


@pytest.mark.parametrize("dtype", WHITE)
def test_making_arrays_leaves_the_output_alone(dtype):
    output = torch.tensor([-0.5, 0.5]).reshape(1, 1, 1, 2)
    before = output.clone()
    arrays(output, dtype)
    assert torch.equal(output, before)


def test_arrays_are_in_row_order():
    assert all(image.flags.c_contiguous for image in arrays(torch.zeros(2, 3, 4, 5), "float32"))
