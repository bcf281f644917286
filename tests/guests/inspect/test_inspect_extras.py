"""Networks that take more than a picture: the method shows how they are called."""

from __future__ import annotations

import json
from pathlib import Path

import conditional
import pytest
import tomli_w
from torch import Tensor, nn

from itrans.api import DISCRIMINATORS, METHODS, train


class Judge(nn.Module):
    """Sees a picture, a source and a colour."""

    def __init__(self, *, in_channels: int, condition_channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels + condition_channels, 4, 3, padding=1)
        self.second = nn.Conv2d(4, 1, 3, padding=1)
        self.colours = nn.Embedding(len(conditional.COLOURS), 4)

    def forward(self, image: Tensor, condition: Tensor, *, colour: Tensor) -> Tensor:
        seen = self.first(image + 0 * condition[:, :1]) + self.colours(colour)[:, :, None, None]
        return self.second(seen)


class Judged(conditional.Painted):
    """Has a discriminator that is told the colour, and an encoder of its own."""

    def __init__(self, *, build_generator, build_discriminator, source, target, extras, losses) -> None:
        super().__init__(build_generator=build_generator, source=source, target=target, extras=extras, losses=losses)
        self.judge = build_discriminator(target.planes, 0)
        self.encoder = nn.Conv2d(3, 2, 1)

    @property
    def networks(self):
        return {"generator": self.generator, "judge": self.judge, "encoder": self.encoder}

    def step(self, batch, runtime):
        self.judge(batch.target, batch.source, colour=batch.extras["colour"])
        with runtime.update("generator") as update:
            update({})
        return {}


@pytest.fixture(autouse=True)
def components():
    conditional.register()
    DISCRIMINATORS.register("judge", replace=True)(Judge)
    METHODS.register("judged", replace=True)(Judged)
    yield
    METHODS.unregister("judged")
    DISCRIMINATORS.unregister("judge")
    conditional.unregister()


@pytest.fixture
def judged():
    recipe = {**conditional.RECIPE, "method": {"name": "judged"}, "discriminator": {"name": "judge"}}
    Path("judged.toml").write_text(tomli_w.dumps(recipe))
    return "judged.toml"


def told(itrans, *arguments):
    done = itrans("inspect", *arguments, "--json")
    assert done.exit_code == 0, done.output
    return {network["name"]: network for network in json.loads(done.stdout)["networks"]}


def test_networks_are_traced_as_the_method_calls_them(itrans, judged):
    for size in (16, 40):
        found = told(itrans, judged, "--size", size)
        assert found["generator"]["multiply_adds"] == size**2 * (3 + 1 + 3) * 3 * 9
        assert found["judge"]["multiply_adds"] == size**2 * (3 * 4 + 4) * 9
        assert found["encoder"]["parameters"] == 3 * 2 + 2


def test_a_discriminators_patch_and_a_generators_diagram_are_drawn(itrans, judged):
    done = itrans("inspect", judged, "--diagram", "brush.svg", "--receptive-field", "judge.png")
    assert done.exit_code == 0, done.output
    assert "5x5" in itrans("inspect", judged).output
    assert "<svg" in Path("brush.svg").read_text()
    assert Path("judge.png").is_file()


def test_a_checkpoint_knows_its_extras(itrans, tmp_path):
    run = train(conditional.RECIPE, output=tmp_path / "run", progress=False).folder
    assert told(itrans, run)["generator"]["multiply_adds"] == 16**2 * 7 * 3 * 9


def test_without_the_data_set_the_extra_that_is_missing_is_named(itrans, judged):
    done = itrans("inspect", judged, "--channels", "3,3")
    assert done.exit_code == 2
    assert 'the extra "colour"' in done.stderr


def test_a_network_that_is_never_called_is_named(itrans, judged, monkeypatch):
    monkeypatch.setattr(Judged, "step", lambda _self, _batch, _runtime: {})
    done = itrans("inspect", judged)
    assert done.exit_code == 2
    assert "Judge takes more than a picture" in done.stderr
    assert "Traceback" not in done.output
