"""Methods that translate both ways, and generators with wishes of their own: none of them ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from itrans.api import WHITE, DataError, load, read_image, write_image


def picture(height, width, dtype=np.uint8, channels=3):
    values = np.random.default_rng(height * width).random((height, width, channels), dtype=np.float32)
    return values if dtype == np.float32 else (values * np.iinfo(dtype).max).astype(dtype)


ENTRY_POINTS = """
[itrans.generators]
acme_random = acme_translate:Random
acme_even = acme_translate:Even

[itrans.methods]
acme_both = acme_translate:Both
acme_older = acme_translate:Older
"""

SOURCE = '''
from __future__ import annotations

import torch
from torch import Tensor, nn

from itrans.api import DataError, Translated, apply_generator


class Random(nn.Conv2d):
    """A convolution, and noise that it draws by itself."""

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)

    def forward(self, source: Tensor) -> Tensor:
        x = super().forward(source)
        return torch.tanh(x + torch.randn_like(x))


class Even(nn.Conv2d):
    """A convolution that wants an even width."""

    def __init__(self, *, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, 3, padding=1)

    def forward(self, source: Tensor) -> Tensor:
        if source.shape[-1] % 2:
            raise DataError(f"Widths should be even, not {source.shape[-1]}.")
        return torch.tanh(super().forward(source))


class Older:
    """Both ways, without a word about directions."""

    generators = ("forward", "backward")

    def __init__(self, *, build_generator, losses, source, target) -> None:
        self.networks = {
            "forward": build_generator(source.planes, target.planes),
            "backward": build_generator(target.planes, source.planes),
        }
        self.losses = losses

    def step(self, batch, runtime):
        for name, source, target in (
            ("forward", batch.source, batch.target), ("backward", batch.target, batch.source)
        ):
            with runtime.update(name) as update:
                pair = Translated(source, target, apply_generator(self.networks[name], source))
                value = self.losses[0].loss(pair)
                update({"loss": value})
        return {"loss": value.detach()}

    def translate(self, source, direction="forward"):
        if direction not in self.networks:
            raise ValueError(f"No way leads {direction}.")
        return apply_generator(self.networks[direction], source)


class Both(Older):
    """Both ways, by names of its own."""

    directions = ("colour", "grey")

    def translate(self, source, direction="forward"):
        return super().translate(source, {"colour": "forward", "grey": "backward"}.get(direction, direction))
'''

THIRD_PARTY = """
[dataset]
name = "paired"
root = "."
source = "sources/{{split}}"
target = "targets/{{split}}"

[method]
name = "{method}"

[generator]
name = "{generator}"

[[loss]]
name = "l1"

[train]
steps = 1
precision = "fp32"

