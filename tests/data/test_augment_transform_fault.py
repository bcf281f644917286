"""What is wrong with a transform of a recipe is said before any picture is read."""

from __future__ import annotations

import inspect

import albumentations
import pytest

from itrans.data.augment import transform_fault


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("HorizontalFlip", {}), ("Rotate", {"limit": 30, "p": 0.3}), ("ColorJitter", {"hue": 0.1}), ("NoOp", {})],
)
def test_a_good_transform_has_no_fault(name, arguments):
    assert transform_fault(name, arguments) is None


def test_unknown_transform_suggests_the_nearest():
    assert transform_fault("HorizontalFlop", {}) == (
        f'albumentations {albumentations.__version__} has no transform "HorizontalFlop". Did you mean "HorizontalFlip"?'
    )


@pytest.mark.parametrize(
    "name",
    [
        *("Compose", "OneOf", "np", "__version__", "os", "albumentations.Rotate", ""),
        *("BasicTransform", "DualTransform", "ImageOnlyTransform", "Transform3D"),  # abstract
    ],
)
def test_what_is_no_transform_is_unknown(name):
    assert f'has no transform "{name}".' in transform_fault(name, {})


def test_unknown_argument_suggests_the_nearest_and_lists_all():
    fault = transform_fault("Rotate", {"limt": 30})
    assert fault.startswith('"Rotate" takes no "limt". Did you mean "limit"?\nIt takes: ')
    assert set(fault.rpartition(": ")[2].split(", ")) == set(inspect.signature(albumentations.Rotate).parameters)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Rotate", {"limit": "much"}),
        ("HorizontalFlip", {"p": 2}),
        ("RandomCrop", {}),
        ("RandomCrop", {"height": -1, "width": 4}),
    ],
)
def test_refused_arguments_say_why(name, arguments):
    assert transform_fault(name, arguments).startswith(f'"{name}" refuses its arguments: ')
