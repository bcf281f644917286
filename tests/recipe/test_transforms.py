"""What is wrong with a transform of a recipe is said before any picture is read."""

from __future__ import annotations

import inspect
import json
import warnings

import albumentations
import pytest

from itrans.recipe.signature import Signature
from itrans.recipe.transforms import make_transform, transform_faults

CLASSES = {
    name: value
    for name, value in vars(albumentations).items()
    if inspect.isclass(value) and issubclass(value, albumentations.BasicTransform) and "InitSchema" in vars(value)
}


def faults(name, arguments):
    return [message for _, message in transform_faults(name, arguments)]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("HorizontalFlip", {}), ("Rotate", {"limit": 30, "p": 0.3}), ("ColorJitter", {"hue": 0.1}), ("NoOp", {})],
)
def test_a_good_transform_has_no_fault(name, arguments):
    assert faults(name, arguments) == []


def made(name, arguments):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            make_transform(name, arguments)
    except Exception:  # of albumentations, which raises many kinds
        return False
    return True


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_what_a_class_takes_is_taken(name):
    defaults = Signature(CLASSES[name]).defaults()
    for arguments in ({}, defaults, *({key: value} for key, value in defaults.items())):
        stored = json.loads(json.dumps(arguments))
        assert (faults(name, stored) == []) == made(name, stored), arguments


def test_unknown_transform_suggests_the_nearest():
    assert faults("HorizontalFlop", {}) == [
        f'albumentations {albumentations.__version__} has no transform "HorizontalFlop". Did you mean "HorizontalFlip"?'
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("Compose", "OneOf", "np", "__version__", "os", "albumentations.Rotate", ""),
        *("BasicTransform", "DualTransform", "ImageOnlyTransform", "Transform3D"),  # abstract
    ],
)
def test_what_is_no_transform_is_unknown(name):
    [fault] = faults(name, {})
    assert f'has no transform "{name}".' in fault


def test_unknown_argument_suggests_the_nearest_and_lists_all():
    [(key, fault)] = transform_faults("Rotate", {"limt": 30})
    assert key == "limt"
    assert fault.startswith(
        '"Rotate" takes no "limt". Did you mean "limit"?\nIt takes: limit ([number, number] | number'
    )
    assert all(f" {name} (" in fault for name in inspect.signature(albumentations.Rotate).parameters)


def test_an_argument_that_is_missing_is_named():
    assert [fault.partition("\n")[0] for fault in faults("RandomCrop", {})] == [
        '"RandomCrop" needs "height".',
        '"RandomCrop" needs "width".',
    ]


def test_a_value_of_another_type_is_held_against_the_annotation():
    [(key, fault)] = transform_faults("Rotate", {"limit": "much"})
    assert key == "limit"
    assert fault.startswith('"Rotate": "limit" is "much", but should be [number, number] | number (')


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("HorizontalFlip", {"p": 2}), ("RandomCrop", {"height": -1, "width": 4})],
)
def test_refused_arguments_say_why(name, arguments):
    [fault] = faults(name, arguments)
    assert fault.startswith(f'"{name}" refuses its arguments: ')