[validation]
every = 0
"""


@pytest.fixture
def third_party(itrans, install):
    """Train a step, grey 8-bit sources -> 16-bit colour targets, with parts that are not ours."""
    install("acme-translate", "1.0", ENTRY_POINTS, acme_translate=SOURCE)

    def train(method, generator):
        write_image("sources/train/a.png", picture(8, 8, channels=1))
        write_image("targets/train/a.png", picture(8, 8, np.uint16))
        Path("acme.toml").write_text(THIRD_PARTY.format(method=method, generator=generator))
        done = itrans("run", "acme.toml", "-o", "acme")
        assert done.exit_code == 0, done.output
        write_image("grey/one.png", picture(10, 12, channels=1))
        write_image("colour/one.png", picture(10, 12, np.uint16))
        return Path("acme/checkpoints/last.pt")

    return train


def test_the_first_direction_is_the_default_and_the_second_goes_back(itrans, third_party):
    checkpoint = third_party("acme_both", "acme_even")
    for folder, options, expected in (
        ("grey", [], ((10, 12, 3), "uint16")),
        ("grey", ["--direction", "colour"], ((10, 12, 3), "uint16")),
        ("colour", ["--direction", "grey"], ((10, 12, 1), "uint8")),
    ):
        done = itrans("translate", checkpoint, folder, "-o", "out", *options)
        assert done.exit_code == 0, done.output
        output = read_image("out/one.png")
        assert (output.shape, output.dtype.name) == expected


def test_what_a_direction_takes_is_checked_against_the_side_that_it_starts_from(itrans, third_party):
    checkpoint = third_party("acme_both", "acme_even")
    done = itrans("translate", checkpoint, "colour", "-o", "out", "--strict")
    assert done.exit_code == 2
    assert "3 channels (RGB), but this checkpoint's generator takes 1 channel (grey)" in done.stderr
    done = itrans("translate", checkpoint, "grey", "-o", "out", "--direction", "grey", "--strict")
    assert done.exit_code == 2
    assert "1 channel (grey), but this checkpoint's generator takes 3 channels (RGB)" in done.stderr


def test_an_unknown_direction_gets_one_message_that_lists_those_that_there_are(itrans, third_party):
    checkpoint = third_party("acme_both", "acme_even")
    for name in ("two", "three"):
        write_image(f"grey/{name}.png", picture(9, 9, channels=1))
    done = itrans("translate", checkpoint, "grey", "-o", "out", "--direction", "gray")
    assert done.exit_code == 2
    assert done.stderr.count("gray") == 1
    assert 'Did you mean "grey"?' in done.stderr
    assert 'translates "colour", "grey"' in done.stderr
    assert not list(Path("out").rglob("*.*"))


def test_directions_in_python(third_party):
    translator = load(third_party("acme_both", "acme_even"))
    assert translator.directions == ("colour", "grey")
    assert (translator.source.channels, translator.target.channels) == (1, 3)
    assert translator.specs() == translator.specs("colour") == (translator.source, translator.target)
    assert translator.specs("grey") == (translator.target, translator.source)
    output = translator.translate(picture(8, 8, np.uint16), direction="grey")
    assert (output.shape, output.dtype) == ((8, 8, 1), np.uint8)
    with pytest.raises(DataError, match='"colour", "grey"'):
        translator.translate(picture(8, 8, np.uint16), direction="forward")


def test_a_method_without_directions_has_forward_alone(itrans, third_party):
    checkpoint = third_party("acme_older", "acme_even")
    translator = load(checkpoint)
    assert translator.directions == ("forward",)
    grey = picture(8, 8, channels=1)
    np.testing.assert_array_equal(translator.translate(grey), translator.translate(grey, direction="forward"))
    done = itrans("translate", checkpoint, "grey", "-o", "out", "--direction", "sideways")
    assert done.exit_code == 2
    assert 'There is no direction "sideways".' in done.stderr
    assert 'translates "forward"' in done.stderr
    assert not list(Path("out").rglob("*.*"))
    done = itrans("evaluate", checkpoint, "--split", "train", "--direction", "backward")
    assert done.exit_code == 2
    assert 'There is no direction "backward".' in done.stderr


def test_a_generator_that_draws_by_itself_gives_the_same_in_any_company(itrans, third_party):
    translator = load(third_party("acme_both", "acme_random"))
    first, second = (np.random.default_rng(n).integers(0, 256, (8, 8, 1), dtype=np.uint8) for n in (0, 1))
    together = translator.translate_batch([first, second])
    np.testing.assert_array_equal(together[1], translator.translate(second))
    assert not np.array_equal(together[1], translator.translate(second, seed=1))
    samples = translator.samples(first, 3)
    assert len({sample.tobytes() for sample in samples}) == 3
    np.testing.assert_array_equal(samples[2], translator.translate(first, seed=2))


def test_planes_are_translated_as_pictures_are_without_being_stored(third_party):
    translator = load(third_party("acme_both", "acme_random"))
    images = [picture(8, height, channels=1) for height in (8, 8)]
    planes = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 127.5 - 1
    before = planes.clone()
    outputs = translator.translate_planes(planes, translator.directions[0], seed=[0, 5])
    assert torch.equal(planes, before)
    assert outputs.dtype == torch.float32
    half = WHITE[translator.target.dtype] / 2
    stored = ((outputs.clamp(-1, 1) + 1) * half).round().permute(0, 2, 3, 1).numpy()
    np.testing.assert_array_equal(stored, translator.translate_batch(images, seed=[0, 5]))
    with pytest.raises(DataError, match="There are 3 seeds for 2 pictures"):
        translator.translate_planes(planes, seed=[0, 1, 2])


def test_pictures_that_the_generator_refuses_are_named_and_the_others_translated(itrans, third_party):
    checkpoint = third_party("acme_both", "acme_even")
    write_image("grey/odd.png", picture(9, 9, channels=1))
    done = itrans("translate", checkpoint, "grey", "-o", "out", "--batch-size", "1", "--samples", "2")
    assert done.exit_code == 2
    assert done.stderr.count("odd.png: Widths should be even, not 9.") == 1
    assert "1 of 2 pictures translated" in done.output
    assert sorted(path.name for path in Path("out").iterdir()) == ["one-1.png", "one-2.png"]
