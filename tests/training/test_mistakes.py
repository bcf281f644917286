"""What an author of a method, a network or a loss may get wrong is told in a sentence when it trains and translates."""

from __future__ import annotations

import tomllib

import cv2
import numpy as np
import pytest
import tomli_w

from itrans.registry import LOCAL, REGISTRIES

PARTS = """
from typing import Any
from torch import nn
from itrans.api import GENERATORS, LOSSES, METHODS, ImageSpec, apply_generator

class Learning:
    generators = ("generator",)
    def __init__(
        self, *, build_generator: Any, build_discriminator: Any, losses: Any, source: ImageSpec, target: ImageSpec
    ) -> None:
        self.networks = {"generator": build_generator(source.planes, target.planes)}
        if build_discriminator is not None:
            self.networks["discriminator"] = build_discriminator(target.planes, 0)
    def translate(self, source, direction="forward"):
        return apply_generator(self.networks["generator"], source)
    def distance(self, batch):
        return (self.translate(batch.source) - batch.target).abs().mean()
    def step(self, batch, runtime):
        value = self.distance(batch)
        with runtime.update("generator") as update:
            update({"l1": value})
        return {"l1": value.detach()}

@METHODS.register("misnaming", replace=True)
class Misnaming(Learning):
    def step(self, batch, runtime):
        with runtime.update("generater") as update:
            update({"l1": self.distance(batch)})

@METHODS.register("floats", replace=True)
class Floats(Learning):
    def step(self, batch, runtime):
        return {name: float(value) for name, value in super().step(batch, runtime).items()}

@METHODS.register("vectors", replace=True)
class Vectors(Learning):
    def step(self, batch, runtime):
        return {name: value.repeat(3) for name, value in super().step(batch, runtime).items()}

@METHODS.register("silent", replace=True)
class Silent(Learning):
    def step(self, batch, runtime):
        super().step(batch, runtime)

@METHODS.register("descends_on_floats", replace=True)
class DescendsOnFloats(Learning):
    def step(self, batch, runtime):
        with runtime.update("generator") as update:
            update({"l1": float(self.distance(batch).detach())})

@METHODS.register("descends_on_a_tensor", replace=True)
class DescendsOnATensor(Learning):
    def step(self, batch, runtime):
        with runtime.update("generator") as update:
            update(self.distance(batch))

@METHODS.register("undetached", replace=True)
class Undetached(Learning):
    def step(self, batch, runtime):
        output = self.translate(batch.source)
        for name in ("discriminator", "generator"):
            with runtime.update(name) as update:
                update({"gan": self.networks["discriminator"](output, None).mean()})

@GENERATORS.register("listing", replace=True)
class Listing(nn.Conv2d):
    def __init__(self, in_channels, out_channels) -> None:
        super().__init__(in_channels, out_channels, 1)
    def forward(self, source):
        return [super().forward(source).tanh()]

@GENERATORS.register("listing_later", replace=True)
class ListingLater(nn.Conv2d):
    def __init__(self, in_channels, out_channels) -> None:
        super().__init__(in_channels, out_channels, 1)
    def forward(self, source):
        output = super().forward(source).tanh()
        return output if self.training else [output]

@LOSSES.register("odd", replace=True)
class Odd:
    role = "colour"
    def __call__(self, translated):
        return translated.output.mean()

def make_odd():
    return Odd()

LOSSES.register("odd_function", replace=True)(make_odd)
"""


@pytest.fixture(autouse=True)
def without_parts():
    """Leave none of the parts to other tests."""
    yield
    for registry in REGISTRIES.values():
        for origin in registry.origins():
            if origin.distribution == LOCAL:
                registry.unregister(origin.name)


@pytest.fixture
def told(itrans, recipe, tmp_path):
    """Train with some tables in place of the recipe's, which goes wrong, and return the message."""
    (tmp_path / "parts.py").write_text(PARTS, encoding="utf-8")

    def run(*words, **tables):
        whole = {**tomllib.loads(recipe.read_text(encoding="utf-8")), **tables}
        changed = {name: table for name, table in whole.items() if table}
        recipe.write_text(tomli_w.dumps(changed), encoding="utf-8")
        done = itrans("run", recipe, "--code", "parts.py", *words)
        assert done.exit_code == 2, done.output
        assert "Traceback" not in done.output
        return done.stderr

    return run


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("misnaming", ["'generater'", 'Did you mean "generator"?']),
        ("floats", ["tensors of no dimensions", 'float as "l1"']),
        ("vectors", ['a tensor of shape (3,) as "l1"']),
        ("silent", ["tensors of no dimensions", "returns NoneType"]),
        ("descends_on_floats", ['The update of generator was given float as "l1"', "item()"]),
        ("descends_on_a_tensor", ["The update of generator was given Tensor", "by name"]),
        ("undetached", ["second time", "output.detach()"]),
    ],
)
def test_mistakes_of_a_method(told, method, words):
    message = told("--set", "validation.every=0", "--set", "log.pictures=0", method={"name": method})
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize("loss", ["odd", "odd_function"])
def test_a_loss_with_a_role_that_the_method_does_not_know(told, loss):
    message = told(discriminator=None, loss=[{"name": loss}])
    assert f'"{loss}"' in message
    assert 'role = "image"' in message or '("image" or "adversarial")' in message


@pytest.mark.parametrize(("generator", "name"), [("listing", "Listing"), ("listing_later", "ListingLater")])
def test_a_generator_that_returns_a_list(told, generator, name):
    message = told(generator={"name": generator})
    assert f"the generator {name} should return a tensor" in message
    assert "returns list" in message


def test_a_generator_that_returns_a_list_when_it_translates(itrans, recipe, tmp_path):
    (tmp_path / "parts.py").write_text(PARTS, encoding="utf-8")
    whole = tomllib.loads(recipe.read_text(encoding="utf-8"))
    whole |= {"generator": {"name": "listing_later"}, "validation": {"every": 0}}
    whole["log"]["pictures"] = 0
    recipe.write_text(tomli_w.dumps(whole), encoding="utf-8")
    done = itrans("run", recipe, "--code", "parts.py", "-o", "run")
    assert done.exit_code == 0, done.output
    cv2.imwrite("picture.png", np.zeros((16, 16, 3), np.uint8))
    done = itrans("translate", "run/checkpoints/last.pt", "picture.png", "-o", "out", "--code", "parts.py")
    assert done.exit_code == 2
    assert "the generator ListingLater should return a tensor" in done.stderr
    assert "returns list" in done.stderr
