"""What recipes can set: names that resolve, and annotations that a value can be checked against."""

import inspect
import json
import typing

import pytest
from pydantic import TypeAdapter, ValidationError

from itrans.api import DISCRIMINATORS, GENERATORS, LOSSES
from itrans_pix2pix.discriminators import PatchGAN
from itrans_pix2pix.generators import EncoderDecoder, UNet
from itrans_pix2pix.losses import ConditionalGANLoss, GANLoss, L1Loss, L2Loss

COMPONENTS = [
    (GENERATORS, "unet", UNet),
    (GENERATORS, "encoder_decoder", EncoderDecoder),
    (DISCRIMINATORS, "patchgan", PatchGAN),
    (LOSSES, "cgan", ConditionalGANLoss),
    (LOSSES, "gan", GANLoss),
    (LOSSES, "l1", L1Loss),
    (LOSSES, "l2", L2Loss),
]


def check(component, key, value):
    annotation = typing.get_type_hints(component.__init__, include_extras=True)[key]
    return TypeAdapter(annotation).validate_json(json.dumps(value), strict=True)


@pytest.mark.parametrize(("registry", "name", "component"), COMPONENTS)
def test_recipes_find_the_components_by_name(registry, name, component):
    assert registry.get(f"itrans:{name}") is component


@pytest.mark.parametrize("component", [component for *_, component in COMPONENTS])
def test_every_argument_has_an_annotation_that_admits_its_default(component):
    parameters = inspect.signature(component).parameters
    assert all(parameter.kind is parameter.KEYWORD_ONLY for parameter in parameters.values())
    for name, parameter in parameters.items():
        if parameter.default is not parameter.empty:
            assert check(component, name, parameter.default) == parameter.default


@pytest.mark.parametrize(
    ("component", "required"),
    [
        (UNet, {"in_channels", "out_channels"}),
        (EncoderDecoder, {"in_channels", "out_channels"}),
        (PatchGAN, {"in_channels", "condition_channels"}),
        (GANLoss, set()),
    ],
)
def test_only_what_the_data_decides_is_required(component, required):
    parameters = inspect.signature(component).parameters
    assert {name for name, parameter in parameters.items() if parameter.default is parameter.empty} == required


@pytest.mark.parametrize(
    ("component", "key", "value"),
    [
        (UNet, "depth", 1),
        (UNet, "depth", 8.0),
        (UNet, "depth", "8"),
        (UNet, "filters", 0),
        (UNet, "norm", "layer"),
        (UNet, "dropout", 1.0),
        (UNet, "dropout", -0.1),
        (UNet, "dropout_placement", "all"),
        (EncoderDecoder, "upsample", "bilinear"),
        (PatchGAN, "patch", 64),
        (PatchGAN, "layers", -1),
        (PatchGAN, "filters", True),
        (GANLoss, "objective", "wgan"),
    ],
)
def test_values_that_a_recipe_cannot_have(component, key, value):
    with pytest.raises(ValidationError):
        check(component, key, value)


@pytest.mark.parametrize("component", [component for *_, component in COMPONENTS])
def test_listings_show_one_line(component):
    first = inspect.getdoc(component).splitlines()[0]
    assert first.endswith(".")
    assert len(first) < 110
